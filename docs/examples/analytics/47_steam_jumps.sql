-- Question:   after which days did the number of players jump? (with steam_news joined by day: the effect of news)
-- Datasource: steam_players; steam_news (source steam.news) has __time, appid, title
-- Columns:    __time, game, player_count
-- Method:     the mean of seven days against the mean of the seven before.
WITH daily AS (
  SELECT game, TIME_FLOOR(__time, 'P1D') AS at_day, MAX(player_count) AS players FROM steam_players GROUP BY 1, 2
), means AS (
  SELECT game, at_day, players, AVG(1.0 * players) OVER (PARTITION BY game ORDER BY at_day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS this_week,
    AVG(1.0 * players) OVER (PARTITION BY game ORDER BY at_day ROWS BETWEEN 13 PRECEDING AND 7 PRECEDING) AS week_before,
    ROW_NUMBER() OVER (PARTITION BY game ORDER BY at_day) AS place
  FROM daily
)
SELECT game, at_day, players, ROUND(this_week / week_before, 4) AS jump
FROM means
WHERE place >= 14 AND week_before > 10000
ORDER BY jump DESC, game, at_day
LIMIT 20
