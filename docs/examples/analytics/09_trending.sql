-- Question:   what is trending now?
-- Datasource: gh_event
-- Columns:    __time, type, action, repo_name, actor_login, is_bot
-- Method:     a weighted sum over the last 24 hours of what is there (7 and 28 days: change the interval); bots do not count.
SELECT repo_name,
  SUM(CASE WHEN type = 'WatchEvent' THEN 1 WHEN type = 'ForkEvent' THEN 2
           WHEN type = 'PullRequestEvent' AND action = 'opened' THEN 3 WHEN type = 'PushEvent' THEN 1 ELSE 0 END) AS score,
  COUNT(*) FILTER (WHERE type = 'WatchEvent') AS stars,
  COUNT(*) FILTER (WHERE type = 'ForkEvent') AS forks,
  COUNT(*) FILTER (WHERE type = 'PullRequestEvent' AND action = 'opened') AS pulls,
  COUNT(*) FILTER (WHERE type = 'PushEvent') AS pushes,
  COUNT(DISTINCT actor_login) AS people
FROM gh_event
WHERE is_bot = 0 AND __time > (SELECT MAX(__time) - INTERVAL '1' DAY FROM gh_event)
GROUP BY repo_name
ORDER BY score DESC, people DESC, repo_name
LIMIT 20
