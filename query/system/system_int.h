/*
 * Shared by the tables: what they look at, and a writer that turns rows into batches.
 *
 * A table's `rows` opens a writer, calls one ovi_cell_* per column in order for each row, and
 * closes it. Failures are sticky: the close tells. Text is borrowed until the batch is sent: it
 * must outlive the call.
 */
#pragma once

#include "query/expr/lookup.h"
#include "query/system/system.h"

typedef struct ovi_system {
    const ov_query_env *env;
    const ov_systable *const *tables; /* all, for TABLES and COLUMNS */
    uint32_t table_count;
} ovi_system;

typedef struct ovi_table_writer {
    const ov_systable *table;
    const ov_result_sink *emit;
    ov_arena arena; /* of the batch being filled */
    ov_vec *columns;
    uint32_t rows, column;
    ov_status st;
    ov_error *err;
} ovi_table_writer;

void ovi_syswriter_open(ovi_table_writer *w, const ov_systable *table, ov_query_ctx *cx,
                     const ov_result_sink *emit, ov_error *err);
void ovi_cell_text(ovi_table_writer *w, ov_slice text);
void ovi_cell_str(ovi_table_writer *w, const char *text); /* NULL: NULL */
void ovi_cell_i64(ovi_table_writer *w, int64_t v);
void ovi_cell_f64(ovi_table_writer *w, double v);
void ovi_cell_null(ovi_table_writer *w);
void ovi_cell_time(ovi_table_writer *w, int64_t ms); /* ISO text */
/* A copy of the buffer's text, which is then emptied. */
void ovi_cell_buf(ovi_table_writer *w, ov_buf *text);
OV_CHECKED ov_status ovi_syswriter_close(ovi_table_writer *w);

/* The table lookup.NAME; as long as the map lives. */
void ovi_lookup_table(const ov_lookup *map, ov_systable *out);

/* "text" with JSON's escapes. */
void ovi_json_text(ov_buf *out, ov_slice text);

#define OVI_TEXT(name)                                                                             \
    {                                                                                              \
        OV_SLICE_LIT(name), {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, true, 0                           \
    }
#define OVI_LONG(name)                                                                             \
    {                                                                                              \
        OV_SLICE_LIT(name), {.id = OV_TYPE_LONG}, OV_SQL_BIGINT, true, 0                              \
    }
#define OVI_DOUBLE(name)                                                                           \
    {                                                                                              \
        OV_SLICE_LIT(name), {.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE, true, 0                            \
    }
#define OVI_TEXT_ALWAYS(name)                                                                      \
    {                                                                                              \
        OV_SLICE_LIT(name), {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, false, 0                          \
    }
#define OVI_LONG_ALWAYS(name)                                                                      \
    {                                                                                              \
        OV_SLICE_LIT(name), {.id = OV_TYPE_LONG}, OV_SQL_BIGINT, false, 0                             \
    }

/* Templates; `self` is filled in per query. */
extern const ov_systable ovi_schemata, ovi_tables, ovi_columns, ovi_routines;
extern const ov_systable ovi_segments, ovi_server_segments, ovi_servers, ovi_tasks, ovi_supervisors,
    ovi_server_properties;
extern const ov_systable ovi_lineage, ovi_completeness, ovi_rejects;
