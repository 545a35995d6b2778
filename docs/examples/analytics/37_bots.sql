-- Question:   which share of the activity is made by bots?
-- Datasource: gh_event
-- Columns:    __time, type, is_bot
-- Method:     by kind and day; a bot's name ends in [bot], so bots that use a person's account are not seen (nor those before 2018).
SELECT TIME_FLOOR(__time, 'P1D') AS at_day, type, COUNT(*) AS events, SUM(is_bot) AS by_bots, ROUND(100.0 * SUM(is_bot) / COUNT(*), 4) AS percent
FROM gh_event
GROUP BY 1, 2
HAVING SUM(is_bot) > 0
ORDER BY 1, percent DESC, type
