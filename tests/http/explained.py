#!/usr/bin/env python3
"""Every native query that EXPLAIN PLAN FOR prints is posted, and must give the SQL query's rows.

    explained.py --url http://127.0.0.1:8888 FILE...

FILE holds one SQL statement a line, or JSON lines with a `body` that has a `query`, or statements between `#!SQL` style
markers as .iq files have them (a statement ends with `;`). Prints how many statements had a native query, and those whose
answers differ. Rows compare as a list when the statement orders them, else as a set. Standard library only.

    explained.py --url http://127.0.0.1:8888 --qa [WORD] [--every N]

takes the corpus of Druid's quality tests instead, files whose path holds WORD, every N-th statement of them, and loads its tables, as
tools/druid_qa.py of the shared folder does.
"""
import argparse, calendar, collections, glob, http.client, json, math, os, re, sys, urllib.parse


def send(where, path, body):
    link = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    link.request('POST', path, json.dumps(body).encode(), {'Content-Type': 'application/json'})
    reply = link.getresponse()
    text = reply.read().decode('utf-8', 'replace')
    link.close()
    return reply.status, text


def statements(path):
    text = open(path, encoding='utf-8', errors='replace').read()
    if path.endswith('.ndjson'):
        for line in text.split('\n'):
            body = json.loads(line).get('body') if line else None
            if isinstance(body, dict) and isinstance(body.get('query'), str) and not body.get('parameters'):
                yield body['query'], body.get('context') or {}
        return
    if path.endswith('.iq'):
        for part in re.split(r'\n!ok[^\n]*|\n!\w[^\n]*', text):
            lines = [l for l in part.splitlines() if not l.startswith(('#', '!'))]
            sql = '\n'.join(lines).split(';')[0].strip()
            if re.match(r'(?is)\s*(select|with|\()', sql):
                yield sql, {}
        return
    for line in text.splitlines():
        if line.strip() and not line.startswith('#'):
            yield line.strip().rstrip(';'), {}


def native_rows(entry, answer):
    kind, names = entry['query']['queryType'], [m['queryColumn'] for m in entry['columnMappings']]
    if kind == 'timeseries':
        return [[r['result'][n] for n in names] for r in answer]
    if kind == 'topN':
        return [[row[n] for n in names] for r in answer for row in r['result']]
    if kind == 'groupBy':
        return [[r['event'][n] for n in names] for r in answer]
    if kind == 'windowOperator':
        signature = [c['name'] for c in entry['query']['outputSignature']]
        return [[row[signature.index(n)] for n in names] for row in answer]
    rows = []
    for part in answer:
        places = [part['columns'].index(n) for n in names]
        rows += [[event[i] for i in places] for event in part['events']]
    return rows


def millis(text):
    m = re.match(r'(-?\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})(Z|([+-])(\d\d):(\d\d)(?::(\d\d))?)$', text)
    if not m:
        return text
    y, mo, d, h, mi, s, ms = map(int, m.groups()[:7])
    offset = 0
    if m.group(9):
        offset = (int(m.group(10)) * 60 + int(m.group(11))) * 60 + int(m.group(12) or 0)
        offset = -offset if m.group(9) == '-' else offset
    years = 400 * ((2399 - y) // 400) if y < 1 else 0  # to a year of this age, by whole turns of the calendar
    return (calendar.timegm((y + years, mo, d, h, mi, s)) - years // 400 * 146097 * 86400 - offset) * 1000 + ms


def plain(value, sql):
    if value is None:
        return None
    if sql in ('TIMESTAMP', 'DATE') and isinstance(value, str):
        return millis(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and sql == 'BIGINT':
        return round(value)  # an estimate, which SQL makes whole
    if isinstance(value, float):
        return float('%.9g' % value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and (value[:1] in '{["' or sql.startswith('COMPLEX') or sql == 'OTHER'):
        try:
            value = json.loads(value)  # JSON columns are text in SQL answers
        except ValueError:
            return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return value


def compare(where, sql, context, strict=False):
    """strict: the statement orders its rows to the last; otherwise equal ones may come in any order."""
    if re.search(r'(?i)\bnow\b|\bcurrent_', sql):
        return 'none', None  # two requests, two answers
    body = {'query': 'EXPLAIN PLAN FOR ' + sql, 'resultFormat': 'array', 'context': context}
    status, text = send(where, '/druid/v2/sql', body)
    if status != 200:
        return 'refused', None
    plan = json.loads(text)[0][0]
    if not plan.startswith('['):
        return 'none', None
    entries = json.loads(plan)
    if any(e['query'].get('queryType') == 'ovate' for e in entries):
        return 'none', None
    status, text = send(where, '/druid/v2/sql', {'query': sql, 'resultFormat': 'array', 'header': True, 'typesHeader': True, 'sqlTypesHeader': True,
                                                 'context': dict(context, sqlStringifyArrays=False)})
    rows = None
    if status == 200:
        answer = json.loads(text)
        types = answer[2]
        rows = [[plain(v, t) for v, t in zip(row, types)] for row in answer[3:]]
    got = []
    for e in entries:
        native_status, native_text = send(where, '/druid/v2', e['query'])
        if native_status != 200:
            return ('same', None) if rows is None else ('differs', 'native: HTTP %d %.300s' % (native_status, native_text))
        if rows is None:
            return 'differs', 'SQL: HTTP %d %.200s' % (status, text)
        got += [[plain(v, t) for v, t in zip(row, types)] for row in native_rows(e, json.loads(native_text))]
    ordered = re.search(r'(?is)\border\s+by\b[^()]*$', sql)
    limited = re.search(r'(?is)\b(limit|fetch|offset)\b', sql)
    key = lambda row: json.dumps(row, ensure_ascii=False)
    if len(rows) != len(got):
        return 'differs', '%d rows, native %d' % (len(rows), len(got))
    if strict and rows != got and sorted(map(key, rows)) == sorted(map(key, got)):
        return 'differs', 'in the order of rows: SQL %.200s\n      native %.200s' % (rows, got)
    if sorted(map(key, rows)) == sorted(map(key, got)):
        return 'same', None
    if limited and not ordered:
        return 'same', None  # any rows will do
    a, b = sorted(map(key, rows)), sorted(map(key, got))
    first = next(((x, y) for x, y in zip(a, b) if x != y), ('', ''))
    return 'differs', 'SQL %.200s\n      native %.200s' % first


def corpus(url, word, every):
    """(path, statement, context) of the corpus, table set by table set, which is loaded when its statements come."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, '..', 'lib'))
    import ovatetest
    shared = ovatetest.shared_folder('tools/druid_qa.py', 'data/druid-qa')
    sys.path.insert(0, os.path.join(shared, 'tools'))
    import druid_qa
    sets = collections.OrderedDict()
    for path in sorted(glob.glob(os.path.join(shared, 'data', 'druid-qa', 'queries', '**', '*.iq'), recursive=True)):
        for dataset, case in druid_qa.parse(path) if word in path else ():
            if dataset and 'qatests/' in dataset:
                sets.setdefault(dataset, []).append((path, case))
    for dataset, cases in sets.items():
        trouble = druid_qa.load(url, os.path.join(shared, 'data', 'druid-qa', 'tables'), dataset, 0.2)
        if trouble:
            sys.exit('%s: %s' % (dataset, trouble))
        for path, case in cases[::every]:
            yield path, case.sql, case.context


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--url', required=True)
    ap.add_argument('--show', type=int, default=10)
    ap.add_argument('--qa', nargs='?', const='', metavar='WORD')
    ap.add_argument('--every', type=int, default=1)
    ap.add_argument('files', nargs='*')
    args = ap.parse_args()
    where, count = urllib.parse.urlsplit(args.url), {'same': 0, 'differs': 0, 'none': 0, 'refused': 0}
    asked = corpus(args.url, args.qa, args.every) if args.qa is not None else (
        (path, sql, context) for path in args.files for sql, context in statements(path))
    for path, sql, context in asked:
        result, why = compare(where, sql, {k: v for k, v in context.items() if k in ('sqlTimeZone',)})
        count[result] += 1
        if why and count['differs'] <= args.show:
            print('%s\n  %s\n      %s' % (path, ' '.join(sql.split())[:600], why), flush=True)
    print('%(same)d same, %(differs)d different, %(none)d without a native query, %(refused)d refused' % count)
    sys.exit(1 if count['differs'] else 0)


if __name__ == '__main__':
    main()
