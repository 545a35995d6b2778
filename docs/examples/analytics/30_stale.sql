-- Question:   which issues and pull requests are open and forgotten, and on whom do open ones wait?
-- Datasource: gh_issue
-- Columns:    full_name, number, is_pull, state, updated_at, assignees, comments
-- Method:     open without a change in the 90 days before the newest change of the repository, by kind; with an assignee or without.
WITH newest AS (
  SELECT full_name AS of_repo, MAX(TIME_PARSE(updated_at)) AS today FROM gh_issue GROUP BY full_name
)
SELECT full_name, CASE WHEN is_pull = 1 THEN 'pull request' ELSE 'issue' END AS kind, COUNT(*) AS still_open,
  COUNT(*) FILTER (WHERE TIME_PARSE(updated_at) < today - INTERVAL '90' DAY) AS stale,
  COUNT(*) FILTER (WHERE assignees IS NULL) AS without_assignee, MIN(updated_at) AS longest_quiet_since
FROM gh_issue JOIN newest ON full_name = of_repo
WHERE state = 'open'
GROUP BY 1, 2
ORDER BY still_open DESC, full_name, kind
LIMIT 20
