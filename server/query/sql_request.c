#include "server/query/sql_request.h"

#include "base/datetime.h"
#include "base/json.h"

enum { DEFAULT_TIMEOUT_MS = 300 * 1000 }; /* Druid's */

/* ---- media types ---- */

/* "Application/JSON; charset=utf-8" -> "Application/JSON" */
static ov_slice media_type(ov_slice value)
{
    const char *semi = value.n ? memchr(value.p, ';', value.n) : NULL;
    return ov_http_trim(ov_slice_make(value.p, semi ? (size_t)(semi - value.p) : value.n));
}

typedef enum body_kind { BODY_JSON, BODY_TEXT, BODY_FORM, BODY_UNKNOWN } body_kind;

static body_kind body_kind_of(const ov_request *rq)
{
    bool found;
    ov_slice type = media_type(ov_http_header_get(ov_request_head(rq), "Content-Type", &found));
    if (ov_slice_ieq(type, OV_SLICE_LIT("application/json")))
        return BODY_JSON;
    if (ov_slice_ieq(type, OV_SLICE_LIT("text/plain")))
        return BODY_TEXT;
    if (ov_slice_ieq(type, OV_SLICE_LIT("application/x-www-form-urlencoded")))
        return BODY_FORM;
    return BODY_UNKNOWN;
}

/* Does Accept admit application/json? */
static bool accepts_json(ov_slice accept)
{
    while (accept.n) {
        const char *comma = memchr(accept.p, ',', accept.n);
        size_t n = comma ? (size_t)(comma - accept.p) : accept.n;
        ov_slice type = media_type(ov_slice_make(accept.p, n));
        if (ov_slice_ieq(type, OV_SLICE_LIT("application/json")) ||
            ov_slice_ieq(type, OV_SLICE_LIT("application/*")) ||
            ov_slice_eq(type, OV_SLICE_LIT("*/*")) || ov_slice_eq(type, OV_SLICE_LIT("*")))
            return true;
        size_t skip = comma ? n + 1 : n;
        accept.p += skip;
        accept.n -= skip;
    }
    return false;
}

int ov_sql_request_media(const ov_request *rq)
{
    bool found;
    ov_slice accept = ov_http_header_get(ov_request_head(rq), "Accept", &found);
    if (found && accept.n && !accepts_json(accept))
        return 406;
    return body_kind_of(rq) == BODY_UNKNOWN ? 415 : 0;
}

/* ---- parameters ---- */

/* Does the text of an instant end with Z or an offset? */
static bool names_zone(ov_slice text)
{
    size_t at = 0;
    while (at < text.n && text.p[at] != 'T' && text.p[at] != ' ')
        at++;
    for (; at < text.n; at++)
        if (text.p[at] == 'Z' || text.p[at] == '+' || text.p[at] == '-')
            return true;
    return false;
}

static ov_status read_time(const ov_json *v, ov_param *p, ov_error *err)
{
    if (v->kind == OV_JSON_INT) {
        p->i = v->i;
        return OV_OK;
    }
    ov_slice text;
    OV_TRY(ov_json_as_str(v, &text, err));
    p->local = !names_zone(text);
    if (ov_iso_try(text, NULL, &p->i))
        return OV_OK;
    ov_error ignored = OV_ERROR_INIT;
    if (ov_sql_timestamp_parse(text, NULL, &p->i, &ignored) == OV_OK)
        return OV_OK;
    return ov_json_fail(v, err, OV_INVALID,
                        "'" OV_SLICE_FMT
                        "' is no %s: milliseconds, an ISO 8601 instant or yyyy-MM-dd HH:mm:ss is",
                        OV_SLICE_ARG(text), ov_sqltype_name(p->sql));
}

static ov_status read_value(const ov_json *v, ov_param *p, ov_arena *a, ov_error *err);

/* The type that all elements of a JSON list have: texts, whole numbers, numbers or truths. */
static ov_status items_type(const ov_json *list, ov_sqltype *out, ov_error *err)
{
    *out = OV_SQL_NULL;
    for (const ov_json *item = list->first; item; item = item->next) {
        ov_sqltype t = item->kind == OV_JSON_NULL     ? OV_SQL_NULL
                       : item->kind == OV_JSON_INT    ? OV_SQL_BIGINT
                       : item->kind == OV_JSON_DOUBLE ? OV_SQL_DOUBLE
                       : item->kind == OV_JSON_BOOL   ? OV_SQL_BOOLEAN
                                                      : OV_SQL_VARCHAR;
        if (item->kind == OV_JSON_ARRAY || item->kind == OV_JSON_OBJECT)
            return ov_json_fail(
                item, err, OV_INVALID,
                "elements of an ARRAY parameter are texts, numbers, truths or null");
        if (t == OV_SQL_NULL || t == *out)
            continue;
        bool numbers = ov_sqltype_is_number(t) && ov_sqltype_is_number(*out);
        if (*out != OV_SQL_NULL && !numbers)
            return ov_json_fail(item, err, OV_INVALID,
                                "the elements of an ARRAY parameter must have one type: this one "
                                "is %s, those before "
                                "it are %s",
                                ov_sqltype_name(t), ov_sqltype_name(*out));
        *out = numbers ? OV_SQL_DOUBLE : t;
    }
    return OV_OK;
}

static ov_status read_array(const ov_json *v, ov_param *p, ov_arena *a, ov_error *err)
{
    ov_sqltype type;
    ov_param *items;
    OV_TRY(ov_json_expect(v, OV_JSON_ARRAY, err));
    OV_TRY(items_type(v, &type, err));
    OV_TRY(ov_arena_zalloc(a, (v->count + (size_t)1) * sizeof *items, &items, err));
    p->items = items;
    for (const ov_json *item = v->first; item; item = item->next) {
        items[p->item_count].sql = type;
        OV_TRY(read_value(item, &items[p->item_count++], a, err));
    }
    return OV_OK;
}

static ov_status read_value(const ov_json *v, ov_param *p, ov_arena *a, ov_error *err)
{
    p->is_null = v == NULL || v->kind == OV_JSON_NULL;
    if (p->is_null)
        return OV_OK;
    bool b;
    switch (p->sql) {
    case OV_SQL_TINYINT:
    case OV_SQL_SMALLINT:
    case OV_SQL_INTEGER:
    case OV_SQL_BIGINT:
        return ov_json_as_i64(v, &p->i, err);
    case OV_SQL_FLOAT:
    case OV_SQL_REAL:
    case OV_SQL_DOUBLE:
    case OV_SQL_DECIMAL:
        return ov_json_as_f64(v, &p->f, err);
    case OV_SQL_BOOLEAN:
        OV_TRY(ov_json_as_bool(v, &b, err));
        p->i = b;
        return OV_OK;
    case OV_SQL_CHAR:
    case OV_SQL_VARCHAR:
        return ov_json_as_str(v, &p->s, err);
    case OV_SQL_TIMESTAMP:
    case OV_SQL_DATE:
        return read_time(v, p, err);
    case OV_SQL_ARRAY:
        return read_array(v, p, a, err);
    case OV_SQL_NULL:
        p->is_null = true;
        return OV_OK;
    default:
        return ov_json_fail(v, err, OV_UNSUPPORTED, "parameters of type %s are not supported yet",
                            ov_sqltype_name(p->sql));
    }
}

static ov_status read_params(const ov_json *list, ov_arena *a, ov_query_request *q, ov_error *err)
{
    if (!list || list->count == 0)
        return OV_OK;
    ov_param *params;
    OV_TRY(ov_arena_zalloc(a, list->count * sizeof *params, &params, err));
    uint32_t n = 0;
    for (const ov_json *item = list->first; item; item = item->next, n++) {
        ov_param *p = &params[n];
        if (item->kind == OV_JSON_NULL) {
            p->sql =
                OV_SQL_COUNT; /* nothing is bound: using it is the error, not its being there */
            continue;
        }
        ov_slice type;
        OV_TRY(ov_json_need_str(item, "type", &type, err));
        if (!ov_sqltype_parse(type, &p->sql))
            return ov_json_fail(item, err, OV_INVALID,
                                "'" OV_SLICE_FMT
                                "' is no SQL type; VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP and "
                                "DATE are",
                                OV_SLICE_ARG(type));
        OV_TRY(read_value(ov_json_get(item, "value"), p, a, err));
    }
    q->params = params;
    q->param_count = n;
    return OV_OK;
}

/* ---- context ---- */

/* Context values come as JSON of the right type or as text ("true", "5000"); anything else keeps the default, as
 * in Druid. */
static void context_bool(const ov_json *cx, const char *key, bool *out)
{
    const ov_json *v = ov_json_find(cx, key);
    if (!v)
        return;
    if (v->kind == OV_JSON_BOOL)
        *out = v->boolean;
    else if (v->kind == OV_JSON_STRING && ov_slice_ieq(v->s, OV_SLICE_LIT("true")))
        *out = true;
    else if (v->kind == OV_JSON_STRING && ov_slice_ieq(v->s, OV_SLICE_LIT("false")))
        *out = false;
}

static ov_status context_count(const ov_json *cx, const char *key, int64_t *out, ov_error *err)
{
    const ov_json *v = ov_json_find(cx, key);
    if (!v)
        return OV_OK;
    int64_t n = 0;
    bool good = v->kind == OV_JSON_INT && v->i >= 0;
    if (good) {
        n = v->i;
    } else if (v->kind == OV_JSON_STRING && v->s.n && v->s.n < 18) {
        good = true;
        for (size_t i = 0; i < v->s.n && good; i++) {
            good = v->s.p[i] >= '0' && v->s.p[i] <= '9';
            n = n * 10 + (v->s.p[i] - '0');
        }
    }
    if (!good)
        return ov_json_fail(v, err, OV_INVALID, "%s must be a whole number, 0 or more", key);
    *out = n;
    return OV_OK;
}

/* Druid takes any whole number; others are an error there as here. */
static ov_status context_priority(const ov_json *cx, int64_t *out, ov_error *err)
{
    const ov_json *v = ov_json_find(cx, "priority");
    bool negative = v && v->kind == OV_JSON_STRING && v->s.n > 1 && v->s.p[0] == '-';
    if (!v || v->kind == OV_JSON_NULL)
        return OV_OK;
    if (v->kind == OV_JSON_INT) {
        *out = v->i;
        return OV_OK;
    }
    if (v->kind == OV_JSON_STRING && v->s.n > (size_t)negative && v->s.n < 18) {
        int64_t n = 0;
        size_t i = negative;
        for (; i < v->s.n && v->s.p[i] >= '0' && v->s.p[i] <= '9'; i++)
            n = n * 10 + (v->s.p[i] - '0');
        *out = negative ? -n : n;
        if (i == v->s.n)
            return OV_OK;
    }
    return ov_json_fail(v, err, OV_INVALID, "priority must be a whole number");
}

static ov_status read_context(const ov_json *cx, ov_query_request *q, ov_error *err)
{
    const ov_json *id = ov_json_find(cx, "sqlQueryId");
    if (!id)
        id = ov_json_find(cx, "queryId");
    if (id && id->kind == OV_JSON_STRING)
        q->query_id = id->s;
    const ov_json *zone = ov_json_find(cx, "sqlTimeZone");
    if (zone && zone->kind == OV_JSON_STRING)
        q->time_zone = zone->s;
    else if (zone && zone->kind != OV_JSON_NULL) /* never silently UTC */
        return ov_json_fail(zone, err, OV_INVALID, "a time zone is a name or an offset in quotes, such as \"Europe/Paris\" or \"+01:00\"");
    OV_TRY(context_count(cx, "timeout", &q->timeout_ms, err));
    int64_t limit = -1;
    const ov_json *outer = ov_json_find(cx, "sqlOuterLimit");
    if (outer && !(outer->kind == OV_JSON_INT && outer->i < 0))
        OV_TRY(context_count(cx, "sqlOuterLimit", &limit, err));
    q->outer_limit = limit < 0 ? OV_NO_LIMIT : (uint64_t)limit;
    int64_t memory = 0;
    OV_TRY(context_count(cx, "maxMemoryBytes", &memory, err));
    q->memory_bytes = (uint64_t)memory;
    context_bool(cx, "sqlStringifyArrays", &q->stringify_arrays);
    const ov_json *most = ov_json_find(cx, "maxParseExceptions");
    if (most && most->kind == OV_JSON_INT && most->i == -1)
        q->max_parse_exceptions = -1;
    else
        OV_TRY(context_count(cx, "maxParseExceptions", &q->max_parse_exceptions, err));
    return OV_OK;
}

/* ---- the whole ---- */

static ov_status read_json(ov_request *rq, ov_sql_request *out, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_json *body;
    static const ov_json_limits as_druid = {.lenient = true};
    OV_TRY(ov_json_parse(ov_request_body(rq), &as_druid, a, &body, err));
    OV_TRY(ov_json_expect(body, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(body, "query", &out->query.sql, err));
    ov_slice format;
    OV_TRY(ov_json_str(body, "resultFormat", OV_SLICE_LIT("object"), &format, err));
    if (!ov_result_format_find(format, &out->format))
        return ov_json_fail(ov_json_get(body, "resultFormat"), err, OV_INVALID,
                            "'" OV_SLICE_FMT
                            "' is no result format; object, array, objectLines, arrayLines and "
                            "csv are",
                            OV_SLICE_ARG(format));
    OV_TRY(ov_json_bool(body, "header", false, &out->header, err));
    OV_TRY(ov_json_bool(body, "typesHeader", false, &out->types_header, err));
    OV_TRY(ov_json_bool(body, "sqlTypesHeader", false, &out->sql_types_header, err));
    if ((out->types_header || out->sql_types_header) && !out->header)
        return ov_fail(err, OV_INVALID, "Cannot include '%s' without 'header'",
                       out->types_header ? "typesHeader" : "sqlTypesHeader");
    OV_TRY(ov_json_obj(body, "context", &out->context, err));
    OV_TRY(ov_json_arr(body, "parameters", &out->parameters, err));
    return ov_sql_request_settings(out, a, err);
}

ov_status ov_sql_request_settings(ov_sql_request *rq, ov_arena *a, ov_error *err)
{
    rq->query.context = rq->context;
    OV_TRY(read_context(rq->context, &rq->query, err));
    OV_TRY(context_priority(rq->context, &rq->priority, err));
    return read_params(rq->parameters, a, &rq->query, err);
}

/* Where the first word of a statement begins: behind white space and comments. */
static ov_slice skip_blank(ov_slice s)
{
    for (;;) {
        size_t n = s.n;
        while (s.n && memchr(" \t\r\n\f", s.p[0], 5)) {
            s.p++;
            s.n--;
        }
        bool line = ov_slice_starts(s, OV_SLICE_LIT("--")), block = ov_slice_starts(s, OV_SLICE_LIT("/*"));
        if (line || block) {
            const char *end = memmem(s.p + 2, s.n - 2, line ? "\n" : "*/", line ? 1 : 2);
            size_t past = end ? (size_t)(end - s.p) + (line ? 1 : 2) : s.n;
            s = ov_slice_make(s.p + past, s.n - past);
        }
        if (s.n == n)
            return s;
    }
}

/* Could a statement begin like this? What cannot is a fault of the request, not of the SQL: a form field, for one. */
static ov_status check_statement(ov_slice body, ov_error *err)
{
    static const char *const words[] = {"SELECT", "WITH",    "VALUES", "EXPLAIN", "INSERT",
                                        "SET",    "REPLACE", "TABLE",  "DELETE",  "SHOW"};
    ov_slice s = skip_blank(body);
    size_t n = 0;
    if (s.n == 0)
        return ov_fail(err, OV_INVALID, "the request body holds no SQL");
    if (s.p[0] == '(')
        return OV_OK;
    while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || (s.p[n] >= 'A' && s.p[n] <= 'Z') || s.p[n] == '_'))
        n++;
    for (size_t i = 0; i < OV_COUNT_OF(words); i++)
        if (ov_slice_ieq(ov_slice_make(s.p, n), ov_slice_cstr(words[i])))
            return OV_OK;
    return ov_fail(err, OV_INVALID, "the request body is neither SQL nor JSON: it begins with '" OV_SLICE_FMT "'%s",
                   OV_SLICE_ARG(ov_slice_make(s.p, OV_MIN(s.n, n ? n : 1))),
                   n < s.n && s.p[n] == '=' ? "; the statement itself is the body, without a name in front" : "");
}

ov_status ov_sql_request_read(ov_request *rq, ov_sql_request *out, ov_error *err)
{
    *out = (ov_sql_request){.format = OV_FORMAT_OBJECT,
                            .query = {.timeout_ms = DEFAULT_TIMEOUT_MS,
                                      .outer_limit = OV_NO_LIMIT,
                                      .stringify_arrays = true}};
    body_kind kind = body_kind_of(rq);
    ov_slice body = ov_request_body(rq);
    if (kind == BODY_JSON || ov_slice_starts(skip_blank(body), OV_SLICE_LIT("{"))) /* no SQL begins with it */
        return read_json(rq, out, err);
    if (kind == BODY_FORM) {
        char *text = ov_arena_try(ov_request_arena(rq), body.n + 1, 1, err);
        if (!text)
            return err->code;
        size_t n;
        if (!ov_http_percent_decode(body, true, text, &n))
            return ov_fail(err, OV_INVALID, "the form body holds a malformed percent escape");
        body = ov_slice_make(text, n);
    }
    OV_TRY(check_statement(body, err));
    out->query.sql = body;
    return OV_OK;
}
