-- Question:   which forks get work of their own?
-- Datasource: gh_event (gh_fork of github.forks: WHERE pushed_at > TIME_FORMAT(__time))
-- Columns:    __time, type, repo_id, repo_name, forkee_id, push_size
-- Method:     forks made in the period, and pushes into them since.
WITH forks AS (
  SELECT forkee_id, MIN(repo_name) AS source, MIN(__time) AS forked FROM gh_event WHERE type = 'ForkEvent' AND forkee_id IS NOT NULL GROUP BY forkee_id
), pushes AS (
  SELECT repo_id, MIN(repo_name) AS fork, COUNT(*) AS pushes, SUM(push_size) AS commits_pushed FROM gh_event WHERE type = 'PushEvent' GROUP BY repo_id
)
SELECT source, fork, pushes, commits_pushed
FROM forks JOIN pushes ON forkee_id = repo_id
ORDER BY pushes DESC, source, fork
LIMIT 20
