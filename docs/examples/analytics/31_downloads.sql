-- Question:   how often are the files of a release downloaded?
-- Datasource: gh_release
-- Columns:    full_name, tag_name, asset_downloads
-- Method:     asset_downloads lists the count of each file; the sum over the list.
SELECT full_name, tag_name, COUNT(*) AS assets, SUM(CAST(downloads AS BIGINT)) AS downloads
FROM gh_release, UNNEST(MV_TO_ARRAY(asset_downloads)) AS files(downloads)
WHERE downloads IS NOT NULL
GROUP BY 1, 2
ORDER BY downloads DESC, full_name, tag_name
LIMIT 20
