"""Makes a failing statement smaller: every clause, item and sub-expression that can go while it still fails goes; then rows.

Trees are changed in place and changed back when the failure is gone. `fails` answers whether the statement as it now stands
fails in the same way; statements that became wrong simply do not.
"""
from sql_nodes import Call, Query, Source, walk

LITERALS = {'long': '1', 'huge': '1', 'double': '1e0', 'wild': '1e0', 'string': "'a'", 'bool': 'TRUE', 'time': "TIMESTAMP '2024-03-01 00:00:00'"}


def attempts(query):
    """(do, undo) pairs, the boldest first. Each is used before the next is made, so the tree may change between them."""
    for node in list(walk(query)):
        if isinstance(node, Query):
            for name, empty in (('more', None), ('where', None), ('having', None), ('limit', None), ('offset', None),
                                ('order', []), ('distinct', False), ('grouping', None)):
                yield setter(node, name, empty)
            for cte in list(node.ctes):
                yield without(node.ctes, cte)
            if node.groups:
                for group in list(node.groups):
                    yield without_group(node, group)
            for item in list(node.items):
                if len(node.items) > 1 and item not in node.groups:
                    yield without_item(node, item)
        elif isinstance(node, Source):
            for join in list(node.joins):
                yield without(node.joins, join)
            for unnest in list(node.unnests):
                yield without(node.unnests, unnest)
        elif isinstance(node, Call) and node.args:
            for below in walk(node):
                if below is not node and isinstance(below, Call) and below.type == node.type:
                    yield becoming(node, below.state())
            if not node.key and node.type in LITERALS:
                yield becoming(node, (node.type, LITERALS[node.type], [], None, False))


def setter(node, name, value):
    old = getattr(node, name)
    if old == value:
        return None
    return (lambda: setattr(node, name, value)), (lambda: setattr(node, name, old))


def without(where, what):
    old = list(where)
    return (lambda: where.remove(what) if what in where else None), (lambda: where.__setitem__(slice(None), old))


def without_item(query, item):
    items, order = list(query.items), list(query.order)

    def do():
        place = query.items.index(item) if item in query.items else None
        if place is not None:
            query.items.pop(place)
            query.order = [(n - (n > place), way) for n, way in query.order if n != place]

    def undo():
        query.items, query.order = list(items), list(order)
    return do, undo


def without_group(query, group):
    groups, (do_item, undo_item) = list(query.groups), without_item(query, group)

    def do():
        query.groups = [g for g in query.groups if g is not group]
        if len(query.items) > 1:
            do_item()

    def undo():
        query.groups = list(groups)
        undo_item()
    return do, undo


def becoming(node, state):
    old = node.state()
    return (lambda: node.become(state)), (lambda: node.become(old))


def shrink(query, fails, most=400):
    """Change `query` into a smaller one that still fails; at most `most` tries."""
    again = True
    while again and most > 0:
        again = False
        for pair in attempts(query):
            if pair is None:
                continue
            do, undo = pair
            before = query.write()
            do()
            if query.write() == before:
                undo()
                continue
            most -= 1
            if most > 0 and fails():
                again = True
            else:
                undo()
            if most <= 0:
                break


def fewer_rows(rows, fails, most=60):
    """The rows without which the failure is gone: halves, quarters, ... are left out as long as it stays."""
    step = max(1, len(rows) // 2)
    while most > 0 and len(rows) > 1:
        at, less = 0, False
        while at < len(rows) and most > 0:
            fewer = rows[:at] + rows[at + step:]
            most -= 1
            if fewer and fails(fewer):
                rows, less = fewer, True
            else:
                at += step
        if step == 1 and not less:
            break
        step = max(1, step // 2)
    return rows
