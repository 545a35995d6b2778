-- Question:   how often are releases published, of which size, and how many are previews?
-- Datasource: gh_release (source github.releases)
-- Columns:    full_name, tag_name, published_at, prerelease
-- Method:     days to the release before; the part of the version that moved tells major, minor, patch.
WITH numbered AS (
  SELECT full_name, tag_name, prerelease, TIME_PARSE(published_at) AS published,
    LAG(TIME_PARSE(published_at)) OVER (PARTITION BY full_name ORDER BY published_at) AS published_before,
    REGEXP_EXTRACT(tag_name, '^v?([0-9]+)', 1) AS major, LAG(REGEXP_EXTRACT(tag_name, '^v?([0-9]+)', 1)) OVER (PARTITION BY full_name ORDER BY published_at) AS major_before,
    REGEXP_EXTRACT(tag_name, '^v?[0-9]+[.]([0-9]+)', 1) AS minor, LAG(REGEXP_EXTRACT(tag_name, '^v?[0-9]+[.]([0-9]+)', 1)) OVER (PARTITION BY full_name ORDER BY published_at) AS minor_before
  FROM gh_release
)
SELECT full_name, TIME_FLOOR(published, 'P1Y') AS at_year, COUNT(*) AS releases, SUM(prerelease) AS previews,
  COUNT(*) FILTER (WHERE major <> major_before) AS majors, COUNT(*) FILTER (WHERE major = major_before AND minor <> minor_before) AS minors,
  COUNT(*) FILTER (WHERE major = major_before AND minor = minor_before) AS patches,
  ROUND(AVG((TIMESTAMP_TO_MILLIS(published) - TIMESTAMP_TO_MILLIS(published_before)) / 86400000.0), 4) AS mean_days_between
FROM numbered
GROUP BY 1, 2
ORDER BY 1, 2
