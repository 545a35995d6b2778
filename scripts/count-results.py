#!/usr/bin/env python3
"""count-results.py FILE.xml...: sums ctest's JUnit files to `passed failed skipped`; names the skipped and failed on stderr."""
import re
import sys
import xml.etree.ElementTree

passed = failed = skipped = 0
for path in sys.argv[1:]:
    for case in xml.etree.ElementTree.parse(path).getroot().iter('testcase'):
        if case.find('failure') is not None or case.find('error') is not None:
            failed += 1
            print('failed:  %s' % case.get('name'), file=sys.stderr)
        elif case.find('skipped') is not None or case.get('status') in ('notrun', 'disabled'):
            skipped += 1
            reason = re.search(r'SKIP: (.*)', case.findtext('system-out') or '')
            print('skipped: %s%s' % (case.get('name'), ': ' + reason.group(1) if reason else ''), file=sys.stderr)
        else:
            passed += 1
if passed + failed + skipped == 0:
    sys.exit(1)
print(passed, failed, skipped)
