"""Sections of the page about what measure.py measured: each says when, at which commit and how busy the machine was."""
import json
import os

from pictures import ms

SECTIONS = 'start', 'serve', 'ingest', 'cold', 'caches', 'roofline'


def read(path):
    """{name: entry} of measures.json; entries of the time when a file had one date have that."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding='utf-8') as file:
        facts = json.load(file)
    together = {key: facts[key] for key in ('date', 'machine') if key in facts}
    return {name: {**together, **entry} for name, entry in facts.items() if isinstance(entry, dict)}


def origin(entry):
    command = ', `%s`' % entry['command'] if entry.get('command') else ''
    return 'Measured %s at load average %.1f, commit %s%s.' % (entry.get('date', ''), entry['load_average'], entry.get('commit', 'not noted'), command)


def start(facts):
    return ['## Start', '', 'From exec to the last byte of the first answer, which is over all of %s segments, best of five: %.2f s with pages in memory, %.2f s after '
            'they were dropped; %.2f s of processor time; %.0f MB resident.' % (
                '{:,}'.format(facts['segments']), min(facts['warm']['seconds']), min(facts['cold']['seconds']), min(facts['warm']['cpu']),
                facts['warm']['memory_mb'])]


def serve(facts):
    memory = facts['memory']
    failed = [str(run['connections']) for run in facts['runs'] if run['errors']]
    return ['## Small queries', '', 'Query b by `wrk -t1` on kept connections, %s rows; wrk shares the processors. Memory: %.0f MB idle, %.0f MB after, %.0f MB at most.' % (
        '{:,}'.format(facts['rows']), memory['idle_mb'], memory['loaded_mb'], memory['peak_mb']), *(
            ['', '**Some requests failed** with this many connections: ' + ', '.join(failed)] if failed else []), '',
            '| connections | answers a second | p50 ms | p90 ms | p99 ms |', '|--:|--:|--:|--:|--:|',
            *('| %d | %s | %.3f | %.2f | %.2f |' % (r['connections'], '{:,.0f}'.format(r['per_second']), r['ms']['50'], r['ms']['90'], r['ms']['99'])
              for r in facts['runs'])]


def ingest(facts):
    memory = facts.get('memory')
    words = ' Memory: %.0f MB idle, %.0f MB after queries alone, %.0f MB at most while loading.' % (
        memory['idle_mb'], memory['queried_mb'], memory['peak_mb']) if memory else ''
    return ['## Dashboards while rows are loaded', '', 'The eight station queries in turn on one connection, alone and while the same server loads %s rows into another table '
            'in %.1f s.%s' % ('{:,}'.format(facts['rows']), facts['seconds'], words), '',
            '| | queries | p50 ms | p90 ms | p99 ms | longest ms |', '|---|--:|--:|--:|--:|--:|',
            *('| %s | %s | %.2f | %.1f | %.1f | %.1f |' % (name, '{:,}'.format(f['count']), f['p50'], f['p90'], f['p99'], f['max'])
              for name, f in (('alone', facts['alone']), ('while loading', facts['loading'])))]


def cold(facts):
    rows, queries = (facts.get('rows'), facts['queries']) if isinstance(facts, dict) else (None, facts)
    return ['## First queries', '', 'Milliseconds of the first run in a server just started%s, pages in memory and after the page cache was dropped; then the best of five.' % (
        ', %s rows' % '{:,}'.format(rows) if rows else ''), '', '| query | first after a start | first after the page cache was dropped | best of five |', '|---|--:|--:|--:|',
            *('| **%s** %s | %s | %s | %s |' % (q['key'], q.get('about', ''), ms(q['first']), ms(q['dropped']), ms(q['best'])) for q in queries)]


def caches(facts):
    return ['## Caches of results', '', 'Every other number is without them. Milliseconds, best of seven, %s station rows: off, and on as a server has them by default.' % (
        '{:,}'.format(facts['rows'])), '', '| query | off | on |', '|---|--:|--:|',
            *('| **%s** %s | %s | %s |' % (q['key'], q['about'], ms(q['off']), ms(q['on'])) for q in facts['queries'])]


def others(measures):
    """What is measured beside queries and their limit."""
    out = []
    for section in (start, serve, ingest, cold, caches):
        entry = measures.get(section.__name__)
        out += ['', *section(entry['facts']), '', origin(entry)] if entry else []
    return out


def roofline(measures):
    """How far from what the machine can give."""
    if 'roofline' not in measures:
        return []
    entry = measures['roofline']
    facts = entry['facts']
    return ['', '## How far the machine\'s limit is', '', '![roofline](roofline.svg)', '', 'A query can\'t be answered sooner than the bytes it needs can be read, unless it needs fewer. '
            'Bytes of columns that a query reads (by Ovate\'s own count, `EXPLAIN ANALYZE`), over its best time to the last byte of the answer, against %.1f GB/s, which all processors together read '
            'from memory in the same run (%s rows). Where no bytes are read, the answer comes from row counts of values, sums of blocks and dictionaries. Above 100 %%: '
            'blocks that come round are stored once and stay in cache.' % (facts['bytes_per_second'] / 1e9, '{:,}'.format(facts['rows'])), '',
            '| query | MB read | ms | GB/s | of the bandwidth |', '|---|--:|--:|--:|--:|',
            *('| **%s** %s | %.1f | %s | %.2f | %.0f %% |' % (q['key'], q['about'], q['bytes'] / 1e6, ms(q['seconds']), q['bytes'] / q['seconds'] / 1e9, 100 * q['share'])
              for q in facts['queries']), '', origin(entry)]
