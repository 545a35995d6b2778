/*
 * Avatica's protobuf form: messages inside a wire message that names their Java class.
 */
#include "base/numparse.h"
#include "server/avatica.h"
#include "server/avatica.pb-c.h"

#define RESPONSES "org.apache.calcite.avatica.proto.Responses$"

static const struct {
    const char *request, *response; /* without the class around them */
} names[OV_AV_KINDS] = {
    [OV_AV_OPEN_CONNECTION] = {"OpenConnectionRequest", "OpenConnectionResponse"},
    [OV_AV_CLOSE_CONNECTION] = {"CloseConnectionRequest", "CloseConnectionResponse"},
    [OV_AV_CONNECTION_SYNC] = {"ConnectionSyncRequest", "ConnectionSyncResponse"},
    [OV_AV_DATABASE_PROPERTIES] = {"DatabasePropertyRequest", "DatabasePropertyResponse"},
    [OV_AV_CREATE_STATEMENT] = {"CreateStatementRequest", "CreateStatementResponse"},
    [OV_AV_CLOSE_STATEMENT] = {"CloseStatementRequest", "CloseStatementResponse"},
    [OV_AV_PREPARE] = {"PrepareRequest", "PrepareResponse"},
    [OV_AV_PREPARE_AND_EXECUTE] = {"PrepareAndExecuteRequest", "ExecuteResponse"},
    [OV_AV_EXECUTE] = {"ExecuteRequest", "ExecuteResponse"},
    [OV_AV_FETCH] = {"FetchRequest", "FetchResponse"},
    [OV_AV_SYNC_RESULTS] = {"SyncResultsRequest", "SyncResultsResponse"},
    [OV_AV_COMMIT] = {"CommitRequest", "CommitResponse"},
    [OV_AV_ROLLBACK] = {"RollbackRequest", "RollbackResponse"},
    [OV_AV_CATALOGS] = {"CatalogsRequest", "ResultSetResponse"},
    [OV_AV_SCHEMAS] = {"SchemasRequest", "ResultSetResponse"},
    [OV_AV_TABLE_TYPES] = {"TableTypesRequest", "ResultSetResponse"},
    [OV_AV_TABLES] = {"TablesRequest", "ResultSetResponse"},
    [OV_AV_COLUMNS] = {"ColumnsRequest", "ResultSetResponse"},
    [OV_AV_TYPE_INFO] = {"TypeInfoRequest", "ResultSetResponse"},
    [OV_AV_BATCH] = {"ExecuteBatchRequest", "ExecuteBatchResponse"},
};

/* ---- memory of messages: the request's arena, nothing is freed one by one ---- */

static void *arena_alloc(void *arena, size_t n)
{
    ov_error ignored = OV_ERROR_INIT; /* a failure shows as a message that cannot be read */
    return ov_arena_try(arena, n ? n : 1, 8, &ignored);
}

static void arena_free(void *arena, void *p)
{
    (void)arena, (void)p;
}

/* Unpacks `bytes` as a message of this kind; *out lives in the arena. */
static OV_CHECKED ov_status unpack(const ProtobufCMessageDescriptor *kind,
                                   ProtobufCBinaryData bytes, ov_arena *a, void *out, ov_error *err)
{
    ProtobufCAllocator memory = {arena_alloc, arena_free, a};
    ProtobufCMessage *m = protobuf_c_message_unpack(kind, &memory, bytes.len, bytes.data);
    if (!m)
        return ov_fail(err, OV_INVALID, "the request's bytes are no Avatica message");
    memcpy(out, &m, sizeof m);
    return OV_OK;
}

static ov_slice text_of(ProtobufCBinaryData b)
{
    return ov_slice_make(b.data, b.len);
}

/* Some clients leave the mark out that a text is given. */
static ov_av_pattern pattern_of(bool given, const char *text)
{
    return (ov_av_pattern){given || text[0], ov_slice_cstr(text)};
}

/* ---- requests ---- */

static OV_CHECKED ov_status read_open(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                      ov_error *err)
{
    OvAv__OpenConnection *m;
    ov_av_pattern *pairs;
    OV_TRY(unpack(&ov_av__open_connection__descriptor, bytes, a, &m, err));
    OV_TRY(ov_arena_alloc(a, (2 * m->n_info + 1) * sizeof *pairs, &pairs, err));
    for (size_t i = 0; i < m->n_info; i++) {
        pairs[2 * i] = pattern_of(true, m->info[i]->key);
        pairs[2 * i + 1] = pattern_of(true, m->info[i]->value);
    }
    out->connection = ov_slice_cstr(m->connection_id);
    out->info = pairs;
    out->info_count = (uint32_t)m->n_info;
    return OV_OK;
}

static OV_CHECKED ov_status read_sync(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                      ov_error *err)
{
    OvAv__ConnectionSync *m;
    OV_TRY(unpack(&ov_av__connection_sync__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    const OvAv__Properties *p = m->properties;
    if (!p)
        return OV_OK;
    out->props = (ov_av_props){.dirty = p->is_dirty,
                               .auto_commit = p->auto_commit,
                               .has_auto_commit = p->has_auto_commit,
                               .read_only = p->read_only,
                               .has_read_only = p->has_read_only,
                               .isolation = p->transaction_isolation,
                               .has_isolation = p->transaction_isolation != 0};
    if (p->catalog[0])
        out->props.catalog = ov_slice_cstr(p->catalog);
    if (p->schema[0])
        out->props.schema = ov_slice_cstr(p->schema);
    return OV_OK;
}

static OV_CHECKED ov_status read_schemas(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                         ov_error *err)
{
    OvAv__Schemas *m;
    OV_TRY(unpack(&ov_av__schemas__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->schema = pattern_of(m->has_schema_pattern, m->schema_pattern);
    return OV_OK;
}

static OV_CHECKED ov_status read_tables(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                        ov_error *err)
{
    OvAv__Tables *m;
    OV_TRY(unpack(&ov_av__tables__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->schema = pattern_of(m->has_schema_pattern, m->schema_pattern);
    out->table = pattern_of(m->has_table_name_pattern, m->table_name_pattern);
    if (!m->has_type_list)
        return OV_OK;
    OV_TRY(ov_arena_alloc(a, (m->n_type_list + 1) * sizeof *out->types, &out->types, err));
    for (size_t i = 0; i < m->n_type_list; i++)
        out->types[out->type_count++] = ov_slice_cstr(m->type_list[i]);
    return OV_OK;
}

static OV_CHECKED ov_status read_columns(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                         ov_error *err)
{
    OvAv__Columns *m;
    OV_TRY(unpack(&ov_av__columns__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->schema = pattern_of(m->has_schema_pattern, m->schema_pattern);
    out->table = pattern_of(m->has_table_name_pattern, m->table_name_pattern);
    out->column = pattern_of(m->has_column_name_pattern, m->column_name_pattern);
    return OV_OK;
}

/* Clients of long ago say 0 where they mean that the server may decide. */
static int64_t rows_asked(int32_t n)
{
    return n == 0 ? -1 : n;
}

static OV_CHECKED ov_status read_prepare_and_execute(ProtobufCBinaryData bytes, ov_arena *a,
                                                     ov_av_request *out, ov_error *err)
{
    OvAv__PrepareAndExecute *m;
    OV_TRY(unpack(&ov_av__prepare_and_execute__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->statement = m->statement_id;
    out->sql = text_of(m->sql);
    out->frame_rows = rows_asked(m->first_frame_max_size);
    return OV_OK;
}

static OV_CHECKED ov_status read_prepare(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                         ov_error *err)
{
    OvAv__Prepare *m;
    OV_TRY(unpack(&ov_av__prepare__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->sql = text_of(m->sql);
    return OV_OK;
}

static OV_CHECKED ov_status read_fetch(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                       ov_error *err)
{
    OvAv__Fetch *m;
    OV_TRY(unpack(&ov_av__fetch__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->statement = m->statement_id;
    out->offset = m->offset;
    out->frame_rows = rows_asked(m->frame_max_size);
    if (m->frame_max_size == 0 && m->fetch_max_row_count > 0)
        out->frame_rows = m->fetch_max_row_count;
    return OV_OK;
}

static OV_CHECKED ov_status read_param(const OvAv__Value *v, ov_arena *a, ov_param *p,
                                       ov_error *err)
{
    p->sql = ov_av_param_type_of(v->type);
    p->is_null = v->null || v->implicitly_null || p->sql == OV_SQL_NULL;
    if (p->sql == OV_SQL_COUNT)
        return ov_fail(err, OV_UNSUPPORTED, "parameters of Avatica's type %d are not supported",
                       v->type);
    if (p->is_null)
        return OV_OK;
    p->i = v->number_value;
    p->s = text_of(v->string_value);
    p->f = v->double_value;
    if (p->sql == OV_SQL_BOOLEAN)
        p->i = v->bool_value;
    if (p->sql == OV_SQL_DATE)
        p->i = ov_av_date_ms(p->i);
    if (p->sql == OV_SQL_FLOAT) { /* its bits come as a number */
        uint32_t bits = (uint32_t)v->number_value;
        float f;
        memcpy(&f, &bits, sizeof f);
        p->f = f;
    }
    if (p->sql == OV_SQL_DECIMAL) {
        p->f = (double)v->number_value;
        if (p->s.n && !ov_parse_double(p->s, &p->f))
            return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is no number", OV_SLICE_ARG(p->s));
    }
    if (p->sql != OV_SQL_ARRAY)
        return OV_OK;
    ov_param *items;
    OV_TRY(ov_arena_zalloc(a, (v->n_array_value + 1) * sizeof *items, &items, err));
    p->items = items;
    for (size_t i = 0; i < v->n_array_value; i++)
        OV_TRY(read_param(v->array_value[i], a, &items[p->item_count++], err));
    return OV_OK;
}

static OV_CHECKED ov_status read_execute(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                         ov_error *err)
{
    OvAv__Execute *m;
    OV_TRY(unpack(&ov_av__execute__descriptor, bytes, a, &m, err));
    if (!m->handle)
        return ov_fail(err, OV_INVALID, "ExecuteRequest needs a statement handle");
    out->connection = ov_slice_cstr(m->handle->connection_id);
    out->statement = m->handle->id;
    out->frame_rows = rows_asked(m->first_frame_max_size);
    OV_TRY(
        ov_arena_zalloc(a, (m->n_parameter_values + 1) * sizeof *out->params, &out->params, err));
    for (size_t i = 0; i < m->n_parameter_values; i++)
        OV_TRY(read_param(m->parameter_values[i], a, &out->params[out->param_count++], err));
    return OV_OK;
}

static OV_CHECKED ov_status read_statement(ProtobufCBinaryData bytes, ov_arena *a,
                                           ov_av_request *out, ov_error *err)
{
    OvAv__Statement *m;
    OV_TRY(unpack(&ov_av__statement__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->statement = m->statement_id;
    return OV_OK;
}

static OV_CHECKED ov_status read_connection(ProtobufCBinaryData bytes, ov_arena *a,
                                            ov_av_request *out, ov_error *err)
{
    OvAv__Connection *m;
    OV_TRY(unpack(&ov_av__connection__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    return OV_OK;
}

typedef ov_status reader(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out, ov_error *err);

static reader *reader_of(ov_av_kind kind)
{
    switch (kind) {
    case OV_AV_OPEN_CONNECTION:
        return read_open;
    case OV_AV_CONNECTION_SYNC:
        return read_sync;
    case OV_AV_SCHEMAS:
        return read_schemas;
    case OV_AV_TABLES:
        return read_tables;
    case OV_AV_COLUMNS:
        return read_columns;
    case OV_AV_PREPARE_AND_EXECUTE:
        return read_prepare_and_execute;
    case OV_AV_PREPARE:
        return read_prepare;
    case OV_AV_EXECUTE:
        return read_execute;
    case OV_AV_FETCH:
        return read_fetch;
    case OV_AV_CLOSE_STATEMENT:
    case OV_AV_SYNC_RESULTS:
        return read_statement;
    default:
        return read_connection;
    }
}

static bool kind_of(ov_slice name, ov_av_kind *out)
{
    size_t at = 0;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '$')
            at = i + 1;
    name = ov_slice_make(name.p + at, name.n - at);
    if (ov_slice_eq(name, OV_SLICE_LIT("PrepareAndExecuteBatchRequest")))
        name = OV_SLICE_LIT("ExecuteBatchRequest");
    for (int i = 0; i < OV_AV_KINDS; i++)
        if (ov_slice_eq(name, ov_slice_cstr(names[i].request))) {
            *out = (ov_av_kind)i;
            return true;
        }
    return false;
}

ov_status ov_av_proto_read(ov_slice body, ov_arena *a, ov_av_request *out, ov_error *err)
{
    OvAv__Wire *wire;
    ProtobufCBinaryData bytes = {body.n, (uint8_t *)(uintptr_t)body.p};
    *out = (ov_av_request){.frame_rows = -1};
    OV_TRY(unpack(&ov_av__wire__descriptor, bytes, a, &wire, err));
    if (!kind_of(ov_slice_cstr(wire->name), &out->kind))
        return ov_fail(err, OV_INVALID, "'%s' is no request of Avatica", wire->name);
    return reader_of(out->kind)(wire->message, a, out, err);
}

/* ---- responses ---- */

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
    ov_field elem = {.type = OV_T(f->type.elem), .sql = (uint8_t)ov_av_element(f->type)};
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
    return write_wire(names[r->kind].response, body, a, out, err);
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
