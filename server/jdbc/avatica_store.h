/*
 * JDBC connections and their statements, by the names and numbers their clients know.
 *
 * A statement in use is counted, so closing it (or its connection) while another request reads it ends its query but
 * not its memory. Connections nobody used for OV_AV_IDLE_MS are not found any more; what they hold goes when somebody opens another one.
 *
 * Threads: any. What belongs to one statement is read under its own `lock`.
 */
#pragma once

#include "base/thread.h"
#include "server/jdbc/avatica_cursor.h"

enum {
    OV_AV_MOST_CONNECTIONS = 1000,
    OV_AV_MOST_STATEMENTS = 250, /* of one connection */
    OV_AV_IDLE_MS = 5 * 60 * 1000,
};

typedef struct ov_av_store ov_av_store;
typedef struct ov_av_connection ov_av_connection;

typedef struct ov_av_statement {
    uint32_t id;
    ov_mutex lock;     /* of what follows */
    ov_arena arena;    /* sql */
    ov_slice sql;      /* prepared; empty before */
    bool executed;     /* there is or was a result */
    ov_cursor *cursor; /* NULL: nothing was executed */
    ov_running_entry running; /* its flag, which any thread may set, stops the query of the cursor, also while it opens */
    /* the store's */
    ov_av_connection *connection;
    uint32_t refs;
    struct ov_av_statement *next;
} ov_av_statement;

OV_CHECKED ov_status ov_av_store_create(ov_av_store **out, ov_error *err);
void ov_av_store_destroy(ov_av_store *s); /* ends all queries; NULL is fine */

/* info: what the client said when it connected, a JSON object; copied. OV_LIMIT when there are too many. */
OV_CHECKED ov_status ov_av_store_open(ov_av_store *s, ov_slice id, ov_slice info, ov_error *err);
void ov_av_store_close(ov_av_store *s, ov_slice id);
/* The properties that were set, after taking over those that `props` says. OV_NOT_FOUND: no such connection. */
OV_CHECKED ov_status ov_av_store_sync(ov_av_store *s, ov_slice id, ov_av_props *props, ov_arena *a,
                                      ov_error *err);
/* The text given to open, copied. */
OV_CHECKED ov_status ov_av_store_info(ov_av_store *s, ov_slice id, ov_arena *a, ov_slice *info,
                                      ov_error *err);

/* A new statement, retained; sql empty: nothing is prepared. Its number is not given twice, also not after a restart (but by a rare chance): clients hold on to
 * the numbers of statements that are gone. OV_NOT_FOUND: no such connection. */
OV_CHECKED ov_status ov_av_statement_create(ov_av_store *s, ov_slice connection, ov_slice sql, ov_av_statement **out, ov_error *err);
/* The one of that number; where there is none it is made. */
OV_CHECKED ov_status ov_av_statement_again(ov_av_store *s, ov_slice connection, uint32_t id, ov_slice sql, ov_av_statement **out,
                                           ov_error *err);
/* Before a query of the statement: what stopped the last one does not stop this. OV_CANCELLED: it was closed meanwhile. */
OV_CHECKED ov_status ov_av_statement_begin(ov_av_store *s, ov_av_statement *st, ov_error *err);
/* *out NULL: the connection has none of this number. OV_NOT_FOUND: no such connection. */
OV_CHECKED ov_status ov_av_statement_find(ov_av_store *s, ov_slice connection, uint32_t id,
                                          ov_av_statement **out, ov_error *err);
void ov_av_statement_release(ov_av_store *s, ov_av_statement *st); /* NULL is fine */
void ov_av_statement_close(ov_av_store *s, ov_slice connection, uint32_t id);
