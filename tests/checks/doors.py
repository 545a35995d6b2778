#!/usr/bin/env python3
"""Each foreign library has one door: the only files that may include its headers (docs/architecture.md section 2)."""
import re

import tree

DOORS = {
    'cJSON': (r'c[Jj][Ss][Oo][Nn]/|cJSON\.h', r'base/json\.c'),
    'libcurl': (r'curl/', r'base/httpc\w*\.[ch]'),
    'zlib': (r'zlib\.h', r'base/(compress|unpack)\.c'),
    'liblz4': (r'lz4\w*\.h', r'base/unpack\.c'),
    'libzstd': (r'zstd\w*\.h', r'base/(compress|unpack)\.c'),
    'CRoaring': (r'roaring/', r'storage/rowset\w*\.c'),
    'SQLite': (r'sqlite3\.h', r'storage/catalog/\w*\.[ch]'),
    'PCRE2': (r'pcre2\.h', r'(query/expr|base)/\w*reg\w*\.c'),
    'utf8proc': (r'utf8proc\.h', r'base/\w*(utf8|unicode|text)\w*\.c'),
    'xxHash': (r'xxhash\.h', r'base/hash\.[ch]'),
    'snappy': (r'snappy-c\.h', r'base/unpack\.c'),
    'protobuf-c': (r'protobuf-c/', r'server/jdbc/\w*\.c'),
    'librdkafka': (r'librdkafka/', r'ingest/kafka/\w*\.c'),
    'nettle': (r'nettle/', r'base/sha256\.[ch]'),
    'libevent': (r'event2?/|event\.h|evhttp\.h', r'server/.*'),
    'OpenSSL': (r'openssl/', r'(server|base)/\w*(tls|crypt|digest|sha|hmac)\w*\.c'),
    'libedit': (r'editline/|histedit\.h', r'server/cli/shell\w*\.c'),
}

problems, seen = [], 0
for path in tree.layer_files():
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+<([^>]+)>', line)
        for name, (header, door) in DOORS.items() if found else ():
            if re.match(header, found.group(1)):
                seen += 1
                if not re.fullmatch(door, path):
                    problems.append('%s:%d: <%s> of %s belongs behind %s' % (path, number, found.group(1), name, door))
tree.finish(problems, 'doors (%d includes)' % seen)
