-- Question:   how old are the issues that are open?
-- Datasource: gh_issue
-- Columns:    __time, full_name, is_pull, state, updated_at
-- Method:     age in days at the newest change that was collected of the repository (CURRENT_TIMESTAMP does as well), in classes.
WITH newest AS (
  SELECT full_name AS of_repo, MAX(TIME_PARSE(updated_at)) AS today FROM gh_issue GROUP BY full_name
), ages AS (
  SELECT full_name, (TIMESTAMP_TO_MILLIS(today) - TIMESTAMP_TO_MILLIS(__time)) / 86400000 AS days
  FROM gh_issue JOIN newest ON full_name = of_repo
  WHERE is_pull = 0 AND state = 'open'
)
SELECT full_name, COUNT(*) AS open_issues, COUNT(*) FILTER (WHERE days < 30) AS under_a_month, COUNT(*) FILTER (WHERE days BETWEEN 30 AND 364) AS under_a_year,
  COUNT(*) FILTER (WHERE days >= 365) AS older, MAX(days) AS oldest_days
FROM ages
GROUP BY full_name
ORDER BY open_issues DESC, full_name
LIMIT 20
