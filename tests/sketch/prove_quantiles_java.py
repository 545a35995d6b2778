#!/usr/bin/env python3
"""Quantiles sketches against DataSketches' Java library, both directions.

    tests/sketch/prove_quantiles_java.py QUANTILES_TOOL

The folder OVATE_DATASKETCHES_JARS holds datasketches-java and datasketches-memory (`mvn dependency:copy`). Without it or without java
the test says so and is skipped (exit 77).
"""
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = os.environ.get("OVATE_DATASKETCHES_JARS", "")
OPEN = ["--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "--add-exports", "java.base/jdk.internal.ref=ALL-UNNAMED",
        "--add-opens", "java.base/java.nio=ALL-UNNAMED", "--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED"]
if not shutil.which("java") or not glob.glob(os.path.join(JARS, "datasketches-java*.jar")):
    print("skipped: java, or OVATE_DATASKETCHES_JARS with the jars of datasketches-java and datasketches-memory, is not there")
    sys.exit(77)
failures = 0


def check(ok, *what):
    global failures
    if not ok:
        failures += 1
        if failures < 40:
            print("FAILED", *(str(w)[:900] for w in what))


def java(*arguments, text=""):
    command = ["java", *OPEN, "-cp", os.path.join(JARS, "*"), os.path.join(HERE, "Quantiles.java"), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()


def ask(tool, lines):
    return subprocess.run([tool], input="".join(line + "\n" for line in lines), capture_output=True, text=True,
                          check=True).stdout.split("\n")


def main():
    tool = sys.argv[1]
    ranks = "0 0.001 0.1 0.25 0.5 0.75 0.9 0.999 1"
    theirs = [line.split("\t") for line in java()]
    assert len(theirs) == 44
    reads = ask(tool, [f"quantiles-read {t[form]} {ranks}" for t in theirs for form in (2, 3)])
    builds = ask(tool, [f"quantiles {t[0]} {compact} {t[1]} 7" for t in theirs for compact in (1, 0)])
    texts = ask(tool, [f"quantiles-text {t[2]}" for t in theirs])
    for i, (k, n, compact, updatable, quantiles, summary) in enumerate(theirs):
        for form in (0, 1):
            answer = reads[2 * i + form].split()
            check(answer[0] == n and answer[-1] == compact, "read and written", k, n, form, answer)
            want = [float(q) for q in quantiles.split()]
            got = [float(q) for q in answer[3:-1]]
            check(int(n) == 0 or got == want, "quantiles", k, n, form, got, want)
        if int(n) < 2 * int(k):
            check(builds[2 * i] == compact and builds[2 * i + 1] == updatable, "bytes", k, n, builds[2 * i:2 * i + 2], compact,
                  updatable)
        check(texts[i] == summary, "summary", k, n, texts[i], summary)
    back = java("read", text="".join(f"{b} {ranks}\n" for t, b in zip(theirs, builds[::2]) if int(t[1]) > 0))
    own = [line for t, line in zip(theirs, ask(tool, [f"quantiles-read {b} {ranks}" for b in builds[:-1:2]])) if int(t[1]) > 0]
    for line, want in zip(back, own):
        a, b = line.split(), want.split()
        check(a[0] == b[0] and [float(x) for x in a[1:]] == [float(x) for x in b[3:-1]], "Java of ours", line, want[:200])
    print(f"{failures} failures" if failures else "ok")
    sys.exit(1 if failures else 0)


main()
