"""Makes broken files out of golden ones: one lie each, checksums made right again, so that only the check behind it can
notice. The sentence expected from `segment verify` goes beside each file."""
import os
import shutil
import struct

import decode
from xxh3 import xxh3_64


def reseal(data):
    """Checksums of pages, table and footer for the bytes as they are now."""
    table_at, = struct.unpack_from('<Q', data, len(data) - 64 + 24)
    page = 1 << data[len(data) - 64 + 44]
    hashes = [xxh3_64(data[a:min(a + page, table_at)]) for a in range(0, table_at, page)]
    struct.pack_into('<%dQ' % len(hashes), data, table_at, *hashes)
    struct.pack_into('<Q', data, len(data) - 64 + 32, xxh3_64(data[table_at:len(data) - 64]))
    struct.pack_into('<Q', data, len(data) - 16, xxh3_64(data[len(data) - 64:len(data) - 16]))


class Victim:
    """A golden file whose places have names."""

    def __init__(self, folder, name):
        with open(os.path.join(folder, name + '.ovs'), 'rb') as file:
            self.data = bytearray(file.read())
        self.segment = decode.Segment(bytes(self.data))

    def section(self, column, kind):
        return next(c for c in self.segment.columns if c.name == column).sections[kind][0]

    def put(self, at, form, *values):
        struct.pack_into('<' + form, self.data, at, *values)

    def get(self, at, form):
        return struct.unpack_from('<' + form, self.data, at)[0]

    def entry(self, column, block=0):
        return self.section(column, decode.BLOCK_INDEX) + 64 * block

    def lanes(self, column, block=0):
        return self.section(column, decode.BLOCK_DATA) + self.get(self.entry(column, block) + 48, 'Q')

    def find(self, what):
        """A place in the directory."""
        return bytes(self.data).index(what, self.segment.directory_offset)


def cases(folder):
    """(name, bytes, sealed, sentence)"""
    def victim(name='types'):
        return Victim(folder, name)

    v = victim('tiny')
    yield 'cut', v.data[:-1], False, 'does not end like a segment'
    yield 'grown', v.data + b'\0', False, 'does not end like a segment'
    v.data[0] = 0
    yield 'magic', v.data, True, 'does not start like a segment'
    v = victim('tiny')
    v.data[v.section('city', decode.BYTES)] ^= 1
    yield 'page', v.data, False, 'do not match their checksum'
    v = victim('tiny')
    v.put(len(v.data) - 64 + 40, 'H', 2)
    yield 'version', v.data, True, 'OV_UNSUPPORTED'
    v = victim('tiny')
    v.put(v.entry('n') + 4, 'B', 1)
    yield 'codec', v.data, True, 'uses codec 1'
    v = victim('tiny')
    v.put(v.entry('n') + 24, 'q', -3)
    yield 'bounds', v.data, True, 'says -3 to 300, but has -2 to 300'
    v = victim('tiny')
    v.put(v.entry('n') + 24, 'q', -1)
    yield 'bounds-narrow', v.data, True, 'pass its bounds'
    v = victim('tiny')
    v.put(v.entry('n') + 40, 'q', 5)
    yield 'sum', v.data, True, 'says the sum 5'
    v = victim('tiny')
    v.put(v.lanes('city'), 'B', 9)
    yield 'code', v.data, True, 'pass its bounds or the dictionary'
    v = victim('tiny')
    at = v.section('city', decode.BYTES)
    v.data[at:at + 9] = b'SeouOslol'
    yield 'dictionary-order', v.data, True, 'does not follow'
    v = victim('tiny')
    v.data[v.section('city', decode.BYTES)] = 0xFF
    yield 'utf8', v.data, True, 'not UTF-8'
    v = victim('tiny')
    v.put(v.section('city', decode.OFFSETS) + 4, 'I', 2)
    yield 'null-value', v.data, True, 'gives NULL a value'
    v = victim('tiny')
    v.put(v.section('city', decode.OFFSETS) + 8, 'I', 100)
    yield 'offsets', v.data, True, 'do not ascend'
    v = victim('tiny')
    v.put(v.section('city', decode.COUNTS) + 8, 'I', 1)
    yield 'count', v.data, True, 'its count says 1'
    v = victim('tiny')
    v.put(v.section('city', decode.POSTING_INDEX), 'Q', 1 << 3)
    yield 'row-set', v.data, True, 'has row 1, which has another value'
    v = victim('tiny')
    v.put(v.section('city', decode.POSTING_INDEX), 'Q', 9 << 3)
    yield 'row-set-end', v.data, True, 'ends at row 9 of 4'
    v = victim('tiny')
    v.put(v.section('city', decode.POSTING_INDEX), 'Q', 7)
    yield 'row-set-kind', v.data, True, 'has kind 7'
    v = victim('tiny')
    v.put(v.find(struct.pack('<HHIQ', decode.COUNTS, 0, 0, v.section('city', decode.COUNTS))), 'H', 77)
    yield 'section-unknown', v.data, True, 'section kind 77 is needed but unknown'
    v = victim('tiny')
    v.put(v.find(struct.pack('<Q', v.section('city', decode.COUNTS))), 'Q', 1 << 40)
    yield 'section-outside', v.data, True, 'does not lie in the file'
    v = victim('tiny')
    v.data[v.section('city', decode.BYTES) + 63] = 1
    yield 'padding', v.data, True, 'is not zero'
    v = victim('runs')
    v.put(v.lanes('__time'), 'H', 0)
    yield 'run-end', v.data, True, 'does not ascend'
    v = victim('ramps')
    v.put(v.lanes('long'), 'H', 0)
    yield 'ramp-end', v.data, True, 'does not ascend'
    v = victim('ramps')
    v.put(v.lanes('long', 1) + (2 * v.get(v.entry('long', 1) + 8, 'H') + 63) // 64 * 64, 'I', 0xFFFFFFF0)
    yield 'ramp-value', v.data, True, 'pass its bounds'
    v = victim('types')
    v.data[v.section('long', decode.BLOCK_DATA) + v.get(v.entry('long') + 56, 'Q')] ^= 2
    yield 'validity', v.data, True, 'the validity bits of block 0'
    v = victim('tiny')
    at = v.lanes('__time')
    v.data[at:at + 8] = bytes(reversed_times(v.data[at:at + 8], v.get(v.entry('__time') + 2, 'B')))
    yield 'order', v.data, True, 'out of the declared order'


def reversed_times(lanes, width):
    parts = [lanes[i:i + width] for i in range(0, 4 * width, width)]
    return b''.join(reversed(parts)) + lanes[4 * width:]


def write_all(golden, to):
    shutil.rmtree(to, ignore_errors=True)
    os.makedirs(to)
    for name, data, sealed, sentence in cases(golden):
        if sealed:
            reseal(data)
        with open(os.path.join(to, name + '.ovs'), 'wb') as file:
            file.write(data)
        with open(os.path.join(to, name + '.txt'), 'w', encoding='utf-8') as file:
            file.write(sentence + '\n')
