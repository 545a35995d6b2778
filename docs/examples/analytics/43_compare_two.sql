-- Question:   how do two repositories compare?
-- Datasource: commits (each of the other analytics with both names in its condition compares the same way)
-- Columns:    __time, repo, sha, author_hash, is_merge, additions, deletions, ext
-- Method:     a row for each.
SELECT repo, COUNT(DISTINCT sha) AS commits_made, COUNT(DISTINCT author_hash) AS people, COUNT(DISTINCT email_domain) AS domains,
  COUNT(DISTINCT sha) FILTER (WHERE is_merge = 1) AS merges, SUM(additions) AS added, SUM(deletions) AS deleted, COUNT(DISTINCT ext) AS extensions,
  COUNT(DISTINCT TIME_FLOOR(__time, 'P1D')) AS active_days, TIME_FLOOR(MIN(__time), 'P1D') AS since
FROM commits
WHERE repo IN ('duckdb/duckdb', 'apache/druid') AND __time < TIMESTAMP '2021-07-01 00:00:00'
GROUP BY repo
ORDER BY repo
