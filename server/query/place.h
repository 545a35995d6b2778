/*
 * A query's own place among the large ones (admission.h): taken before it runs, lent to others while its client is slow.
 *
 * Threads: of the query only.
 */
#pragma once

#include "server/app.h"

enum { OV_PLACE_PATIENCE_MS = 1000 }; /* so long a query waits for its client before it lends its place */

typedef struct ov_place {
    ov_admission *admission;
    ov_admission_request request;
    bool needed; /* small queries need none */
    bool held;
} ov_place;

/* Of an opened query. cancelled: ends the wait for a place; may be NULL. */
ov_place ov_place_of(ov_app *app, const ov_query *q, int64_t priority, const _Atomic bool *cancelled);
/* Errors: those of ov_admission_enter. Nothing to do when it is held or not needed. */
OV_CHECKED ov_status ov_place_take(ov_place *p, ov_error *err);
void ov_place_leave(ov_place *p);
