-- Question:   which repositories are forked most, and how many stars come with a fork?
-- Datasource: github_ranking (or gh_repo_snapshot)
-- Columns:    __time, item, username, repo_name, stars, forks
-- Method:     the newest snapshot.
SELECT username, repo_name, stars, forks, ROUND(1.0 * stars / forks, 4) AS stars_per_fork
FROM github_ranking
WHERE item = 'top-100-forks' AND __time = (SELECT MAX(__time) FROM github_ranking)
ORDER BY forks DESC, repo_name
LIMIT 20
