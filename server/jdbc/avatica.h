/*
 * Avatica, the protocol of Druid's JDBC driver: what clients ask and what they are told, whichever of the two wire forms
 * carries it.
 *
 *   bytes -> avatica_json.c / avatica_proto_read.c -> ov_av_request -> avatica_session.c -> ov_av_response -> bytes
 *
 * Rows travel in frames, already in the wire's form (avatica_rows.c), since they are most of the bytes.
 *
 * Source: the wire format as Avatica 1.28's Java client sends and reads it (docs/druid-compat.md, "JDBC").
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "query/query.h"

typedef enum ov_av_wire { OV_AV_JSON, OV_AV_PROTOBUF } ov_av_wire;

typedef enum ov_av_kind {
    OV_AV_OPEN_CONNECTION,
    OV_AV_CLOSE_CONNECTION,
    OV_AV_CONNECTION_SYNC,
    OV_AV_DATABASE_PROPERTIES,
    OV_AV_CREATE_STATEMENT,
    OV_AV_CLOSE_STATEMENT,
    OV_AV_PREPARE,
    OV_AV_PREPARE_AND_EXECUTE,
    OV_AV_EXECUTE,
    OV_AV_FETCH,
    OV_AV_SYNC_RESULTS,
    OV_AV_COMMIT,
    OV_AV_ROLLBACK,
    OV_AV_CATALOGS,
    OV_AV_SCHEMAS,
    OV_AV_TABLE_TYPES,
    OV_AV_TABLES,
    OV_AV_COLUMNS,
    OV_AV_TYPE_INFO,
    OV_AV_BATCH, /* prepareAndExecuteBatch, executeBatch: refused */
    OV_AV_KINDS
} ov_av_kind;

/* Connection properties: kept and echoed; they change nothing. */
typedef struct ov_av_props {
    bool dirty, auto_commit, has_auto_commit, read_only, has_read_only;
    uint32_t isolation;
    bool has_isolation;
    ov_slice catalog, schema; /* p NULL: not said */
} ov_av_props;

/* A name with SQL's LIKE wildcards, or none. */
typedef struct ov_av_pattern {
    bool given;
    ov_slice text;
} ov_av_pattern;

typedef struct ov_av_request {
    ov_av_kind kind;
    ov_slice connection;
    uint32_t statement;
    ov_slice sql;              /* EXECUTE: what the client remembers of the statement, empty when it sends nothing */
    int64_t frame_rows;        /* of the first frame, or of a fetch; negative: the server decides */
    int64_t most_rows;         /* PREPARE_AND_EXECUTE: of all frames together; 0 or negative: any */
    uint64_t offset;           /* FETCH */
    const ov_av_pattern *info; /* OPEN: keys and values in turn */
    uint32_t info_count;       /* pairs */
    ov_av_props props;
    ov_av_pattern catalog; /* a name, no pattern */
    ov_av_pattern schema, table, column;
    ov_slice *types; /* TABLES: of these types; NULL: of any */
    uint32_t type_count;
    ov_param *params;
    uint32_t param_count;
} ov_av_request;

/* What a statement's rows look like. */
typedef struct ov_av_signature {
    ov_slice sql;
    const ov_field *fields;
    uint32_t field_count;
    const ov_sqltype *params;
    uint32_t param_count;
} ov_av_signature;

/* Rows [offset, offset + ...) in the wire's form: JSON arrays between commas, or packed rows. */
typedef struct ov_av_frame {
    uint64_t offset;
    bool done;
    ov_slice rows;
} ov_av_frame;

typedef struct ov_av_response {
    ov_av_kind kind; /* of the request */
    ov_slice connection;
    uint32_t statement;
    bool own_statement; /* false: rows about the schema */
    const ov_av_signature *signature;
    ov_av_frame frame;
    bool missing_statement, missing_results, more_results;
    ov_av_props props;
} ov_av_response;

/* Codes the Java client acts on; anything else is shown to the person. */
enum { OV_AV_UNKNOWN = -1, OV_AV_NO_CONNECTION = 1 };

typedef struct ov_av_failure {
    int code; /* above; only NO_CONNECTION makes a client with transparent_reconnection open it again */
    ov_slice message;
} ov_av_failure;

/* ---- avatica_types.c: how SQL types are told to JDBC ---- */
enum {
    OV_AV_REP_BOOLEAN = 8,
    OV_AV_REP_LONG = 13,
    OV_AV_REP_DOUBLE = 15,
    OV_AV_REP_STRING = 21,
    OV_AV_REP_NUMBER = 22,
    OV_AV_REP_OBJECT = 23,
    OV_AV_REP_NULL = 24,
    OV_AV_REP_BIG_DECIMAL = 26,
    OV_AV_REP_ARRAY = 27,
};
typedef struct ov_av_type {
    int jdbc;
    const char *name, *rep_name, *java_class;
    int rep; /* as protobuf numbers it */
} ov_av_type;
ov_av_type ov_av_type_of(ov_sqltype t);
/* A parameter's representation in words ("LONG", "JAVA_SQL_TIMESTAMP") or by number to a SQL type; OV_SQL_NULL for
 * what has no value, OV_SQL_COUNT for what is not known. */
ov_sqltype ov_av_param_type(ov_slice rep);
ov_sqltype ov_av_param_type_of(int rep);
/* The i of a TIMESTAMP or DATE parameter as the wire has it: the clock of the client's zone, as in rows, not an instant. Dates come in days since 1970, or
 * in milliseconds already when too large for days. */
void ov_av_param_clock(ov_param *p);

/* ---- avatica_json.c, avatica_proto_*.c: bytes to requests, responses to bytes ---- */
OV_CHECKED ov_status ov_av_json_read(ov_slice body, ov_arena *a, ov_av_request *out, ov_error *err);
void ov_av_json_write(const ov_av_response *r, ov_slice address, ov_buf *out);
void ov_av_json_fail(const ov_av_failure *f, ov_slice address, ov_buf *out);
OV_CHECKED ov_status ov_av_proto_read(ov_slice body, ov_arena *a, ov_av_request *out,
                                      ov_error *err);
OV_CHECKED ov_status ov_av_proto_write(const ov_av_response *r, ov_slice address, ov_arena *a,
                                       ov_buf *out, ov_error *err);
OV_CHECKED ov_status ov_av_proto_fail(const ov_av_failure *f, ov_slice address, ov_arena *a,
                                      ov_buf *out, ov_error *err);

/* ---- rows (avatica_rows.c) ---- */
/* One row of a batch behind what `out` holds: a JSON array, or a `rows` field of a Frame. */
OV_CHECKED ov_status ov_av_row(ov_av_wire wire, const ov_tz *tz, const ov_field *fields,
                               uint32_t count, const ov_batch *batch, uint32_t row,
                               ov_arena *scratch, ov_buf *out, ov_error *err);
