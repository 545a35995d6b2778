"""2.1 million real rows: every file of every commit of fourteen public repositories, and what one asks of such a history."""
import glob
import os

from workloads import rows
from workloads.shape import Query, Table

TITLE = 'Commits'
ROWS, QUICK = 2_100_603, 130_000
COLUMNS = [('repo', 'word'), ('sha', 'text'), ('author_hash', 'word'), ('email_hash', 'word'), ('email_domain', 'word'),
           ('author_time', 'text'), ('author_tz_min', 'int'), ('commit_time', 'time'), ('parents', 'int'), ('is_merge', 'byte'),
           ('subject_len', 'int'), ('path', 'text'), ('ext', 'word'), ('top_dir', 'word'), ('additions', 'long?'),
           ('deletions', 'long?')]
# commit_time is __time everywhere, so that texts agree
STORED = [('__time', kind) if name == 'commit_time' else (name, kind) for name, kind in COLUMNS]


def make(place):
    path = os.path.join(place.folder, 'commits.csv')
    link = rows.maker(place.folder)
    if not os.path.exists(path):
        shared = os.environ.get('OVATE_SHARED') or os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'shared')
        files = sorted(glob.glob(os.path.join(shared, 'data', 'commits', '*.tsv.zst')))
        if not files:
            raise FileNotFoundError('its rows are not at %s/data/commits' % os.path.normpath(shared))
        if place.rows <= QUICK:
            files = [file for file in files if os.path.basename(file).split('.')[0] in ('redis', 'sqlite')]
        texts = ', '.join("'%s': 'VARCHAR'" % name for name, _ in COLUMNS)
        rows.write(link, "SELECT %s FROM read_csv(%r, delim = '\t', quote = '', escape = '', header = true, columns = {%s}) LIMIT %d" % (
            ', '.join('commit_time AS __time' if name == 'commit_time' else name for name, _ in COLUMNS), files, texts, place.rows), path)
    return [Table('commits', path, STORED, time='__time', order=('repo', '__time'), granularity='YEAR', rows=rows.counted(link, path))]


QUERIES = [
    Query('bus', 'bus factor: authors behind half of the commits', """
        WITH a AS (SELECT repo, author_hash, COUNT(DISTINCT sha) AS c FROM commits GROUP BY repo, author_hash),
        r AS (SELECT repo, c, SUM(c) OVER (PARTITION BY repo ORDER BY c DESC, author_hash ROWS UNBOUNDED PRECEDING) AS upto,
              SUM(c) OVER (PARTITION BY repo) AS total FROM a)
        SELECT repo, COUNT(*) AS busFactor FROM r WHERE 2 * (upto - c) < total GROUP BY repo"""),
    Query('top', 'top contributors', 'SELECT author_hash, COUNT(DISTINCT sha) AS c, SUM(additions) AS plus, COUNT(DISTINCT repo) AS r '
          'FROM commits GROUP BY author_hash ORDER BY c DESC LIMIT 20', keys=(1,)),
    Query('churn', 'churn by month', 'SELECT @month(__time) AS m, SUM(additions), SUM(deletions) FROM commits GROUP BY @month(__time)'),
    Query('folder', 'churn by repository, folder and year', 'SELECT repo, top_dir, @year(__time) AS y, SUM(additions + deletions) AS churn '
          'FROM commits WHERE is_merge = 0 AND additions IS NOT NULL GROUP BY repo, top_dir, @year(__time) ORDER BY churn DESC LIMIT 50',
          keys=(3,)),
    Query('ext', 'share of extensions', "WITH e AS (SELECT repo, ext, COUNT(*) AS c FROM commits WHERE path <> '' GROUP BY repo, ext) "
          'SELECT repo, ext, c, @share(c) / SUM(c) OVER (PARTITION BY repo) AS share FROM e ORDER BY c DESC LIMIT 40', keys=(2,)),
    Query('new', 'new contributors by month', 'SELECT m, COUNT(*) FROM (SELECT repo, author_hash, MIN(@month(__time)) AS m FROM commits '
          'GROUP BY repo, author_hash) AS f GROUP BY m'),
    Query('hot', 'files that most people touched', "SELECT repo, path, COUNT(DISTINCT author_hash) AS people, COUNT(*) AS c FROM commits "
          "WHERE path <> '' GROUP BY repo, path ORDER BY people DESC, c DESC LIMIT 20", keys=(2, 3)),
    Query('clock', 'commits by weekday and hour', 'SELECT @isodow(__time) AS d, EXTRACT(HOUR FROM __time) AS h, COUNT(DISTINCT sha) '
          'FROM commits GROUP BY @isodow(__time), EXTRACT(HOUR FROM __time)'),
    Query('mail', 'domains of addresses', 'SELECT email_domain, COUNT(DISTINCT author_hash) AS people, COUNT(DISTINCT sha) AS c '
          "FROM commits WHERE email_domain <> '' GROUP BY email_domain ORDER BY people DESC, c DESC LIMIT 15", keys=(1, 2)),
    Query('merge', 'share of merges by repository and year', 'SELECT repo, @year(__time) AS y, AVG(is_merge * 100.0), AVG(subject_len * 1.0) '
          'FROM commits GROUP BY repo, @year(__time)'),
    Query('who', 'last rows of one author', "SELECT __time, repo, path, additions FROM commits WHERE author_hash = '489444990003472d' "
          'ORDER BY __time DESC LIMIT 100', keys=(0,)),
    Query('big', 'largest commits', 'SELECT sha, COUNT(*) AS files, SUM(additions) AS plus FROM commits WHERE is_merge = 0 GROUP BY sha '
          'ORDER BY files DESC LIMIT 20', keys=(1,)),
]
