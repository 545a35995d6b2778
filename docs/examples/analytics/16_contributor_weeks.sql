-- Question:   what did each contributor add, delete and commit, week by week?
-- Datasource: gh_contributor_week (source github.contributor_stats)
-- Columns:    __time, full_name, author_login, additions, deletions, commits
-- Method:     the newest row of each author and week, the weeks with most commits first.
SELECT full_name, author_login, TIME_FLOOR(__time, 'P1W') AS at_week, MAX(commits) AS commits_made, MAX(additions) AS added, MAX(deletions) AS deleted
FROM gh_contributor_week
GROUP BY 1, 2, 3
ORDER BY commits_made DESC, added DESC, at_week
LIMIT 20
