-- Question:   which share of the pull requests that end is merged, and which declined?
-- Datasource: gh_event (or gh_pull with state and merged)
-- Columns:    __time, type, action, pr_merged, org_login
-- Method:     closings of each day, of people's own repositories and of organisations'.
SELECT TIME_FLOOR(__time, 'P1D') AS at_day, CASE WHEN org_login IS NULL THEN 'person' ELSE 'organisation' END AS owner, COUNT(*) AS ended,
  SUM(pr_merged) AS merged, COUNT(*) - SUM(pr_merged) AS declined, ROUND(100.0 * SUM(pr_merged) / COUNT(*), 4) AS merged_percent
FROM gh_event
WHERE type = 'PullRequestEvent' AND action = 'closed' AND pr_merged IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
