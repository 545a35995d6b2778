#!/usr/bin/env python3
"""Runs Prove.java: sketches against DataSketches' Java library, both directions.

    tests/sketch/prove_java.py SKETCH_TOOL

The jars datasketches-java 4.2 and datasketches-memory 2.2 come from the folder OVATE_DATASKETCHES_JARS or from Maven's own below
~/.m2; without them, or without java, the test says so and is skipped (exit 77).
"""
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = (os.environ.get('OVATE_DATASKETCHES_JARS', ''),
           os.path.expanduser('~/.m2/repository/org/apache/datasketches/datasketches-java/4.2.0'),
           os.path.expanduser('~/.m2/repository/org/apache/datasketches/datasketches-memory/2.2.1'))
OPENED = [word for package in ('jdk.internal.misc', 'jdk.internal.ref')
          for word in ('--add-exports', 'java.base/%s=ALL-UNNAMED' % package)]
OPENED += [word for package in ('java.nio', 'sun.nio.ch') for word in ('--add-opens', 'java.base/%s=ALL-UNNAMED' % package)]


def main():
    jars = [jar for folder in FOLDERS if folder for jar in sorted(glob.glob(os.path.join(folder, 'datasketches-*.jar')))]
    if not shutil.which('java') or len(jars) < 2:
        print('skipped: java and the jars of DataSketches are needed: mvn dependency:get '
              '-Dartifact=org.apache.datasketches:datasketches-java:4.2.0')
        return 77
    return subprocess.run(['java', *OPENED, '-cp', ':'.join(jars), os.path.join(HERE, 'Prove.java'), sys.argv[1]]).returncode


if __name__ == '__main__':
    sys.exit(main())
