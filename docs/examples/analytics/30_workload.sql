-- Question:   how many open issues and pull requests does each person have?
-- Datasource: gh_issue; gh_pull has requested_reviewers
-- Columns:    full_name, number, is_pull, state, assignees
-- Method:     a row for each assignee of what is open.
SELECT person, COUNT(*) AS still_open, SUM(is_pull) AS pulls, COUNT(DISTINCT full_name) AS repos
FROM gh_issue, UNNEST(MV_TO_ARRAY(assignees)) AS people(person)
WHERE state = 'open' AND person IS NOT NULL
GROUP BY person
ORDER BY still_open DESC, person
LIMIT 20
