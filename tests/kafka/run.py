#!/usr/bin/env python3
"""Supervisors against a real Kafka cluster. run.py [--only WORD] [--verbose]"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]
import test_offsets  # noqa: E402
import test_once  # noqa: E402
import test_overload  # noqa: E402
import test_poison  # noqa: E402
from kafkatest import World  # noqa: E402
from ovatetest import Counter  # noqa: E402


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--only', default='')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    counter, world = Counter(asked.verbose), World()
    try:
        for part in (test_once, test_offsets, test_overload, test_poison):
            for name, function in sorted(vars(part).items()):
                if name.startswith('case_') and asked.only in '%s.%s' % (part.__name__, name):
                    counter.run('%s: %s' % (part.__name__[5:], name[5:].replace('_', ' ')), function, world)
    finally:
        world.close()
    counter.finish()


main()
