"""partitionsSpec of batch tasks: rows divided by hash and by range, pruning, and the same answers as without."""
import json

from test_formats import check, same
from test_insert import pruned

ROWS = ['{"t":"2024-01-%02dT%02d:00:00Z","k":%s,"l":"%s","n":%d}' % (
    1 + i % 2, i % 24, 'null' if i % 50 == 0 else '"k%02d"' % (i * 7 % 40), 'xyz'[i % 3], i) for i in range(1200)]


def spec(name, rows, partitions, discover=False):
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': name, 'timestampSpec': {'column': 't', 'format': 'iso'},
                       'dimensionsSpec': {'useSchemaDiscovery': True} if discover else
                       {'dimensions': ['k', 'l', {'type': 'long', 'name': 'n'}]},
                       'granularitySpec': {'segmentGranularity': 'DAY', 'queryGranularity': 'NONE', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': '\n'.join(rows)},
                     'inputFormat': {'type': 'json'}},
        'tuningConfig': {'type': 'index_parallel', 'forceGuaranteedRollup': True, 'partitionsSpec': partitions}}}


def shards(server, table):
    return [json.loads(row[0]) for row in server.sql(
        "SELECT shard_spec FROM sys.segments WHERE datasource = '%s' AND is_active = 1" % table)[1]]


CONDITIONS = ("k = 'k07'", "k IN ('k00', 'nosuch')", 'k IS NULL', "k = 'k07' AND l = 'x'", "k > 'k20'", "k <> 'k07'", "k = 'k07' OR n = 3")


def compare(server, table, sharp):
    for condition in CONDITIONS + ('TRUE',):
        got, total, out = pruned(server, table, condition)
        same(got, pruned(server, 'partplain', condition)[0])
        check(condition not in sharp or out >= total // 3, (table, condition, total, out))


def divided(server):
    server.ingest(spec('partplain', ROWS, {'type': 'dynamic'}))
    same({shard['type'] for shard in shards(server, 'partplain')}, {'numbered'})
    cases_of = (({'type': 'hashed', 'numShards': 6, 'partitionDimensions': ['k']}, 'hashed', CONDITIONS[:4]),
                ({'type': 'hashed', 'targetRowsPerSegment': 100, 'partitionDimensions': ['k', 'l']}, 'hashed', CONDITIONS[3:4]),
                ({'type': 'range', 'targetRowsPerSegment': 100, 'partitionDimensions': ['k', 'l']}, 'range', CONDITIONS[:5]),
                ({'type': 'single_dim', 'targetRowsPerSegment': 100, 'partitionDimension': 'k'}, 'range', CONDITIONS[:5]))
    for number, (partitions, kind, sharp) in enumerate(cases_of):
        for discover in (False, True):
            table = 'part%d%s' % (number, 'd' if discover else '')
            server.ingest(spec(table, ROWS, partitions, discover))
            found = shards(server, table)
            same({shard['type'] for shard in found}, {kind})
            check(len(found) >= 10, found)
            compare(server, table, sharp)


def indivisible(server):
    """Dimensions that cannot divide: the rows are all there and nothing is claimed of the segments."""
    lists = [line.replace('"l":"x"', '"l":["x","y"]') for line in ROWS]
    server.ingest(spec('partlist', lists, {'type': 'hashed', 'numShards': 4, 'partitionDimensions': ['l']}))
    same({shard['type'] for shard in shards(server, 'partlist')}, {'numbered'})
    same(server.sql("SELECT COUNT(*), SUM(n) FROM partlist WHERE MV_CONTAINS(l, 'y')")[1],
         server.sql("SELECT COUNT(*), SUM(n) FROM partplain WHERE l IN ('x', 'y')")[1])
    for dimension in ('n', 'nosuch'):
        server.ingest(spec('partno', ROWS, {'type': 'range', 'targetRowsPerSegment': 100, 'partitionDimensions': [dimension]}))
        same(server.sql('SELECT COUNT(*), SUM(n) FROM partno')[1], [[1200, 719400]])
        same({shard['type'] for shard in shards(server, 'partno')}, {'numbered'})


def cases(server):
    for function in (divided, indivisible):
        yield function.__name__, lambda function=function: function(server)
