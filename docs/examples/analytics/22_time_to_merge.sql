-- Question:   how long do pull requests wait until they are merged?
-- Datasource: gh_event; gh_pull (github.pulls) has seconds_to_merge
-- Columns:    __time, type, action, pr_merged, opened_at
-- Method:     least, quartiles and most, in seconds, of the pull requests that were merged each hour ('P1M' over longer stretches).
--             The quantiles are a sketch's; with k = 32768 they are exact up to some ten thousand values a group.
WITH merged AS (
  SELECT TIME_FLOOR(__time, 'PT1H') AS at_hour, (TIMESTAMP_TO_MILLIS(__time) - TIMESTAMP_TO_MILLIS(TIME_PARSE(opened_at))) / 1000 AS seconds
  FROM gh_event
  WHERE type = 'PullRequestEvent' AND action = 'closed' AND pr_merged = 1 AND opened_at IS NOT NULL
)
SELECT at_hour, COUNT(*) AS pulls, MIN(seconds) AS p0, APPROX_QUANTILE_DS(seconds, 0.25, 32768) AS p25,
  APPROX_QUANTILE_DS(seconds, 0.5, 32768) AS p50, APPROX_QUANTILE_DS(seconds, 0.75, 32768) AS p75, MAX(seconds) AS p100
FROM merged
GROUP BY at_hour
ORDER BY at_hour
