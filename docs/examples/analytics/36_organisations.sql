-- Question:   which organisations are largest: repositories, stars, people?
-- Datasource: gh_event
-- Columns:    org_login, repo_name, type, actor_login
-- Method:     what was active of each organisation in the period.
SELECT org_login, COUNT(DISTINCT repo_name) AS repos, COUNT(*) FILTER (WHERE type = 'WatchEvent') AS stars,
  COUNT(DISTINCT actor_login) AS people, COUNT(*) AS events
FROM gh_event
WHERE org_login IS NOT NULL
GROUP BY org_login
ORDER BY people DESC, events DESC, org_login
LIMIT 20
