/*
 * What each Avatica request does. The door is h_avatica.c; wire forms are read and written elsewhere.
 *
 * Threads: any.
 */
#pragma once

#include "server/jdbc/avatica_store.h"

/* Answers rq, which came as `http`: when its client leaves, the query ends. Memory of the answer is the arena's. *no_connection:
 * the failure is that the connection is not known, which clients may mend by opening it again. */
OV_CHECKED ov_status ov_av_answer(ov_app *app, ov_request *http, const ov_av_request *rq, ov_av_wire wire, ov_arena *a,
                                  ov_av_response *out, bool *no_connection,
                                  ov_error *err);

/* ---- avatica_meta.c ---- */
/* The SQL that answers CATALOGS, SCHEMAS, TABLE_TYPES, TABLES, COLUMNS, TYPE_INFO. */
OV_CHECKED ov_status ov_av_meta_sql(const ov_av_request *rq, ov_arena *a, ov_slice *sql,
                                    ov_error *err);
