-- Question:   how long until a pull request is picked up, how long is it reviewed, and how deep does the review go?
-- Datasource: gh_event
-- Columns:    __time, type, action, repo_name, number, actor_login, opened_at, opened_by, pr_merged
-- Method:     pickup is the first review or review comment of somebody else minus the opening; review lasts from there to the merge;
--             depth is the number of review comments. (The time to deployment needs deployments, which no source gives.)
WITH pulls AS (
  SELECT repo_name, number, MIN(TIMESTAMP_TO_MILLIS(TIME_PARSE(opened_at))) AS opened,
    MIN(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE type IN ('PullRequestReviewEvent', 'PullRequestReviewCommentEvent') AND actor_login <> opened_by) AS picked_up,
    MAX(TIMESTAMP_TO_MILLIS(__time)) FILTER (WHERE type = 'PullRequestEvent' AND pr_merged = 1) AS merged,
    COUNT(*) FILTER (WHERE type = 'PullRequestReviewCommentEvent') AS depth
  FROM gh_event
  WHERE type IN ('PullRequestEvent', 'PullRequestReviewEvent', 'PullRequestReviewCommentEvent') AND opened_at IS NOT NULL
  GROUP BY repo_name, number
)
SELECT COUNT(*) AS reviewed, COUNT(merged) AS merged, APPROX_QUANTILE_DS((picked_up - opened) / 1000, 0.5, 32768) AS median_pickup_seconds,
  APPROX_QUANTILE_DS(CASE WHEN merged > picked_up THEN (merged - picked_up) / 1000 END, 0.5, 32768) AS median_review_seconds,
  ROUND(AVG(1.0 * depth), 4) AS mean_depth, MAX(depth) AS deepest
FROM pulls
WHERE picked_up IS NOT NULL
