"""Pages, cursors and conditions: run again and nothing comes twice, nothing is asked twice."""
from doubles import Answer, Double, GitHub
from pulltest import Folder, equal, want


def issues(hub, repos, **more):
    return dict({'type': 'pull', 'source': 'github.issues', 'baseUrl': hub.url, 'params': {'repo': repos},
                 'auth': {'token': 'env:TOK'}}, **more)


def case_again_adds_nothing():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 251))
        hub.add_issues('c/d', range(1, 31))
        spec = issues(hub, ['a/b', 'c/d'])
        first = folder.run(spec)
        equal((first['read'], first['loaded'], first['requests']), (280, 280, 4), 'first run')
        equal(folder.sql('SELECT COUNT(*) n, SUM(is_pull) p, SUM(is_bot) b FROM gh_issue'), [{'n': 280, 'p': 0, 'b': 40}], 'rows')
        again = folder.run(spec)
        equal((again['read'], again['loaded'], again['filtered'], again['requests']), (2, 0, 2, 2), 'the edge comes again')
        third = folder.run(spec)
        equal((third['read'], third['requests'], third['unchanged']), (0, 2, 2), 'all 304')
        hub.add_issues('c/d', range(31, 41))
        fourth = folder.run(spec)
        equal((fourth['loaded'], fourth['unchanged']), (10, 1), 'only what is new')
        equal(folder.value('SELECT COUNT(*) FROM gh_issue'), 290, 'rows in the end')
        want(all(r.header('Authorization') == 'Bearer secret-token-1' for r in hub.seen), 'every request carries the token')


def case_groups_and_resume():
    with GitHub() as hub, Folder({'TOK': 'secret-token-1'}) as folder:
        hub.add_issues('a/b', range(1, 1001))
        spec = issues(hub, 'a/b', commitPages=3)
        got = folder.run(spec)
        equal((got['loaded'], got['requests']), (1000, 10), 'in four commits')
        equal(folder.sql('SELECT COUNT(*) n, COUNT(DISTINCT number) d FROM gh_issue'), [{'n': 1000, 'd': 1000}], 'rows')


class Things(Double):
    """250 things in every way of paging that descriptions know."""

    def __init__(self):
        self.rows = [{'id': n, 'name': 'n%d' % n} for n in range(250)]
        super().__init__()

    def handle(self, request):
        kind = request.path.split('/')[1]
        if request.header('X-Key') != 'Key secret-token-1' and request.query.get('key') != 'secret-token-1':
            return Answer(401, {'message': 'who?'})
        first, size = 0, 100
        if kind in ('page', 'more', 'link'):
            first = (int(request.query.get('page', 1)) - 1) * size
        elif kind == 'offset':
            first = int(request.query['from'])
        elif kind == 'path':
            first, last = (int(word) for word in request.path.split('/')[2:4])
            first, size = first - 1, last - first + 1
        elif kind == 'cursor':
            first = int((request.query.get('after') or 'at 0').split(' ')[1])
        part = self.rows[first:first + size]
        more = first + size < len(self.rows)
        head = {'Last-Modified': 'Mon, 01 Jan 2024 00:00:%02d GMT' % (first // 100)}
        if request.header('If-Modified-Since') == head['Last-Modified']:
            return Answer(304, b'', head)
        if kind == 'link' and more:
            head['Link'] = '</link?page=%d&key=%s>; rel="next"' % (first // size + 2, request.query.get('key', ''))
        return Answer(200, {'items': part, 'has_more': more, 'next': 'at %d' % (first + size) if more else None}, head)


def case_every_way_of_paging():
    """And of sending a token; the second run asks on condition of the date, for no answer has an ETag."""
    header, query = {'header': 'X-Key', 'value': 'Key {token}'}, {'query': 'key'}
    ways = [('page', {'paging': {'kind': 'page', 'param': 'page', 'size': 100}, 'auth': header}),
            ('more', {'paging': {'kind': 'page', 'param': 'page', 'more': '$.has_more'}, 'auth': query}),
            ('offset', {'paging': {'kind': 'offset', 'size': 100}, 'query': {'from': '{offset}'}, 'auth': header}),
            ('path', {'path': '/path/{offset}/{end}', 'paging': {'kind': 'offset', 'first': 1, 'size': 100}, 'auth': query}),
            ('cursor', {'paging': {'kind': 'cursor', 'param': 'after', 'next': '$.next'}, 'auth': header}),
            ('link', {'paging': {'kind': 'link'}, 'auth': query})]
    for kind, more in ways:
        with Things() as api, Folder({'TOK': 'secret-token-1'}) as folder:
            source = dict({'baseUrl': api.url, 'path': '/' + kind, 'rows': {'path': '$.items'}, 'answer': {'message': '$.message'}}, **more)
            spec = {'type': 'pull', 'source': source, 'dataSource': 'things', 'auth': {'token': 'env:TOK'}}
            got = folder.run(spec)
            equal((got['loaded'], got['requests']), (250, 3), kind)
            equal(folder.sql('SELECT COUNT(*) n, COUNT(DISTINCT id) d FROM things'), [{'n': 250, 'd': 250}], kind)
            again = folder.run(spec)
            # A cursor is in the answer: a page that is as it was does not tell the next one, so the first is taken for all.
            equal((again['unchanged'], again['loaded'], again['requests']), (1, 0, 1) if kind != 'link' else (3, 0, 3), kind)
            want('secret-token-1' not in open(folder.data + '/catalog.db', 'rb').read().decode('latin-1'), kind)
