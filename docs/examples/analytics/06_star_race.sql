-- Question:   who led by stars in each month? (frames of a bar race)
-- Datasource: github_ranking (or gh_repo_snapshot)
-- Columns:    __time, item, username, repo_name, stars
-- Method:     the largest count of a month, the first five of each month.
WITH monthly AS (
  SELECT TIME_FLOOR(__time, 'P1M') AS at_month, username, repo_name, MAX(stars) AS stars
  FROM github_ranking
  WHERE item = 'top-100-stars'
  GROUP BY 1, 2, 3
), placed AS (
  SELECT at_month, username, repo_name, stars, ROW_NUMBER() OVER (PARTITION BY at_month ORDER BY stars DESC, username, repo_name) AS place
  FROM monthly
)
SELECT at_month, place, username, repo_name, stars FROM placed WHERE place <= 5 ORDER BY at_month, place
