#!/usr/bin/env python3
"""HTTP tests: framing on raw sockets, result formats, refusals, tasks. run.py [--only WORD] [--verbose]"""
import argparse
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'slt')]
import tables  # noqa: E402
import test_answers_kept  # noqa: E402
import test_avatica  # noqa: E402
import test_compact  # noqa: E402
import test_concurrency  # noqa: E402
import test_error_rows  # noqa: E402
import test_errors  # noqa: E402
import test_export  # noqa: E402
import test_extern  # noqa: E402
import test_first_last  # noqa: E402
import test_formats  # noqa: E402
import test_framing  # noqa: E402
import test_grafana  # noqa: E402
import test_gzip  # noqa: E402
import test_insert  # noqa: E402
import test_keys  # noqa: E402
import test_load_calls  # noqa: E402
import test_lookups  # noqa: E402
import test_metadata  # noqa: E402
import test_native  # noqa: E402
import test_native_folds  # noqa: E402
import test_native_members  # noqa: E402
import test_native_nested  # noqa: E402
import test_native_quantiles  # noqa: E402
import test_native_rare  # noqa: E402
import test_native_segments  # noqa: E402
import test_native_sketches  # noqa: E402
import test_partitions  # noqa: E402
import test_push  # noqa: E402
import test_quick  # noqa: E402
import test_sampler  # noqa: E402
import test_sketch_ingest  # noqa: E402
import test_states_kept  # noqa: E402
import test_statements  # noqa: E402
import test_tasks  # noqa: E402
import test_upkeep  # noqa: E402
from ovatetest import Counter, Server  # noqa: E402

PARTS = (  # in this order
    test_formats,
    test_error_rows,
    test_errors,
    test_framing,
    test_tasks,
    test_load_calls,
    test_insert,
    test_export,
    test_extern,
    test_first_last,
    test_native,
    test_native_folds,
    test_native_members,
    test_native_nested,
    test_native_quantiles,
    test_native_rare,
    test_native_segments,
    test_metadata,
    test_native_sketches,
    test_partitions,
    test_push,
    test_keys,
    test_grafana,
    test_quick,
    test_gzip,
    test_answers_kept,
    test_states_kept,
    test_sampler,
    test_sketch_ingest,
    test_statements,
    test_avatica,
    test_lookups,
    test_upkeep,
    test_compact,
    test_concurrency,
)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--only', default='')
    words.add_argument('--verbose', action='store_true')
    asked = words.parse_args()
    counter = Counter(asked.verbose)
    with tempfile.TemporaryDirectory(prefix='ovate-http-') as folder, Server() as server:
        for table in ('tiny', 'events'):
            server.ingest(tables.spec(table, folder)[0])
            server.wait_table(table)
        for part in PARTS:
            for name, function in part.cases(server):
                name = '%s: %s' % (part.__name__[5:], name)
                if asked.only in name:
                    counter.run(name, function)
                if not server.alive():
                    counter.check(name, False, 'the server is gone; its log ends\n' + server.log()[-4000:])
                    server.start()
    counter.finish()


main()
