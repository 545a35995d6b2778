-- Question:   how many people contributed to a repository for the first time, by year?
-- Datasource: commits (docs/examples/commits.json); gh_commit has full_name for repo and author_login for author_hash
-- Columns:    __time, repo, author_hash
-- Method:     the first commit of each author and repository, counted by its year ('P1M' for months).
WITH firsts AS (
  SELECT repo, author_hash, MIN(__time) AS first_commit FROM commits GROUP BY repo, author_hash
)
SELECT repo, TIME_FLOOR(first_commit, 'P1Y') AS at_year, COUNT(*) AS new_contributors
FROM firsts
WHERE repo IN ('redis/redis', 'apache/kafka')
GROUP BY 1, 2
ORDER BY 1, 2
