-- Question:   what does one developer work on, in which languages, and since when?
-- Datasource: commits
-- Columns:    __time, author_hash, repo, ext, sha, additions, deletions
-- Method:     files by extension and repository of one author (here the one with most commits); with 19_commit_times for one
--             author_hash, and 21_commits_per_month, this is the card.
WITH person AS (
  SELECT author_hash FROM commits WHERE repo = 'redis/redis' GROUP BY author_hash ORDER BY COUNT(DISTINCT sha) DESC, author_hash LIMIT 1
)
SELECT repo, ext, COUNT(DISTINCT sha) AS commits_made, SUM(additions) AS added, SUM(deletions) AS deleted,
  TIME_FLOOR(MIN(__time), 'P1D') AS first_day, TIME_FLOOR(MAX(__time), 'P1D') AS last_day
FROM commits
WHERE author_hash IN (SELECT author_hash FROM person)
GROUP BY repo, ext
ORDER BY commits_made DESC, repo, ext
LIMIT 15
