-- Question:   how large are pull requests?
-- Datasource: gh_event
-- Columns:    __time, type, action, repo_name, number, pr_additions, pr_deletions, pr_changed_files
-- Method:     classes by added and deleted lines: xs under 10, s under 30, m under 100, l under 500, xl under 1000, else xxl.
WITH pulls AS (
  SELECT TIME_FLOOR(__time, 'P1D') AS at_day, pr_additions + pr_deletions AS changed, pr_changed_files AS files
  FROM gh_event
  WHERE type = 'PullRequestEvent' AND action = 'opened' AND pr_additions IS NOT NULL
)
SELECT at_day, CASE WHEN changed < 10 THEN 'xs' WHEN changed < 30 THEN 's' WHEN changed < 100 THEN 'm' WHEN changed < 500 THEN 'l'
    WHEN changed < 1000 THEN 'xl' ELSE 'xxl' END AS size_class,
  COUNT(*) AS pulls, MAX(changed) AS largest, ROUND(AVG(1.0 * files), 4) AS mean_files
FROM pulls
GROUP BY 1, 2
ORDER BY at_day, largest
