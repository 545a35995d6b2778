/*
 * What SQL and native queries share once they are answered: counters, the log line, cancelling, their turn.
 */
#pragma once

#include "server/app.h"
#include "server/http/http.h"

/* q is NULL when the query did not open. t0_ns: when the request came. */
void ov_answered(ov_app *app, const ov_request *rq, const ov_query *q, ov_status st,
                 const ov_error *err, int64_t t0_ns);
/* Between these the query is found by its id, and stops when the client leaves or the id is cancelled. */
void ov_answer_begin(ov_app *app, ov_request *rq, ov_running_entry *entry);
void ov_answer_end(ov_app *app, ov_request *rq, ov_running_entry *entry);
/* Runs when there is a place for it; small queries need none. While the client of rq is slow, others have the place. */
OV_CHECKED ov_status ov_answer_in_turn(ov_app *app, ov_request *rq, ov_query *q, int64_t priority, const _Atomic bool *cancelled,
                                       ov_status (*run)(ov_query *q, void *self, ov_error *err), void *self,
                                       ov_error *err);
