"""ClickBench's 43 queries over generated page views.

A row is one of the 9,580 real rows of the data set that DuckDB's repository holds, so that columns go together as they do there,
with the columns of many values made again: users, addresses, pages, phrases and hashes take a copy number from a skewed
distribution, chosen so that 100 M rows have about the distinct values of the real table (17.6 M users, 18.3 M URLs, 6.0 M phrases
in 13 % of the rows, 9.9 M addresses). Time runs over July 2013; the rows come in order of time, as a log does.
"""
import gzip
import os
import sys

from workloads import rows
from workloads.shape import Query, Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = 'ClickBench'
ROWS, QUICK = 10_000_000, 20_000
REAL = 9_580

# A copy number 0 .. n - 1 whose chance falls like a power: few copies are many rows. p is larger where skew is
COPIES = """
CREATE OR REPLACE MACRO copy_of(i, s, n, p) AS floor(pow(unit(i, s), p) * n)::BIGINT;
CREATE OR REPLACE MACRO big(a, b) AS ((rnd(a, b) - 2147483648) * 2147483647 + rnd(a, b + 1));
CREATE OR REPLACE MACRO tagged(t, k) AS CASE WHEN t IS NULL OR t = '' OR k = 0 THEN t ELSE t || k::VARCHAR END;
"""
# Columns that are made anew; r is the real row, i the number of the row, {n} the rows asked for
MADE = {
    'WatchID': 'abs(big(i, 11))',
    '__time': "(TIMESTAMP '2013-07-01 00:00:00' + to_microseconds(floor(i * 2678399.0 / {n})::BIGINT * 1000000))",
    'EventDate': "strftime(TIMESTAMP '2013-07-01 00:00:00' + to_microseconds(floor(i * 2678399.0 / {n})::BIGINT * 1000000), '%Y-%m-%d')",
    'CounterID': 'CASE WHEN c.k = 0 THEN r.CounterID ELSE (c.k * 7919) % 6500 + 1 END',
    'RegionID': 'CASE WHEN below(i, 21, 100) < 80 THEN r.RegionID ELSE copy_of(i, 22, 9000, 4) END',
    'UserID': 'CASE WHEN u.k = 0 THEN r.UserID ELSE big(r.rowid * 97 + u.k, 31) END',
    'ClientIP': 'CASE WHEN u.k = 0 THEN r.ClientIP ELSE rnd((r.rowid * 97 + u.k) % 99991111, 33) % 4294967291 - 2147483648 END',
    'FUniqID': 'CASE WHEN r.FUniqID = 0 OR u.k = 0 THEN r.FUniqID ELSE abs(big(r.rowid * 97 + u.k, 35)) END',
    'RemoteIP': 'rnd((r.rowid * 97 + u.k) % 99991111, 34) % 4294967291 - 2147483648',
    'HID': 'below(i, 41, 1073741823)',
    'URL': 'tagged(r.URL, p.k)', 'Title': 'tagged(r.Title, p.k // 2)', 'Referer': 'tagged(r.Referer, f.k)',
    'OriginalURL': 'tagged(r.OriginalURL, p.k)',
    'SearchPhrase': 'tagged(r.SearchPhrase, s.k)',
    'URLHash': 'CASE WHEN p.k = 0 THEN r.URLHash ELSE big(r.rowid * 131 + p.k, 51) END',
    'RefererHash': 'CASE WHEN f.k = 0 THEN r.RefererHash ELSE big(r.rowid * 131 + f.k, 53) END',
    'ClientEventTime': "strftime(TIMESTAMP '2013-07-01 00:00:00' + to_microseconds((floor(i * 2678399.0 / {n})::BIGINT + below(i, 61, 600)) * 1000000), '%Y-%m-%d %H:%M:%S')",
    'LocalEventTime': "strftime(TIMESTAMP '2013-07-01 00:00:00' + to_microseconds((floor(i * 2678399.0 / {n})::BIGINT + below(i, 62, 600)) * 1000000), '%Y-%m-%d %H:%M:%S')",
}
NARROW = {'byte': 'JavaEnable GoodEvent CounterClass IsRefresh ResolutionDepth FlashMajor FlashMinor NetMajor NetMinor CookieEnable '
          'JavascriptEnable IsMobile MobilePhone AdvEngineID IsArtifical SilverlightVersion1 SilverlightVersion2 IsLink IsDownload '
          'IsNotBounce IsOldCounter IsEvent IsParameter DontCountHits WithHash Age Sex Income Robotness HasGCLID',
          'short': 'OS UserAgent ResolutionWidth ResolutionHeight UserAgentMajor TraficSourceID SearchEngineID WindowClientWidth '
          'WindowClientHeight ClientTimeZone SilverlightVersion4 Interests HTTPError SocialSourceNetworkID ParamCurrencyID '
          'HistoryLength',
          'int': 'CounterID ClientIP RegionID RefererCategoryID RefererRegionID URLCategoryID URLRegionID IPNetworkID '
          'SilverlightVersion3 CodeVersion HID RemoteIP WindowName OpenerName SendTiming DNSTiming ConnectTiming '
          'ResponseStartTiming ResponseEndTiming FetchTiming CLID'}
WORDS = 'EventDate FlashMinor2 UserAgentMinor MobilePhoneModel Params PageCharset HitColor BrowserLanguage BrowserCountry ' \
        'SocialNetwork SocialAction SocialSourcePage ParamOrderID ParamCurrency OpenstatServiceName OpenstatCampaignID ' \
        'OpenstatAdID OpenstatSourceID UTMSource UTMMedium UTMCampaign UTMContent UTMTerm FromTag'


def kinds(columns):
    narrow = {name: kind for kind, names in NARROW.items() for name in names.split()}
    narrow.update({name: 'word' for name in WORDS.split()})
    return [(name, narrow.get(name, 'time' if name == '__time' else 'long' if kind == 'BIGINT' else 'text')) for name, kind in columns]


def real_rows(link, place):
    """The real rows as table r: the columns tests/diff reads, bytes that are no UTF-8 replaced."""
    sys.path.insert(0, os.path.join(ROOT, 'tests', 'diff'))
    from duckdb_tables import TABLES
    shared = os.environ.get('OVATE_SHARED') or os.path.join(ROOT, '..', 'shared')
    source = os.path.join(shared, 'data', 'clickbench', 'hits_mini_9580.tsv.gz')
    if not os.path.exists(source):
        raise FileNotFoundError('its real rows are not at %s' % os.path.normpath(source))
    clean = os.path.join(place.folder, 'hits-real.tsv')
    with gzip.open(source, 'rb') as packed, open(clean, 'w', encoding='utf-8') as file:
        file.write(packed.read().decode('utf-8', 'replace'))
    link.execute('CREATE TABLE r AS ' + TABLES['clickbench'].sql.replace('@CLEAN@/clickbench/hits_mini_9580.tsv.gz', clean))
    os.unlink(clean)
    return [(name, kind) for name, kind, *_ in link.execute('DESCRIBE r').fetchall()]


def make(place):
    path, link = os.path.join(place.folder, 'hits.csv'), rows.maker(place.folder)
    columns = real_rows(link, place)
    if not os.path.exists(path):
        link.execute(COPIES)
        share = max(1, place.rows // REAL)  # rows a real row stands for
        # the share of copies that are new falls with p: see the numbers above
        source = """SELECT i, rnd(i, 1) %% %d AS row, {'k': copy_of(i, 2, 6500, 3)} AS c, {'k': copy_of(i, 3, %d, 1.7)} AS u,
                {'k': copy_of(i, 4, %d, 2.2)} AS p, {'k': copy_of(i, 5, %d, 2.2)} AS f, {'k': copy_of(i, 6, %d, 1.2)} AS s
            FROM range(%d) AS t(i)""" % (REAL, max(1, share // 4), max(1, share // 3), max(1, share // 3), share, place.rows)
        made = {name: text.format(n=place.rows) for name, text in MADE.items()}
        wanted = ', '.join('%s AS %s' % (made.get(name, 'r.' + name), name) for name, _ in columns)
        rows.write(link, 'SELECT %s FROM (%s) AS g JOIN r ON r.rowid = g.row ORDER BY i' % (wanted, source), path)
    return [Table('hits', path, kinds(columns), time='__time', order=('CounterID', 'EventDate', 'UserID', '__time'),
                  granularity='MONTH', rows=place.rows, clustered=True, segment_rows=max(1, min(2_500_000, place.rows // 4)), memory='5GB')]


PAGE = "FROM hits WHERE CounterID = 122612 AND EventDate >= '2013-07-01' AND EventDate <= '2013-07-31' AND "
SUMS = ', '.join('SUM(ResolutionWidth%s)' % (' + %d' % n if n else '') for n in range(90))
HOST = "SELECT REGEXP_REPLACE(Referer, '^https?://(?:www\\.)?([^/]+)/.*$', '%s') AS k, AVG(@characters(Referer)) AS l, COUNT(*) AS c, " \
       "MIN(Referer) FROM hits WHERE Referer <> '' GROUP BY k HAVING COUNT(*) > 100 ORDER BY l DESC LIMIT 25"


def numbered(*texts):
    """Queries named by their number in ClickBench, from (text, keys) or (text, keys, more of Query)."""
    return [Query('%02d' % n, sql if len(sql) < 60 else sql[:57] + '...', sql, keys, **(more[0] if more else {}))
            for n, (sql, keys, *more) in enumerate(texts)]


QUERIES = numbered(
    ('SELECT COUNT(*) FROM hits', None),
    ('SELECT COUNT(*) FROM hits WHERE AdvEngineID <> 0', None),
    ('SELECT SUM(AdvEngineID), COUNT(*), AVG(ResolutionWidth) FROM hits', None),
    ('SELECT AVG(CAST(UserID AS DOUBLE)) FROM hits', None),
    ('SELECT COUNT(DISTINCT UserID) FROM hits', None),
    ("SELECT COUNT(DISTINCT SearchPhrase) FROM hits WHERE SearchPhrase <> ''", None),
    ('SELECT MIN(EventDate), MAX(EventDate) FROM hits', None),
    ('SELECT AdvEngineID, COUNT(*) FROM hits WHERE AdvEngineID <> 0 GROUP BY AdvEngineID ORDER BY COUNT(*) DESC', (1,)),
    ('SELECT RegionID, COUNT(DISTINCT UserID) AS u FROM hits GROUP BY RegionID ORDER BY u DESC LIMIT 10', (1,)),
    ('SELECT RegionID, SUM(AdvEngineID), COUNT(*) AS c, AVG(ResolutionWidth), COUNT(DISTINCT UserID) FROM hits GROUP BY RegionID '
     'ORDER BY c DESC LIMIT 10', (2,)),
    ("SELECT MobilePhoneModel, COUNT(DISTINCT UserID) AS u FROM hits WHERE MobilePhoneModel <> '' GROUP BY MobilePhoneModel "
     'ORDER BY u DESC LIMIT 10', (1,)),
    ("SELECT MobilePhone, MobilePhoneModel, COUNT(DISTINCT UserID) AS u FROM hits WHERE MobilePhoneModel <> '' "
     'GROUP BY MobilePhone, MobilePhoneModel ORDER BY u DESC LIMIT 10', (2,)),
    ("SELECT SearchPhrase, COUNT(*) AS c FROM hits WHERE SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10", (1,)),
    ("SELECT SearchPhrase, COUNT(DISTINCT UserID) AS u FROM hits WHERE SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY u DESC LIMIT 10",
     (1,)),
    ("SELECT SearchEngineID, SearchPhrase, COUNT(*) AS c FROM hits WHERE SearchPhrase <> '' GROUP BY SearchEngineID, SearchPhrase "
     'ORDER BY c DESC LIMIT 10', (2,)),
    ('SELECT UserID, COUNT(*) FROM hits GROUP BY UserID ORDER BY COUNT(*) DESC LIMIT 10', (1,)),
    ('SELECT UserID, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, SearchPhrase ORDER BY COUNT(*) DESC LIMIT 10', (2,)),
    ('SELECT UserID, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, SearchPhrase LIMIT 10', None,
     dict(check="SELECT UserID, SearchPhrase, COUNT(*) FROM hits WHERE SearchPhrase <> '' GROUP BY UserID, SearchPhrase ORDER BY 1, 2 LIMIT 10")),
    ('SELECT UserID, EXTRACT(MINUTE FROM __time) AS m, SearchPhrase, COUNT(*) FROM hits GROUP BY UserID, m, SearchPhrase '
     'ORDER BY COUNT(*) DESC LIMIT 10', (3,)),
    ('SELECT UserID FROM hits WHERE UserID = 7900892430046930758', None),
    ("SELECT COUNT(*) FROM hits WHERE URL LIKE '%google%'", None),
    ("SELECT SearchPhrase, MIN(URL), COUNT(*) AS c FROM hits WHERE URL LIKE '%google%' AND SearchPhrase <> '' GROUP BY SearchPhrase "
     'ORDER BY c DESC LIMIT 10', (2,)),
    ("SELECT SearchPhrase, MIN(URL), MIN(Title), COUNT(*) AS c, COUNT(DISTINCT UserID) FROM hits WHERE Title LIKE '%Яндекс%' "
     "AND URL NOT LIKE '%.google.%' AND SearchPhrase <> '' GROUP BY SearchPhrase ORDER BY c DESC LIMIT 10", (3,)),
    ("SELECT * FROM hits WHERE URL LIKE '%google%' ORDER BY __time LIMIT 10", None,
     dict(check="SELECT __time, WatchID, URL, Title, UserID FROM hits WHERE URL LIKE '%google%' ORDER BY __time, WatchID LIMIT 10")),
    ("SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY __time LIMIT 10", None,
     dict(check="SELECT __time, SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY __time, SearchPhrase LIMIT 10")),
    ("SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY SearchPhrase LIMIT 10", (0,)),
    ("SELECT SearchPhrase FROM hits WHERE SearchPhrase <> '' ORDER BY __time, SearchPhrase LIMIT 10", (0,)),
    ("SELECT CounterID, AVG(@characters(URL)) AS l, COUNT(*) AS c FROM hits WHERE URL <> '' GROUP BY CounterID HAVING COUNT(*) > 1000 "
     'ORDER BY l DESC LIMIT 25', (1,)),
    (HOST % '$1', (1,), dict(only={'duckdb': HOST % '\\1', 'clickhouse': (HOST % '\\\\1').replace('www\\.', 'www\\\\.')})),
    ('SELECT %s FROM hits' % SUMS, None),
    ("SELECT SearchEngineID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits WHERE SearchPhrase <> '' "
     'GROUP BY SearchEngineID, ClientIP ORDER BY c DESC LIMIT 10', (2,)),
    ("SELECT WatchID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits WHERE SearchPhrase <> '' "
     'GROUP BY WatchID, ClientIP ORDER BY c DESC LIMIT 10', (2,)),
    ('SELECT WatchID, ClientIP, COUNT(*) AS c, SUM(IsRefresh), AVG(ResolutionWidth) FROM hits GROUP BY WatchID, ClientIP '
     'ORDER BY c DESC LIMIT 10', (2,)),
    ('SELECT URL, COUNT(*) AS c FROM hits GROUP BY URL ORDER BY c DESC LIMIT 10', (1,)),
    ('SELECT 1, URL, COUNT(*) AS c FROM hits GROUP BY 1, URL ORDER BY c DESC LIMIT 10', (2,)),
    ('SELECT ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3, COUNT(*) AS c FROM hits '
     'GROUP BY ClientIP, ClientIP - 1, ClientIP - 2, ClientIP - 3 ORDER BY c DESC LIMIT 10', (4,)),
    ('SELECT URL, COUNT(*) AS PageViews ' + PAGE + "DontCountHits = 0 AND IsRefresh = 0 AND URL <> '' GROUP BY URL "
     'ORDER BY PageViews DESC LIMIT 10', (1,)),
    ('SELECT Title, COUNT(*) AS PageViews ' + PAGE + "DontCountHits = 0 AND IsRefresh = 0 AND Title <> '' GROUP BY Title "
     'ORDER BY PageViews DESC LIMIT 10', (1,)),
    ('SELECT URL, COUNT(*) AS PageViews ' + PAGE + 'IsRefresh = 0 AND IsLink <> 0 AND IsDownload = 0 GROUP BY URL '
     'ORDER BY PageViews DESC LIMIT 10 OFFSET 1000', (1,)),
    ("SELECT TraficSourceID, SearchEngineID, AdvEngineID, CASE WHEN (SearchEngineID = 0 AND AdvEngineID = 0) THEN Referer ELSE '' END "
     'AS Src, URL AS Dst, COUNT(*) AS PageViews ' + PAGE + 'IsRefresh = 0 GROUP BY TraficSourceID, SearchEngineID, AdvEngineID, Src, Dst '
     'ORDER BY PageViews DESC LIMIT 10 OFFSET 1000', (5,)),
    ('SELECT URLHash, EventDate, COUNT(*) AS PageViews ' + PAGE + 'IsRefresh = 0 AND TraficSourceID IN (-1, 3) '
     'AND RefererHash = -3242482029579626183 GROUP BY URLHash, EventDate ORDER BY PageViews DESC LIMIT 10 OFFSET 100', (2,)),
    ('SELECT WindowClientWidth, WindowClientHeight, COUNT(*) AS PageViews ' + PAGE + 'IsRefresh = 0 AND DontCountHits = 0 '
     'AND URLHash = -7919524914829995178 GROUP BY WindowClientWidth, WindowClientHeight ORDER BY PageViews DESC LIMIT 10 OFFSET 10', (2,)),
    ("SELECT DATE_TRUNC('minute', __time) AS M, COUNT(*) AS PageViews FROM hits WHERE CounterID = 122612 "
     "AND EventDate >= '2013-07-14' AND EventDate <= '2013-07-15' AND IsRefresh = 0 AND DontCountHits = 0 GROUP BY M "
     'ORDER BY M LIMIT 10 OFFSET 1000', (0,)),
)
