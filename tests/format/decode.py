#!/usr/bin/env python3
"""Decode a segment file from docs/segment-format.md alone: python3 decode.py FILE... prints its rows as JSON lines.

Independent of the C code on purpose; standard library only. It reads everything, checks every checksum, and holds
row sets and counts against the rows, so it is a second opinion on the format, not a fast reader.
"""
import json
import math
import re
import struct
import sys

from xxh3 import xxh3_64

BLOCK_ROWS = 8192
NULL, LONG, DOUBLE, FLOAT, STRING, ARRAY, COMPLEX = range(7)
BLOCK_INDEX, BLOCK_DATA, OFFSETS, BYTES, NUMBERS, CODES, COUNTS, POSTING_INDEX, POSTING_DATA = range(1, 10)
ELEMENT = 16
DICT, INDEXED, HAS_NULL, ELEM_HAS_NULL = 1, 2, 4, 8


class Damaged(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damaged(what)


class Reader:
    """Fields one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), 'directory ends early')
        self.at += n
        return self.data[self.at - n:self.at]

    def num(self, form):
        return struct.unpack('<' + form, self.take(struct.calcsize(form)))[0]

    def text(self):
        n = shift = 0
        while True:
            byte = self.num('B')
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return bytes(self.take(n))


def lanes(data, width, count, signed=False):
    form = {1: 'B', 2: 'H', 4: 'I', 8: 'Q'}[width]
    return struct.unpack_from('<%d%s' % (count, form.lower() if signed else form), data, 0)


def ramps(data, lane, base, ends):
    """The values of a RAMP block."""
    count, values = len(ends), []
    firsts, steps = lanes(data, lane, count), lanes(data[(count + 63) // 64 * 64 * lane:], lane, count)
    for first, step, start, end in zip(firsts, steps, (0,) + ends, ends):
        values += [(base + (first + step * i) % 256 ** lane + 2 ** 63) % 2 ** 64 - 2 ** 63 for i in range(end - start)]
    return values


def bit(words, i):
    return words[i // 64] >> (i % 64) & 1


class Column:
    def __init__(self, segment, entry):
        self.segment = segment
        r = Reader(entry)
        self.name = r.text().decode('utf-8')
        self.type, self.elem, self.multi, self.complex = (r.num('B') for _ in range(4))
        self.role, self.flags, self.list_lane, _ = (r.num('B') for _ in range(4))
        self.dict_count, self.elem_count = r.num('I'), r.num('I')
        self.nulls, self.min, self.max, self.sum = r.num('Q'), r.num('q'), r.num('q'), r.num('q')
        self.sections = {}
        for _ in range(r.num('I')):
            kind, flags, _, offset, size = r.num('H'), r.num('H'), r.num('I'), r.num('Q'), r.num('Q')
            need(offset % 64 == 0 and 64 <= offset and offset + size <= segment.directory_offset, 'section outside')
            known = kind in range(1, 10) or kind - ELEMENT in (OFFSETS, BYTES, NUMBERS, COUNTS, POSTING_INDEX,
                                                               POSTING_DATA)
            need(known or flags & 1, 'section kind %d is unknown' % kind)
            if known:
                self.sections[kind] = (offset, size)
        self.is_list = self.type == ARRAY or (self.type == STRING and self.multi)

    def bytes(self, kind):
        offset, size = self.sections.get(kind, (0, 0))
        return self.segment.data[offset:offset + size]

    # ---- blocks ----

    def block(self, b):
        """The values of a block as stored: numbers or codes; None where validity says NULL."""
        rows = min(BLOCK_ROWS, self.segment.rows - b * BLOCK_ROWS)
        index = self.bytes(BLOCK_INDEX)[64 * b:64 * b + 64]
        (shape, form, lane, exponent, codec, flags, nulls, runs, _, size, base, low, high, total, data_at,
         valid_at) = struct.unpack('<6BHHHI4q2Q', index)
        need(codec == 0, 'codec %d' % codec)
        real = self.type in (DOUBLE, FLOAT) and not self.flags & DICT
        if shape == 0:
            if nulls == rows and not self.flags & DICT:
                return [None] * rows
            value = struct.unpack('<d', struct.pack('<q', base))[0] if real else base
            return [value] * rows
        data = self.bytes(BLOCK_DATA)[data_at:data_at + size]
        ends, count = None, rows
        if shape in (2, 3):
            ends, count = lanes(data, 2, runs), runs
            data = data[(2 * runs + 63) // 64 * 64:]
            need(list(ends) == sorted(set(ends)) and ends[-1] == rows, 'run ends')
        if shape == 3:
            need(form == 0 and not self.flags & DICT and not flags & 8, 'ramps of something else than whole numbers')
            return ramps(data, lane, base, ends)
        values = self.values(data, form, lane, exponent, base, count)
        if flags & 8:
            words = struct.unpack_from('<%dQ' % ((count + 63) // 64), self.bytes(BLOCK_DATA), valid_at)
            values = [v if bit(words, i) else None for i, v in enumerate(values)]
        if ends:
            values = [v for v, start, end in zip(values, (0,) + ends, ends) for _ in range(end - start)]
        return values

    def values(self, data, form, lane, exponent, base, count):
        if form == 2:
            return list(struct.unpack_from('<%d%s' % (count, 'd' if lane == 8 else 'f'), data, 0))
        raw = [(base + v + 2 ** 63) % 2 ** 64 - 2 ** 63 for v in lanes(data, lane, count)]
        return [float(v) / float(10 ** exponent) for v in raw] if form == 1 else raw

    # ---- dictionaries ----

    def texts(self, shift, count, is_text):
        if count == 0:
            return []
        offsets = lanes(self.bytes(OFFSETS + shift), 4, count + 1)
        raw = self.bytes(BYTES + shift)
        parts = [bytes(raw[a:b]) for a, b in zip(offsets, offsets[1:])]
        return [p.decode('utf-8') for p in parts] if is_text else parts

    def numbers(self, shift, count, kind):
        form = 'q' if kind == LONG else 'd'
        return list(struct.unpack_from('<%d%s' % (count, form), self.bytes(NUMBERS + shift), 0))

    def dictionary(self):
        """Values by code; None for NULL."""
        null = self.flags & HAS_NULL
        if self.is_list:
            elems = self.elements()
            offsets = lanes(self.bytes(OFFSETS), 4, self.dict_count + 1) if self.dict_count else (0,)
            codes = lanes(self.bytes(CODES), self.list_lane, offsets[-1]) if offsets[-1] else ()
            values = [[elems[c] for c in codes[a:b]] for a, b in zip(offsets, offsets[1:])]
        elif self.type in (LONG, DOUBLE):
            values = self.numbers(0, self.dict_count, self.type)
        else:
            values = self.texts(0, self.dict_count, self.type == STRING)
        return [None if null and i == 0 else v for i, v in enumerate(values)]

    def elements(self):
        null = self.flags & ELEM_HAS_NULL
        if self.type == STRING or self.elem == STRING:
            values = self.texts(ELEMENT, self.elem_count, True)
        else:
            values = self.numbers(ELEMENT, self.elem_count, self.elem)
        return [None if null and i == 0 else v for i, v in enumerate(values)]

    # ---- row sets ----

    def row_set(self, code, shift):
        count = lanes(self.bytes(COUNTS + shift)[4 * code:], 4, 1)[0]
        entry = lanes(self.bytes(POSTING_INDEX + shift)[8 * code:], 8, 1)[0]
        kind, rest = entry & 7, entry >> 3
        if kind == 0:
            return list(range(rest & 0xFFFFFFFF, (rest & 0xFFFFFFFF) + count))
        if kind == 1:
            first, step = rest & 0xFFFFFFFF, entry >> 35
            return [first + i * step for i in range(count)]
        data = self.bytes(POSTING_DATA + shift)[4 * rest:]
        if kind == 2:
            return list(lanes(data, 4, count))
        if kind == 4:
            pieces = lanes(data[4:], 4, 3 * lanes(data, 4, 1)[0])
            return [first + i * step for first, step, rows in zip(pieces[::3], pieces[1::3], pieces[2::3])
                    for i in range(rows)]
        need(kind == 3, 'posting kind %d' % kind)
        return roaring(data[4:4 + lanes(data, 4, 1)[0]])

    def rows(self):
        if self.type == NULL:
            return [None] * self.segment.rows
        blocks = (self.segment.rows + BLOCK_ROWS - 1) // BLOCK_ROWS
        stored = [v for b in range(blocks) for v in self.block(b)]
        if not self.flags & DICT:
            need(stored.count(None) == self.nulls, 'NULL count of %s' % self.name)
            return stored
        values = self.dictionary()
        self.check_sets(stored, values)
        return [values[c] for c in stored]

    def check_sets(self, codes, values):
        """Counts and row sets say what the rows say."""
        rows_of = [[] for _ in values]
        for row, code in enumerate(codes):
            rows_of[code].append(row)
        self.compare_sets(rows_of, 0, self.flags & INDEXED and not self.is_list)
        if self.is_list and self.elem_count:
            place = {repr(v): i for i, v in enumerate(self.elements())}
            rows_of = [[] for _ in place]
            for row, code in enumerate(codes):
                for e in {place[repr(v)] for v in values[code] or ()}:
                    rows_of[e].append(row)
            self.compare_sets(rows_of, ELEMENT, self.flags & INDEXED)

    def compare_sets(self, rows_of, shift, indexed):
        counts = lanes(self.bytes(COUNTS + shift), 4, len(rows_of)) if rows_of else ()
        need(list(counts) == [len(r) for r in rows_of], 'row counts of %s' % self.name)
        for code, rows in enumerate(rows_of):
            need(not indexed or self.row_set(code, shift) == rows, 'row set %d of %s' % (code, self.name))


def roaring(data):
    """The portable form of the Roaring format specification."""
    r = Reader(data)
    cookie = r.num('I')
    run_flags = None
    if cookie & 0xFFFF == 12347:
        count = (cookie >> 16) + 1
        run_flags = r.take((count + 7) // 8)
    else:
        need(cookie == 12346, 'roaring cookie')
        count = r.num('I')
    heads = [(r.num('H'), r.num('H') + 1) for _ in range(count)]
    if run_flags is None or count >= 4:
        r.take(4 * count)
    rows = []
    for i, (key, size) in enumerate(heads):
        high = key << 16
        if run_flags is not None and run_flags[i // 8] >> (i % 8) & 1:
            for _ in range(r.num('H')):
                first, more = r.num('H'), r.num('H')
                rows.extend(range(high + first, high + first + more + 1))
        elif size <= 4096:
            rows.extend(high + r.num('H') for _ in range(size))
        else:
            words = struct.unpack('<1024Q', r.take(8192))
            rows.extend(high + v for v in range(65536) if bit(words, v))
    need(r.at == len(data), 'roaring bytes left over')
    return rows


class Segment:
    def __init__(self, data):
        self.data = memoryview(data)
        need(len(data) >= 128, 'too short')
        need(data[:8] == b'\x89OVSEG\r\n', 'header magic')
        foot = data[-64:]
        need(foot[56:] == b'OVSEGEND', 'footer magic')
        (size, self.directory_offset, directory_bytes, table_at, table_hash, major, minor, shift, footer_hash) = \
            struct.unpack('<5QHHB3xQ', foot[:56])
        need(xxh3_64(foot[:48]) == footer_hash, 'footer checksum')
        need(major == 1, 'version %d' % major)
        need(size == len(data), 'file size')
        self.check_pages(table_at, table_hash, 1 << shift)
        need(struct.unpack_from('<HHBB', data, 8) == (major, minor, shift, 13), 'header fields')
        self.read_directory(bytes(data[self.directory_offset:self.directory_offset + directory_bytes]))

    def check_pages(self, table_at, table_hash, page):
        pages = (table_at + page - 1) // page
        need(table_at % 64 == 0 and table_at + 8 * pages + 64 == len(self.data), 'page table place')
        table = bytes(self.data[table_at:table_at + 8 * pages])
        need(xxh3_64(table) == table_hash, 'page table checksum')
        for i, want in enumerate(struct.unpack('<%dQ' % pages, table)):
            need(xxh3_64(self.data[i * page:min((i + 1) * page, table_at)]) == want, 'checksum of page %d' % i)

    def read_directory(self, data):
        r = Reader(data)
        self.datasource = r.text().decode('utf-8')
        self.start, self.end = r.num('q'), r.num('q')
        self.version = r.text().decode('utf-8')
        self.partition, self.rows = r.num('I'), r.num('I')
        self.min_time, self.max_time = r.num('q'), r.num('q')
        self.rollup = r.num('B') & 1
        self.extra = r.text()
        self.sort = [r.num('I') for _ in range(r.num('I'))]
        self.columns = [Column(self, r.take(r.num('I'))) for _ in range(r.num('I'))]
        if r.at < len(data):
            self.read_paths(r)

    def read_paths(self, r):
        """Sub-columns of JSON columns; they are held against the texts and otherwise leave no trace."""
        total, columns = r.num('I'), r.num('I')
        for _ in range(columns):
            json_column, count, flags = self.columns[r.num('I')], r.num('I'), r.num('I')
            need(json_column.type == COMPLEX and json_column.complex == 1, 'sub-columns of %s' % json_column.name)
            paths = [Column(self, r.take(r.num('I'))) for _ in range(count)]
            need([p.name.encode() for p in paths] == sorted({p.name.encode() for p in paths}), 'order of sub-columns')
            check_paths(json_column.rows(), paths, flags & 1)
            total -= count
        need(total == 0, 'number of sub-columns')


def path_name(names):
    return '$' + ''.join('.' + n if re.fullmatch('[A-Za-z0-9_]+', n) else "['%s']" % re.sub(r"(['\\\\])", r'\\\1', n)
                         for n in names)


def whole_text(s):
    """Lone surrogates of escapes become U+FFFD."""
    return s.encode('utf-16-le', 'surrogatepass').decode('utf-16-le', 'replace')


class Members(list):
    """An object as its pairs: names may occur twice."""


def leaves(value, names):
    """(path, value) of all scalars and arrays of scalars."""
    if isinstance(value, Members):
        for name, inner in value:
            yield from leaves(inner, names + (whole_text(name),))
    elif value is not None and not (isinstance(value, list) and any(isinstance(v, list) for v in value)):
        yield path_name(names), value


def parsed(text):
    try:
        return json.loads(text.decode('utf-8'), object_pairs_hook=Members)
    except ValueError:
        return None


def check_paths(texts, paths, complete):
    """Every value of every sub-column is what the texts say."""
    want = [dict(leaves(parsed(t), ())) if t is not None else {} for t in texts]
    names = {p.name for p in paths}
    need(not complete or all(name in names for row in want for name in row), 'a path has no sub-column')
    for p in paths:
        for value, row in zip(p.rows(), want):
            have = parsed(value) if p.type == COMPLEX and value is not None else value
            expected = row.get(p.name)
            if p.type == STRING and isinstance(expected, str):
                expected = whole_text(expected)
            need(repr(have) == repr(expected), 'sub-column %s says %r, not %r' % (p.name, have, expected))


def printable(v):
    """JSON has no NaN or infinity and no bytes: they are written as text."""
    if isinstance(v, float) and not math.isfinite(v):
        return 'NaN' if math.isnan(v) else 'Infinity' if v > 0 else '-Infinity'
    if isinstance(v, bytes):
        return 'hex:' + v.hex()
    return [printable(e) for e in v] if isinstance(v, list) else v


def rows_of(path):
    with open(path, 'rb') as file:
        segment = Segment(file.read())
    columns = [(c.name, c.rows()) for c in segment.columns]
    for i in range(segment.rows):
        yield {name: printable(values[i]) for name, values in columns}


if __name__ == '__main__':
    for file_name in sys.argv[1:]:
        for row in rows_of(file_name):
            print(json.dumps(row, ensure_ascii=False))
