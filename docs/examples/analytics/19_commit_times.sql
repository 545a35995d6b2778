-- Question:   at which hours of which weekdays are commits made, by the clock on the author's wall?
-- Datasource: commits
-- Columns:    repo, sha, author_time, author_tz_min
-- Method:     each commit once; its time moved by the author's offset; 1 is Monday. A heat map of 7 by 24.
WITH wall AS (
  SELECT sha, MIN(TIMESTAMP_TO_MILLIS(TIME_PARSE(author_time)) + author_tz_min * 60000) AS at_ms
  FROM commits
  WHERE repo = 'redis/redis'
  GROUP BY sha
)
SELECT TIME_EXTRACT(MILLIS_TO_TIMESTAMP(at_ms), 'DOW') AS weekday, TIME_EXTRACT(MILLIS_TO_TIMESTAMP(at_ms), 'HOUR') AS hour_of_day, COUNT(*) AS commits_made
FROM wall
GROUP BY 1, 2
ORDER BY 1, 2
