"""A run's numbers as a Markdown page and a picture."""
import json
import math
import os

import pictures
from pictures import ms


def best(times):
    return ms(min(times)) if times else 'cannot'


def ratio(query):
    """How many times faster than the faster peer, None without one."""
    others = [min(times) for times in query['times'][1:] if times]
    return min(others) / min(query['times'][0]) if others and query['times'][0] else None


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def cell(text):
    """Text that may stand in a table."""
    return text.replace('|', '\\|').replace('\n', ' ')


def engines(run):
    """What ran, how it was set and how it loaded."""
    out = ['| engine | version | settings | load s | rows/s | CPU s | peak MB | MB on disk |', '|---|---|---|--:|--:|--:|--:|--:|']
    for e in run['engines']:
        took = e['load']
        load = ('%.1f' % took['seconds'], '{:,.0f}'.format(run['rows'] / took['seconds']), '%.1f' % took['cpu'] if took.get('cpu') else '',
                '%.0f' % took['peak_mb'] if took.get('peak_mb') else '') if took else ('kept', '', '', '')
        out.append('| %s | %s | %s | %s | %s | %s | %s | %.1f |' % (e['name'], e['version'], cell(e['settings']), *load, e['bytes'] / 1e6))
    if not all(e['load'] for e in run['engines']):
        out += ['', 'kept: loaded by an earlier run with --keep.']
    return out


def origin(run):
    """Where and from what a run's numbers are."""
    return '%s; load average %.2f at the start; commit %s; %s. The command:' % (
        run['machine'], run['load_average'], run.get('commit', 'not noted'), run['date'])


def bests(run):
    names = [engine['name'] for engine in run['engines']]
    out = ['| query | ' + ' | '.join('%s best | median' % n for n in names) + ' | Ovate is | answers |',
           '|---|' + '--:|--:|' * len(names) + '--:|---|']
    ratios = []
    for q in run['queries']:
        cells = ['%s | %s' % (best(t), ms(sorted(t)[len(t) // 2]) if t else '') for t in q['times']]
        times = ratio(q)
        ratios += [times] if times else []
        out.append('| **%s** %s | %s | %s | %s |' % (q['key'], cell(q['about']), ' | '.join(cells), '%.2f ×' % times if times else '',
                                                     cell(q['answers'])))
    if ratios:
        out += ['', 'Geometric mean %.2f × the faster peer, least %.2f ×, %d of %d slower than it.' % (
            mean(ratios), min(ratios), sum(r < 1 for r in ratios), len(ratios))]
    return out


def firsts(run):
    names = [engine['name'] for engine in run['engines']]
    out = ['| query | ' + ' | '.join(names) + ' |', '|---|' + '--:|' * len(names)]
    return out + ['| %s | %s |' % (q['key'], ' | '.join(ms(first) if first else 'cannot' for first in q['first'])) for q in run['queries']]


def markdown(run, picture):
    out = ['# %s, %s rows, %s' % (run['title'], '{:,}'.format(run['rows']), run['date']), '', origin(run), '', '    ' + run['command'], '', *engines(run), '']
    out += ['**%s is absent**: %s.' % (name, reason.rstrip('.')) for name, reason in run['absent']]
    out += ['', 'Milliseconds, best of %d after one first run; median beside it. Answers were compared first and are equal '
            'unless the last column says otherwise.' % run['runs'], '', '![times](%s)' % picture, '', *bests(run)]
    out += ['', '## First runs, milliseconds', '', *firsts(run), '']
    memory = ['%s %.0f MB now, %.0f at most' % (e['name'], e['memory']['now_mb'], e['memory']['peak_mb']) for e in run['engines'] if e.get('memory')]
    out += ['Memory after the queries: %s. Engines inside the measuring process are not told apart from it.' % '; '.join(memory), ''] if memory else []
    texts = [('%s: %s' % (q['key'], q['sql'])) for q in run['queries']]
    return '\n'.join(out + ['## The queries, as Ovate is asked', '', '```sql', *texts, '```', ''])


def write(run, folder):
    """The run's JSON, page and picture."""
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, '%s-%d' % (run['workload'], run['rows']))
    for suffix, text in (('.json', json.dumps(run, indent=1, ensure_ascii=False) + '\n'), ('.svg', pictures.times(run)),
                         ('.md', markdown(run, os.path.basename(stem) + '.svg'))):
        with open(stem + suffix, 'w', encoding='utf-8') as file:
            file.write(text)
    print('written: %s.md' % os.path.relpath(stem))
