#!/usr/bin/env python3
"""Pulled sources against servers on loopback. run.py [--only WORD] [--verbose]"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]
import test_bad  # noqa: E402
import test_bad_batch  # noqa: E402
import test_files  # noqa: E402
import test_github  # noqa: E402
import test_keys  # noqa: E402
import test_limits  # noqa: E402
import test_paging  # noqa: E402
import test_schedule  # noqa: E402
import test_secrets  # noqa: E402
import test_size  # noqa: E402
import test_sources  # noqa: E402
import test_truth  # noqa: E402
from ovatetest import Counter  # noqa: E402


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--only', default='')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    counter = Counter(asked.verbose)
    for part in (test_paging, test_limits, test_sources, test_github, test_files, test_keys, test_truth, test_bad, test_bad_batch, test_secrets, test_schedule, test_size):
        for name, function in sorted(vars(part).items()):
            if name.startswith('case_') and asked.only in '%s.%s' % (part.__name__, name):
                counter.run('%s: %s' % (part.__name__[5:], name[5:]), function)
    counter.finish()


main()
