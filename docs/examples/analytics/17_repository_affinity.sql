-- Question:   who stars the most starred repository also stars which others?
-- Datasource: gh_event (or gh_star)
-- Columns:    type, repo_name, actor_login
-- Method:     pairs of repositories by people who starred both; the overlap is their share of those who starred either (Jaccard).
WITH stars AS (
  SELECT DISTINCT repo_name, actor_login FROM gh_event WHERE type = 'WatchEvent'
), sizes AS (
  SELECT repo_name, COUNT(*) AS people FROM stars GROUP BY repo_name
), pairs AS (
  SELECT a.repo_name AS one, b.repo_name AS other, COUNT(*) AS both_starred
  FROM stars AS a JOIN stars AS b ON a.actor_login = b.actor_login
  WHERE a.repo_name < b.repo_name
  GROUP BY 1, 2
  HAVING COUNT(*) >= 2
)
SELECT one, other, both_starred, ROUND(1.0 * both_starred / (x.people + y.people - both_starred), 6) AS overlap
FROM pairs JOIN sizes AS x ON one = x.repo_name JOIN sizes AS y ON other = y.repo_name
ORDER BY both_starred DESC, overlap DESC, one, other
LIMIT 20
