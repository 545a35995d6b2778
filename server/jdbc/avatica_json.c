/*
 * Avatica's JSON form. The Java client refuses keys it does not know, so answers hold exactly what it reads.
 */
#include "base/json.h"
#include "base/jsonw.h"
#include "server/jdbc/avatica.h"

static const char *const request_names[OV_AV_KINDS] = {
    [OV_AV_OPEN_CONNECTION] = "openConnection",
    [OV_AV_CLOSE_CONNECTION] = "closeConnection",
    [OV_AV_CONNECTION_SYNC] = "connectionSync",
    [OV_AV_DATABASE_PROPERTIES] = "databaseProperties",
    [OV_AV_CREATE_STATEMENT] = "createStatement",
    [OV_AV_CLOSE_STATEMENT] = "closeStatement",
    [OV_AV_PREPARE] = "prepare",
    [OV_AV_PREPARE_AND_EXECUTE] = "prepareAndExecute",
    [OV_AV_EXECUTE] = "execute",
    [OV_AV_FETCH] = "fetch",
    [OV_AV_SYNC_RESULTS] = "syncResults",
    [OV_AV_COMMIT] = "commit",
    [OV_AV_ROLLBACK] = "rollback",
    [OV_AV_CATALOGS] = "getCatalogs",
    [OV_AV_SCHEMAS] = "getSchemas",
    [OV_AV_TABLE_TYPES] = "getTableTypes",
    [OV_AV_TABLES] = "getTables",
    [OV_AV_COLUMNS] = "getColumns",
    [OV_AV_TYPE_INFO] = "getTypeInfo",
    [OV_AV_BATCH] = "executeBatch",
};

/* ---- requests ---- */

static OV_CHECKED ov_status read_pattern(const ov_json *body, const char *key, ov_av_pattern *out,
                                         ov_error *err)
{
    out->given = ov_json_find(body, key) != NULL;
    return ov_json_str(body, key, OV_SLICE_LIT(""), &out->text, err);
}

static OV_CHECKED ov_status read_kind(const ov_json *body, ov_av_kind *out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(body, "request", &name, err));
    if (ov_slice_eq(name, OV_SLICE_LIT("prepareAndExecuteBatch")))
        name = OV_SLICE_LIT("executeBatch");
    for (int i = 0; i < OV_AV_KINDS; i++)
        if (ov_slice_eq(name, ov_slice_cstr(request_names[i]))) {
            *out = (ov_av_kind)i;
            return OV_OK;
        }
    return ov_json_fail(ov_json_get(body, "request"), err, OV_INVALID,
                        "'" OV_SLICE_FMT "' is no request of Avatica", OV_SLICE_ARG(name));
}

static OV_CHECKED ov_status read_info(const ov_json *body, ov_arena *a, ov_av_request *out,
                                      ov_error *err)
{
    const ov_json *info;
    ov_av_pattern *pairs;
    OV_TRY(ov_json_obj(body, "info", &info, err));
    if (!info)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(a, (2 * (size_t)info->count + 1) * sizeof *pairs, &pairs, err));
    out->info = pairs;
    for (const ov_json *v = info->first; v; v = v->next, pairs += 2) {
        pairs[0] = (ov_av_pattern){true, v->key};
        pairs[1].given = v->kind != OV_JSON_NULL;
        if (pairs[1].given)
            OV_TRY(ov_json_as_str(v, &pairs[1].text, err));
        out->info_count++;
    }
    return OV_OK;
}

static OV_CHECKED ov_status read_props(const ov_json *body, ov_av_props *p, ov_error *err)
{
    const ov_json *props;
    int64_t isolation;
    OV_TRY(ov_json_obj(body, "connProps", &props, err));
    if (!props)
        return OV_OK;
    p->has_auto_commit = ov_json_find(props, "autoCommit") != NULL;
    p->has_read_only = ov_json_find(props, "readOnly") != NULL;
    p->has_isolation = ov_json_find(props, "transactionIsolation") != NULL;
    OV_TRY(ov_json_bool(props, "autoCommit", false, &p->auto_commit, err));
    OV_TRY(ov_json_bool(props, "readOnly", false, &p->read_only, err));
    OV_TRY(ov_json_bool(props, "dirty", false, &p->dirty, err));
    OV_TRY(ov_json_i64_in(props, "transactionIsolation", 0, 0, UINT32_MAX, &isolation, err));
    p->isolation = (uint32_t)isolation;
    OV_TRY(ov_json_str(props, "catalog", (ov_slice){NULL, 0}, &p->catalog, err));
    return ov_json_str(props, "schema", (ov_slice){NULL, 0}, &p->schema, err);
}

static OV_CHECKED ov_status read_types(const ov_json *body, ov_arena *a, ov_av_request *out,
                                       ov_error *err)
{
    const ov_json *list;
    OV_TRY(ov_json_arr(body, "typeList", &list, err));
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_alloc(a, (list->count + (size_t)1) * sizeof *out->types, &out->types, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ov_json_as_str(v, &out->types[out->type_count++], err));
    return OV_OK;
}

static OV_CHECKED ov_status read_value(const ov_json *value, ov_param *p, ov_error *err)
{
    bool truth;
    switch (p->sql) {
    case OV_SQL_BOOLEAN:
        OV_TRY(ov_json_as_bool(value, &truth, err));
        p->i = truth;
        return OV_OK;
    case OV_SQL_BIGINT:
        return ov_json_as_i64(value, &p->i, err);
    case OV_SQL_TIMESTAMP:
    case OV_SQL_DATE:
        OV_TRY(ov_json_as_i64(value, &p->i, err));
        ov_av_param_clock(p);
        return OV_OK;
    case OV_SQL_FLOAT:
    case OV_SQL_DOUBLE:
    case OV_SQL_DECIMAL:
        return ov_json_as_f64(value, &p->f, err);
    default:
        return ov_json_as_str(value, &p->s, err);
    }
}

static OV_CHECKED ov_status read_param(const ov_json *v, ov_arena *a, ov_param *p, ov_error *err);

/* {"type":"ARRAY","componentType":"LONG","value":[{"type":"LONG","value":1}, ...]}, or plain values of that type. */
static OV_CHECKED ov_status read_items(const ov_json *list, ov_sqltype type, ov_arena *a,
                                       ov_param *p, ov_error *err)
{
    ov_param *items;
    OV_TRY(ov_json_expect(list, OV_JSON_ARRAY, err));
    OV_TRY(ov_arena_zalloc(a, (list->count + (size_t)1) * sizeof *items, &items, err));
    p->items = items;
    for (const ov_json *v = list->first; v; v = v->next) {
        ov_param *item = &items[p->item_count++];
        if (v->kind == OV_JSON_OBJECT) {
            OV_TRY(read_param(v, a, item, err));
            continue;
        }
        item->sql = type;
        item->is_null = v->kind == OV_JSON_NULL;
        if (!item->is_null)
            OV_TRY(read_value(v, item, err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status read_param(const ov_json *v, ov_arena *a, ov_param *p, ov_error *err)
{
    ov_slice type, component;
    const ov_json *value = ov_json_find(v, "value");
    OV_TRY(ov_json_need_str(v, "type", &type, err));
    OV_TRY(ov_json_str(v, "componentType", OV_SLICE_LIT("STRING"), &component, err));
    p->sql = ov_av_param_type(type);
    p->is_null = !value;
    if (p->sql == OV_SQL_COUNT)
        return ov_json_fail(v, err, OV_UNSUPPORTED,
                            "parameters of type " OV_SLICE_FMT " are not supported",
                            OV_SLICE_ARG(type));
    if (p->is_null)
        return OV_OK;
    if (p->sql == OV_SQL_NULL) /* OBJECT with a value: the driver did not look at it */
        p->sql = value->kind == OV_JSON_STRING ? OV_SQL_VARCHAR
                 : value->kind == OV_JSON_BOOL ? OV_SQL_BOOLEAN
                 : value->kind == OV_JSON_INT  ? OV_SQL_BIGINT
                                               : OV_SQL_DOUBLE;
    if (p->sql == OV_SQL_ARRAY)
        return read_items(value, ov_av_param_type(component), a, p, err);
    return read_value(value, p, err);
}

static OV_CHECKED ov_status read_params(const ov_json *body, ov_arena *a, ov_av_request *out,
                                        ov_error *err)
{
    const ov_json *list, *handle, *signature;
    int64_t id;
    OV_TRY(ov_json_need_obj(body, "statementHandle", &handle, err));
    OV_TRY(ov_json_need_str(handle, "connectionId", &out->connection, err));
    OV_TRY(ov_json_i64_in(handle, "id", 0, 0, UINT32_MAX, &id, err));
    out->statement = (uint32_t)id;
    OV_TRY(ov_json_obj(handle, "signature", &signature, err));
    OV_TRY(ov_json_str(signature, "sql", (ov_slice){"", 0}, &out->sql, err));
    OV_TRY(ov_json_arr(body, "parameterValues", &list, err));
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(a, (list->count + (size_t)1) * sizeof *out->params, &out->params, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        ov_param *p = &out->params[out->param_count++];
        if (v->kind == OV_JSON_NULL)
            p->is_null = true;
        else
            OV_TRY(read_param(v, a, p, err));
    }
    return OV_OK;
}

/* The client's idea of a first frame comes under three names; the newest counts. */
static OV_CHECKED ov_status read_frame_rows(const ov_json *body, ov_av_request *out, ov_error *err)
{
    static const char *const names[] = {"fetchMaxRowCount", "maxRowsInFirstFrame"};
    out->frame_rows = -1;
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_json_find(body, names[i]))
            OV_TRY(ov_json_i64(body, names[i], -1, &out->frame_rows, err));
    return OV_OK;
}

ov_status ov_av_json_read(ov_slice text, ov_arena *a, ov_av_request *out, ov_error *err)
{
    ov_json *body;
    int64_t id, offset;
    *out = (ov_av_request){0};
    OV_TRY(ov_json_parse(text, NULL, a, &body, err));
    OV_TRY(ov_json_expect(body, OV_JSON_OBJECT, err));
    OV_TRY(read_kind(body, &out->kind, err));
    OV_TRY(ov_json_str(body, "connectionId", OV_SLICE_LIT(""), &out->connection, err));
    OV_TRY(ov_json_i64_in(body, "statementId", 0, 0, UINT32_MAX, &id, err));
    OV_TRY(ov_json_i64_in(body, "offset", 0, 0, INT64_MAX, &offset, err));
    out->statement = (uint32_t)id;
    out->offset = (uint64_t)offset;
    OV_TRY(ov_json_str(body, "sql", OV_SLICE_LIT(""), &out->sql, err));
    OV_TRY(read_frame_rows(body, out, err));
    if (out->kind == OV_AV_PREPARE_AND_EXECUTE) /* documented under the second name */
        for (size_t i = 0; i < 2; i++)
            OV_TRY(ov_json_i64(body, i ? "maxRowsTotal" : "maxRowCount", out->most_rows, &out->most_rows, err));
    OV_TRY(read_pattern(body, "catalog", &out->catalog, err));
    OV_TRY(read_pattern(body, "schemaPattern", &out->schema, err));
    OV_TRY(read_pattern(body, "tableNamePattern", &out->table, err));
    OV_TRY(read_pattern(body, "columnNamePattern", &out->column, err));
    OV_TRY(read_types(body, a, out, err));
    if (out->kind == OV_AV_OPEN_CONNECTION)
        OV_TRY(read_info(body, a, out, err));
    if (out->kind == OV_AV_CONNECTION_SYNC)
        OV_TRY(read_props(body, &out->props, err));
    if (out->kind == OV_AV_EXECUTE)
        OV_TRY(read_params(body, a, out, err));
    return OV_OK;
}

/* ---- responses ---- */

static void add_rpc(ov_jsonw *w, ov_slice address)
{
    ov_jsonw_open_object(w, "rpcMetadata");
    ov_jsonw_cstr(w, "response", "rpcMetadata");
    ov_jsonw_str(w, "serverAddress", address);
    ov_jsonw_close_object(w);
}

static void add_type(ov_jsonw *w, const char *key, const ov_field *f)
{
    ov_av_type t = ov_av_type_of((ov_sqltype)f->sql);
    bool array = f->type.id == OV_TYPE_ARRAY;
    if (array)
        t = ov_av_type_of(OV_SQL_ARRAY);
    ov_jsonw_open_object(w, key);
    ov_jsonw_cstr(w, "type", array ? "array" : "scalar");
    ov_jsonw_i64(w, "id", t.jdbc);
    ov_jsonw_cstr(w, "name", t.name);
    ov_jsonw_cstr(w, "rep", t.rep_name);
    if (array) {
        ov_field elem = {.type = OV_T(f->type.elem), .sql = (uint8_t)ov_sqltype_of_native((ov_type_id)f->type.elem)};
        add_type(w, "component", &elem);
    }
    ov_jsonw_close_object(w);
}

static void add_column(ov_jsonw *w, uint32_t ordinal, const ov_field *f)
{
    ov_av_type t = ov_av_type_of(f->type.id == OV_TYPE_ARRAY ? OV_SQL_ARRAY : (ov_sqltype)f->sql);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_u64(w, "ordinal", ordinal);
    ov_jsonw_bool(w, "autoIncrement", false);
    ov_jsonw_bool(w, "caseSensitive", true);
    ov_jsonw_bool(w, "searchable", false);
    ov_jsonw_bool(w, "currency", false);
    ov_jsonw_i64(w, "nullable", f->nullable ? 1 : 0);
    ov_jsonw_bool(w, "signed", true);
    ov_jsonw_i64(w, "displaySize", -1);
    ov_jsonw_str(w, "label", f->name);
    ov_jsonw_str(w, "columnName", f->name);
    ov_jsonw_null(w, "schemaName");
    ov_jsonw_i64(w, "precision", -1);
    ov_jsonw_i64(w, "scale", INT32_MIN);
    ov_jsonw_null(w, "tableName");
    ov_jsonw_null(w, "catalogName");
    add_type(w, "type", f);
    ov_jsonw_bool(w, "readOnly", true);
    ov_jsonw_bool(w, "writable", false);
    ov_jsonw_bool(w, "definitelyWritable", false);
    ov_jsonw_cstr(w, "columnClassName", t.java_class);
    ov_jsonw_close_object(w);
}

static void add_parameter(ov_jsonw *w, ov_sqltype type)
{
    ov_av_type t = ov_av_type_of(type);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_bool(w, "signed", false);
    ov_jsonw_i64(w, "precision", -1);
    ov_jsonw_i64(w, "scale", INT32_MIN);
    ov_jsonw_i64(w, "parameterType", t.jdbc);
    ov_jsonw_cstr(w, "typeName", t.name);
    ov_jsonw_cstr(w, "className", "java.lang.Object");
    ov_jsonw_cstr(w, "name", "?");
    ov_jsonw_close_object(w);
}

static void add_signature(ov_jsonw *w, const ov_av_signature *s)
{
    ov_jsonw_open_object(w, "signature");
    ov_jsonw_open_array(w, "columns");
    for (uint32_t i = 0; i < s->field_count; i++)
        add_column(w, i, &s->fields[i]);
    ov_jsonw_close_array(w);
    ov_jsonw_str(w, "sql", s->sql);
    ov_jsonw_open_array(w, "parameters");
    for (uint32_t i = 0; i < s->param_count; i++)
        add_parameter(w, s->params[i]);
    ov_jsonw_close_array(w);
    ov_jsonw_open_object(w, "cursorFactory");
    ov_jsonw_cstr(w, "style", "ARRAY");
    ov_jsonw_null(w, "clazz");
    ov_jsonw_null(w, "fieldNames");
    ov_jsonw_close_object(w);
    ov_jsonw_cstr(w, "statementType", "SELECT");
    ov_jsonw_close_object(w);
}

static void add_frame(ov_jsonw *w, const char *key, const ov_av_frame *f)
{
    ov_jsonw_open_object(w, key);
    ov_jsonw_u64(w, "offset", f->offset);
    ov_jsonw_bool(w, "done", f->done);
    ov_jsonw_open_array(w, "rows");
    if (f->rows.n)
        ov_jsonw_raw(w, NULL, f->rows);
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
}

/* The members of a result set behind "response". */
static void add_result(ov_jsonw *w, const ov_av_response *r)
{
    ov_jsonw_str(w, "connectionId", r->connection);
    ov_jsonw_u64(w, "statementId", r->statement);
    ov_jsonw_bool(w, "ownStatement", r->own_statement);
    add_signature(w, r->signature);
    add_frame(w, "firstFrame", &r->frame);
    ov_jsonw_i64(w, "updateCount", -1);
}

static void add_props(ov_jsonw *w, const ov_av_props *p)
{
    ov_jsonw_open_object(w, "connProps");
    ov_jsonw_cstr(w, "connProps", "connPropsImpl");
    if (p->has_auto_commit)
        ov_jsonw_bool(w, "autoCommit", p->auto_commit);
    else
        ov_jsonw_null(w, "autoCommit");
    if (p->has_read_only)
        ov_jsonw_bool(w, "readOnly", p->read_only);
    else
        ov_jsonw_null(w, "readOnly");
    if (p->has_isolation)
        ov_jsonw_i64(w, "transactionIsolation", p->isolation);
    else
        ov_jsonw_null(w, "transactionIsolation");
    if (p->catalog.p)
        ov_jsonw_str(w, "catalog", p->catalog);
    else
        ov_jsonw_null(w, "catalog");
    if (p->schema.p)
        ov_jsonw_str(w, "schema", p->schema);
    else
        ov_jsonw_null(w, "schema");
    ov_jsonw_bool(w, "dirty", p->dirty);
    ov_jsonw_close_object(w);
}

static void add_executed(ov_jsonw *w, const ov_av_response *r, ov_slice address)
{
    ov_jsonw_cstr(w, "response", "executeResults");
    ov_jsonw_bool(w, "missingStatement", r->missing_statement);
    ov_jsonw_open_array(w, "results");
    if (!r->missing_statement) {
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_cstr(w, "response", "resultSet");
        add_result(w, r);
        add_rpc(w, address);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}

static void add_prepared(ov_jsonw *w, const ov_av_response *r)
{
    ov_jsonw_cstr(w, "response", "prepare");
    ov_jsonw_open_object(w, "statement");
    ov_jsonw_str(w, "connectionId", r->connection);
    ov_jsonw_u64(w, "id", r->statement);
    add_signature(w, r->signature);
    ov_jsonw_close_object(w);
}

static void add_fetched(ov_jsonw *w, const ov_av_response *r)
{
    ov_jsonw_cstr(w, "response", "fetch");
    if (r->missing_statement)
        ov_jsonw_null(w, "frame");
    else
        add_frame(w, "frame", &r->frame);
    ov_jsonw_bool(w, "missingStatement", r->missing_statement);
    ov_jsonw_bool(w, "missingResults", r->missing_results);
}

static void add_body(ov_jsonw *w, const ov_av_response *r, ov_slice address)
{
    switch (r->kind) {
    case OV_AV_PREPARE_AND_EXECUTE:
    case OV_AV_EXECUTE:
        add_executed(w, r, address);
        return;
    case OV_AV_PREPARE:
        add_prepared(w, r);
        return;
    case OV_AV_FETCH:
        add_fetched(w, r);
        return;
    case OV_AV_CATALOGS:
    case OV_AV_SCHEMAS:
    case OV_AV_TABLE_TYPES:
    case OV_AV_TABLES:
    case OV_AV_COLUMNS:
    case OV_AV_TYPE_INFO:
        ov_jsonw_cstr(w, "response", "resultSet");
        add_result(w, r);
        return;
    default:
        break;
    }
    ov_jsonw_cstr(w, "response", request_names[r->kind]);
    if (r->kind == OV_AV_CREATE_STATEMENT) {
        ov_jsonw_str(w, "connectionId", r->connection);
        ov_jsonw_u64(w, "statementId", r->statement);
    } else if (r->kind == OV_AV_CONNECTION_SYNC) {
        add_props(w, &r->props);
    } else if (r->kind == OV_AV_DATABASE_PROPERTIES) {
        ov_jsonw_open_object(w, "map");
        ov_jsonw_close_object(w);
    } else if (r->kind == OV_AV_SYNC_RESULTS) {
        ov_jsonw_bool(w, "moreResults", r->more_results);
        ov_jsonw_bool(w, "missingStatement", r->missing_statement);
    }
}

void ov_av_json_write(const ov_av_response *r, ov_slice address, ov_buf *out)
{
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    add_body(&w, r, address);
    if (r->kind != OV_AV_COMMIT && r->kind != OV_AV_ROLLBACK) /* those two have none */
        add_rpc(&w, address);
    ov_jsonw_close_object(&w);
}

void ov_av_json_fail(const ov_av_failure *f, ov_slice address, ov_buf *out)
{
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "response", "error");
    ov_jsonw_open_array(&w, "exceptions");
    ov_jsonw_str(&w, NULL, f->message);
    ov_jsonw_close_array(&w);
    ov_jsonw_str(&w, "errorMessage", f->message);
    ov_jsonw_i64(&w, "errorCode", f->code);
    ov_jsonw_cstr(&w, "sqlState", "00000");
    ov_jsonw_cstr(&w, "severity", f->code == OV_AV_NO_CONNECTION ? "ERROR" : "UNKNOWN");
    add_rpc(&w, address);
    ov_jsonw_close_object(&w);
}
