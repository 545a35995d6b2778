-- Question:   which issues and pull requests are discussed most?
-- Datasource: gh_issue
-- Columns:    full_name, number, is_pull, comments, title
-- Method:     by comments, the longest first.
SELECT full_name, number, is_pull, comments, title FROM gh_issue ORDER BY comments DESC, full_name, number LIMIT 20
