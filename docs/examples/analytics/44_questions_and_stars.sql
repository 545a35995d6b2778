-- Question:   are repositories that are asked about also starred?
-- Datasource: so_tag_year (by_tag_year.csv, see README), github_ranking; day by day so_count_daily (source stackexchange.count)
-- Columns:    so_tag_year: __time, tag, questions, year_total; github_ranking: __time, item, repo_name, stars
-- Method:     questions of a year by tag joined with stars at the year's end by name; tags are in lower case.
--             (Search interest would be a third column; Google Trends has no open API, so no source.)
WITH stars AS (
  SELECT LOWER(repo_name) AS tag_name, MAX(stars) AS stars
  FROM github_ranking
  WHERE item = 'top-100-stars' AND __time >= TIMESTAMP '2018-12-01 00:00:00' AND __time < TIMESTAMP '2019-01-01 00:00:00'
  GROUP BY 1
)
SELECT tag, questions, stars, RANK() OVER (ORDER BY questions DESC) AS by_questions, RANK() OVER (ORDER BY stars DESC) AS by_stars
FROM so_tag_year JOIN stars ON tag = tag_name
WHERE TIME_FLOOR(__time, 'P1Y') = TIMESTAMP '2018-01-01 00:00:00'
ORDER BY questions DESC, tag
LIMIT 20
