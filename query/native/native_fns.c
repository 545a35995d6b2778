/*
 * The functions of the expression language. Most are entries of query/expr/functions.def under another name; the others
 * differ in places and meanings (substring counts from 0, log is the natural one, max of a NULL is NULL) and are
 * composed from what is there. Source: docs/querying/math-expr.md of Druid.
 */
#include "query/native/native_int.h"

/* ---- conditions ---- */

/* if(c, a, b), case_searched(c1, r1, ..., else) */
static ov_status bind_case_searched(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ov_arena_alloc(b->cx->arena, (n->argc + (size_t)1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < n->argc; i++) {
        bool condition = i % 2 == 0 && i + 1 < n->argc;
        OV_TRY((condition ? ovi_native_truth : ovi_native_value)(b, n->args[i], &args[i], err));
    }
    uint32_t argc = n->argc;
    if (argc % 2 == 0)
        OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &args[argc++], err));
    return ovi_native_apply(b, n, "CASE", args, argc, out, err);
}

/* case_simple(x, v1, r1, ..., else) */
static ov_status bind_case_simple(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args, *sides[2];
    uint32_t argc = 0;
    OV_TRY(ov_arena_alloc(b->cx->arena, (n->argc + (size_t)1) * sizeof *args, &args, err));
    OV_TRY(ovi_native_value(b, n->args[0], &sides[0], err));
    for (uint32_t i = 1; i + 1 < n->argc; i += 2) {
        OV_TRY(ovi_native_value(b, n->args[i], &sides[1], err));
        OV_TRY(ovi_native_apply(b, n->args[i], "=", sides, 2, &args[argc++], err));
        OV_TRY(ovi_native_value(b, n->args[i + 1], &args[argc++], err));
    }
    if (n->argc % 2 == 0)
        OV_TRY(ovi_native_value(b, n->args[n->argc - 1], &args[argc++], err));
    else
        OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &args[argc++], err));
    return ovi_native_apply(b, n, "CASE", args, argc, out, err);
}

/* istrue(x) and its kin: "IS TRUE" ... over x as a condition */
static ov_status bind_is_truth(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr *e;
    const char *name = "IS TRUE";
    if (ov_slice_ieq(n->text, OV_SLICE_LIT("isfalse")))
        name = "IS FALSE";
    else if (ov_slice_ieq(n->text, OV_SLICE_LIT("nottrue")))
        name = "IS NOT TRUE";
    else if (ov_slice_ieq(n->text, OV_SLICE_LIT("notfalse")))
        name = "IS NOT FALSE";
    OV_TRY(ovi_native_truth(b, n->args[0], &e, err));
    return ovi_native_apply(b, n, name, &e, 1, out, err);
}

/* ---- casts ---- */

static ov_status bind_cast(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    static const struct {
        const char *name;
        ov_sqltype sql;
    } types[] = {{"LONG", OV_SQL_BIGINT},    {"DOUBLE", OV_SQL_DOUBLE},   {"FLOAT", OV_SQL_FLOAT},
                 {"STRING", OV_SQL_VARCHAR}, {"BIGINT", OV_SQL_BIGINT},   {"VARCHAR", OV_SQL_VARCHAR}};
    const ov_native *name = n->args[1];
    const ov_expr *e;
    if (name->kind != OV_NATIVE_STRING)
        return ov_fail_at(err, OV_INVALID, name->pos, name->end_pos, "cast takes the type as a literal, as in 'LONG'");
    OV_TRY(ovi_native_value(b, n->args[0], &e, err));
    for (size_t i = 0; i < OV_COUNT_OF(types); i++)
        if (ov_slice_ieq(name->text, ov_slice_cstr(types[i].name)))
            return ov_expr_cast(b->cx, e, types[i].sql, ov_sqltype_native(types[i].sql), n->pos, n->end_pos, out, err);
    OV_TRY(ovi_native_cast_list(b, n, e, name->text, out, err));
    if (*out)
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, name->pos, name->end_pos,
                      "expected 'LONG', 'DOUBLE', 'FLOAT', 'STRING' or 'ARRAY<...>' of these, found '" OV_SLICE_FMT "'",
                      OV_SLICE_ARG(name->text));
}

/* ---- text ---- */

static ov_status plus(ovi_nbind *b, const ov_native *n, const ov_expr *e, int64_t more, const ov_expr **out,
                      ov_error *err)
{
    const ov_expr *sides[2] = {e, NULL};
    OV_TRY(ovi_native_long(b, more, &sides[1], err));
    return ovi_native_apply(b, n, "+", sides, 2, out, err);
}

/* substring(text, index from 0[, length; negative: to the end]) */
static ov_status bind_substring(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args, *parts[3], *sides[2];
    OV_TRY(ovi_native_values(b, n, &args, err));
    OV_TRY(plus(b, n, args[1], 1, &args[1], err));
    const ov_expr *length = n->argc == 3 ? args[2] : NULL;
    bool whole = !length || (length->kind == OV_EXPR_CONST && ov_type_is_int(length->type) &&
                             !length->constant.is_null && length->constant.i < 0);
    bool part = length && length->kind == OV_EXPR_CONST;
    if (whole || part)
        return ovi_native_apply(b, n, "SUBSTRING", args, whole ? 2 : 3, out, err);
    sides[0] = length;
    OV_TRY(ovi_native_long(b, 0, &sides[1], err));
    OV_TRY(ovi_native_apply(b, n, "<", sides, 2, &parts[0], err));
    OV_TRY(ovi_native_apply(b, n, "SUBSTRING", args, 2, &parts[1], err));
    OV_TRY(ovi_native_apply(b, n, "GREATEST", sides, 2, &args[2], err)); /* the branch not taken must not fail */
    OV_TRY(ovi_native_apply(b, n, "SUBSTRING", args, 3, &parts[2], err));
    return ovi_native_apply(b, n, "CASE", parts, 3, out, err);
}

/* strpos(text, part[, from]): places from 0, -1 when it is not there */
static ov_status bind_strpos(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ovi_native_values(b, n, &args, err));
    const ov_expr *swapped[3] = {args[1], args[0], NULL};
    if (n->argc == 3)
        OV_TRY(plus(b, n, args[2], 1, &swapped[2], err));
    OV_TRY(ovi_native_apply(b, n, "POSITION", swapped, n->argc, out, err));
    return plus(b, n, *out, -1, out, err);
}

/* ---- numbers ---- */

/* max(a, b), min(a, b): NULL when either is */
static ov_status bind_extreme(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    bool max = ov_slice_ieq(n->text, OV_SLICE_LIT("max"));
    const ov_expr **sides, *parts[5];
    OV_TRY(ovi_native_values(b, n, &sides, err));
    OV_TRY(ovi_native_apply(b, n, max ? ">=" : "<=", sides, 2, &parts[0], err));
    OV_TRY(ovi_native_apply(b, n, max ? "<" : ">", sides, 2, &parts[2], err));
    parts[1] = sides[0];
    parts[3] = sides[1];
    OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &parts[4], err));
    return ovi_native_apply(b, n, "CASE", parts, 5, out, err);
}

/* Functions of java.lang.Math without a place in SQL; getexponent is whole. */
static ov_status bind_math(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ovi_native_values(b, n, &args, err));
    OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, n->text, &args[n->argc], err));
    OV_TRY(ovi_native_apply(b, n, n->argc == 2 ? "$MATH2" : "$MATH", args, n->argc + 1, out, err));
    if (!ov_slice_ieq(n->text, OV_SLICE_LIT("getexponent")))
        return OV_OK;
    return ov_expr_cast(b->cx, *out, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), n->pos, n->end_pos, out, err);
}

/* ---- times ---- */

/* Places and names as in SQL; numbers are milliseconds. timestamp(text, format), timestamp_parse: LONG out of text. */
static ov_status bind_parse_time(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ovi_native_values(b, n, &args, err));
    OV_TRY(ovi_as_text(b, args[0], &args[0], err));
    OV_TRY(ovi_native_apply(b, n, "TIME_PARSE", args, n->argc, out, err));
    OV_TRY(ovi_as_value(b, *out, out, err));
    if (!ov_slice_ieq(n->text, OV_SLICE_LIT("unix_timestamp")))
        return OV_OK;
    const ov_expr *sides[2] = {*out, NULL};
    OV_TRY(ovi_native_long(b, 1000, &sides[1], err));
    return ovi_native_apply(b, n, "/", sides, 2, out, err);
}

/* ---- sets ---- */

/* x is in the list: NULL for a NULL list, and for a NULL that is not in it. */
static ov_status in_any_list(ovi_nbind *b, const ov_native *n, const ov_expr *x, const ov_expr *list, const ov_expr **out, ov_error *err)
{
    const ov_expr *parts[7], *sides[2] = {list, x};
    bool texts = list->type.id == OV_TYPE_STRING && list->type.multi;
    if (texts)
        OV_TRY(ovi_native_apply(b, n, "MV_TO_ARRAY", &list, 1, &sides[0], err));
    else if (list->type.id != OV_TYPE_ARRAY)
        OV_TRY(ovi_native_apply(b, n, "ARRAY", &list, 1, &sides[0], err));
    if (ov_type_is_list(x->type)) /* an element of an array of arrays */
        OV_TRY(ovi_native_apply(b, n, "ARRAY", &x, 1, &sides[1], err));
    OV_TRY(ovi_native_apply(b, n, "IS NULL", &list, 1, &parts[0], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BIGINT, &parts[1], err));
    OV_TRY(ovi_native_apply(b, n, "ARRAY_CONTAINS", sides, 2, &parts[2], err));
    OV_TRY(ovi_native_long(b, 1, &parts[3], err));
    OV_TRY(ovi_native_apply(b, n, "IS NULL", &x, 1, &parts[4], err));
    parts[5] = parts[1];
    OV_TRY(ovi_native_long(b, 0, &parts[6], err));
    return ovi_native_apply(b, n, "CASE", parts, 7, out, err);
}

/* scalar_in_array(x, ['a', 'b']), scalar_in_array(x, list) */
static ov_status bind_in_array(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_native *list = n->args[1];
    const ov_expr *x, **items, *value;
    bool constant = list->kind == OV_NATIVE_ARRAY;
    OV_TRY(ovi_native_value(b, n->args[0], &x, err));
    if (constant)
        OV_TRY(ovi_native_values(b, list, &items, err));
    for (uint32_t i = 0; constant && i < list->argc; i++)
        constant = items[i]->kind == OV_EXPR_CONST && !ov_type_is_list(items[i]->type);
    if (constant && list->argc)
        return ov_expr_in(b->cx, x, items, list->argc, n->pos, n->end_pos, out, err);
    if (constant)
        return ovi_native_long(b, 0, out, err);
    OV_TRY(ovi_native_value(b, list, &value, err));
    return in_any_list(b, n, x, value, out, err);
}

/* ---- JSON ---- */

/* parse_json(x): what is no text stays the value it is */
static ov_status bind_parse_json(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr *x;
    const char *name = (n->text.p[0] | 32) == 't' ? "TRY_PARSE_JSON" : "PARSE_JSON";
    OV_TRY(ovi_native_value(b, n->args[0], &x, err));
    return ovi_native_apply(b, n, x->type.id == OV_TYPE_STRING ? name : "$TO_JSON", &x, 1, out, err);
}

/* ---- the table ---- */

/* Sorted by name (a test holds it to that). */
static const ovi_native_fn functions[] = {
    {"abs", 1, 1, "ABS", NULL},
    {"acos", 1, 1, "ACOS", NULL},
    {"all", 2, 2, NULL, ovi_native_quantified},
    {"any", 2, 2, NULL, ovi_native_quantified},
    {"array", 0, -1, NULL, ovi_native_list},
    {"array_append", 2, 2, NULL, ovi_native_list_call},
    {"array_concat", 2, 2, NULL, ovi_native_list_call},
    {"array_contains", 2, 2, NULL, ovi_native_list_call},
    {"array_length", 1, 1, NULL, ovi_native_list_call},
    {"array_offset", 2, 2, NULL, ovi_native_list_call},
    {"array_offset_of", 2, 2, NULL, ovi_native_list_call},
    {"array_ordinal", 2, 2, NULL, ovi_native_list_call},
    {"array_ordinal_of", 2, 2, NULL, ovi_native_list_call},
    {"array_overlap", 2, 2, NULL, ovi_native_list_call},
    {"array_prepend", 2, 2, NULL, ovi_native_list_call},
    {"array_quantile", 2, 2, "ARRAY_QUANTILE", NULL},
    {"array_set_add", 2, 2, NULL, ovi_native_set_add},
    {"array_set_add_all", 2, 2, NULL, ovi_native_set_add},
    {"array_slice", 2, 3, NULL, ovi_native_list_call},
    {"array_to_mv", 1, 1, "ARRAY_TO_MV", NULL},
    {"array_to_string", 2, 2, NULL, ovi_native_list_call},
    {"asin", 1, 1, "ASIN", NULL},
    {"atan", 1, 1, "ATAN", NULL},
    {"atan2", 2, 2, "ATAN2", NULL},
    {"bitwiseand", 2, 2, "BITWISE_AND", NULL},
    {"bitwisecomplement", 1, 1, "BITWISE_COMPLEMENT", NULL},
    {"bitwiseconvertdoubletolongbits", 1, 1, "BITWISE_CONVERT_DOUBLE_TO_LONG_BITS", NULL},
    {"bitwiseconvertlongbitstodouble", 1, 1, "BITWISE_CONVERT_LONG_BITS_TO_DOUBLE", NULL},
    {"bitwiseor", 2, 2, "BITWISE_OR", NULL},
    {"bitwiseshiftleft", 2, 2, "BITWISE_SHIFT_LEFT", NULL},
    {"bitwiseshiftright", 2, 2, "BITWISE_SHIFT_RIGHT", NULL},
    {"bitwisexor", 2, 2, "BITWISE_XOR", NULL},
    {"bloom_filter_test", 2, 2, "BLOOM_FILTER_TEST", NULL},
    {"cartesian_fold", 3, -1, NULL, ovi_native_fold},
    {"cartesian_map", 2, -1, NULL, ovi_native_map},
    {"case_searched", 2, -1, NULL, bind_case_searched},
    {"case_simple", 3, -1, NULL, bind_case_simple},
    {"cast", 2, 2, NULL, bind_cast},
    {"cbrt", 1, 1, "CBRT", NULL},
    {"ceil", 1, 1, "CEIL", NULL},
    {"coalesce", 1, -1, "COALESCE", NULL},
    {"concat", 1, -1, "CONCAT", NULL},
    {"contains_string", 2, 2, "CONTAINS_STRING", NULL},
    {"copysign", 2, 2, NULL, bind_math},
    {"cos", 1, 1, "COS", NULL},
    {"cosh", 1, 1, NULL, bind_math},
    {"cot", 1, 1, "COT", NULL},
    {"decode_base64_utf8", 1, 1, "DECODE_BASE64_UTF8", NULL},
    {"div", 2, 2, "DIV", NULL},
    {"exp", 1, 1, "EXP", NULL},
    {"expm1", 1, 1, NULL, bind_math},
    {"filter", 2, 2, NULL, ovi_native_filter},
    {"floor", 1, 1, "FLOOR", NULL},
    {"fold", 3, 3, NULL, ovi_native_fold},
    {"format", 1, -1, "STRING_FORMAT", NULL},
    {"getexponent", 1, 1, NULL, bind_math},
    {"greatest", 1, -1, "GREATEST", NULL},
    {"human_readable_binary_byte_format", 1, 2, "HUMAN_READABLE_BINARY_BYTE_FORMAT", NULL},
    {"human_readable_decimal_byte_format", 1, 2, "HUMAN_READABLE_DECIMAL_BYTE_FORMAT", NULL},
    {"human_readable_decimal_format", 1, 2, "HUMAN_READABLE_DECIMAL_FORMAT", NULL},
    {"hypot", 2, 2, NULL, bind_math},
    {"icontains_string", 2, 2, "ICONTAINS_STRING", NULL},
    {"if", 3, 3, NULL, bind_case_searched},
    {"ipv4_match", 2, 2, "IPV4_MATCH", NULL},
    {"ipv4_parse", 1, 1, "IPV4_PARSE", NULL},
    {"ipv4_stringify", 1, 1, "IPV4_STRINGIFY", NULL},
    {"ipv6_match", 2, 2, "IPV6_MATCH", NULL},
    {"isdistinctfrom", 2, 2, "IS DISTINCT FROM", NULL},
    {"isfalse", 1, 1, NULL, bind_is_truth},
    {"isnull", 1, 1, "IS NULL", NULL},
    {"istrue", 1, 1, NULL, bind_is_truth},
    {"json_keys", 2, 2, "JSON_KEYS", NULL},
    {"json_merge", 2, -1, "JSON_MERGE", NULL},
    {"json_object", 0, -1, "JSON_OBJECT", NULL},
    {"json_paths", 1, 1, "JSON_PATHS", NULL},
    {"json_query", 2, 2, "JSON_QUERY", NULL},
    {"json_query_array", 2, 2, "JSON_QUERY_ARRAY", NULL},
    {"json_value", 2, 3, "JSON_VALUE", NULL},
    {"least", 1, -1, "LEAST", NULL},
    {"left", 2, 2, "LEFT", NULL},
    {"like", 2, 3, "LIKE", NULL},
    {"log", 1, 1, "LN", NULL},
    {"log10", 1, 1, "LOG10", NULL},
    {"log1p", 1, 1, NULL, bind_math},
    {"lookup", 2, 3, "LOOKUP", NULL},
    {"lower", 1, 1, "LOWER", NULL},
    {"lpad", 2, 3, "LPAD", NULL},
    {"ltrim", 1, 2, "LTRIM", NULL},
    {"map", 2, 2, NULL, ovi_native_map},
    {"max", 2, 2, NULL, bind_extreme},
    {"min", 2, 2, NULL, bind_extreme},
    {"mv_harmonize_nulls", 1, 1, NULL, ovi_native_same},
    {"mv_to_array", 1, 1, "MV_TO_ARRAY", NULL},
    {"nextafter", 2, 2, NULL, bind_math},
    {"nextup", 1, 1, NULL, bind_math},
    {"notdistinctfrom", 2, 2, "IS NOT DISTINCT FROM", NULL},
    {"notfalse", 1, 1, NULL, bind_is_truth},
    {"notnull", 1, 1, "IS NOT NULL", NULL},
    {"nottrue", 1, 1, NULL, bind_is_truth},
    {"nvl", 2, 2, "COALESCE", NULL},
    {"parse_json", 1, 1, NULL, bind_parse_json},
    {"parse_long", 1, 2, "PARSE_LONG", NULL},
    {"pi", 0, 0, "PI", NULL},
    {"pow", 2, 2, "POWER", NULL},
    {"regexp_extract", 2, 3, "REGEXP_EXTRACT", NULL},
    {"regexp_like", 2, 2, "REGEXP_LIKE", NULL},
    {"regexp_replace", 3, 3, "REGEXP_REPLACE", NULL},
    {"remainder", 2, 2, NULL, bind_math},
    {"repeat", 2, 2, "REPEAT", NULL},
    {"replace", 3, 3, "REPLACE", NULL},
    {"reverse", 1, 1, "REVERSE", NULL},
    {"right", 2, 2, "RIGHT", NULL},
    {"rint", 1, 1, NULL, bind_math},
    {"round", 1, 2, "ROUND", NULL},
    {"rpad", 2, 3, "RPAD", NULL},
    {"rtrim", 1, 2, "RTRIM", NULL},
    {"safe_divide", 2, 2, "SAFE_DIVIDE", NULL},
    {"scalar_in_array", 2, 2, NULL, bind_in_array},
    {"scalb", 2, 2, NULL, bind_math},
    {"signum", 1, 1, "SIGN", NULL},
    {"sin", 1, 1, "SIN", NULL},
    {"sinh", 1, 1, NULL, bind_math},
    {"sqrt", 1, 1, "SQRT", NULL},
    {"string_format", 1, -1, "STRING_FORMAT", NULL},
    {"string_to_array", 2, 2, "STRING_TO_ARRAY", NULL},
    {"strlen", 1, 1, "LENGTH", NULL},
    {"strpos", 2, 3, NULL, bind_strpos},
    {"substring", 2, 3, NULL, bind_substring},
    {"tan", 1, 1, "TAN", NULL},
    {"tanh", 1, 1, NULL, bind_math},
    {"timestamp", 1, 2, NULL, bind_parse_time},
    {"timestamp_ceil", 2, 4, "TIME_CEIL", NULL},
    {"timestamp_extract", 2, 3, "TIME_EXTRACT", NULL},
    {"timestamp_floor", 2, 4, "TIME_FLOOR", NULL},
    {"timestamp_format", 1, 3, "$TIME_FORMAT", NULL},
    {"timestamp_parse", 1, 3, NULL, bind_parse_time},
    {"timestamp_shift", 3, 4, "TIME_SHIFT", NULL},
    {"to_json_string", 1, 1, "TO_JSON_STRING", NULL},
    {"todegrees", 1, 1, "DEGREES", NULL},
    {"toradians", 1, 1, "RADIANS", NULL},
    {"trim", 1, 2, "TRIM", NULL},
    {"try_parse_json", 1, 1, NULL, bind_parse_json},
    {"ulp", 1, 1, NULL, bind_math},
    {"unix_timestamp", 1, 2, NULL, bind_parse_time},
    {"upper", 1, 1, "UPPER", NULL},
};

const ovi_native_fn *ovi_native_fns(uint32_t *count)
{
    *count = (uint32_t)OV_COUNT_OF(functions);
    return functions;
}

const ovi_native_fn *ovi_native_fn_find(ov_slice name)
{
    size_t low = 0, high = OV_COUNT_OF(functions);
    char lower[64];
    if (name.n >= sizeof lower)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = ov_ascii_lower(name.p[i]);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = ov_slice_cmp(ov_slice_make(lower, name.n), ov_slice_cstr(functions[mid].name));
        if (c == 0)
            return &functions[mid];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
