-- Question:   how many people would have to leave before half of the last year's commits had no author? (contributor absence factor)
-- Datasource: commits (or gh_commit)
-- Columns:    __time, repo, author_hash, sha
-- Method:     authors of the last 365 days by commits, the most active first; the first place at which the running sum is half of all.
WITH newest AS (
  SELECT repo AS of_repo, MAX(__time) AS last_commit FROM commits GROUP BY repo
), authors AS (
  SELECT repo, author_hash, COUNT(DISTINCT sha) AS commits_made
  FROM commits JOIN newest ON repo = of_repo
  WHERE __time > last_commit - INTERVAL '365' DAY
  GROUP BY repo, author_hash
), running AS (
  SELECT repo, commits_made, ROW_NUMBER() OVER (PARTITION BY repo ORDER BY commits_made DESC, author_hash) AS place,
    SUM(commits_made) OVER (PARTITION BY repo ORDER BY commits_made DESC, author_hash ROWS UNBOUNDED PRECEDING) AS so_far,
    SUM(commits_made) OVER (PARTITION BY repo) AS all_commits
  FROM authors
)
SELECT repo, MIN(place) FILTER (WHERE 2 * so_far >= all_commits) AS bus_factor, MAX(place) AS authors, MAX(all_commits) AS commits_made
FROM running
GROUP BY repo
ORDER BY repo
