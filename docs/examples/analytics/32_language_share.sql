-- Question:   which languages is the code of the repositories in?
-- Datasource: gh_language (source github.languages)
-- Columns:    full_name, language, bytes
-- Method:     the newest row of each repository and language, as a share of all bytes; over runs in different months this is the trend.
WITH newest AS (
  SELECT full_name, language, LATEST_BY(bytes, __time) AS bytes FROM gh_language GROUP BY full_name, language
)
SELECT language, COUNT(*) AS repos, SUM(bytes) AS bytes, ROUND(100.0 * SUM(bytes) / (SELECT SUM(bytes) FROM newest), 4) AS percent
FROM newest
GROUP BY language
ORDER BY bytes DESC
