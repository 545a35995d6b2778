#!/usr/bin/env python3
"""Parquet files of another writer, loaded and compared with what that writer says is in them: every type, codec, encoding and
page form, nested values, several row groups, files that lie; then the real files that are at hand.

Needs pyarrow (tests/setup-venv.sh); skipped with a word where it cannot be installed.
"""
import datetime
import decimal
import json
import math
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
from ovatetest import Counter, Server, module  # noqa: E402

module('pyarrow')
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

EPOCH = datetime.datetime(1970, 1, 1)
ROWS = 5000


def spec(name, path, dimensions=None, **more):
    return {'type': 'index_parallel', 'spec': {
        'dataSchema': {'dataSource': name, 'timestampSpec': {'column': 'id', 'format': 'millis'},
                       'dimensionsSpec': {'dimensions': dimensions} if dimensions else {'useSchemaDiscovery': True},
                       'granularitySpec': {'segmentGranularity': 'ALL', 'rollup': False}},
        'ioConfig': {'type': 'index_parallel', 'inputSource': {'type': 'local', 'files': [path]},
                     'inputFormat': dict({'type': 'parquet'}, **more)}}}


def plain(value):
    """A value of the writer as Ovate prints it."""
    if isinstance(value, datetime.datetime):
        return (value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(milliseconds=1)
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days * 86400000
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, bytes):
        return value.decode()
    return value


def nested(value):
    if isinstance(value, list):
        return [list(map(nested, pair)) for pair in value] if value and isinstance(value[0], tuple) and False else [nested(v) for v in value]
    if isinstance(value, dict):
        return {k: nested(v) for k, v in value.items()}
    return value if isinstance(value, bool) else plain(value)


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and (a == b or math.isclose(a, b, rel_tol=1e-9))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


def maybe(rng, make, nulls=0.2):
    return [None if rng.random() < nulls else make() for _ in range(ROWS)]


def word(rng):
    return ''.join(rng.choice('abcdé한😀 ,"\\') for _ in range(rng.randrange(12)))


def flat_table(rng):
    when = lambda: EPOCH + datetime.timedelta(microseconds=rng.randrange(-10**15, 2 * 10**15))  # noqa: E731
    small = decimal.Decimal(1).scaleb(-2)
    return pa.table({
        'id': pa.array(range(ROWS), pa.int64()),
        'flag': pa.array(maybe(rng, lambda: rng.random() < 0.5), pa.bool_()),
        'i8': pa.array(maybe(rng, lambda: rng.randrange(-128, 128)), pa.int8()),
        'u32': pa.array(maybe(rng, lambda: rng.randrange(2**32)), pa.uint32()),
        'i32': pa.array(maybe(rng, lambda: rng.randrange(-2**31, 2**31)), pa.int32()),
        'i64': pa.array(maybe(rng, lambda: rng.randrange(-2**63, 2**63)), pa.int64()),
        'f32': pa.array(maybe(rng, lambda: rng.randrange(-1000, 1000) / 8), pa.float32()),
        'f64': pa.array(maybe(rng, rng.random), pa.float64()),
        'text': pa.array(maybe(rng, lambda: word(rng)), pa.string()),
        'few': pa.array(maybe(rng, lambda: rng.choice(['a', 'b', 'c'])), pa.string()),
        'day': pa.array(maybe(rng, lambda: when().date()), pa.date32()),
        'ms': pa.array(maybe(rng, when), pa.timestamp('ms')),
        'us': pa.array(maybe(rng, when), pa.timestamp('us')),
        'd9': pa.array(maybe(rng, lambda: decimal.Decimal(rng.randrange(-10**6, 10**6)) * small), pa.decimal128(9, 2)),
        'd30': pa.array(maybe(rng, lambda: decimal.Decimal(rng.randrange(-10**14, 10**14)) * small), pa.decimal128(30, 2)),
        'nothing': pa.array([None] * ROWS, pa.int64()),
    })


def nested_table(rng):
    numbers = lambda: [rng.randrange(100) if rng.random() < 0.8 else None for _ in range(rng.randrange(5))]  # noqa: E731
    words = lambda: [word(rng) for _ in range(rng.randrange(4))]  # noqa: E731
    inner = pa.struct([('x', pa.int64()), ('ys', pa.list_(pa.string())), ('deep', pa.struct([('ok', pa.bool_())]))])
    thing = lambda: {'x': rng.randrange(9) if rng.random() < 0.7 else None, 'ys': words() if rng.random() < 0.8 else None,  # noqa: E731
                     'deep': {'ok': rng.random() < 0.5} if rng.random() < 0.7 else None}
    return pa.table({
        'id': pa.array(range(ROWS), pa.int64()),
        'numbers': pa.array(maybe(rng, numbers), pa.list_(pa.int64())),
        'words': pa.array(maybe(rng, words), pa.list_(pa.string())),
        'thing': pa.array(maybe(rng, thing), inner),
        'things': pa.array(maybe(rng, lambda: [thing() if rng.random() < 0.8 else None for _ in range(rng.randrange(4))]), pa.list_(inner)),
        'matrix': pa.array(maybe(rng, lambda: [numbers() for _ in range(rng.randrange(3))]), pa.list_(pa.list_(pa.int64()))),
        'tags': pa.array(maybe(rng, lambda: [(k, rng.randrange(5)) for k in 'abc'[:rng.randrange(4)]]), pa.map_(pa.string(), pa.int64())),
    })


def compare(counter, server, what, table, path, **more):
    """Load the file and compare every column with the table it was written from."""
    try:
        server.ingest(spec('pq', path, **more))
        names = [n for n in table.column_names if n != 'id']
        have = {row[0] for row in server.sql("SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'pq'")[1]}
        picked = ', '.join('"%s"' % n for n in names if n in have)
        rows = server.sql('SELECT %s FROM pq ORDER BY __time' % picked, context={'sqlStringifyArrays': False})[1]
    except Exception as trouble:  # the error is the finding
        counter.check(what, False, '%s: %s' % (type(trouble).__name__, trouble))
        return
    wrong = []
    for at, name in enumerate(n for n in names if n in have):
        want = [nested(dict(v) if isinstance(v, list) and v and isinstance(v[0], tuple) else {} if name == 'tags' and v == [] else v)
                for v in table.column(name).to_pylist()]
        got = [row[at] for row in rows]
        if any(isinstance(v, (dict, list)) for v in want):
            got = [json.loads(v) if isinstance(v, str) else v for v in got]
        if not want or not isinstance(next((v for v in want if v is not None), None), (dict, list)):
            want = [int(v) if isinstance(v, bool) else v for v in want]
        bad = next((i for i in range(len(want)) if i >= len(got) or not same(want[i], got[i])), None)
        if bad is not None:
            wrong.append('%s, row %d: want %r, got %r' % (name, bad, want[bad], got[bad] if bad < len(got) else 'no row'))
    counter.check(what, not wrong and len(rows) == table.num_rows, '; '.join(wrong) or '%d rows' % len(rows))


def writers(counter, server, folder):
    """Forms of the same rows."""
    flat, deep = flat_table(random.Random(1)), nested_table(random.Random(2))
    forms = {
        'plain pages': dict(compression='none', use_dictionary=False),
        'snappy, dictionaries': dict(compression='snappy'),
        'gzip': dict(compression='gzip'), 'zstd': dict(compression='zstd'), 'lz4': dict(compression='lz4'),
        'second page form': dict(compression='snappy', data_page_version='2.0'),
        'small pages': dict(compression='zstd', data_page_size=600, write_batch_size=50),
        'many row groups': dict(compression='snappy', row_group_size=700),
        'old times': dict(compression='snappy', use_deprecated_int96_timestamps=True),
        'dictionaries that give up': dict(compression='snappy', dictionary_pagesize_limit=800, data_page_size=2000),
    }
    for name, options in forms.items():
        for what, table in (('flat', flat), ('nested', deep)):
            path = os.path.join(folder, 'form.parquet')
            pq.write_table(table, path, **options)
            compare(counter, server, '%s: %s' % (name, what), table, path)
    for encoding, columns in (('DELTA_BINARY_PACKED', ['i32', 'i64', 'us']), ('DELTA_LENGTH_BYTE_ARRAY', ['text', 'few']),
                              ('DELTA_BYTE_ARRAY', ['text', 'few', 'd30']), ('BYTE_STREAM_SPLIT', ['f32', 'f64', 'i64']), ('RLE', ['flag'])):
        for version in ('1.0', '2.0'):
            path = os.path.join(folder, 'encoding.parquet')
            pq.write_table(flat, path, use_dictionary=False, column_encoding={c: encoding for c in columns}, data_page_version=version,
                           data_page_size=3000)
            compare(counter, server, '%s, pages %s' % (encoding, version), flat, path)


def columns_asked_for(counter, server, folder):
    """Types of the spec, paths into nested values, bytes."""
    path = os.path.join(folder, 'asked.parquet')
    table = pa.table({'id': pa.array([1, 2], pa.int64()), 'o': pa.array([{'a': [1, 2], 'b': 'x'}, {'a': None, 'b': 'y'}]),
                      'raw': pa.array([b'\x01\x02', b'hi'], pa.binary()), 'n': pa.array([7, 8], pa.int64())})
    pq.write_table(table, path)
    flatten = {'flattenSpec': {'useFieldDiscovery': True, 'fields': [{'type': 'path', 'name': 'b', 'expr': '$.o.b'},
                                                                      {'type': 'path', 'name': 'a1', 'expr': '$.o.a[1]'}]}}
    dims = ['b', {'type': 'long', 'name': 'a1'}, 'raw', {'type': 'double', 'name': 'n'}]
    server.ingest(spec('pq', path, dims, **flatten))
    counter.equal('flattenSpec', server.sql('SELECT b, a1, raw, n FROM pq ORDER BY __time')[1], [['x', 2, 'AQI=', 7.0], ['y', None, 'aGk=', 8.0]])
    server.ingest(spec('pq', path, ['raw'], binaryAsString=True))
    counter.equal('binaryAsString', server.sql('SELECT raw FROM pq ORDER BY __time')[1], [['\x01\x02'], ['hi']])
    got = server.sql("""SELECT o, n FROM TABLE(EXTERN('{"type":"local","files":["%s"]}', '{"type":"parquet"}'))
                        EXTEND (o TYPE('COMPLEX<json>'), n BIGINT)""" % path)[1]
    counter.equal('EXTERN', [[json.loads(o) if isinstance(o, str) else o, n] for o, n in got], [[{'a': [1, 2], 'b': 'x'}, 7], [{'a': None, 'b': 'y'}, 8]])


def broken_files(counter, server, folder):
    """Every one an error that names the file, the server unharmed."""
    path = os.path.join(folder, 'broken.parquet')
    whole = os.path.join(folder, 'whole.parquet')
    pq.write_table(nested_table(random.Random(3)).slice(0, 300), whole, compression='snappy', data_page_size=500)
    with open(whole, 'rb') as file:
        good = file.read()
    rng = random.Random(4)
    tries = [('cut short', good[:len(good) // 2]), ('empty', b''), ('text', b'a,b\n1,2\n'), ('only a head', b'PAR1'),
             ('a footer longer than the file', good[:-8] + b'\xff\xff\xff\x7fPAR1')]
    for i in range(60):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(4, len(bad) - 8)] ^= 1 << rng.randrange(8)
        tries.append(('bits flipped, %d' % i, bytes(bad)))
    for name, data in tries:
        with open(path, 'wb') as file:
            file.write(data)
        status = server.run_task(spec('broken', path))
        named = status['statusCode'] == 'SUCCESS' or 'broken.parquet' in str(status.get('errorMsg'))
        counter.check('broken: ' + name, named and (name.startswith('bits') or status['statusCode'] == 'FAILED'), status)
    counter.check('the server lives', server.alive())
    server.ingest(spec('pq', whole))
    counter.equal('a text format over Parquet', 'Parquet' in str(server.run_task(
        dict(spec('broken', whole), spec=dict(spec('broken', whole)['spec'], ioConfig={
            'type': 'index_parallel', 'inputSource': {'type': 'local', 'files': [whole]}, 'inputFormat': {'type': 'json'}})))['errorMsg']), True)


def real_files(counter, server):
    """Files that Spark, Impala and others wrote; rows as pyarrow reads them."""
    folder = os.environ.get('OVATE_SHARED') or os.path.join(HERE, '..', '..', '..', 'shared')
    paths = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(folder, 'data')) for name in sorted(names) if name.endswith('.parquet')]
    if not paths:
        print('no real Parquet files: OVATE_SHARED names no folder with some')
    for path in paths:
        table = pq.read_table(path)
        task = spec('pq', os.path.abspath(path))
        task['spec']['dataSchema']['timestampSpec'] = {'column': 'nothing_of_the_kind', 'missingValue': '2000-01-01T00:00:00Z'}
        try:
            server.ingest(task)
        except Exception as trouble:  # the error is the finding
            counter.check(os.path.basename(path), False, trouble)
            continue
        for name in table.column_names:
            values = [plain(v) for v in table.column(name).to_pylist() if v is not None and not isinstance(v, (list, dict, tuple))]
            if values and len(values) + table.column(name).null_count == table.num_rows:
                got = [row[0] for row in server.sql('SELECT "%s" FROM pq WHERE "%s" IS NOT NULL' % (name, name))[1]]
                counter.equal('%s: %s' % (os.path.basename(path), name), sorted(map(str, got)), sorted(map(str, values)))


def main():
    counter = Counter()
    with tempfile.TemporaryDirectory(prefix='ovate-parquet-') as folder, Server() as server:
        writers(counter, server, folder)
        columns_asked_for(counter, server, folder)
        broken_files(counter, server, folder)
        real_files(counter, server)
    counter.finish()


main()
