/*
 * Expressions in Druid's expression language: the reverse of native_bind.c and native_fns.c.
 */
#include "base/numfmt.h"
#include "base/tz.h"
#include "query/native/native_int.h"
#include "query/native/print_int.h"

#include <math.h>

static void print(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out);

static void print_quoted(ov_slice s, char quote, ov_buf *out)
{
    ov_buf_add_char(out, quote);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == quote || s.p[i] == '\\')
            ov_buf_add_char(out, '\\');
        if ((unsigned char)s.p[i] < 0x20)
            ov_buf_addf(out, "\\u%04x", (unsigned char)s.p[i]);
        else
            ov_buf_add_char(out, s.p[i]);
    }
    ov_buf_add_char(out, quote);
}

static void print_constant(ovi_printer *p, const ov_expr *e, ov_buf *out)
{
    if (e->type.id == OV_TYPE_NULL || e->constant.is_null)
        ov_buf_add_str(out, "null");
    else if (ov_type_is_int(e->type))
        ov_buf_add_i64(out, e->constant.i);
    else if (ov_type_is_real(e->type) && isfinite(e->constant.f))
        ov_buf_add_double(out, e->constant.f);
    else if (e->type.id == OV_TYPE_STRING && !e->type.multi)
        print_quoted(e->constant.s, '\'', out);
    else
        p->lost = true;
}

static void print_args(ovi_printer *p, const char *name, const ov_expr *const *args, uint32_t argc,
                       const ov_slice *names, ov_buf *out)
{
    ov_buf_add_str(out, name);
    for (uint32_t i = 0; i < argc; i++) {
        ov_buf_add_char(out, i ? ',' : '(');
        print(p, args[i], names, out);
    }
    ov_buf_add_str(out, argc ? ")" : "()");
}

static void print_between(ovi_printer *p, const ov_expr *e, const char *op, const ov_slice *names, ov_buf *out)
{
    ov_buf_add_char(out, '(');
    for (uint32_t i = 0; i < e->argc; i++) {
        if (i)
            ov_buf_addf(out, " %s ", op);
        print(p, e->args[i], names, out);
    }
    ov_buf_add_char(out, ')');
}

/* SQL's operators under their native names; lists of operands may be long. */
static bool print_operator(ovi_printer *p, const ov_expr *e, const char *fn, const ov_slice *names, ov_buf *out)
{
    static const char *const pairs[][2] = {{"AND", "&&"}, {"OR", "||"}, {"=", "=="}, {"<>", "!="}, {"<", "<"}, {"<=", "<="},
                                           {">", ">"},    {">=", ">="}, {"+", "+"},  {"-", "-"},   {"*", "*"}, {"/", "/"},
                                           {"%", "%"},    {"MOD", "%"}};
    if (e->argc < 2)
        return false;
    for (uint32_t i = 0; i < e->argc; i++)
        if (ov_type_is_list(e->args[i]->type) || e->args[i]->type.id == OV_TYPE_COMPLEX)
            return false;
    for (size_t i = 0; i < OV_COUNT_OF(pairs); i++)
        if (strcmp(fn, pairs[i][0]) == 0) {
            print_between(p, e, pairs[i][1], names, out);
            return true;
        }
    return false;
}

static const char *cast_name(const ov_expr *e)
{
    switch ((ov_type_id)e->type.id) {
    case OV_TYPE_LONG:
        return "LONG";
    case OV_TYPE_DOUBLE:
        return "DOUBLE";
    case OV_TYPE_FLOAT:
        return "FLOAT";
    case OV_TYPE_STRING:
        return e->type.multi ? NULL : "STRING";
    default:
        return NULL;
    }
}

static void print_cast(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out)
{
    const ov_expr *x = e->args[0];
    const char *to = cast_name(e);
    bool truth = x->sql == OV_SQL_BOOLEAN || e->sql == OV_SQL_BOOLEAN;
    bool time = ov_sqltype_is_datetime((ov_sqltype)x->sql) || ov_sqltype_is_datetime((ov_sqltype)e->sql);
    if (ov_type_eq(x->type, e->type) && !truth && x->sql != OV_SQL_DATE && e->sql != OV_SQL_DATE && !ov_sqltype_is_integer((ov_sqltype)e->sql)) {
        print(p, x, names, out); /* the same value under another name */
        return;
    }
    if (ov_type_eq(x->type, e->type) && e->sql == OV_SQL_BIGINT) {
        print(p, x, names, out);
        return;
    }
    if (x->sql == OV_SQL_TIMESTAMP && e->type.id == OV_TYPE_STRING && !e->type.multi) {
        ov_buf_add_str(out, "timestamp_format(");
        print(p, x, names, out);
        ov_buf_addf(out, ",'yyyy-MM-dd HH:mm:ss','%s')", ov_tz_name(p->cx->tz));
        return;
    }
    if (!to || truth || time || e->sql == OV_SQL_INTEGER || e->sql == OV_SQL_SMALLINT || e->sql == OV_SQL_TINYINT ||
        (x->type.id == OV_TYPE_STRING && x->type.multi)) {
        p->lost = true;
        return;
    }
    ov_buf_add_str(out, "cast(");
    print(p, x, names, out);
    ov_buf_addf(out, ",'%s')", to);
}

/* Functions of time say their zone, which a statement leaves to the session's: (.., zone) is argument `last`. */
static bool print_time(ovi_printer *p, const ov_expr *e, const char *fn, const ov_slice *names, ov_buf *out)
{
    static const struct {
        const char *sql, *native;
        uint32_t last;
    } zoned[] = {{"TIME_FLOOR", "timestamp_floor", 3},     {"TIME_CEIL", "timestamp_ceil", 3},
                 {"TIME_EXTRACT", "timestamp_extract", 2}, {"TIME_FORMAT", "timestamp_format", 2},
                 {"$TIME_FORMAT", "timestamp_format", 2}, {"EXTRACT", "timestamp_extract", 2},
                 {"TIME_PARSE", "timestamp_parse", 2},     {"TIME_SHIFT", "timestamp_shift", 3}};
    size_t i = 0;
    while (i < OV_COUNT_OF(zoned) && strcmp(zoned[i].sql, fn) != 0)
        i++;
    if (i == OV_COUNT_OF(zoned))
        return false;
    ov_buf_addf(out, "%s(", zoned[i].native);
    bool shift = fn[5] == 'S' && e->argc >= 3 && e->args[2]->type.id == OV_TYPE_STRING; /* bound as (time, count, period) */
    for (uint32_t k = 0; k < e->argc; k++) {
        ov_buf_add_str(out, k ? "," : "");
        print(p, e->args[shift && (k == 1 || k == 2) ? 3 - k : k], names, out);
    }
    for (uint32_t k = e->argc; k < zoned[i].last; k++)
        ov_buf_add_str(out, ",null");
    if (e->argc <= zoned[i].last)
        ov_buf_addf(out, ",'%s'", ov_tz_name(p->cx->tz));
    ov_buf_add_char(out, ')');
    return true;
}

/* substring counts from 0 */
static void print_substring(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out)
{
    const ov_expr *at = e->args[1];
    if (at->kind != OV_EXPR_CONST || at->constant.is_null || at->constant.i < 1) {
        p->lost = true;
        return;
    }
    ov_buf_add_str(out, "substring(");
    print(p, e->args[0], names, out);
    ov_buf_addf(out, ",%lld,", (long long)at->constant.i - 1);
    if (e->argc == 3)
        print(p, e->args[2], names, out);
    else
        ov_buf_add_str(out, "-1");
    ov_buf_add_char(out, ')');
}

static void print_in(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out)
{
    const ov_inset *set = e->set;
    ov_buf_add_str(out, "scalar_in_array(");
    print(p, e->args[0], names, out);
    ov_buf_add_str(out, ",[");
    for (uint32_t i = 0; i < set->count; i++) {
        ov_buf_add_str(out, i ? "," : "");
        if (ov_type_is_int(set->type))
            ov_buf_add_i64(out, set->i64[i]);
        else if (ov_type_is_real(set->type))
            ov_buf_add_double(out, set->f64[i]);
        else
            print_quoted(set->str[i], '\'', out);
    }
    if (set->has_null)
        ov_buf_add_str(out, set->count ? ",null" : "null");
    ov_buf_add_str(out, "])");
}

/* Functions that a native one stands for, by SQL's name. */
static const char *native_name(const char *sql)
{
    uint32_t count;
    const ovi_native_fn *all = ovi_native_fns(&count);
    for (uint32_t i = 0; i < count; i++)
        if (all[i].sql && strcmp(all[i].sql, sql) == 0)
            return all[i].name;
    static const char *const same[][2] = {{"STRLEN", "strlen"},     {"CHAR_LENGTH", "strlen"}, {"SUBSTR", NULL},
                                          {"POW", "pow"},           {"||", "concat"},         {"BTRIM", "trim"},         {"IS TRUE", "istrue"},
                                          {"IS FALSE", "isfalse"},  {"IS NOT TRUE", "nottrue"}, {"IS NOT FALSE", "notfalse"},
                                          {"PARSE_JSON", "parse_json"}, {"TRY_PARSE_JSON", "try_parse_json"},
                                          {"ARRAY_LENGTH", "array_length"}, {"MV_LENGTH", "array_length"},
                                          {"ARRAY", "array"}, {"ARRAY_CONTAINS", "array_contains"}, {"MV_CONTAINS", "array_contains"},
                                          {"ARRAY_OVERLAP", "array_overlap"}, {"MV_OVERLAP", "array_overlap"},
                                          {"ARRAY_TO_STRING", "array_to_string"}, {"MV_TO_STRING", "array_to_string"},
                                          {"ARRAY_OFFSET", "array_offset"}, {"MV_OFFSET", "array_offset"},
                                          {"ARRAY_ORDINAL", "array_ordinal"}, {"MV_ORDINAL", "array_ordinal"}};
    for (size_t i = 0; i < OV_COUNT_OF(same); i++)
        if (strcmp(same[i][0], sql) == 0)
            return same[i][1];
    return NULL;
}

/* IS NULL of the whole list of a multi-value string: a native one would be asked of each value. */
static bool is_of_whole_list(const ov_expr *e, const char *fn)
{
    return (strcmp(fn, "IS NULL") == 0 || strcmp(fn, "IS NOT NULL") == 0) && e->args[0]->type.id == OV_TYPE_STRING && e->args[0]->type.multi;
}

static void print_call(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out)
{
    const char *fn = ov_expr_function(e);
    if (is_of_whole_list(e, fn)) {
        p->lost = true;
        return;
    }
    if (print_operator(p, e, fn, names, out) || print_time(p, e, fn, names, out))
        return;
    if (strcmp(fn, "NOT") == 0) {
        ov_buf_add_char(out, '!');
        print(p, e->args[0], names, out);
        return;
    }
    if (strcmp(fn, "-") == 0 && e->argc == 1) {
        ov_buf_add_str(out, "-");
        print(p, e->args[0], names, out);
        return;
    }
    if (strncmp(fn, "MV_", 3) == 0 && !(e->args[0]->type.id == OV_TYPE_STRING && e->args[0]->type.multi)) {
        p->lost = true; /* a native function decides by the type: of an array or a text it would be another one */
        return;
    }
    if (strcmp(fn, "CASE") == 0)
        print_args(p, "case_searched", e->args, e->argc, names, out);
    else if (strcmp(fn, "CAST") == 0)
        print_cast(p, e, names, out);
    else if (strcmp(fn, "SUBSTRING") == 0 || strcmp(fn, "SUBSTR") == 0)
        print_substring(p, e, names, out);
    else if (strcmp(fn, "MAX") != 0 && native_name(fn))
        print_args(p, native_name(fn), e->args, e->argc, names, out);
    else
        p->lost = true;
}

static void print(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out)
{
    if (p->lost)
        return;
    switch ((ov_expr_kind)e->kind) {
    case OV_EXPR_CONST:
        print_constant(p, e, out);
        return;
    case OV_EXPR_COLUMN:
        if (names[e->column].n == 0)
            p->lost = true;
        print_quoted(names[e->column], '"', out);
        return;
    case OV_EXPR_IN:
        print_in(p, e, names, out);
        return;
    case OV_EXPR_CALL:
        print_call(p, e, names, out);
        return;
    }
    p->lost = true;
}

void ovi_pexpr(ovi_printer *p, const ov_expr *e, const ov_slice *names, ov_buf *out)
{
    p->lost = p->lost || !e->deterministic;
    print(p, e, names, out);
}
