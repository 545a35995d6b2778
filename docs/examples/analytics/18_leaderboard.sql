-- Question:   who does most: pushes, pull requests, reviews, review comments, issues opened, closed and commented?
-- Datasource: gh_event
-- Columns:    type, action, actor_login, is_bot, push_size
-- Method:     one row a person with each kind; order by the kind that is of interest.
SELECT actor_login, COUNT(*) AS events,
  COUNT(*) FILTER (WHERE type = 'PushEvent') AS pushes,
  COALESCE(SUM(push_size) FILTER (WHERE type = 'PushEvent'), 0) AS commits_pushed,
  COUNT(*) FILTER (WHERE type = 'PullRequestEvent' AND action = 'opened') AS pulls_opened,
  COUNT(*) FILTER (WHERE type = 'PullRequestReviewEvent') AS reviews,
  COUNT(*) FILTER (WHERE type = 'PullRequestReviewCommentEvent') AS review_comments,
  COUNT(*) FILTER (WHERE type = 'IssuesEvent' AND action = 'opened') AS issues_opened,
  COUNT(*) FILTER (WHERE type = 'IssuesEvent' AND action = 'closed') AS issues_closed,
  COUNT(*) FILTER (WHERE type = 'IssueCommentEvent') AS issue_comments
FROM gh_event
WHERE is_bot = 0
GROUP BY actor_login
ORDER BY pulls_opened + reviews + review_comments + issues_opened + issues_closed + issue_comments DESC, actor_login
LIMIT 20
