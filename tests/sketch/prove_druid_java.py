#!/usr/bin/env python3
"""hyperUnique, bloom filters, approximate and fixed buckets histograms, tuple sketches against the libraries of Druid, Hive and DataSketches.

    tests/sketch/prove_druid_java.py DRUID_TOOL

Both sides build the same sketches, read and merge each other's, and must give the same answers and bytes. The folder OVATE_DRUID_JARS holds
druid-processing 33.0.0, druid-histogram 0.22.1, hive-storage-api 2.7.0, datasketches-java 4.2.0 with datasketches-memory 2.2, guava, commons-codec
and Jackson. Without it or without java the test says so and is skipped (exit 77).
"""
import struct
import sys

from javatool import Proof, ask

SIZES = {'hyper': (0,), 'bloom': (1, 10, 1500, 100000), 'approx': (5, 50, 200), 'fixed': (4, 40, 1000), 'tuple': (16, 128, 4096)}
COUNTS = (0, 1, 3, 30, 200, 5000, 60000)

proof = Proof("Both.java", "OVATE_DRUID_JARS", "druid-processing*.jar", "druid-processing, druid-histogram, hive-storage-api and datasketches-java 4.2")
check = proof.check


def entries(image):
    """A compact tuple sketch's theta, and its hashes with their numbers, in order."""
    data = bytes.fromhex(image)
    theta, = struct.unpack_from('<Q', data, 8)
    count = struct.unpack_from('<I', data, 16)[0] if len(data) > 16 else 0
    if not count:
        return theta, []
    hashes = struct.unpack_from('<%dQ' % count, data, 24)
    numbers = struct.unpack_from('<%dd' % count, data, 24 + 8 * count)
    return theta, sorted(zip(hashes, numbers))


def same_image(kind, a, b):
    return entries(a) == entries(b) if kind == 'tuple' else a == b


def equal(kind, a, b):
    """Answers up to rounding; images byte for byte, but for the order of a tuple sketch's entries."""
    x, y = a.split(), b.split()
    if len(x) != 2 or len(y) != 2:
        return False
    p, q = float(x[0]), float(y[0])
    return (p == q or p != p and q != q or abs(p - q) <= 1e-6 * abs(q)) and same_image(kind, x[1], y[1])


def main():
    tool = sys.argv[1]
    makes = [(k, s, n) for k in SIZES for s in SIZES[k] for n in COUNTS if not (k == 'bloom' and n > 5000)]
    builds = ['build %s %d %d' % m for m in makes]
    theirs, ours = proof.java(text='\n'.join(builds) + '\n'), ask(tool, builds)
    check(len(theirs) == len(builds), 'answers', len(theirs), len(builds))
    for (kind, size, n), a, b in zip(makes, theirs, ours):
        if kind != 'tuple' or n <= size:  # past their nominal entries Java's hold up to nearly twice as many
            check(same_image(kind, a, b), 'built', kind, size, n, a, b)
    commands = []
    for (kind, size, n), a, b in zip(makes, theirs, ours):
        commands += ['read %s %d %s' % (kind, size, a), 'read %s %d %s' % (kind, size, b)]
        for (kind2, size2, n2), c, d in zip(makes, theirs, ours):
            if kind2 == kind and size2 == size and n2 in (3, 5000):
                commands += ['merge %s %d %s %s' % (kind, size, a, d), 'merge %s %d %s %s' % (kind, size, b, c)]
    for command, a, b in zip(commands, proof.java(text='\n'.join(commands) + '\n'), ask(tool, commands)):
        check(equal(command.split()[1], a, b), command[:60], a[:200], b[:200])
    print('%d built, %d read or merged on both sides' % (len(builds), len(commands)))
    proof.finish()


main()
