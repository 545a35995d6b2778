-- Question:   in which languages are pull requests opened?
-- Datasource: gh_event
-- Columns:    __time, type, action, language
-- Method:     the language of the repository the pull request goes to.
SELECT language, COUNT(*) AS pulls, COUNT(DISTINCT actor_login) AS people, ROUND(100.0 * COUNT(*) / SUM(COUNT(*)) OVER (), 4) AS percent
FROM gh_event
WHERE type = 'PullRequestEvent' AND action = 'opened' AND language IS NOT NULL
GROUP BY language
ORDER BY pulls DESC, language
LIMIT 20
