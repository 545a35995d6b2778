-- Question:   which bike stations are empty or full, and how often?
-- Datasource: seoulbike_status (source seoul.bikes)
-- Columns:    __time, station_id, station_name, racks, bikes, shared_pct, is_empty, is_full
-- Method:     the share of the samples of each station; with a sample a minute these are minutes.
SELECT station_id, MIN(station_name) AS station, COUNT(*) AS samples, SUM(is_empty) AS empty_samples, SUM(is_full) AS full_samples,
  MAX(racks) AS racks, ROUND(AVG(1.0 * bikes), 4) AS mean_bikes, RANK() OVER (ORDER BY AVG(1.0 * shared_pct) DESC) AS fullest
FROM seoulbike_status
GROUP BY station_id
ORDER BY fullest, station_id
LIMIT 20
