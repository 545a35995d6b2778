"""Random window calls, framed so that the answer does not depend on the order of equal rows."""
from sql_nodes import Call


def window(maker, scope):
    """Ordered by a row number of its own at the end, or by peers as a whole; None where the rows have no number."""
    ids = [(alias, columns) for alias, columns in scope if alias in maker.single]
    if not ids or len(ids) != len(scope):
        return None
    args, text = [], ''
    if maker.chance(0.6):
        args.append(maker.value(maker.pick('string', 'long'), 0, scope))
        text = 'PARTITION BY {0} '
    keys = []
    if maker.chance(0.6):
        args.append(maker.column(maker.pick('string', 'long', 'double'), scope) or maker.literal('word'))
        keys.append('{%d} %s' % (len(args) - 1, maker.pick('ASC', 'DESC')))
    keys += ['%s.id' % alias for alias, _ in ids]
    text += 'ORDER BY ' + ', '.join(keys)
    roll = maker.r.random()
    if roll < 0.2:
        return peers(maker, args, keys[:1] if len(keys) > len(ids) else [], ids, scope)
    if roll < 0.4:
        call, type = maker.pick(('ROW_NUMBER()', 'long'), ('RANK()', 'long'), ('DENSE_RANK()', 'long'), ('NTILE(3)', 'long'),
                               ('CUME_DIST()', 'double'), ('PERCENT_RANK()', 'double'))
        return Call(type, '%s OVER (%s)' % (call, text), args) if args else Call(type, '%s OVER (%s)' % (call, text))
    bounds = [maker.pick('UNBOUNDED PRECEDING', '%d PRECEDING' % maker.r.randint(0, 4), 'CURRENT ROW'),
              maker.pick('UNBOUNDED FOLLOWING', '%d FOLLOWING' % maker.r.randint(0, 4), 'CURRENT ROW')]
    frame = '' if maker.chance(0.4) else ' %s BETWEEN %s AND %s' % ('ROWS', bounds[0], bounds[1])
    type = maker.pick('long', 'double', 'string')
    args.append(maker.value(type, 1, scope))
    place = '{%d}' % (len(args) - 1)
    if roll < 0.55:
        call = maker.pick('LAG(%s, 1)', 'LEAD(%s, 2)', 'LAG(%s)') % place
        frame = ''
    elif roll < 0.75:
        call = maker.pick('FIRST_VALUE(%s)', 'LAST_VALUE(%s)', 'NTH_VALUE(%s, 2)') % place
    elif type == 'string':
        call = maker.pick('COUNT(%s)', 'MIN(%s)', 'MAX(%s)') % place
        type = 'long' if call[0] == 'C' else type
    else:
        call = maker.pick('SUM(%s)', 'COUNT(%s)', 'MIN(%s)', 'MAX(%s)', 'AVG(%s)') % place
        type = 'long' if call[0] == 'C' else type
        if call[0] == 'A' and type == 'long':
            call, type = 'SUM(%s)' % place, 'long'
    return Call(type, '%s OVER (%s%s)' % (call, text, frame), args)


def peers(maker, args, keys, ids, scope):
    """An aggregate whose frame takes whole peers or a distance of the key, so that the order among them does not matter."""
    partition = 'PARTITION BY {0} ' if len(args) > len(keys) else ''
    number = maker.chance(0.5) or not keys
    if number:
        key = maker.column('long', scope) or Call('long', '%s.id' % ids[0][0])
        del args[1 if partition else 0:]
        args.append(key)
        keys = ['{%d} %s' % (len(args) - 1, maker.pick('ASC', 'DESC'))]
    unit = 'RANGE'
    far = lambda way: '%d %s' % (maker.r.choice([0, 1, 3, 20]), way) if number else 'CURRENT ROW'
    frame = maker.pick('', ' %s BETWEEN %s AND %s' % (unit, maker.pick('UNBOUNDED PRECEDING', far('PRECEDING'), 'CURRENT ROW'),
                                                    maker.pick('UNBOUNDED FOLLOWING', far('FOLLOWING'), 'CURRENT ROW')))
    type = maker.pick('long', 'double', 'string')
    args.append(maker.value(type, 1, scope))
    call = maker.pick('COUNT({%d})', 'MIN({%d})', 'MAX({%d})') if type == 'string' else maker.pick(
        'SUM({%d})', 'COUNT({%d})', 'MIN({%d})', 'MAX({%d})')
    return Call('long' if call[0] == 'C' else type, '%s OVER (%sORDER BY %s%s)' % (
        call.replace('{%d}', '{%d}' % (len(args) - 1)), partition, keys[0], frame), args)
