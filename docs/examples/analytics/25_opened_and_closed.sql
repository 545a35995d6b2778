-- Question:   how many issues are opened and closed each quarter, at which ratio, and how many are left open?
-- Datasource: gh_issue
-- Columns:    __time, full_name, is_pull, closed_at
-- Method:     openings and closings as rows of +1 and -1; the running sum is the backlog.
WITH changes AS (
  SELECT __time AS moment, 1 AS opened, 0 AS closed FROM gh_issue WHERE is_pull = 0 AND full_name = 'openframeworks/openFrameworks'
  UNION ALL
  SELECT TIME_PARSE(closed_at), 0, 1 FROM gh_issue WHERE is_pull = 0 AND full_name = 'openframeworks/openFrameworks' AND closed_at IS NOT NULL
), quarterly AS (
  SELECT TIME_FLOOR(moment, 'P3M') AS at_quarter, SUM(opened) AS opened, SUM(closed) AS closed FROM changes GROUP BY 1
)
SELECT at_quarter, opened, closed, CASE WHEN opened > 0 THEN ROUND(1.0 * closed / opened, 4) END AS closure_ratio,
  SUM(opened - closed) OVER (ORDER BY at_quarter ROWS UNBOUNDED PRECEDING) AS backlog
FROM quarterly
ORDER BY at_quarter
