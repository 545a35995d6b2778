-- Question:   which repositories grow fastest: in the last 28 days, against the 28 before, against a year ago, and how unusual is that?
-- Datasource: github_ranking (or gh_repo_snapshot)
-- Columns:    __time, item, username, repo_name, stars
-- Method:     stars at four days counted back from the newest; growth is their ratio; the z-score is taken over all repositories.
WITH newest AS (
  SELECT TIME_FLOOR(MAX(__time), 'P1D') AS today FROM github_ranking
), at_days AS (
  SELECT username, repo_name,
    MAX(stars) FILTER (WHERE __time = today) AS now_stars,
    MAX(stars) FILTER (WHERE __time = today - INTERVAL '28' DAY) AS before_28,
    MAX(stars) FILTER (WHERE __time = today - INTERVAL '56' DAY) AS before_56,
    MAX(stars) FILTER (WHERE __time = today - INTERVAL '364' DAY) AS before_364
  FROM github_ranking CROSS JOIN newest
  WHERE item = 'top-100-stars'
  GROUP BY username, repo_name
), grown AS (
  SELECT username, repo_name, now_stars, now_stars - before_28 AS new_stars, before_28 - before_56 AS new_before,
    1.0 * now_stars / before_28 - 1 AS growth, 1.0 * now_stars / before_364 - 1 AS year_growth
  FROM at_days
  WHERE now_stars IS NOT NULL AND before_56 IS NOT NULL AND before_28 IS NOT NULL AND before_364 IS NOT NULL
), spread AS (
  SELECT AVG(growth) AS mean, STDDEV_POP(growth) AS deviation FROM grown
)
SELECT username, repo_name, now_stars, new_stars, new_before, ROUND(growth, 6) AS growth, ROUND(year_growth, 6) AS year_growth,
  ROUND((growth - mean) / deviation, 6) AS z_score
FROM grown CROSS JOIN spread
ORDER BY z_score DESC, repo_name
LIMIT 20
