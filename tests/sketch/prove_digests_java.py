#!/usr/bin/env python3
"""t-digests against com.tdunning's t-digest 3.2, and moments sketches against Stanford's solver, both directions.

    tests/sketch/prove_digests_java.py QUANTILES_TOOL

The folder OVATE_DIGEST_JARS holds t-digest 3.2, momentsketch-solver 0.1.1 and commons-math3 (`mvn dependency:copy`). Without it or without
java the test says so and is skipped (exit 77). Digests of numbers that differ have no chance in them: bytes and answers are equal. Sums of powers
are equal up to rounding, and so is what is solved of them.
"""
import struct
import sys

from javatool import Proof, ask

RANKS = "0 0.001 0.1 0.25 0.5 0.75 0.9 0.999 1"
proof = Proof("Digests.java", "OVATE_DIGEST_JARS", "t-digest-3.2*.jar", "t-digest 3.2, momentsketch-solver and commons-math3")


def near(a, b, relative, absolute):
    return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))


def doubles(image, head):
    return struct.unpack(f">{len(image) // 8 - head // 8}d", image[head:])


def main():
    tool = sys.argv[1]
    theirs = [line.split("\t") for line in proof.java()]
    assert len(theirs) == 30 + 18
    reads = ask(tool, [f"read {t[0]} {t[3]} {RANKS}" for t in theirs])
    builds = ask(tool, [f"build {t[0]} {t[1]} {t[2]} 7" for t in theirs])
    for (make, size, n, image, small, quantiles), read, built in zip(theirs, reads, builds):
        answer = read.split()
        proof.check(answer[0] == n and answer[-1] == image, "read and written", make, size, n, read)
        want, got = [float(q) for q in quantiles.split()], [float(q) for q in answer[3:-1]]
        if make == "tdigest":
            proof.check(built == image, "bytes", size, n, built, image)
            proof.check(got == want, "quantiles", size, n, got, want)
            floats = ask(tool, [f"read tdigest {small} {RANKS}"])[0].split()
            proof.check(all(near(float(a), b, 1e-6, 0) for a, b in zip(floats[3:-1], want)), "of floats", size, n, floats, want)
        else:
            ours, reference = bytes.fromhex(built), bytes.fromhex(image)
            proof.check(ours[:8] == reference[:8], "head", make, size, n, built, image)
            proof.check(all(near(a, b, 1e-12, 0) for a, b in zip(doubles(ours, 8), doubles(reference, 8))), "sums", make, size, n)
            # answers are points of a grid of 1,024: rounding may choose the one beside it
            step = 2 * max(abs(want[0]), abs(want[-1])) / 1023 if make == "moments-plain" else 0
            proof.check(all(near(a, b, 0.03 if step == 0 else 0, step) for a, b in zip(got, want)), "solved", make, size, n, got, want)
    back = proof.java("read", text="".join(f"{t[0]} {b} {RANKS}\n" for t, b in zip(theirs, builds)))
    own = ask(tool, [f"read {t[0]} {b} {RANKS}" for t, b in zip(theirs, builds)])
    for t, line, read in zip(theirs, back, own):
        a, b = [float(x) for x in line.split()], [float(x) for x in read.split()[3:-1]]
        proof.check(a == b if t[0] == "tdigest" else len(a) == len(b), "Java of ours", t[:3], a, b)
    proof.finish()


main()
