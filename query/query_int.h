/* Private to query/query*.c: what an open query holds, and how it gets its plan. */
#pragma once

#include "base/os.h"
#include "query/query.h"
#include "query/sql/sql.h"

struct ov_query {
    ov_query_ctx cx;
    ov_planned *planned; /* shared with other queries once it is kept: read-only then */
    ov_snapshot *snapshot; /* retained: what the query sees */
    bool kept;           /* it was found, or is found by others from now on */
    ov_native_query native;
    bool analyze; /* run the plan, answer with what it did */
    bool explain;
    const ov_query_write *write;
    ov_sql_describe describe;
    const ov_sql_setting *sets;
    uint32_t set_count;
    char uuid[OV_UUID_BYTES];
    ov_slice text; /* of SQL, if it is short: for places of errors while it runs */
    uint64_t map_events; /* faults of mapped files before the query began */
};

/* The moment on the monotonic clock so many milliseconds from now, however many they are; 0, for never, when they are 0. */
int64_t ovi_query_deadline_in(int64_t timeout_ms);
/* Tables made on the spot hold other rows every time, but for lookups. */
bool ovi_query_makes_tables(const ov_plan *node, bool count_lookups);
/* q->planned is new; texts of the request outlive it. */
OV_CHECKED ov_status ovi_query_make_plan(ov_query *q, const ov_query_env *env, const ov_query_request *rq, ov_error *err);
/* Rows of the segment that the scan's filter leaves at most, by the row indexes of its text columns; all of them where none tells. */
uint64_t ovi_query_rows_left(const ov_plan *scan, const ov_snapshot *snapshot, const ov_segment_entry *entry);
