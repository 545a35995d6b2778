/*
 * Extraction functions of dimension specs and of the older filters: text to text, as expressions, so that they run once
 * per distinct value.
 */
#include "query/native/native_plan_int.h"

typedef ov_status (*extract_fn)(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err);

static ov_status null_text(ovi_nplanner *p, const ov_expr **out, ov_error *err)
{
    return ov_expr_null(p->cx, OV_SQL_VARCHAR, out, err);
}

static ov_status when(ovi_nplanner *p, const ov_json *fn, const ov_expr *test, const ov_expr *yes, const ov_expr *no,
                      const ov_expr **out, ov_error *err)
{
    const ov_expr *parts[3] = {test, yes, no};
    return ovi_ncall(p, fn, "CASE", parts, 3, out, err);
}

static ov_status text_member(ovi_nplanner *p, const ov_json *fn, const char *key, const ov_expr **out, ov_error *err)
{
    ov_slice s;
    OV_TRY(ov_json_need_str(fn, key, &s, err));
    return ov_expr_str(p->cx, OV_SQL_VARCHAR, s, out, err);
}

static ov_status one_argument(ovi_nplanner *p, const ov_json *fn, const char *name, const ov_expr *x,
                              const ov_expr **out, ov_error *err)
{
    return ovi_ncall(p, fn, name, &x, 1, out, err);
}

/* Texts are English: other languages have other names, and some (Turkish) other capitals. */
static ov_status english(const ov_json *fn, const char *where, ov_error *err)
{
    ov_slice tag, en = OV_SLICE_LIT("en");
    OV_TRY(ov_json_str(fn, "locale", en, &tag, err));
    if (tag.n >= 2 && ov_slice_ieq(ov_slice_make(tag.p, 2), en) && (tag.n == 2 || tag.p[2] == '-' || tag.p[2] == '_'))
        return OV_OK;
    return ov_json_fail(ov_json_get(fn, "locale"), err, OV_UNSUPPORTED, "%s are there in English only, not for '" OV_SLICE_FMT "'", where,
                        OV_SLICE_ARG(tag));
}

/* Whether a Joda pattern writes names: of eras, halves of days, zones, weekdays, months. */
static bool writes_names(ov_slice format)
{
    bool quoted = false;
    for (size_t i = 0; i < format.n; i++) {
        quoted ^= format.p[i] == '\'';
        bool long_month = format.n - i > 2 && memcmp(format.p + i, "MMM", 3) == 0;
        if (!quoted && (long_month || strchr("GaEz", format.p[i])))
            return true;
    }
    return false;
}

/* The languages in which capitals differ from those of all others. */
static ov_status common_capitals(const ov_json *fn, ov_error *err)
{
    ov_slice tag;
    OV_TRY(ov_json_str(fn, "locale", OV_SLICE_LIT(""), &tag, err));
    ov_slice front = ov_slice_make(tag.p, OV_MIN(tag.n, (size_t)2));
    bool own = ov_slice_ieq(front, OV_SLICE_LIT("tr")) || ov_slice_ieq(front, OV_SLICE_LIT("az")) || ov_slice_ieq(front, OV_SLICE_LIT("lt"));
    return own ? english(fn, "capital letters", err) : OV_OK;
}

static ov_status extract_upper(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    OV_TRY(common_capitals(fn, err));
    return one_argument(p, fn, "UPPER", x, out, err);
}

static ov_status extract_lower(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    OV_TRY(common_capitals(fn, err));
    return one_argument(p, fn, "LOWER", x, out, err);
}

static ov_status extract_strlen(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    return one_argument(p, fn, "LENGTH", x, out, err);
}

static ov_status extract_identity(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out,
                                  ov_error *err)
{
    (void)p, (void)fn, (void)err;
    *out = x;
    return OV_OK;
}

/* What a text without a match becomes: itself, or the replacement. */
static ov_status missing(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, bool replace, const ov_expr **out,
                         ov_error *err)
{
    ov_slice with;
    *out = x;
    if (!replace)
        return OV_OK;
    OV_TRY(ov_json_str(fn, "replaceMissingValueWith", (ov_slice){0}, &with, err));
    return with.p ? ov_expr_str(p->cx, OV_SQL_VARCHAR, with, out, err) : null_text(p, out, err);
}

static ov_status extract_regex(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[3] = {x}, *test, *found, *other;
    int64_t index;
    bool replace;
    OV_TRY(text_member(p, fn, "expr", &args[1], err));
    OV_TRY(ov_json_i64_in(fn, "index", 1, 0, 1000, &index, err));
    OV_TRY(ov_json_bool(fn, "replaceMissingValue", false, &replace, err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, index, &args[2], err));
    OV_TRY(ovi_ncall(p, fn, "REGEXP_LIKE", args, 2, &test, err));
    OV_TRY(ovi_ncall(p, fn, "REGEXP_EXTRACT", args, 3, &found, err));
    OV_TRY(missing(p, fn, x, replace, &other, err));
    return when(p, fn, test, found, other, out, err);
}

static ov_status extract_partial(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out,
                                 ov_error *err)
{
    const ov_expr *args[2] = {x}, *test, *none;
    OV_TRY(text_member(p, fn, "expr", &args[1], err));
    OV_TRY(ovi_ncall(p, fn, "REGEXP_LIKE", args, 2, &test, err));
    OV_TRY(null_text(p, &none, err));
    return when(p, fn, test, x, none, out, err);
}

static ov_status extract_search(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_json *query;
    const ov_expr *test, *none;
    OV_TRY(ov_json_need_obj(fn, "query", &query, err));
    OV_TRY(ovi_native_search(query, p->cx, x, &test, err));
    OV_TRY(null_text(p, &none, err));
    return when(p, fn, test, x, none, out, err);
}

static ov_status extract_substring(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out,
                                   ov_error *err)
{
    int64_t index, length;
    const ov_expr *args[3] = {x};
    OV_TRY(ov_json_need_i64(fn, "index", &index, err));
    OV_TRY(ov_json_i64(fn, "length", -1, &length, err));
    if (index < 0 || index > INT32_MAX)
        return ov_json_fail(ov_json_get(fn, "index"), err, OV_INVALID, "expected a place, 0 or more");
    if (length == 0 || length < -1)
        return ov_json_fail(ov_json_get(fn, "length"), err, OV_INVALID, "expected a length above 0");
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, index + 1, &args[1], err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, OV_MIN(length, INT32_MAX), &args[2], err));
    return ovi_ncall(p, fn, "SUBSTRING", args, length < 0 ? 2 : 3, out, err);
}

static ov_status extract_format(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2], *isnull, *none;
    ov_slice handling;
    OV_TRY(text_member(p, fn, "format", &args[0], err));
    OV_TRY(ov_json_str(fn, "nullHandling", OV_SLICE_LIT("nullString"), &handling, err));
    args[1] = x;
    bool empty = ov_slice_ieq(handling, OV_SLICE_LIT("emptyString"));
    if (empty || ov_slice_ieq(handling, OV_SLICE_LIT("nullString"))) {
        const ov_expr *or[2] = {x, NULL};
        OV_TRY(ovi_nliteral(p, empty ? "" : "null", &or[1], err));
        OV_TRY(ovi_ncall(p, fn, "COALESCE", or, 2, &args[1], err));
        return ovi_ncall(p, fn, "STRING_FORMAT", args, 2, out, err);
    }
    if (!ov_slice_ieq(handling, OV_SLICE_LIT("returnNull")))
        return ov_json_fail(ov_json_get(fn, "nullHandling"), err, OV_INVALID,
                            "expected nullString, emptyString or returnNull");
    OV_TRY(ovi_ncall(p, fn, "STRING_FORMAT", args, 2, out, err));
    OV_TRY(one_argument(p, fn, "IS NULL", x, &isnull, err));
    OV_TRY(null_text(p, &none, err));
    return when(p, fn, isnull, none, *out, out, err);
}

/* floor((x - offset) / size) * size + offset; whole results without a fraction. */
static ov_status extract_bucket(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    double size, offset;
    const ov_expr *a[2], *whole, *test;
    OV_TRY(ov_json_f64(fn, "size", 1, &size, err));
    OV_TRY(ov_json_f64(fn, "offset", 0, &offset, err));
    OV_TRY(ovi_ncast(p, x, OV_SQL_DOUBLE, &a[0], err));
    OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, offset, &a[1], err));
    OV_TRY(ovi_ncall(p, fn, "-", a, 2, &a[0], err));
    OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, size, &a[1], err));
    OV_TRY(ovi_ncall(p, fn, "/", a, 2, &a[0], err));
    OV_TRY(one_argument(p, fn, "FLOOR", a[0], &a[0], err));
    OV_TRY(ovi_ncall(p, fn, "*", a, 2, &a[0], err));
    OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, offset, &a[1], err));
    OV_TRY(ovi_ncall(p, fn, "+", a, 2, &a[0], err));
    OV_TRY(ovi_ncast(p, a[0], OV_SQL_BIGINT, &whole, err));
    OV_TRY(ovi_ncast(p, whole, OV_SQL_DOUBLE, &a[1], err));
    OV_TRY(ovi_ncall(p, fn, "=", a, 2, &test, err));
    OV_TRY(ovi_ntext(p, whole, &whole, err));
    OV_TRY(ovi_ntext(p, a[0], &a[0], err));
    return when(p, fn, test, whole, a[0], out, err);
}

static ov_status extract_cascade(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out,
                                 ov_error *err)
{
    const ov_json *list;
    OV_TRY(ov_json_need_arr(fn, "extractionFns", &list, err));
    if (list->count > 100)
        return ov_json_fail(list, err, OV_LIMIT, "more than 100 functions after each other");
    *out = x;
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ovi_nextract(p, v, *out, out, err));
    return OV_OK;
}

/* ---- times ---- */

/* A time out of what the dimension holds: numbers are milliseconds, texts those or ISO. */
static ov_status as_time(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_expr *parsed, *ms, *both[2];
    if (x->sql == OV_SQL_TIMESTAMP) {
        *out = x;
        return OV_OK;
    }
    if (x->type.id != OV_TYPE_STRING) {
        OV_TRY(ovi_ncast(p, x, OV_SQL_BIGINT, &ms, err));
        return ov_expr_retype(p->cx, ms, OV_SQL_TIMESTAMP, out, err);
    }
    OV_TRY(ovi_ncall(p, fn, "TIME_PARSE", &x, 1, &parsed, err));
    OV_TRY(ovi_ncast(p, x, OV_SQL_BIGINT, &ms, err));
    OV_TRY(ov_expr_retype(p->cx, ms, OV_SQL_TIMESTAMP, &ms, err));
    both[0] = ms;
    both[1] = parsed;
    return ovi_ncall(p, fn, "COALESCE", both, 2, out, err);
}

static ov_status extract_time_format(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out,
                                     ov_error *err)
{
    const ov_expr *args[3];
    const ov_json *gran = ov_json_find(fn, "granularity");
    const ov_gran *g;
    ov_slice format, zone;
    bool millis;
    OV_TRY(ov_json_str(fn, "format", (ov_slice){"", 0}, &format, err));
    OV_TRY(ov_json_str(fn, "timeZone", OV_SLICE_LIT("UTC"), &zone, err));
    OV_TRY(ov_json_bool(fn, "asMillis", false, &millis, err));
    if (writes_names(format))
        OV_TRY(english(fn, "names of months, days and their halves", err));
    OV_TRY(as_time(p, fn, x, &args[0], err));
    if (gran) {
        OV_TRY(ovi_ngran_read(p, gran, &g, err));
        OV_TRY(ovi_ngran_floor(p, gran, g, args[0], &args[0], err));
    }
    if (millis && !format.n) {
        OV_TRY(ov_expr_retype(p->cx, args[0], OV_SQL_BIGINT, &args[0], err));
        return ovi_ntext(p, args[0], out, err);
    }
    if (format.n)
        OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, format, &args[1], err));
    else
        OV_TRY(ov_expr_null(p->cx, OV_SQL_VARCHAR, &args[1], err));
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, zone, &args[2], err));
    return ovi_ncall(p, fn, "$TIME_FORMAT", args, 3, out, err);
}

/* Its formats are ICU's unless `joda` says otherwise. */
static ov_status extract_time(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[3], *parsed[2];
    bool joda;
    OV_TRY(ov_json_bool(fn, "joda", false, &joda, err));
    OV_TRY(ovi_ntext(p, x, &args[0], err));
    OV_TRY(text_member(p, fn, "timeFormat", &args[1], err));
    OV_TRY(text_member(p, fn, "resultFormat", &args[2], err));
    if (!joda)
        return ovi_ncall(p, fn, "$TIME_REWRITE", args, 3, out, err);
    OV_TRY(ovi_ncall(p, fn, "TIME_PARSE", args, 2, &parsed[0], err));
    parsed[1] = args[2];
    OV_TRY(ovi_ncall(p, fn, "TIME_FORMAT", parsed, 2, &parsed[0], err));
    parsed[1] = args[0]; /* what is no time stays as it is */
    return ovi_ncall(p, fn, "COALESCE", parsed, 2, out, err);
}

/* ---- lookups ---- */

/* x looked up by `fn`, LOOKUP of a name or $LOOKUP_IN of a map's text; `other` where it is not there. */
static ov_status look_up(ovi_nplanner *p, const ov_json *at, const char *fn, ov_slice what, const ov_expr *x, const ov_expr *other,
                         const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2] = {x};
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, what, &args[1], err));
    OV_TRY(ovi_ncall(p, at, fn, args, 2, &args[0], err));
    args[1] = other;
    return ovi_ncall(p, at, "COALESCE", args, 2, out, err);
}

/* A map that stands in the query. */
static ov_status inline_map(ovi_nplanner *p, const ov_json *map, const ov_expr *x, const ov_expr *other, const ov_expr **out, ov_error *err)
{
    ov_slice value;
    for (const ov_json *v = map->first; v; v = v->next)
        if (v->kind != OV_JSON_NULL)
            OV_TRY(ov_json_as_str(v, &value, err));
    OV_TRY(ovi_njson_text(p, map, &value, err));
    return look_up(p, map, "$LOOKUP_IN", value, x, other, out, err);
}

static ov_status extract_lookup(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_json *lookup = ov_json_find(fn, "lookup"), *map;
    const ov_expr *other;
    ov_slice type;
    bool retain;
    OV_TRY(ov_json_bool(fn, "retainMissingValue", false, &retain, err));
    if (retain && ov_json_find(fn, "replaceMissingValueWith"))
        return ov_json_fail(ov_json_find(fn, "replaceMissingValueWith"), err, OV_INVALID,
                            "Cannot specify a [replaceMissingValueWith] and set [retainMissingValue] to true");
    OV_TRY(missing(p, fn, x, !retain, &other, err));
    if (lookup && lookup->kind == OV_JSON_STRING)
        return look_up(p, lookup, "LOOKUP", lookup->s, x, other, out, err);
    if (ov_json_find(fn, "name")) { /* the lookup dimension spec by name */
        if (lookup)
            return ov_json_fail(fn, err, OV_INVALID, "'name' and 'lookup' exclude each other; give one of them");
        OV_TRY(ov_json_need_str(fn, "name", &type, err));
        return look_up(p, ov_json_get(fn, "name"), "LOOKUP", type, x, other, out, err);
    }
    OV_TRY(ov_json_need_obj(fn, "lookup", &lookup, err));
    OV_TRY(ov_json_need_str(lookup, "type", &type, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("map")))
        return ov_json_fail(ov_json_get(lookup, "type"), err, OV_INVALID,
                            "unknown lookup '" OV_SLICE_FMT "'; there is map, and registered lookups are given by their name",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_obj(lookup, "map", &map, err));
    return inline_map(p, map, x, other, out, err);
}

/* ---- the table ---- */

/* times: takes a time as it is, not as text. */
static const struct {
    const char *name;
    extract_fn bind;
    bool times;
} functions[] = {
    {"bucket", extract_bucket, false},
    {"cascade", extract_cascade, true},
    {"identity", extract_identity, false},
    {"lookup", extract_lookup, false},
    {"lower", extract_lower, false},
    {"partial", extract_partial, false},
    {"regex", extract_regex, false},
    {"registeredLookup", extract_lookup, false},
    {"searchQuery", extract_search, false},
    {"stringFormat", extract_format, false},
    {"strlen", extract_strlen, false},
    {"substring", extract_substring, false},
    {"time", extract_time, false},
    {"timeFormat", extract_time_format, true},
    {"upper", extract_upper, false},
};

/* Every text of a row for itself. */
static ov_status of_each_text(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    const ov_expr *one, *made;
    OV_TRY(ov_expr_column(p->cx, 0, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, true, &one, err));
    OV_TRY(ovi_nextract(p, fn, one, &made, err));
    return ov_expr_each(p->cx, x, made, 0, out, err);
}

ov_status ovi_nextract(ovi_nplanner *p, const ov_json *fn, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    ov_slice type;
    OV_TRY(ov_json_expect(fn, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(fn, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("javascript")))
        return ovi_nno_javascript(fn, err);
    if (x->type.id == OV_TYPE_STRING && x->type.multi)
        return of_each_text(p, fn, x, out, err);
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++) {
        if (!ov_slice_eq(type, ov_slice_cstr(functions[i].name)))
            continue;
        if (!functions[i].times) {
            if (x->sql == OV_SQL_TIMESTAMP)
                OV_TRY(ov_expr_retype(p->cx, x, OV_SQL_BIGINT, &x, err));
            OV_TRY(ovi_ntext(p, x, &x, err));
        }
        OV_TRY(functions[i].bind(p, fn, x, out, err));
        return ovi_ntext(p, *out, out, err);
    }
    return ov_json_fail(ov_json_get(fn, "type"), err, OV_INVALID,
                        "unknown extraction function '" OV_SLICE_FMT
                        "'; there are bucket, cascade, identity, lookup, lower, partial, regex, registeredLookup, "
                        "searchQuery, stringFormat, strlen, substring, time, timeFormat and upper",
                        OV_SLICE_ARG(type));
}
