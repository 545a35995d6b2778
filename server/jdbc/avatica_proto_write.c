/*
 * Avatica's protobuf form, responses. Rows were packed before (avatica_rows.c) and are copied as they are.
 */
#include "server/jdbc/avatica.h"
#include "server/jdbc/avatica.pb-c.h"

#define RESPONSES "org.apache.calcite.avatica.proto.Responses$"

static const char *const responses[OV_AV_KINDS] = {
    [OV_AV_OPEN_CONNECTION] = "OpenConnectionResponse",
    [OV_AV_CLOSE_CONNECTION] = "CloseConnectionResponse",
    [OV_AV_CONNECTION_SYNC] = "ConnectionSyncResponse",
    [OV_AV_DATABASE_PROPERTIES] = "DatabasePropertyResponse",
    [OV_AV_CREATE_STATEMENT] = "CreateStatementResponse",
    [OV_AV_CLOSE_STATEMENT] = "CloseStatementResponse",
    [OV_AV_PREPARE] = "PrepareResponse",
    [OV_AV_PREPARE_AND_EXECUTE] = "ExecuteResponse",
    [OV_AV_EXECUTE] = "ExecuteResponse",
    [OV_AV_FETCH] = "FetchResponse",
    [OV_AV_SYNC_RESULTS] = "SyncResultsResponse",
    [OV_AV_COMMIT] = "CommitResponse",
    [OV_AV_ROLLBACK] = "RollbackResponse",
    [OV_AV_CATALOGS] = "ResultSetResponse",
    [OV_AV_SCHEMAS] = "ResultSetResponse",
    [OV_AV_TABLE_TYPES] = "ResultSetResponse",
    [OV_AV_TABLES] = "ResultSetResponse",
    [OV_AV_COLUMNS] = "ResultSetResponse",
    [OV_AV_TYPE_INFO] = "ResultSetResponse",
    [OV_AV_BATCH] = "ExecuteBatchResponse",
};

/* A message's bytes in the arena. */
static OV_CHECKED ov_status pack(const void *message, ov_arena *a, ProtobufCBinaryData *out,
                                 ov_error *err)
{
    out->len = protobuf_c_message_get_packed_size(message);
    OV_TRY(ov_arena_alloc(a, out->len + 1, &out->data, err));
    protobuf_c_message_pack(message, out->data);
    return OV_OK;
}

/* protobuf-c does not write to texts, but its structs are not const. */
static char *lend(const char *text)
{
    return (char *)(uintptr_t)text;
}

static OV_CHECKED ov_status copy_text(ov_slice s, ov_arena *a, char **out, ov_error *err)
{
    ov_slice copy;
    OV_TRY(ov_arena_copy(a, s, &copy, err));
    *out = lend(copy.p);
    return OV_OK;
}

/* A Frame: its own fields, then the rows as they were packed. */
static OV_CHECKED ov_status pack_frame(const ov_av_frame *f, ov_arena *a, ProtobufCBinaryData *out,
                                       ov_error *err)
{
    OvAv__Frame head;
    ov_av__frame__init(&head);
    head.offset = f->offset;
    head.done = f->done;
    size_t n = ov_av__frame__get_packed_size(&head);
    out->len = n + f->rows.n;
    OV_TRY(ov_arena_alloc(a, out->len + 1, &out->data, err));
    ov_av__frame__pack(&head, out->data);
    if (f->rows.n)
        memcpy(out->data + n, f->rows.p, f->rows.n);
    return OV_OK;
}

static OV_CHECKED ov_status make_type(const ov_field *f, ov_arena *a, OvAv__Type **out,
                                      ov_error *err)
{
    bool array = f->type.id == OV_TYPE_ARRAY;
    ov_av_type t = ov_av_type_of(array ? OV_SQL_ARRAY : (ov_sqltype)f->sql);
    OV_TRY(ov_arena_alloc(a, sizeof **out, out, err));
    ov_av__type__init(*out);
    (*out)->id = (uint32_t)t.jdbc;
    (*out)->name = lend(t.name);
    (*out)->rep = t.rep;
    if (!array)
        return OV_OK;
    ov_field elem = {.type = OV_T(f->type.elem), .sql = (uint8_t)ov_sqltype_of_native((ov_type_id)f->type.elem)};
    return make_type(&elem, a, &(*out)->component, err);
}

static OV_CHECKED ov_status make_column(uint32_t ordinal, const ov_field *f, ov_arena *a,
                                        OvAv__Column **out, ov_error *err)
{
    ov_av_type t = ov_av_type_of(f->type.id == OV_TYPE_ARRAY ? OV_SQL_ARRAY : (ov_sqltype)f->sql);
    OV_TRY(ov_arena_alloc(a, sizeof **out, out, err));
    OvAv__Column *c = *out;
    ov_av__column__init(c);
    c->ordinal = ordinal;
    c->case_sensitive = true;
    c->nullable = f->nullable;
    c->is_signed = true;
    c->display_size = c->precision = UINT32_MAX;
    c->scale = (uint32_t)INT32_MIN;
    c->read_only = true;
    c->column_class_name = lend(t.java_class);
    OV_TRY(copy_text(f->name, a, &c->label, err));
    c->column_name = c->label;
    return make_type(f, a, &c->type, err);
}

static OV_CHECKED ov_status make_parameter(ov_sqltype type, ov_arena *a, OvAv__Parameter **out,
                                           ov_error *err)
{
    ov_av_type t = ov_av_type_of(type);
    OV_TRY(ov_arena_alloc(a, sizeof **out, out, err));
    OvAv__Parameter *p = *out;
    ov_av__parameter__init(p);
    p->precision = UINT32_MAX;
    p->scale = (uint32_t)INT32_MIN;
    p->parameter_type = (uint32_t)t.jdbc;
    p->type_name = lend(t.name);
    p->class_name = lend("java.lang.Object");
    p->name = lend("?");
    return OV_OK;
}

static OV_CHECKED ov_status make_signature(const ov_av_signature *s, ov_arena *a,
                                           OvAv__Signature **out, ov_error *err)
{
    enum { STYLE_ARRAY = 3 };
    OvAv__CursorFactory *factory;
    OV_TRY(ov_arena_alloc(a, sizeof **out, out, err));
    OV_TRY(ov_arena_alloc(a, sizeof *factory, &factory, err));
    OvAv__Signature *m = *out;
    ov_av__signature__init(m);
    ov_av__cursor_factory__init(factory);
    factory->style = STYLE_ARRAY;
    m->cursor_factory = factory;
    OV_TRY(copy_text(s->sql, a, &m->sql, err));
    OV_TRY(ov_arena_alloc(a, (s->field_count + (size_t)1) * sizeof *m->columns, &m->columns, err));
    for (; m->n_columns < s->field_count; m->n_columns++)
        OV_TRY(make_column((uint32_t)m->n_columns, &s->fields[m->n_columns], a,
                           &m->columns[m->n_columns], err));
    OV_TRY(ov_arena_alloc(a, (s->param_count + (size_t)1) * sizeof *m->parameters, &m->parameters,
                          err));
    for (; m->n_parameters < s->param_count; m->n_parameters++)
        OV_TRY(make_parameter(s->params[m->n_parameters], a, &m->parameters[m->n_parameters], err));
    return OV_OK;
}

static OV_CHECKED ov_status make_result(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                        OvAv__ResultSet **out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(a, sizeof **out, out, err));
    OvAv__ResultSet *m = *out;
    ov_av__result_set__init(m);
    OV_TRY(copy_text(r->connection, a, &m->connection_id, err));
    m->statement_id = r->statement;
    m->own_statement = r->own_statement;
    m->update_count = UINT64_MAX;
    m->metadata = rpc;
    OV_TRY(make_signature(r->signature, a, &m->signature, err));
    return pack_frame(&r->frame, a, &m->first_frame, err);
}

static OV_CHECKED ov_status pack_executed(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                          ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__Executed m;
    ov_av__executed__init(&m);
    OvAv__ResultSet *result;
    m.missing_statement = r->missing_statement;
    m.metadata = rpc;
    if (!r->missing_statement) {
        OV_TRY(make_result(r, rpc, a, &result, err));
        m.n_results = 1;
        m.results = &result;
    }
    return pack(&m, a, out, err);
}

static OV_CHECKED ov_status pack_prepared(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                          ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__Prepared m;
    ov_av__prepared__init(&m);
    OvAv__Handle handle;
    ov_av__handle__init(&handle);
    m.statement = &handle;
    m.metadata = rpc;
    handle.id = r->statement;
    OV_TRY(copy_text(r->connection, a, &handle.connection_id, err));
    OV_TRY(make_signature(r->signature, a, &handle.signature, err));
    return pack(&m, a, out, err);
}

static OV_CHECKED ov_status pack_fetched(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                         ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__Fetched m;
    ov_av__fetched__init(&m);
    m.missing_statement = r->missing_statement;
    m.missing_results = r->missing_results;
    m.metadata = rpc;
    if (!r->missing_statement)
        OV_TRY(pack_frame(&r->frame, a, &m.frame, err));
    return pack(&m, a, out, err);
}

static OV_CHECKED ov_status pack_synced(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                        ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__ConnectionSynced m;
    ov_av__connection_synced__init(&m);
    OvAv__Properties p;
    ov_av__properties__init(&p);
    m.properties = &p;
    m.metadata = rpc;
    p.is_dirty = r->props.dirty;
    p.auto_commit = r->props.auto_commit;
    p.has_auto_commit = r->props.has_auto_commit;
    p.read_only = r->props.read_only;
    p.has_read_only = r->props.has_read_only;
    p.transaction_isolation = r->props.isolation;
    if (r->props.catalog.p)
        OV_TRY(copy_text(r->props.catalog, a, &p.catalog, err));
    if (r->props.schema.p)
        OV_TRY(copy_text(r->props.schema, a, &p.schema, err));
    return pack(&m, a, out, err);
}

static OV_CHECKED ov_status pack_created(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                         ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__Created m;
    ov_av__created__init(&m);
    OV_TRY(copy_text(r->connection, a, &m.connection_id, err));
    m.statement_id = r->statement;
    m.metadata = rpc;
    return pack(&m, a, out, err);
}

static OV_CHECKED ov_status pack_small(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                       ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__Synced synced;
    ov_av__synced__init(&synced);
    OvAv__DatabaseProperties properties;
    ov_av__database_properties__init(&properties);
    OvAv__Done1 done;
    ov_av__done1__init(&done);
    switch (r->kind) {
    case OV_AV_SYNC_RESULTS:
        synced.missing_statement = r->missing_statement;
        synced.more_results = r->more_results;
        synced.metadata = rpc;
        return pack(&synced, a, out, err);
    case OV_AV_DATABASE_PROPERTIES:
        properties.metadata = rpc;
        return pack(&properties, a, out, err);
    case OV_AV_COMMIT:
    case OV_AV_ROLLBACK:
        return pack(&done, a, out, err);
    default:
        done.metadata = rpc;
        return pack(&done, a, out, err);
    }
}

static OV_CHECKED ov_status pack_body(const ov_av_response *r, OvAv__Rpc *rpc, ov_arena *a,
                                      ProtobufCBinaryData *out, ov_error *err)
{
    OvAv__ResultSet *result;
    switch (r->kind) {
    case OV_AV_PREPARE_AND_EXECUTE:
    case OV_AV_EXECUTE:
        return pack_executed(r, rpc, a, out, err);
    case OV_AV_PREPARE:
        return pack_prepared(r, rpc, a, out, err);
    case OV_AV_FETCH:
        return pack_fetched(r, rpc, a, out, err);
    case OV_AV_CONNECTION_SYNC:
        return pack_synced(r, rpc, a, out, err);
    case OV_AV_CREATE_STATEMENT:
        return pack_created(r, rpc, a, out, err);
    case OV_AV_CATALOGS:
    case OV_AV_SCHEMAS:
    case OV_AV_TABLE_TYPES:
    case OV_AV_TABLES:
    case OV_AV_COLUMNS:
    case OV_AV_TYPE_INFO:
        OV_TRY(make_result(r, rpc, a, &result, err));
        return pack(result, a, out, err);
    default:
        return pack_small(r, rpc, a, out, err);
    }
}

static OV_CHECKED ov_status write_wire(const char *name, ProtobufCBinaryData body, ov_arena *a,
                                       ov_buf *out, ov_error *err)
{
    OvAv__Wire wire;
    ov_av__wire__init(&wire);
    ov_slice full;
    OV_TRY(ov_arena_printf(a, &full, err, "%s%s", RESPONSES, name));
    wire.name = lend(full.p);
    wire.message = body;
    size_t n = ov_av__wire__get_packed_size(&wire);
    if (ov_buf_reserve(out, n))
        out->n += ov_av__wire__pack(&wire, (uint8_t *)out->p + out->n);
    return ov_buf_check(out, err);
}

static OV_CHECKED ov_status make_rpc(ov_slice address, ov_arena *a, OvAv__Rpc *out, ov_error *err)
{
    ov_av__rpc__init(out);
    return copy_text(address, a, &out->server_address, err);
}

ov_status ov_av_proto_write(const ov_av_response *r, ov_slice address, ov_arena *a, ov_buf *out,
                            ov_error *err)
{
    OvAv__Rpc rpc;
    ProtobufCBinaryData body;
    OV_TRY(make_rpc(address, a, &rpc, err));
    OV_TRY(pack_body(r, &rpc, a, &body, err));
    return write_wire(responses[r->kind], body, a, out, err);
}

ov_status ov_av_proto_fail(const ov_av_failure *f, ov_slice address, ov_arena *a, ov_buf *out,
                           ov_error *err)
{
    enum { SEVERITY_UNKNOWN = 0, SEVERITY_ERROR = 2 };
    OvAv__Failed m;
    ov_av__failed__init(&m);
    OvAv__Rpc rpc;
    ProtobufCBinaryData body;
    OV_TRY(make_rpc(address, a, &rpc, err));
    OV_TRY(copy_text(f->message, a, &m.error_message, err));
    m.n_exceptions = 1;
    m.exceptions = &m.error_message;
    m.has_exceptions = true;
    m.error_code = (uint32_t)f->code;
    m.severity = f->code == OV_AV_NO_CONNECTION ? SEVERITY_ERROR : SEVERITY_UNKNOWN;
    m.sql_state = lend("00000");
    m.metadata = &rpc;
    OV_TRY(pack(&m, a, &body, err));
    return write_wire("ErrorResponse", body, a, out, err);
}
