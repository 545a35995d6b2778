/*
 * What the two files about /druid/v2/sql/statements share: a statement is its task's row in the catalog, read again for
 * every request, so that it survives the server.
 */
#pragma once

#include "base/json.h"
#include "server/handlers.h"

typedef struct ovi_statement {
    ov_task_row row;
    ov_json *doc;    /* as submitted, see sql_task.h */
    ov_json *report; /* payload of multiStageQuery; NULL while there is none */
    const char *state; /* ACCEPTED, RUNNING, SUCCESS, FAILED */
    bool writes;
} ovi_statement;

/* OV_NOT_FOUND in Druid's words when there is no such statement. Lives in `a`. */
OV_CHECKED ov_status ovi_statement_find(ov_app *app, ov_slice id, ov_arena *a, ovi_statement *out, ov_error *err);
