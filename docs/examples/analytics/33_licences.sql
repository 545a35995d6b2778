-- Question:   which licences do repositories have?
-- Datasource: gh_repo_snapshot (source github.repo); gh_repo (github.search) has the same columns
-- Columns:    __time, full_name, license_spdx, stargazers
-- Method:     the newest row of each repository by its SPDX identifier; NULL is none, NOASSERTION one that was not recognised.
--             Grouped by TIME_FLOOR(__time, 'P1M') as well this is the change.
WITH newest AS (
  SELECT full_name, LATEST_BY(license_spdx, __time) AS licence, MAX(stargazers) AS stars FROM gh_repo_snapshot GROUP BY full_name
)
SELECT licence, COUNT(*) AS repos, SUM(stars) AS stars, ROUND(100.0 * COUNT(*) / SUM(COUNT(*)) OVER (), 4) AS percent
FROM newest
GROUP BY licence
ORDER BY repos DESC, licence
