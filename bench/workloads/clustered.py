"""The station rows clustered by station, then time, as the peers keep them (Druid's forceSegmentSortByTime: false)."""
from workloads import stations

TITLE = 'Stations, clustered'
ROWS, QUICK, QUERIES = stations.ROWS, stations.QUICK, stations.QUERIES


def make(place):
    tables = stations.make(place)
    for table in tables:
        table.clustered = True
    return tables
