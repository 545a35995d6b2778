-- Question:   who was active in the year before the last and not in the last?
-- Datasource: commits (or gh_commit)
-- Columns:    __time, repo, author_hash, sha
-- Method:     two windows of 365 days counted back from the newest commit of each repository.
WITH newest AS (
  SELECT repo AS of_repo, MAX(__time) AS last_commit FROM commits GROUP BY repo
), activity AS (
  SELECT repo, author_hash,
    COUNT(DISTINCT sha) FILTER (WHERE __time > last_commit - INTERVAL '365' DAY) AS in_last,
    COUNT(DISTINCT sha) FILTER (WHERE __time <= last_commit - INTERVAL '365' DAY AND __time > last_commit - INTERVAL '730' DAY) AS in_year_before
  FROM commits JOIN newest ON repo = of_repo
  GROUP BY repo, author_hash
)
SELECT repo, COUNT(*) FILTER (WHERE in_year_before > 0) AS active_before, COUNT(*) FILTER (WHERE in_year_before > 0 AND in_last = 0) AS inactive_now,
  COUNT(*) FILTER (WHERE in_last > 0) AS active_now
FROM activity
GROUP BY repo
ORDER BY repo
