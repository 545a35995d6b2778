"""What proofs against Java libraries share: running the program beside this file with the jars, asking our tool, counting failures."""
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OPEN = ["--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "--add-exports", "java.base/jdk.internal.ref=ALL-UNNAMED",
        "--add-opens", "java.base/java.nio=ALL-UNNAMED", "--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED"]


def ask(tool, lines):
    """Answers of a tool (tool.h), one a line."""
    return subprocess.run([tool], input="".join(line + "\n" for line in lines), capture_output=True, text=True,
                          check=True).stdout.split("\n")[:len(lines)]


class Proof:
    """Skipped (exit 77) without java, or when the folder that `variable` names has no `jar`."""

    def __init__(self, program, variable, jar, what):
        self.program, self.jars, self.failures = program, os.environ.get(variable, ""), 0
        if not shutil.which("java") or not glob.glob(os.path.join(self.jars, jar)):
            print(f"skipped: java, or {variable} with the jars of {what}, is not there")
            sys.exit(77)

    def java(self, *arguments, text=""):
        command = ["java", *OPEN, "-cp", os.path.join(self.jars, "*"), os.path.join(HERE, self.program), *arguments]
        return subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()

    def check(self, ok, *what):
        if not ok:
            self.failures += 1
            if self.failures < 40:
                print("FAILED", *(str(w)[:300] for w in what))

    def finish(self):
        print(f"{self.failures} failures" if self.failures else "ok")
        sys.exit(1 if self.failures else 0)
