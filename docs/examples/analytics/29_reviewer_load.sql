-- Question:   who reviews most, how many approvals do they give, and how tough are they?
-- Datasource: gh_event
-- Columns:    type, repo_name, number, actor_login, opened_by, is_bot, review_state
-- Method:     reviews and review comments of other people's pull requests by reviewer; toughness is comments for each pull request.
WITH work AS (
  SELECT actor_login, repo_name, number, COUNT(*) FILTER (WHERE type = 'PullRequestReviewCommentEvent') AS comments_made,
    COUNT(*) FILTER (WHERE review_state = 'approved') AS approved, COUNT(*) FILTER (WHERE review_state = 'changes_requested') AS sent_back
  FROM gh_event
  WHERE type IN ('PullRequestReviewEvent', 'PullRequestReviewCommentEvent') AND is_bot = 0 AND actor_login <> opened_by
  GROUP BY 1, 2, 3
)
SELECT actor_login, COUNT(*) AS pulls, SUM(comments_made) AS comments_made, SUM(approved) AS approvals, SUM(sent_back) AS changes_requested,
  ROUND(1.0 * SUM(comments_made) / COUNT(*), 4) AS comments_per_pull, MAX(comments_made) AS toughest
FROM work
GROUP BY actor_login
ORDER BY comments_made DESC, pulls DESC, actor_login
LIMIT 20
