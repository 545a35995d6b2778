-- Question:   how many stars did a repository have at the end of each month, and how many were new? (repairs what events undercount)
-- Datasource: github_ranking (docs/examples/github-ranking.json); gh_repo_snapshot has the same with stargazers and full_name
-- Columns:    __time, username, repo_name, stars
-- Method:     the largest count of each month, and the difference to the month before.
SELECT at_month, stars, stars - LAG(stars) OVER (ORDER BY at_month) AS new_stars
FROM (
  SELECT TIME_FLOOR(__time, 'P1M') AS at_month, MAX(stars) AS stars
  FROM github_ranking
  WHERE username = 'tensorflow' AND repo_name = 'tensorflow' AND item = 'top-100-stars'
  GROUP BY 1
) AS monthly
ORDER BY at_month
