/*
 * A result that is read in turns: the query runs on a thread of its own and stays a few megabytes ahead of the frames
 * that its client fetches.
 *
 * While it waits for the client for long it gives back its place among the large queries (admission.h). A cursor
 * that nobody asks for OV_CURSOR_IDLE_MS ends its query by itself.
 *
 * Threads: one at a time, except that close may come from any thread once no fetch runs.
 */
#pragma once

#include "server/app.h"
#include "server/jdbc/avatica.h"

enum { OV_CURSOR_IDLE_MS = 5 * 60 * 1000 };

typedef struct ov_cursor ov_cursor;

typedef struct ov_cursor_request {
    const ov_query_request *query;
    ov_running_entry *running; /* its flag stops the query; the caller's, outlives the cursor */
    int64_t priority;
    ov_av_wire wire;
    bool whole; /* all rows are fetched at once: the query need not wait */
} ov_cursor_request;

/* Opens the query (errors of its text are raised here) and lets it run. The request may be freed afterwards. */
OV_CHECKED ov_status ov_cursor_open(ov_app *app, const ov_cursor_request *rq, ov_cursor **out,
                                    ov_error *err);
ov_av_wire ov_cursor_wire(const ov_cursor *c);
/* Live as long as the cursor. */
const ov_field *ov_cursor_fields(const ov_cursor *c, uint32_t *count);
uint64_t ov_cursor_at(const ov_cursor *c); /* number of the next row */
/* At most `rows` rows behind *out, which is in the arena. Waits for them, but no longer than wait_ms: then there are fewer, or none, and
 * the frame is not done. The query's own error is raised here. */
OV_CHECKED ov_status ov_cursor_fetch(ov_cursor *c, uint64_t rows, int64_t wait_ms, ov_arena *a,
                                     ov_av_frame *out, ov_error *err);
/* Stops the query if it still runs. NULL is fine. */
void ov_cursor_close(ov_cursor *c);
