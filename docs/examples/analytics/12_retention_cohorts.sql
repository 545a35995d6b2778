-- Question:   of the people who began in a year, how many were active 0, 1, 2 ... years later?
-- Datasource: commits (or gh_commit)
-- Columns:    __time, repo, author_hash
-- Method:     years of activity of each author joined with the year of the first.
WITH years AS (
  SELECT author_hash, EXTRACT(YEAR FROM __time) AS active FROM commits WHERE repo = 'redis/redis' GROUP BY 1, 2
), firsts AS (
  SELECT author_hash, MIN(active) AS cohort FROM years GROUP BY author_hash
)
SELECT cohort, active - cohort AS years_later, COUNT(*) AS people
FROM years JOIN firsts ON years.author_hash = firsts.author_hash
GROUP BY 1, 2
ORDER BY 1, 2
