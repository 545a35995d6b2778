-- Question:   how do the key figures of a chain move: transactions, wallets, fees, against the stretch before?
-- Datasource: defi_tx (docs/examples/ethereum-transactions.json)
-- Columns:    __time, from_address, to_address, gas, gas_price
-- Method:     figures of each stretch and their change ('PT1M' here; 'P1D' is day over day).
WITH kpi AS (
  SELECT TIME_FLOOR(__time, 'PT1M') AS at_minute, COUNT(*) AS transactions, COUNT(DISTINCT from_address) AS wallets, AVG(1.0 * gas_price) / 1e9 AS mean_gwei
  FROM defi_tx
  GROUP BY 1
)
SELECT at_minute, transactions, wallets, ROUND(mean_gwei, 4) AS mean_gwei,
  ROUND(100.0 * transactions / LAG(transactions) OVER (ORDER BY at_minute) - 100, 4) AS transactions_change_percent,
  ROUND(100.0 * mean_gwei / LAG(mean_gwei) OVER (ORDER BY at_minute) - 100, 4) AS fee_change_percent
FROM kpi
ORDER BY at_minute
