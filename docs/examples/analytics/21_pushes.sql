-- Question:   how many pushes, and commits in them, are there each hour?
-- Datasource: gh_event
-- Columns:    __time, type, push_size, push_distinct_size, repo_id, actor_login
-- Method:     sums over PushEvent; since October 2025 GitHub leaves the sizes out and they are NULL.
SELECT TIME_FLOOR(__time, 'PT1H') AS at_hour, COUNT(*) AS pushes, SUM(push_size) AS commits_pushed, SUM(push_distinct_size) AS distinct_commits,
  COUNT(DISTINCT repo_id) AS repos, COUNT(DISTINCT actor_login) AS people
FROM gh_event
WHERE type = 'PushEvent'
GROUP BY 1
ORDER BY 1
