"""The settings under which the same files must give the same answers: forced paths, batch sizes, workers, segments.

A setting is environment variables of the server (README.md lists them) and, where the shape of the stored data
matters, changes to the ingestion specs.
"""
import copy


class Setting:
    def __init__(self, env=None, segment_rows=None, segment_granularity=None, push_rows=None,
                 again=False, keyed=False):
        self.env = env or {}
        self.segment_rows = segment_rows                # many small segments in each time chunk
        self.segment_granularity = segment_granularity  # other time chunks
        self.again = again                              # each statement twice: the second one finds states of segments
        self.keyed = keyed                              # rows that keys have superseded lie among the others; see keyed.py
        self.push_rows = push_rows                      # nothing is published: pushed, so many rows at once


SETTINGS = {
    'plain': Setting(),
    'batch-1': Setting({'OVATE_TEST_BATCH_ROWS': '1'}),
    'batch-7': Setting({'OVATE_TEST_BATCH_ROWS': '7'}),
    'general': Setting({'OVATE_TEST_GENERAL_ONLY': '1'}),
    'hashing': Setting({'OVATE_TEST_DENSE_LIMIT': '1'}),
    'lots': Setting({'OVATE_TEST_LOT_GROUPS': '1', 'OVATE_TEST_DENSE_LIMIT': '1'}),
    'one-worker': Setting({'OVATE_TEST_WORKERS': '1'}),
    'many-workers': Setting({'OVATE_TEST_WORKERS': '7'}),
    'isa-base': Setting({'OVATE_ISA': 'base'}),
    'isa-v3': Setting({'OVATE_ISA': 'v3'}),
    'isa-v4': Setting({'OVATE_ISA': 'v4'}),
    'hash-few': Setting({'OVATE_HASH': 'few'}),
    'hash-zero': Setting({'OVATE_HASH': 'zero'}),
    'one-segment': Setting(segment_granularity='ALL'),
    'many-segments': Setting(segment_rows=1000, segment_granularity='HOUR'),
    'in-memory': Setting(push_rows=700),
    'keyed': Setting(keyed=True),
    'keyed-small': Setting({'OVATE_TEST_KEEP_STATES': '1'}, segment_rows=1000, segment_granularity='HOUR', again=True, keyed=True),
    'keyed-memory': Setting(push_rows=700, keyed=True),
    'spill': Setting({'OVATE_TEST_SPILL_ROWS': '1'}),
    'spill-some': Setting({'OVATE_TEST_SPILL_ROWS': '50', 'OVATE_TEST_BATCH_ROWS': '31', 'OVATE_TEST_WORKERS': '3',
                           'OVATE_TEST_DENSE_LIMIT': '1'}, segment_rows=1000, segment_granularity='HOUR'),
    'kept': Setting({'OVATE_TEST_KEEP_STATES': '1'}, segment_rows=1000, segment_granularity='HOUR', again=True),
    'worst': Setting({'OVATE_TEST_BATCH_ROWS': '7', 'OVATE_TEST_GENERAL_ONLY': '1', 'OVATE_TEST_WORKERS': '5',
                      'OVATE_HASH': 'few'}, segment_rows=777, segment_granularity='HOUR'),
}


def load_changes(spec, setting):
    """The spec as this setting loads it."""
    spec = copy.deepcopy(spec)
    inner = spec['spec']
    if setting.segment_granularity:
        inner['dataSchema'].setdefault('granularitySpec', {})['segmentGranularity'] = setting.segment_granularity
    if setting.segment_rows:
        tuning = inner.setdefault('tuningConfig', {'type': 'index_parallel'})
        tuning['partitionsSpec'] = {'type': 'dynamic', 'maxRowsPerSegment': setting.segment_rows}
    return spec
