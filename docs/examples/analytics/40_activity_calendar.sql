-- Question:   on which days was there activity? (squares of a heat calendar)
-- Datasource: commits (or gh_commit, gh_event)
-- Columns:    __time, repo, sha
-- Method:     commits a day over the last four weeks of the repository, and how many of its days were quiet is what is missing.
SELECT TIME_FLOOR(__time, 'P1D') AS at_day, COUNT(DISTINCT sha) AS commits_made, COUNT(DISTINCT author_hash) AS people
FROM commits
WHERE repo = 'vim/vim' AND __time > (SELECT MAX(__time) - INTERVAL '28' DAY FROM commits WHERE repo = 'vim/vim')
GROUP BY 1
ORDER BY 1
