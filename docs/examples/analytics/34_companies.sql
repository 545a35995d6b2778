-- Question:   which companies contribute, with how many people and commits?
-- Datasource: commits; gh_commit has author_email_domain
-- Columns:    __time, repo, email_domain, author_hash, sha
-- Method:     the domain of the address at the time of each commit, so that people count for the company they were with then;
--             LOOKUP(email_domain, 'company') names it where such a lookup is kept. Mail providers are left out.
SELECT email_domain, COUNT(DISTINCT author_hash) AS people, COUNT(DISTINCT sha) AS commits_made, COUNT(DISTINCT repo) AS repos,
  TIME_FLOOR(MIN(__time), 'P1Y') AS since
FROM commits
WHERE __time >= TIMESTAMP '2023-01-01 00:00:00' AND email_domain IS NOT NULL AND email_domain <> ''
  AND email_domain NOT IN ('gmail.com', 'users.noreply.github.com', 'hotmail.com', 'outlook.com', 'yahoo.com', 'qq.com', '163.com', 'gmx.de',
                           'gmx.net', 'protonmail.com', 'proton.me', 'icloud.com', 'me.com', 'mail.ru', 'yandex.ru', 'web.de')
GROUP BY email_domain
ORDER BY commits_made DESC, email_domain
LIMIT 20
