-- Question:   how did the stars of the most starred repositories add up, hour by hour?
-- Datasource: gh_event (source gharchive or github.events)
-- Columns:    __time, type, repo_name
-- Method:     stars per hour and repository, and their running sum; 'PT1H' becomes 'P1D' or 'P1M' over longer stretches.
--             gh_star (github.stars) answers the same with COUNT(*) alone: its rows are stars.
WITH most AS (
  SELECT repo_name FROM gh_event WHERE type = 'WatchEvent' GROUP BY repo_name ORDER BY COUNT(*) DESC, repo_name LIMIT 5
), hourly AS (
  SELECT repo_name, TIME_FLOOR(__time, 'PT1H') AS at_hour, COUNT(*) AS new_stars
  FROM gh_event
  WHERE type = 'WatchEvent' AND repo_name IN (SELECT repo_name FROM most)
  GROUP BY 1, 2
)
SELECT repo_name, at_hour, new_stars, SUM(new_stars) OVER (PARTITION BY repo_name ORDER BY at_hour ROWS UNBOUNDED PRECEDING) AS stars
FROM hourly
ORDER BY repo_name, at_hour
