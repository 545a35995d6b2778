-- Question:   on which day did a repository get most stars ever?
-- Datasource: github_ranking (or gh_repo_snapshot, or gh_event counted by day)
-- Columns:    __time, item, username, repo_name, stars
-- Method:     the difference to the day before, the largest for each repository.
WITH gains AS (
  SELECT username, repo_name, __time AS at_day, stars - LAG(stars) OVER (PARTITION BY username, repo_name ORDER BY __time) AS gain,
    LAG(__time) OVER (PARTITION BY username, repo_name ORDER BY __time) AS day_before
  FROM github_ranking
  WHERE item = 'top-100-stars'
), ranked AS (
  SELECT username, repo_name, at_day, gain,
    ROW_NUMBER() OVER (PARTITION BY username, repo_name ORDER BY gain DESC, at_day) AS place
  FROM gains
  WHERE gain IS NOT NULL AND day_before = at_day - INTERVAL '1' DAY
)
SELECT username, repo_name, at_day, gain FROM ranked WHERE place = 1 ORDER BY gain DESC, repo_name LIMIT 20
