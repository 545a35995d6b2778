-- Question:   how many play a game: the peak and the mean of each year, and on which day was the peak?
-- Datasource: steam_players (source steam.players)
-- Columns:    __time, game, player_count
-- Method:     aggregates by game and year ('P1D' where there are samples by the minute).
SELECT game, TIME_FLOOR(__time, 'P1Y') AS at_year, MAX(player_count) AS peak, ROUND(AVG(1.0 * player_count), 2) AS mean_players, COUNT(*) AS samples
FROM steam_players
GROUP BY 1, 2
ORDER BY 1, 2
