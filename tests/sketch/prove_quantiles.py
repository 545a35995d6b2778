#!/usr/bin/env python3
"""Quantiles and KLL sketches against DataSketches' own C++ library (PyPI: datasketches), both directions.

    tests/sketch/prove_quantiles.py QUANTILES_TOOL

What one writes, the other reads; as long as nothing was thrown away, so that there is no chance in it, bytes are compared. Without the
package the test says so and is skipped (exit 77).
"""
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


class Make:
    def __init__(self, name, sketch, sizes, exact):
        self.name, self.sketch, self.sizes, self.exact = name, sketch, sizes, exact

    def of(self, k, n, seed):
        s = self.sketch(k)
        for i in range(n):
            s.update(value_of(i, seed))
        return s

    def plain(self, image):
        """Java marks compact images of classic sketches as read-only, C++ does not."""
        return image[:3] + bytes([image[3] & ~2]) + image[4:] if self.name == "classic" else image


MAKES = (Make("classic", ds.quantiles_doubles_sketch, (2, 16, 128, 1024), lambda k: 2 * k - 1),
         Make("kll-doubles", ds.kll_doubles_sketch, (8, 20, 200, 1000), lambda k: k),
         Make("kll-floats", ds.kll_floats_sketch, (8, 20, 200, 1000), lambda k: k))


def prove(tool, make):
    for k in make.sizes:
        for n in (0, 1, 2, 3, k, k + 1, 2 * k - 1, 2 * k, 2 * k + 1, 7 * k, 64 * k + 5, 20000):
            theirs = make.of(k, n, 7)
            image = theirs.serialize()
            ours = bytes.fromhex(tool.ask("build", make.name, k, n, 7))
            if n <= make.exact(k):
                check(make.plain(ours) == image, "bytes", make.name, k, n, ours.hex(), image.hex())
            prove_ours(make, k, n, ours)
            if n > 0:
                prove_theirs(tool, make, k, n, theirs, image)


def prove_ours(make, k, n, image):
    """C++ reads what we write."""
    back = make.sketch.deserialize(image)
    check(back.n == n and back.k == k, "n of ours", make.name, k, n, back.n)
    if n == 0:
        return
    values = sorted(value_of(i, 7) for i in range(n))
    check(back.get_min_value() == values[0] and back.get_max_value() == values[-1], "bounds", make.name, k, n)
    bound = 1.5 * back.normalized_rank_error(False) if n > make.exact(k) else 1e-12
    for v in values[:: max(1, n // 50)]:
        rank = sum(1 for x in values if x <= v) / n if n < 3000 else values.index(v) / n
        check(abs(back.get_rank(v) - rank) <= bound + 1 / n, "rank of ours", make.name, k, n, v, back.get_rank(v), rank)


def prove_theirs(tool, make, k, n, theirs, image):
    """We read what C++ writes."""
    answer = tool.ask("read", make.name, image.hex(), *RANKS).split()
    check("error:" not in answer, answer)
    check(int(answer[0]) == n and float(answer[1]) == theirs.get_min_value(), "head of theirs", make.name, k, n, answer[:3])
    for r, got in zip(RANKS, answer[3:]):
        # least and greatest join the items, as in Java; C++ has them apart
        if 0 < r < 1 and float(got) not in (theirs.get_min_value(), theirs.get_max_value()):
            check(float(got) == theirs.get_quantile(r, True), "quantile", make.name, k, n, r, got, theirs.get_quantile(r, True))
    check(make.plain(bytes.fromhex(answer[-1])) == image, "written again", make.name, k, n)


def prove_merge(tool, make):
    for k_a, k_b, k in ((128, 128, 128), (128, 64, 128), (64, 256, 128), (256, 512, 128), (16, 16, 1024)):
        for n in (0, 10, 100, 3000, 30000):
            for m in (1, 150, 5000):
                a, b = make.of(k_a, n, 1), make.of(k_b, m, 50000)
                image = bytes.fromhex(tool.ask("merge", make.name, k, a.serialize().hex(), b.serialize().hex()))
                ours = make.sketch.deserialize(image)
                values = sorted([value_of(i, 1) for i in range(n)] + [value_of(i, 50000) for i in range(m)])
                check(ours.n == n + m, "n of union", make.name, ours.n, n + m)
                check(ours.get_min_value() == values[0] and ours.get_max_value() == values[-1], "bounds of union", make.name, n, m)
                bound = 2 * make.sketch(min(k, k_a, k_b)).normalized_rank_error(False) + 1 / (n + m)
                for i in range(0, len(values), max(1, len(values) // 40)):
                    check(abs(ours.get_rank(values[i]) - (i + 1) / len(values)) <= bound, "rank of union", make.name, k_a, k_b, n, m,
                          values[i], ours.get_rank(values[i]), (i + 1) / len(values))


def prove_error(tool, make):
    """Largest error of ranks over 2^20 values in muddled order."""
    for k in (16, 128, 1024):
        answer = tool.ask("error", make.name, k, 1 << 20)
        worst, bound = (float(w.strip(",")) for w in answer.split()[2:5:2])
        check(worst <= 1.5 * bound, "error", make.name, k, answer)


def main():
    tool = Tool(sys.argv[1])
    for make in MAKES:
        prove(tool, make)
        prove_merge(tool, make)
        prove_error(tool, make)
    print(f"{failures} failures" if failures else "ok")
    sys.exit(1 if failures else 0)


main()
