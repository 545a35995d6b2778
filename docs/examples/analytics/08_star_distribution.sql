-- Question:   how are repositories distributed by their stars?
-- Datasource: github_ranking (or gh_repo_snapshot)
-- Columns:    __time, username, repo_name, stars
-- Method:     each repository of the newest snapshot once, in half powers of ten.
WITH repos AS (
  SELECT username, repo_name, MAX(stars) AS stars
  FROM github_ranking
  WHERE __time = (SELECT MAX(__time) FROM github_ranking)
  GROUP BY username, repo_name
)
SELECT FLOOR(2 * LOG10(stars)) / 2 AS log10_from, COUNT(*) AS repos, MIN(stars) AS fewest, MAX(stars) AS most
FROM repos
WHERE stars > 0
GROUP BY 1
ORDER BY 1
