"""Elasticsearch as the comparison that the station queries come from had it: no mapping given, so a time with a space in it becomes text.

Texts are words to search for, and beside them whole (`.keyword`), which is what queries must name; the time is compared as text. An hour
or a day of such a time can't be had without scripts: f and h have no form. Everything else is set as in elasticsearch.py.
"""
from peers.elasticsearch import PLAIN, STATIONS, Elasticsearch, terms

ONE = {'bool': {'filter': [{'term': {'stationId.keyword': 'ST-292'}}, {'range': {'timestamp.keyword': {'gte': '2023-03-08 00:00:00'}}}]}}
FIELDS = ['stationId', 'stationLatitude', 'stationLongitude', 'stationName']


def whole(key, **changed):
    """The query of that key with some of its parts said otherwise; rows come out as before."""
    body, rows = STATIONS[key]
    return {**body, **changed}, rows


def by_station(key, *order):
    inner = STATIONS[key][0]['aggs']['s']
    return whole(key, aggs={'s': terms('stationId.keyword', inner['terms']['size'], *order, **inner.get('aggs', {}))})


BODIES = {
    # numbers without a mapping are floats of 32 bits; the documents themselves still have all digits
    'a': ({'size': 50000, 'track_total_hits': True, 'query': ONE, '_source': FIELDS, 'sort': ['_doc']},
          lambda r: [[h['_source'][f] for f in FIELDS] for h in r['hits']['hits']]),
    'b': whole('b', query=ONE),
    'c': by_station('c'), 'd': by_station('d', '_count'), 'e': by_station('e'),
    'g': whole('g', aggs={'s': terms('stationName.keyword', 10, '_count')}),
}


class Text(Elasticsearch):
    name, dialect, place, bodies = 'Elasticsearch, text', 'elastic_text', 'elastic-text', BODIES
    mapping = 'no mapping: the time is text, as all dimensions (timestamp.keyword), index not sorted'

    @staticmethod
    def index_of(table):
        return {'settings': {'index': PLAIN}}

    @staticmethod
    def document(table, row):
        """The time under its own name, with a space."""
        return {'timestamp' if name == table.time else name: value.replace('T', ' ').rstrip('Z') if name == table.time else value
                for name, value in row.items()}
