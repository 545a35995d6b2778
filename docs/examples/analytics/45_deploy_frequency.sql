-- Question:   how often is software delivered? (the first of the four DORA keys)
-- Datasource: gh_release
-- Columns:    full_name, published_at, prerelease
-- Method:     releases that are no previews for each month in which the project is alive. Lead time, failures and restoration need
--             deployments and incidents; no source gives those.
SELECT full_name, COUNT(*) AS releases, TIME_FLOOR(MIN(TIME_PARSE(published_at)), 'P1D') AS first_day, TIME_FLOOR(MAX(TIME_PARSE(published_at)), 'P1D') AS last_day,
  ROUND(COUNT(*) / ((TIMESTAMP_TO_MILLIS(MAX(TIME_PARSE(published_at))) - TIMESTAMP_TO_MILLIS(MIN(TIME_PARSE(published_at)))) / 86400000.0 / 30), 4) AS releases_per_30_days
FROM gh_release
WHERE prerelease = 0
GROUP BY full_name
HAVING COUNT(*) > 1
ORDER BY full_name
