"""The dashboard in docs/examples/grafana: its metrics are all there, and the queries of its Druid panels are answered."""
import os
import re

from ovatetest import ROOT, load_json
from test_formats import check

DASHBOARD = os.path.join(ROOT, 'docs', 'examples', 'grafana', 'streams.json')
PLACES = {'${datasource}': 'watched', '${__from}': '1714521600000', '${__to}': '1714608000000'}


def targets():
    return [t for panel in load_json(DASHBOARD)['panels'] for t in panel.get('targets', [])]


def metrics(server):
    server.request('POST', '/v1/push/watched', b'{"time":"2024-05-01T00:00:30Z","n":1}\n')
    told = set(re.findall(r'^# TYPE (\S+)', server.request('GET', '/metrics')[2].decode(), re.M))
    named = set(re.findall(r'ovate_\w+', ' '.join(t['expr'] for t in targets() if 'builder' not in t)))
    check(len(named) > 20, named)
    missing = {name for name in named if name not in told and re.sub('_(bucket|sum|count)$', '', name) not in told}
    check(not missing, missing)


def queries(server):
    for target in targets():
        if 'builder' in target:
            query = target['builder']['query']
            for place, value in PLACES.items():
                query = query.replace(place, value)
            names, rows = server.sql(query)
            check(names and (rows or 'supervisors' in query), query)


def cases(server):
    for function in (metrics, queries):
        yield function.__name__, lambda f=function: f(server)
