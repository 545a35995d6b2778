-- Question:   how many commits are made each month, by how many people?
-- Datasource: commits (or gh_commit)
-- Columns:    __time, repo, sha, author_hash
-- Method:     distinct commits and authors by month.
SELECT TIME_FLOOR(__time, 'P1M') AS at_month, COUNT(DISTINCT sha) AS commits_made, COUNT(DISTINCT author_hash) AS people
FROM commits
WHERE repo = 'apache/kafka' AND __time >= TIMESTAMP '2023-01-01 00:00:00'
GROUP BY 1
ORDER BY 1
