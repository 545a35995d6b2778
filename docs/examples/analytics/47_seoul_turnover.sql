-- Question:   at which stations is most going on, and which fill up or run empty?
-- Datasource: seoulbike_trip (docs/examples/seoulbike-trips.json)
-- Columns:    __time, rent_station, return_station, minutes
-- Method:     bikes taken and brought by station; the rank is by both together.
WITH moves AS (
  SELECT rent_station AS station, 1 AS taken, 0 AS brought, minutes FROM seoulbike_trip
  UNION ALL
  SELECT return_station, 0, 1, minutes FROM seoulbike_trip
)
SELECT station, SUM(taken) AS taken, SUM(brought) AS brought, SUM(brought) - SUM(taken) AS gained, ROUND(AVG(1.0 * minutes), 4) AS mean_minutes,
  RANK() OVER (ORDER BY SUM(taken) + SUM(brought) DESC) AS place
FROM moves
GROUP BY station
ORDER BY place, station
LIMIT 20
