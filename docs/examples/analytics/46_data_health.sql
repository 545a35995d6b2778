-- Question:   is the data whole and fresh?
-- Datasource: sys.completeness
-- Columns:    source, datasource, start, end, status, rows
-- Method:     what each source gave of what was asked, and up to when; without the condition of all datasources.
SELECT source, datasource, COUNT(*) AS stretches, COUNT(*) FILTER (WHERE status = 'complete') AS complete,
  COUNT(*) FILTER (WHERE status <> 'complete') AS with_gaps, SUM("rows") AS stored_rows, MAX("end") AS up_to
FROM sys.completeness
WHERE datasource = 'gh_event'
GROUP BY source, datasource
ORDER BY source, datasource
