-- Question:   on which weekday do repositories get most stars?
-- Datasource: github_ranking (or gh_event)
-- Columns:    __time, item, username, repo_name, stars
-- Method:     new stars of each day, summed by the weekday of the day before the count was taken; 1 is Monday.
WITH gains AS (
  SELECT __time AS at_day, stars - LAG(stars) OVER (PARTITION BY username, repo_name ORDER BY __time) AS gain,
    LAG(__time) OVER (PARTITION BY username, repo_name ORDER BY __time) AS day_before
  FROM github_ranking
  WHERE item = 'top-100-stars'
)
SELECT TIME_EXTRACT(day_before, 'DOW') AS weekday, SUM(gain) AS new_stars, ROUND(AVG(1.0 * gain), 4) AS mean_gain
FROM gains
WHERE day_before = at_day - INTERVAL '1' DAY
GROUP BY 1
ORDER BY new_stars DESC
