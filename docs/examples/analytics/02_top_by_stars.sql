-- Question:   which repositories got most stars in the period?
-- Datasource: gh_event
-- Columns:    __time, type, repo_name, actor_login
-- Method:     stars and distinct people; a period is a condition on __time.
SELECT repo_name, COUNT(*) AS stars, COUNT(DISTINCT actor_login) AS people
FROM gh_event
WHERE type = 'WatchEvent' AND __time >= TIMESTAMP '2015-01-01 00:00:00' AND __time < TIMESTAMP '2015-01-02 00:00:00'
GROUP BY repo_name
ORDER BY stars DESC, repo_name
LIMIT 20
