-- Question:   do the first pull requests of people succeed, against later ones?
-- Datasource: gh_event (or gh_pull)
-- Columns:    type, action, repo_name, number, opened_by, opened_at, pr_merged
-- Method:     the pull request of the smallest number a person has in a repository is the first that is known; the share that was merged.
WITH ended AS (
  SELECT repo_name, opened_by, number, MAX(pr_merged) AS merged
  FROM gh_event
  WHERE type = 'PullRequestEvent' AND action = 'closed' AND opened_by IS NOT NULL
  GROUP BY 1, 2, 3
), placed AS (
  SELECT merged, ROW_NUMBER() OVER (PARTITION BY repo_name, opened_by ORDER BY number) AS place FROM ended
)
SELECT CASE WHEN place = 1 THEN 'first' ELSE 'later' END AS pull, COUNT(*) AS ended, SUM(merged) AS merged, ROUND(100.0 * SUM(merged) / COUNT(*), 4) AS merged_percent
FROM placed
GROUP BY 1
ORDER BY 1
