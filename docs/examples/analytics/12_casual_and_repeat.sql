-- Question:   how many contributors come once, sometimes, or regularly?
-- Datasource: commits (or gh_commit)
-- Columns:    __time, repo, author_hash, sha
-- Method:     months in which an author was active in a repository: 1 casual, 2 to 11 repeat, 12 and more core.
WITH activity AS (
  SELECT repo, author_hash, COUNT(DISTINCT TIME_FLOOR(__time, 'P1M')) AS months, COUNT(DISTINCT sha) AS commits_made
  FROM commits
  GROUP BY repo, author_hash
)
SELECT repo, COUNT(*) FILTER (WHERE months = 1) AS casual, COUNT(*) FILTER (WHERE months BETWEEN 2 AND 11) AS repeat_contributors,
  COUNT(*) FILTER (WHERE months >= 12) AS core,
  ROUND(100.0 * SUM(commits_made) FILTER (WHERE months >= 12) / SUM(commits_made), 4) AS core_percent_of_commits
FROM activity
GROUP BY repo
ORDER BY repo
