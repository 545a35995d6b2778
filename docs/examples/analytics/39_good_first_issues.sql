-- Question:   are issues that are marked as good to begin with taken up?
-- Datasource: gh_issue
-- Columns:    full_name, number, labels, assignees, state, seconds_to_close
-- Method:     issues by whether a label of theirs says so; the share that has an assignee or is closed.
WITH marked AS (
  SELECT DISTINCT full_name AS of_repo, number AS of_number
  FROM gh_issue, UNNEST(MV_TO_ARRAY(labels)) AS all_labels(label)
  WHERE LOWER(label) IN ('good first issue', 'good-first-issue', 'good first bug', 'beginner', 'easy', 'starter', 'help wanted', 'up-for-grabs')
)
SELECT CASE WHEN of_number IS NULL THEN 'others' ELSE 'good first' END AS kind, COUNT(*) AS issues, COUNT(*) FILTER (WHERE state = 'closed') AS closed,
  COUNT(*) FILTER (WHERE assignees IS NOT NULL) AS assigned,
  ROUND(100.0 * COUNT(*) FILTER (WHERE state = 'closed' OR assignees IS NOT NULL) / COUNT(*), 4) AS taken_up_percent
FROM gh_issue LEFT JOIN marked ON full_name = of_repo AND number = of_number
WHERE is_pull = 0
GROUP BY 1
ORDER BY 1
