#!/usr/bin/env python3
"""Quantiles and KLL sketches against DataSketches' Java library, both directions.

    tests/sketch/prove_quantiles_java.py QUANTILES_TOOL

The folder OVATE_DATASKETCHES_JARS holds datasketches-java and datasketches-memory (`mvn dependency:copy`). Without it or without java
the test says so and is skipped (exit 77).
"""
import sys

from javatool import Proof, ask

proof = Proof("Quantiles.java", "OVATE_DATASKETCHES_JARS", "datasketches-java*.jar", "datasketches-java and datasketches-memory")
check = proof.check


def exact(make, k, n):
    """Nothing was thrown away, so there is no chance in the bytes."""
    return n < 2 * k if make == "classic" else n <= k


def main():
    tool = sys.argv[1]
    ranks = "0 0.001 0.1 0.25 0.5 0.75 0.9 0.999 1"
    theirs = [line.split("\t") for line in proof.java()]
    assert len(theirs) == 44 + 80
    reads = ask(tool, [f"read {t[0]} {t[form]} {ranks}" for t in theirs for form in (3, 4)])
    builds = ask(tool, [f"build {t[0]} {t[1]} {t[2]} 7" for t in theirs])
    updatable = ask(tool, [f"build updatable {t[1]} {t[2]} 7" for t in theirs])
    texts = ask(tool, [f"text {t[0]} {t[3]}" for t in theirs])
    for i, (make, k, n, compact, in_place, quantiles, summary) in enumerate(theirs):
        for form in (0, 1):
            answer = reads[2 * i + form].split()
            check(answer[0] == n and answer[-1] == compact, "read and written", make, k, n, form, answer, compact)
            want = [float(q) for q in quantiles.split()]
            got = [float(q) for q in answer[3:-1]]
            check(int(n) == 0 or got == want, "quantiles", make, k, n, form, got, want)
        if exact(make, int(k), int(n)):
            check(builds[i] == compact, "bytes", make, k, n, builds[i], compact)
            check(make != "classic" or updatable[i] == in_place, "bytes in place", k, n, updatable[i], in_place)
        check(texts[i] == summary, "summary", make, k, n, texts[i], summary)
    full = [(t[0], b) for t, b in zip(theirs, builds) if int(t[2]) > 0]
    back = proof.java("read", text="".join(f"{make} {b} {ranks}\n" for make, b in full))
    own = ask(tool, [f"read {make} {b} {ranks}" for make, b in full])
    for line, want in zip(back, own):
        a, b = line.split(), want.split()
        check(a[0] == b[0] and [float(x) for x in a[1:]] == [float(x) for x in b[3:-1]], "Java of ours", line, want[:200])
    check(len(back) == len(full), "answers", len(back))
    proof.finish()


main()
