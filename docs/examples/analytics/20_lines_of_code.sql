-- Question:   how many lines are added and deleted each year, and how much of it is churn?
-- Datasource: commits; git_changes (ovate ingest git) has the same
-- Columns:    __time, repo, additions, deletions
-- Method:     sums by year ('P1M' for months); churn is what was deleted for each line added; the running sum is the size.
WITH yearly AS (
  SELECT repo, TIME_FLOOR(__time, 'P1Y') AS at_year, SUM(additions) AS added, SUM(deletions) AS deleted
  FROM commits
  WHERE repo IN ('curl/curl', 'sqlite/sqlite')
  GROUP BY 1, 2
)
SELECT repo, at_year, added, deleted, ROUND(1.0 * deleted / added, 4) AS churn,
  SUM(added - deleted) OVER (PARTITION BY repo ORDER BY at_year ROWS UNBOUNDED PRECEDING) AS lines_at_end
FROM yearly
ORDER BY repo, at_year
