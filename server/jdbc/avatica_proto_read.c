/*
 * Avatica's protobuf form, requests: messages inside a wire message that names their Java class.
 */
#include "base/numparse.h"
#include "server/jdbc/avatica.h"
#include "server/jdbc/avatica.pb-c.h"

static const char *const requests[OV_AV_KINDS] = { /* without the Java class around them */
    [OV_AV_OPEN_CONNECTION] = "OpenConnectionRequest",
    [OV_AV_CLOSE_CONNECTION] = "CloseConnectionRequest",
    [OV_AV_CONNECTION_SYNC] = "ConnectionSyncRequest",
    [OV_AV_DATABASE_PROPERTIES] = "DatabasePropertyRequest",
    [OV_AV_CREATE_STATEMENT] = "CreateStatementRequest",
    [OV_AV_CLOSE_STATEMENT] = "CloseStatementRequest",
    [OV_AV_PREPARE] = "PrepareRequest",
    [OV_AV_PREPARE_AND_EXECUTE] = "PrepareAndExecuteRequest",
    [OV_AV_EXECUTE] = "ExecuteRequest",
    [OV_AV_FETCH] = "FetchRequest",
    [OV_AV_SYNC_RESULTS] = "SyncResultsRequest",
    [OV_AV_COMMIT] = "CommitRequest",
    [OV_AV_ROLLBACK] = "RollbackRequest",
    [OV_AV_CATALOGS] = "CatalogsRequest",
    [OV_AV_SCHEMAS] = "SchemasRequest",
    [OV_AV_TABLE_TYPES] = "TableTypesRequest",
    [OV_AV_TABLES] = "TablesRequest",
    [OV_AV_COLUMNS] = "ColumnsRequest",
    [OV_AV_TYPE_INFO] = "TypeInfoRequest",
    [OV_AV_BATCH] = "ExecuteBatchRequest",
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

/* Unpacks `bytes` as a message of this kind; *out lives in the arena, and is NULL when it fails. */
static OV_CHECKED ov_status unpack(const ProtobufCMessageDescriptor *kind,
                                   ProtobufCBinaryData bytes, ov_arena *a, void *out, ov_error *err)
{
    ProtobufCAllocator memory = {arena_alloc, arena_free, a};
    ProtobufCMessage *m = protobuf_c_message_unpack(kind, &memory, bytes.len, bytes.data);
    memcpy(out, &m, sizeof m);
    return m ? OV_OK : ov_fail(err, OV_INVALID, "the request's bytes are no Avatica message");
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
    out->catalog = pattern_of(m->has_catalog, m->catalog);
    out->schema = pattern_of(m->has_schema_pattern, m->schema_pattern);
    return OV_OK;
}

static OV_CHECKED ov_status read_tables(ProtobufCBinaryData bytes, ov_arena *a, ov_av_request *out,
                                        ov_error *err)
{
    OvAv__Tables *m;
    OV_TRY(unpack(&ov_av__tables__descriptor, bytes, a, &m, err));
    out->connection = ov_slice_cstr(m->connection_id);
    out->catalog = pattern_of(m->has_catalog, m->catalog);
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
    out->catalog = pattern_of(m->has_catalog, m->catalog);
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
    out->most_rows = m->max_rows_total;
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
    if (ov_sqltype_is_datetime(p->sql))
        ov_av_param_clock(p);
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
    if (m->handle->signature)
        out->sql = ov_slice_cstr(m->handle->signature->sql);
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
        if (ov_slice_eq(name, ov_slice_cstr(requests[i]))) {
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
