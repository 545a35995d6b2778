-- Question:   how long are issues open until they are closed, by the year they were opened?
-- Datasource: gh_issue (source github.issues)
-- Columns:    __time, full_name, number, is_pull, state, seconds_to_close
-- Method:     quartiles in days of issues that are closed; pull requests, which the source lists too, are left out.
SELECT full_name, TIME_FLOOR(__time, 'P1Y') AS at_year, COUNT(*) AS closed,
  ROUND(APPROX_QUANTILE_DS(seconds_to_close / 86400.0, 0.25, 32768), 4) AS p25_days,
  ROUND(APPROX_QUANTILE_DS(seconds_to_close / 86400.0, 0.5, 32768), 4) AS median_days,
  ROUND(APPROX_QUANTILE_DS(seconds_to_close / 86400.0, 0.75, 32768), 4) AS p75_days
FROM gh_issue
WHERE is_pull = 0 AND state = 'closed'
GROUP BY 1, 2
HAVING COUNT(*) >= 5
ORDER BY 1, 2
