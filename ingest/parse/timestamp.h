/*
 * The timestampSpec at work: text or number of a row to milliseconds.
 *
 *   auto            digits only: milliseconds; else ISO-8601, optionally followed by a blank and a zone name
 *   iso             ISO-8601
 *   posix millis micro nano   whole numbers of that unit since 1970
 *   ruby            seconds with a fraction
 *   anything else   a Joda pattern
 *
 * Text may stand in double quotes, as Druid allows.
 *
 * Source: Druid's TimestampParser. Threads: a compiled parser is read-only; the memo belongs to one thread.
 */
#pragma once

#include "base/arena.h"
#include "base/joda.h"
#include "ingest/spec/spec.h"

typedef enum ov_timestamp_kind {
    OV_TIMESTAMP_AUTO,
    OV_TIMESTAMP_ISO,
    OV_TIMESTAMP_NUMBER,
    OV_TIMESTAMP_RUBY,
    OV_TIMESTAMP_JODA,
} ov_timestamp_kind;

typedef struct ov_timestamp {
    ov_timestamp_kind kind;
    int64_t mul, div; /* NUMBER: ms = v * mul / div */
    const ov_joda *joda;
} ov_timestamp;

/* What the row before had: most rows share its date. */
typedef struct ov_timestamp_memo {
    uint64_t date[2]; /* the 10 bytes of yyyy-MM-dd, zero-padded */
    int64_t date_ms;
} ov_timestamp_memo;

/* The format of a timestampSpec; OV_INVALID when it is no format. */
OV_CHECKED ov_status ov_timestamp_compile(ov_slice format, ov_arena *out, ov_timestamp *ts, ov_error *err);

/* False when the text is no instant of this format. `memo` starts zeroed. */
bool ov_timestamp_text(const ov_timestamp *ts, ov_timestamp_memo *memo, ov_slice text, int64_t *ms);
/* What a Joda pattern expected of a text that is no instant of it, and where: OV_INVALID. OV_OK: nothing can be told. */
OV_CHECKED ov_status ov_timestamp_explain(const ov_timestamp *ts, ov_slice text, ov_error *err);
/* A number of the input. `literal` is its text, which a Joda pattern reads. */
bool ov_timestamp_i64(const ov_timestamp *ts, int64_t v, ov_slice literal, int64_t *ms);
bool ov_timestamp_f64(const ov_timestamp *ts, double v, ov_slice literal, int64_t *ms);
