-- Question:   does work come in bursts?
-- Datasource: commits (or gh_commit)
-- Columns:    __time, repo, sha
-- Method:     (s - m) / (s + m) of mean m and deviation s of the gaps between commits: -1 regular, 0 random, towards 1 in bursts.
WITH each_commit AS (
  SELECT repo, sha, MIN(TIMESTAMP_TO_MILLIS(__time)) AS at_ms FROM commits GROUP BY repo, sha
), gaps AS (
  SELECT repo, (at_ms - LAG(at_ms) OVER (PARTITION BY repo ORDER BY at_ms, sha)) / 1000.0 AS gap FROM each_commit
)
SELECT repo, COUNT(gap) AS gaps, ROUND(AVG(gap), 2) AS mean_seconds,
  ROUND((STDDEV_POP(gap) - AVG(gap)) / (STDDEV_POP(gap) + AVG(gap)), 6) AS burstiness
FROM gaps
GROUP BY repo
ORDER BY burstiness DESC
