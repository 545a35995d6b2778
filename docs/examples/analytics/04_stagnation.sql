-- Question:   which of the well-known repositories stagnate most, and which grow most steadily?
-- Datasource: github_ranking (or gh_repo_snapshot)
-- Columns:    __time, item, username, repo_name, stars
-- Method:     new stars of each month; stagnation is the smallest mean, steadiness the smallest ratio of best to worst month.
WITH monthly AS (
  SELECT username, repo_name, TIME_FLOOR(__time, 'P1M') AS at_month, MAX(stars) AS stars
  FROM github_ranking
  WHERE item = 'top-100-stars'
  GROUP BY 1, 2, 3
), gains AS (
  SELECT username, repo_name, stars - LAG(stars) OVER (PARTITION BY username, repo_name ORDER BY at_month) AS gain
  FROM monthly
), per_repo AS (
  SELECT username, repo_name, COUNT(gain) AS months, AVG(1.0 * gain) AS mean_gain, MIN(gain) AS worst, MAX(gain) AS best
  FROM gains
  GROUP BY username, repo_name
)
SELECT username, repo_name, months, ROUND(mean_gain, 4) AS mean_gain, worst, best, ROUND(1.0 * best / worst, 4) AS unsteadiness,
  ROW_NUMBER() OVER (ORDER BY mean_gain, username, repo_name) AS stagnation_rank,
  ROW_NUMBER() OVER (ORDER BY 1.0 * best / worst, username, repo_name) AS steadiness_rank
FROM per_repo
WHERE months >= 40 AND worst > 0
ORDER BY steadiness_rank
LIMIT 20
