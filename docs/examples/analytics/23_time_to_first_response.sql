-- Question:   how long do new issues and pull requests wait for the first answer of a person other than their author?
-- Datasource: gh_event
-- Columns:    __time, type, action, repo_name, number, actor_login, is_bot, opened_at, opened_by
-- Method:     the first comment, review or closing by somebody else who is no bot, minus the opening; only what was opened after
--             the data begins on that day, since an earlier answer would not be seen.
WITH begins AS (
  SELECT TIME_FLOOR(__time, 'P1D') AS at_day, MIN(__time) AS first_event FROM gh_event GROUP BY 1
), answers AS (
  SELECT TIME_FLOOR(__time, 'P1D') AS at_day, repo_name, number,
    CASE WHEN type IN ('IssuesEvent', 'IssueCommentEvent') THEN 'issue' ELSE 'pull request' END AS kind,
    MIN(TIMESTAMP_TO_MILLIS(__time)) - MIN(TIMESTAMP_TO_MILLIS(TIME_PARSE(opened_at))) AS waited_ms, MIN(TIME_PARSE(opened_at)) AS opened
  FROM gh_event
  WHERE opened_at IS NOT NULL AND is_bot = 0 AND actor_login <> opened_by
    AND (type IN ('IssueCommentEvent', 'PullRequestReviewEvent', 'PullRequestReviewCommentEvent')
         OR (type IN ('IssuesEvent', 'PullRequestEvent') AND action = 'closed'))
  GROUP BY 1, 2, 3, 4
)
SELECT answers.at_day, kind, COUNT(*) AS answered, APPROX_QUANTILE_DS(waited_ms / 1000, 0.5, 32768) AS median_seconds,
  APPROX_QUANTILE_DS(waited_ms / 1000, 0.9, 32768) AS p90_seconds
FROM answers JOIN begins ON answers.at_day = begins.at_day
WHERE opened >= first_event
GROUP BY 1, 2
ORDER BY 1, 2
