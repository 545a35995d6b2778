"""Pages, cursors and conditions: run again and nothing comes twice, nothing is asked twice."""
from doubles import GitHub
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
