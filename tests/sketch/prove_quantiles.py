#!/usr/bin/env python3
"""Quantiles sketches against DataSketches' own C++ library (PyPI: datasketches), both directions.

    tests/sketch/prove_quantiles.py QUANTILES_TOOL

What one writes, the other reads; below 2k items, where there is no chance in it, bytes are compared. Without the package the test
says so and is skipped (exit 77).
"""
import struct
import subprocess
import sys

try:
    import datasketches as ds
except ImportError:
    print("skipped: the Python package 'datasketches' is not installed")
    sys.exit(77)

RANKS = [0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1]
failures = 0


def check(ok, *what):
    global failures
    if not ok:
        failures += 1
        if failures < 40:
            print("FAILED", *(str(w)[:150] for w in what))


class Tool:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def value_of(i, seed):
    return float(((i + seed) * 2654435761 + seed) % 1048573)


def theirs_of(k, n, seed):
    s = ds.quantiles_doubles_sketch(k)
    for i in range(n):
        s.update(value_of(i, seed))
    return s


def prove(tool):
    for k in (2, 16, 128, 1024):
        for n in (0, 1, 2, 3, k, 2 * k - 1, 2 * k, 2 * k + 1, 7 * k, 64 * k + 5, 20000):
            theirs = theirs_of(k, n, 7)
            image = theirs.serialize()
            for compact in (1, 0):
                ours = bytes.fromhex(tool.ask("quantiles", k, compact, n, 7))
                if compact and n < 2 * k:
                    # Java marks compact images as read-only, C++ does not
                    check(ours[:3] + bytes([ours[3] & ~2]) + ours[4:] == image, "bytes", k, n, ours.hex(), image.hex())
                if not compact:
                    continue
                back = ds.quantiles_doubles_sketch.deserialize(ours)
                check(back.n == n and back.k == k, "n of ours", k, n, back.n)
                if n:
                    values = sorted(value_of(i, 7) for i in range(n))
                    check(back.get_min_value() == values[0] and back.get_max_value() == values[-1], "bounds", k, n)
                    bound = 1.5 * back.normalized_rank_error(False) if n >= 2 * k else 1e-12
                    for v in values[:: max(1, n // 50)]:
                        rank = sum(1 for x in values if x <= v) / n if n < 3000 else values.index(v) / n
                        check(abs(back.get_rank(v) - rank) <= bound + 1 / n, "rank of ours", k, n, v, back.get_rank(v), rank)
            if n == 0:
                continue
            answer = tool.ask("quantiles-read", image.hex(), *RANKS).split()
            check("error:" not in answer, answer)
            check(int(answer[0]) == n and float(answer[1]) == theirs.get_min_value(), "head of theirs", k, n, answer[:3])
            for r, got in zip(RANKS, answer[3:]):
                # least and greatest join the items, as in Java; C++ has them apart
                if 0 < r < 1 and float(got) not in (theirs.get_min_value(), theirs.get_max_value()):
                    check(float(got) == theirs.get_quantile(r, True), "quantile", k, n, r, got, theirs.get_quantile(r, True))
            again = bytes.fromhex(answer[-1])
            check(again[:3] + bytes([again[3] & ~2]) + again[4:] == image, "written again", k, n)


def prove_merge(tool):
    for k_a, k_b, k in ((128, 128, 128), (128, 64, 128), (64, 256, 128), (256, 512, 128), (16, 16, 1024)):
        for n in (0, 10, 100, 3000, 30000):
            for m in (1, 150, 5000):
                a, b = theirs_of(k_a, n, 1), theirs_of(k_b, m, 50000)
                image = bytes.fromhex(tool.ask("quantiles-merge", k, a.serialize().hex(), b.serialize().hex()))
                ours = ds.quantiles_doubles_sketch.deserialize(image)
                values = sorted([value_of(i, 1) for i in range(n)] + [value_of(i, 50000) for i in range(m)])
                check(ours.n == n + m, "n of union", ours.n, n + m)
                check(ours.get_min_value() == values[0] and ours.get_max_value() == values[-1], "bounds of union", n, m)
                bound = 2 * ds.quantiles_doubles_sketch(min(k, k_a, k_b)).normalized_rank_error(False) + 1 / (n + m)
                for i in range(0, len(values), max(1, len(values) // 40)):
                    check(abs(ours.get_rank(values[i]) - (i + 1) / len(values)) <= bound, "rank of union", k_a, k_b, n, m,
                          values[i], ours.get_rank(values[i]), (i + 1) / len(values))


def prove_error(tool):
    """Largest error of ranks over 2^20 values in muddled order."""
    for k in (16, 128, 1024):
        answer = tool.ask("quantiles-error", k, 1 << 20)
        worst, bound = (float(w.strip(",")) for w in answer.split()[2:5:2])
        check(worst <= 1.5 * bound, "error", k, answer)


def main():
    tool = Tool(sys.argv[1])
    prove(tool)
    prove_merge(tool)
    prove_error(tool)
    print(f"{failures} failures" if failures else "ok")
    sys.exit(1 if failures else 0)


main()
