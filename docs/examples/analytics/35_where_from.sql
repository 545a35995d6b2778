-- Question:   where do commits come from?
-- Datasource: commits
-- Columns:    repo, sha, author_hash, author_tz_min
-- Method:     by the offset of the author's clock, in hours. (A map of countries needs the places in people's profiles; no source asks
--             for those.)
SELECT ROUND(author_tz_min / 60.0, 2) AS utc_offset, COUNT(DISTINCT sha) AS commits_made, COUNT(DISTINCT author_hash) AS people
FROM commits
WHERE repo = 'prometheus/prometheus'
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 20
