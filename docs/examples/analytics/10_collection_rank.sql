-- Question:   how do the repositories of a collection rank by new stars this month, and how was it last month?
-- Datasource: github_ranking (or gh_repo_snapshot)
-- Columns:    __time, item, username, repo_name, stars
-- Method:     a collection is a list of names; new stars of two stretches of 28 days counted back from the newest snapshot.
WITH newest AS (
  SELECT MAX(__time) AS today FROM github_ranking
), gains AS (
  SELECT repo_name,
    MAX(stars) FILTER (WHERE __time = today) - MAX(stars) FILTER (WHERE __time = today - INTERVAL '28' DAY) AS gain,
    MAX(stars) FILTER (WHERE __time = today - INTERVAL '28' DAY) - MAX(stars) FILTER (WHERE __time = today - INTERVAL '56' DAY) AS gain_before
  FROM github_ranking CROSS JOIN newest
  WHERE item = 'top-100-stars' AND repo_name IN ('vue', 'react', 'angular', 'svelte', 'jquery', 'three.js', 'next.js', 'd3', 'axios', 'node')
  GROUP BY repo_name
), ranked AS (
  SELECT repo_name, gain, gain_before, RANK() OVER (ORDER BY gain DESC) AS place, RANK() OVER (ORDER BY gain_before DESC) AS place_before
  FROM gains
  WHERE gain_before IS NOT NULL AND gain IS NOT NULL
)
SELECT repo_name, gain, gain_before, place, place_before, place_before - place AS moved_up FROM ranked ORDER BY place, repo_name
