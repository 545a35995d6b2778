-- Question:   which labels are used most?
-- Datasource: gh_issue (gh_event has labels too)
-- Columns:    full_name, number, labels, comments, state
-- Method:     a row for each label of an issue.
SELECT label, COUNT(*) AS issues, SUM(CASE WHEN state = 'open' THEN 1 ELSE 0 END) AS still_open, ROUND(AVG(1.0 * comments), 4) AS mean_comments
FROM gh_issue, UNNEST(MV_TO_ARRAY(labels)) AS all_labels(label)
WHERE label IS NOT NULL
GROUP BY label
ORDER BY issues DESC, label
LIMIT 20
