"""Bike stations of a city: 2,700 stations, a reading a minute. Random access and grouping as dashboards send them (a to d), scans (e to h)."""
import os
import subprocess

from peers.processes import die_with_parent
from workloads.shape import Query, Table

TITLE = 'Stations'
ROWS, QUICK = 10_000_000, 200_000
COLUMNS = [('__time', 'time'), ('stationId', 'word'), ('stationName', 'word'), ('stationLatitude', 'double'),
           ('stationLongitude', 'double'), ('rackTotCnt', 'long'), ('parkingBikeTotCnt', 'long'), ('shared', 'long')]
FILTER = "WHERE __time >= TIMESTAMP '2023-03-08 00:00:00' AND stationId = 'ST-292'"


def make(place):
    path = os.path.join(place.folder, 'seoulbike.csv')
    if not os.path.exists(path):
        with open(path + '.part', 'wb') as file:
            subprocess.run([place.binary, 'bench', 'gen', '--rows', str(place.rows)], stdout=file, check=True, preexec_fn=die_with_parent)
        os.rename(path + '.part', path)
    return [Table('seoulbike', path, COLUMNS, time='__time', order=('stationId', '__time'), granularity='DAY', rows=place.rows)]


QUERIES = [
    Query('a', 'rows of one station since a day', 'SELECT stationId, stationLatitude, stationLongitude, stationName FROM seoulbike '
          + FILTER),
    Query('b', 'count of the same', 'SELECT COUNT(*) FROM seoulbike ' + FILTER),
    Query('c', 'rows per station', 'SELECT stationId, COUNT(*) FROM seoulbike GROUP BY stationId'),
    Query('d', 'the 20 stations with most rows', 'SELECT stationId, COUNT(*) FROM seoulbike GROUP BY stationId '
          'ORDER BY COUNT(*) DESC LIMIT 20', keys=(1,)),
    Query('e', 'three aggregates per station', 'SELECT stationId, SUM(parkingBikeTotCnt), MAX(shared), '
          'AVG(parkingBikeTotCnt) FROM seoulbike GROUP BY stationId'),
    Query('f', 'bikes per hour', 'SELECT @hour(__time) AS h, SUM(parkingBikeTotCnt) FROM seoulbike GROUP BY @hour(__time)',
          absent=('elastic_text',)),
    Query('g', 'empty stations, top 10', 'SELECT stationName, COUNT(*) FROM seoulbike WHERE parkingBikeTotCnt = 0 '
          'GROUP BY stationName ORDER BY COUNT(*) DESC LIMIT 10', keys=(1,)),
    Query('h', 'best days of stations, top 10', 'SELECT stationId, @day(__time) AS d, AVG(parkingBikeTotCnt) FROM seoulbike '
          'GROUP BY stationId, @day(__time) ORDER BY AVG(parkingBikeTotCnt) DESC LIMIT 10', keys=(2,), absent=('elastic_text',)),
]
