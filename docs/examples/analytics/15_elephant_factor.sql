-- Question:   how many organisations make half of the last year's commits?
-- Datasource: commits; gh_commit has author_email_domain
-- Columns:    __time, repo, email_domain, sha
-- Method:     as the bus factor, by the domain of the author's address; domains of mail providers stand for nobody and are left out.
WITH newest AS (
  SELECT repo AS of_repo, MAX(__time) AS last_commit FROM commits GROUP BY repo
), organisations AS (
  SELECT repo, email_domain, COUNT(DISTINCT sha) AS commits_made
  FROM commits JOIN newest ON repo = of_repo
  WHERE __time > last_commit - INTERVAL '365' DAY
    AND email_domain NOT IN ('gmail.com', 'users.noreply.github.com', 'hotmail.com', 'outlook.com', 'yahoo.com', 'qq.com', '163.com',
                             'gmx.de', 'gmx.net', 'protonmail.com', 'proton.me', 'icloud.com', 'me.com', 'mail.ru', 'yandex.ru', 'web.de')
  GROUP BY repo, email_domain
), running AS (
  SELECT repo, commits_made, ROW_NUMBER() OVER (PARTITION BY repo ORDER BY commits_made DESC, email_domain) AS place,
    SUM(commits_made) OVER (PARTITION BY repo ORDER BY commits_made DESC, email_domain ROWS UNBOUNDED PRECEDING) AS so_far,
    SUM(commits_made) OVER (PARTITION BY repo) AS all_commits
  FROM organisations
)
SELECT repo, MIN(place) FILTER (WHERE 2 * so_far >= all_commits) AS elephant_factor, MAX(place) AS organisations, MAX(all_commits) AS commits_made
FROM running
GROUP BY repo
ORDER BY repo
