/*
 * Texts with {names} in them: paths, queries, headers, members of rows.
 *
 *   {repo}                       its value, percent-encoded in addresses ({+repo}: slashes stay)
 *   {interval.start}, {interval.end}, {now}     ISO; {interval.start|yyyy-MM-dd-H} by a Joda pattern,
 *                                {interval.start|posix} and |millis as numbers
 *   {steamid|sha256}             the first 16 digits of its SHA-256: for ids of people
 *
 * Threads: pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/datetime.h"

typedef struct ovi_pair {
    ov_slice name, value;
} ovi_pair;

typedef struct ovi_pairs {
    ovi_pair *at;
    uint32_t n;
} ovi_pairs;

/* NULL when there is none. */
const ovi_pair *ovi_pairs_find(const ovi_pairs *pairs, ov_slice name);

typedef struct ovi_names {
    const ovi_pairs *sets[4]; /* the first that has a name counts */
    uint32_t set_count;
    bool has_interval;
    ov_interval interval;
    int64_t now_ms;
} ovi_names;

/* known(name) for every name in the text; OV_INVALID names what is not. */
OV_CHECKED ov_status ovi_template_check(ov_slice text, bool (*known)(void *arg, ov_slice name), void *arg, ov_error *err);
/* *missing: some name has no value; what was written is then of no use. encode: for addresses. */
OV_CHECKED ov_status ovi_template_expand(ov_slice text, const ovi_names *names, bool encode, ov_buf *out, bool *missing,
                                         ov_error *err);
