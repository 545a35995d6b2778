"""The table that clients written in other languages ask: three days, k in a b c, n counting from 0 to 29."""

_LINES = '\n'.join('{"t":"2024-01-%02dT00:00:00Z","k":"%s","n":%d}' % (i // 10 + 1, 'abc'[i % 3], i) for i in range(30))

SPEC = {'type': 'index_parallel', 'spec': {
    'dataSchema': {'dataSource': 'letters', 'timestampSpec': {'column': 't', 'format': 'iso'},
                   'dimensionsSpec': {'dimensions': ['k', {'type': 'long', 'name': 'n'}]},
                   'granularitySpec': {'segmentGranularity': 'DAY', 'rollup': False}},
    'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'inline', 'data': _LINES}, 'inputFormat': {'type': 'json'}}}}
