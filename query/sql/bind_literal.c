/* Literals, parameters and type names. */
#include "query/sql/bind_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/datetime.h"
#include "base/suggest.h"
#include "base/tz.h"

bool ovi_sql_is_literal(const ov_ast *ast)
{
    return ast->kind >= OV_AST_INTEGER && ast->kind <= OV_AST_PARAM;
}

static OV_CHECKED ov_status out_of_range(ovi_sql_binder *b, const ov_ast *ast, ov_error *err)
{
    char shown[64];
    size_t n = OV_MIN(ast->text.n, sizeof shown);
    for (size_t i = 0; i < n; i++)
        shown[i] = (char)(ast->text.p[i] == 'e' ? 'E' : ast->text.p[i]);
    return ovi_sql_fail_node(b, ast, OV_INVALID, err, NULL, "Numeric literal '%.*s' out of range",
                             (int)n, shown);
}

static OV_CHECKED ov_status bind_integer(ovi_sql_binder *b, const ov_ast *ast, bool negative,
                                         const ov_expr **out, ov_error *err)
{
    uint64_t limit = negative ? (uint64_t)1 << 63 : INT64_MAX, v = 0;
    for (size_t i = 0; i < ast->text.n; i++) {
        unsigned digit = (unsigned)(ast->text.p[i] - '0');
        if (v > (limit - digit) / 10)
            return out_of_range(b, ast, err);
        v = v * 10 + digit;
    }
    int64_t value = negative ? (int64_t)(0 - v) : (int64_t)v;
    bool narrow = value >= INT32_MIN && value <= INT32_MAX;
    return ov_expr_i64(b->cx, narrow ? OV_SQL_INTEGER : OV_SQL_BIGINT, value, out, err);
}

static OV_CHECKED ov_status bind_fraction(ovi_sql_binder *b, const ov_ast *ast, bool negative,
                                          const ov_expr **out, ov_error *err)
{
    ov_slice copy; /* NUL-terminated */
    OV_TRY(ov_arena_copy(b->arena, ast->text, &copy, err));
    double v = strtod(copy.p, NULL); /* no locale is ever set */
    if (v > 1.7976931348623157e308)
        return out_of_range(b, ast, err);
    bool decimal = ast->kind == OV_AST_DECIMAL;
    if (decimal && v == 0)
        negative = false; /* a decimal number has no negative zero */
    return ov_expr_f64(b->cx, decimal ? OV_SQL_DECIMAL : OV_SQL_DOUBLE, negative ? -v : v, out, err);
}

static OV_CHECKED ov_status bind_time(ovi_sql_binder *b, const ov_ast *ast, const ov_expr **out,
                                      ov_error *err)
{
    bool date = ast->kind == OV_AST_DATE;
    int64_t ms = 0;
    ov_error inner = OV_ERROR_INIT;
    ov_status st = date ? ov_sql_date_parse(ast->text, b->cx->tz, &ms, &inner)
                        : ov_sql_timestamp_parse(ast->text, b->cx->tz, &ms, &inner);
    const char *kind = date ? "' is not a date: " : "' is not a timestamp: ", *why = strstr(inner.text, kind);
    char hint[OV_SUGGEST_BYTES] = "";
    if (why)
        snprintf(hint, sizeof hint, "; %s", why + strlen(kind));
    if (st != OV_OK)
        return ovi_sql_fail_node(b, ast, st, err, hint,
                                 "Illegal %s literal '" OV_SLICE_FMT "': not in format '%s'",
                                 ov_ast_kind_name(ast->kind), OV_SLICE_ARG(ast->text),
                                 date ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm:ss");
    return ov_expr_i64(b->cx, date ? OV_SQL_DATE : OV_SQL_TIMESTAMP, ms, out, err);
}

/* ---- INTERVAL ---- */

typedef enum interval_field {
    FIELD_YEAR,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_NONE
} interval_field;

/* Units outside the ladder: a multiple of one inside. */
static bool find_field(ov_slice unit, interval_field *field, int64_t *multiple)
{
    static const struct {
        const char *name;
        interval_field field;
        int64_t multiple;
    } units[] = {{"YEAR", FIELD_YEAR, 1},     {"MONTH", FIELD_MONTH, 1},
                 {"DAY", FIELD_DAY, 1},       {"HOUR", FIELD_HOUR, 1},
                 {"MINUTE", FIELD_MINUTE, 1}, {"SECOND", FIELD_SECOND, 1},
                 {"QUARTER", FIELD_MONTH, 3}, {"WEEK", FIELD_DAY, 7}};
    for (size_t i = 0; i < OV_COUNT_OF(units); i++) {
        ov_slice name = ov_slice_cstr(units[i].name);
        ov_slice plural = {unit.p, unit.n - 1};
        if (ov_slice_ieq(unit, name) || (unit.n > 1 && ov_ascii_lower(unit.p[unit.n - 1]) == 's' &&
                                         ov_slice_ieq(plural, name))) {
            *field = units[i].field;
            *multiple = units[i].multiple;
            return true;
        }
    }
    return false;
}

/* Digits at *at; false when there are none or too many. */
static bool read_digits(ov_slice text, size_t *at, int64_t *v)
{
    size_t start = *at;
    *v = 0;
    while (*at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9') {
        if (*at - start >= 12)
            return false;
        *v = *v * 10 + (text.p[(*at)++] - '0');
    }
    return *at > start;
}

/* ".5" as milliseconds, 0 when there is no fraction. */
static bool read_fraction(ov_slice text, size_t *at, int64_t *ms)
{
    *ms = 0;
    if (*at >= text.n || text.p[*at] != '.')
        return true;
    int64_t scale = 100;
    size_t start = ++*at;
    for (; *at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9'; ++*at, scale /= 10)
        *ms += (text.p[*at] - '0') * scale;
    return *at > start;
}

/* The text of an interval from one field down to another: 1-2, 1 02:03:04.5, 02:03. */
static bool read_interval(ov_slice text, interval_field from, interval_field to, int64_t *months,
                          int64_t *ms)
{
    static const int64_t unit_ms[] = {
        0, 0, OV_MS_PER_DAY, OV_MS_PER_HOUR, OV_MS_PER_MINUTE, OV_MS_PER_SECOND};
    static const char separator[] = {0, '-', ' ', ' ', ':', ':'};
    size_t at = 0;
    bool negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        at++;
    *months = *ms = 0;
    for (interval_field f = from; f <= to; f++) {
        int64_t v;
        if (f > from && (at >= text.n || text.p[at++] != separator[f]))
            return false;
        if (!read_digits(text, &at, &v))
            return false;
        if (f == FIELD_YEAR)
            *months += v * 12;
        else if (f == FIELD_MONTH)
            *months += v;
        else if (v > OV_TIME_MAX / 8 / unit_ms[f])
            return false;
        else
            *ms += v * unit_ms[f];
    }
    int64_t fraction = 0;
    if (to == FIELD_SECOND && !read_fraction(text, &at, &fraction))
        return false;
    *ms += fraction;
    if (negative) {
        *ms = -*ms;
        *months = -*months;
    }
    return at == text.n;
}

static OV_CHECKED ov_status bind_interval(ovi_sql_binder *b, const ov_ast *ast, bool negative,
                                          const ov_expr **out, ov_error *err)
{
    const ov_ast *units[2] = {ov_ast_kid(ast, 0), ov_ast_kid(ast, 1)};
    interval_field fields[2] = {FIELD_NONE, FIELD_NONE};
    int64_t multiples[2] = {1, 1}, months, ms;
    for (int i = 0; i < 2 && units[i]; i++)
        if (!find_field(units[i]->text, &fields[i], &multiples[i]))
            return ovi_sql_fail_unit(b, units[i], err);
    interval_field last = units[1] ? fields[1] : fields[0];
    bool one_ladder = (fields[0] <= FIELD_MONTH) == (last <= FIELD_MONTH);
    if (!one_ladder || last < fields[0] || (units[1] && (multiples[0] != 1 || multiples[1] != 1)) ||
        !read_interval(ast->text, fields[0], last, &months, &ms))
        return ovi_sql_fail_node(b, ast, OV_INVALID, err, NULL,
                                 "Illegal interval literal format '" OV_SLICE_FMT
                                 "' for INTERVAL " OV_SLICE_FMT "%s" OV_SLICE_FMT,
                                 OV_SLICE_ARG(ast->text), OV_SLICE_ARG(units[0]->text),
                                 units[1] ? " TO " : "",
                                 OV_SLICE_ARG(units[1] ? units[1]->text : ov_slice_make(NULL, 0)));
    if (negative != ((ast->flags & OV_AST_NEGATED) != 0)) {
        months = -months;
        ms = -ms;
    }
    if (last <= FIELD_MONTH)
        return ov_expr_i64(b->cx, OV_SQL_INTERVAL_MONTH, months * multiples[0], out, err);
    return ov_expr_i64(b->cx, OV_SQL_INTERVAL_MS, ms * multiples[0], out, err);
}

/* ---- parameters ---- */

static OV_CHECKED ov_status param_value(ovi_sql_binder *b, const ov_ast *ast, const ov_param *p,
                                        const ov_expr **out, ov_error *err);

static OV_CHECKED ov_status param_array(ovi_sql_binder *b, const ov_ast *ast, const ov_param *p,
                                        const ov_expr **out, ov_error *err)
{
    const ov_expr **items;
    OV_TRY(ov_arena_alloc(b->arena, (p->item_count + (size_t)1) * sizeof *items, &items, err));
    for (uint32_t i = 0; i < p->item_count; i++)
        OV_TRY(param_value(b, ast, &p->items[i], &items[i], err));
    return ovi_sql_apply(b, ast, "ARRAY", items, p->item_count, out, err);
}

static OV_CHECKED ov_status param_value(ovi_sql_binder *b, const ov_ast *ast, const ov_param *p,
                                        const ov_expr **out, ov_error *err)
{
    if (p->is_null)
        return ov_expr_null(b->cx, OV_SQL_NULL, out, err);
    if (p->sql == OV_SQL_COUNT)
        return ovi_sql_fail_node(b, ast, OV_INVALID, err, "; a NULL among the parameters is {\"type\": \"VARCHAR\", \"value\": null}",
                                 "Illegal use of dynamic parameter");
    if (p->sql == OV_SQL_ARRAY)
        return param_array(b, ast, p, out, err);
    switch (ov_sqltype_native(p->sql).id) {
    case OV_TYPE_LONG:
        return ov_expr_i64(b->cx, p->sql, p->local ? ov_tz_from_local(b->cx->tz, p->i) : p->i, out, err);
    case OV_TYPE_DOUBLE:
    case OV_TYPE_FLOAT:
        return ov_expr_f64(b->cx, p->sql == OV_SQL_FLOAT ? OV_SQL_DOUBLE : p->sql, p->f, out, err);
    case OV_TYPE_STRING:
        return ov_expr_str(b->cx, p->sql, p->s, out, err);
    default:
        return ovi_sql_fail_node(b, ast, OV_UNSUPPORTED, err, NULL,
                                 "Parameters of type %s are not supported yet",
                                 ov_sqltype_name(p->sql));
    }
}

static OV_CHECKED ov_status bind_param(ovi_sql_binder *b, const ov_ast *ast, const ov_expr **out,
                                       ov_error *err)
{
    const ov_sql_env *env = b->env;
    if (env->describe) {
        OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, out, err));
        if (ast->number < env->describe->count)
            env->describe->exprs[ast->number] = *out;
        return OV_OK;
    }
    if (env->param_count == 0)
        return ovi_sql_fail_node(b, ast, OV_INVALID, err, "; give the '?' a value in the request's parameters",
                                 "Illegal use of dynamic parameter");
    if (ast->number >= env->param_count)
        return ov_fail_at(err, OV_INVALID, ast->pos, ast->end_pos,
                          "No value bound for parameter (position [%u])", ast->number + 1);
    return param_value(b, ast, &env->params[ast->number], out, err);
}

ov_status ovi_sql_bind_literal(ovi_sql_binder *b, const ov_ast *ast, bool negative,
                               const ov_expr **out, ov_error *err)
{
    switch ((ov_ast_kind)ast->kind) {
    case OV_AST_INTEGER:
        return bind_integer(b, ast, negative, out, err);
    case OV_AST_DECIMAL:
    case OV_AST_DOUBLE:
        return bind_fraction(b, ast, negative, out, err);
    case OV_AST_STRING:
        return ov_expr_str(b->cx, OV_SQL_CHAR, ast->text, out, err);
    case OV_AST_BOOLEAN:
        return ov_expr_i64(b->cx, OV_SQL_BOOLEAN, ast->op, out, err);
    case OV_AST_NULL:
        return ov_expr_null(b->cx, OV_SQL_NULL, out, err);
    case OV_AST_TIMESTAMP:
    case OV_AST_DATE:
        return bind_time(b, ast, out, err);
    case OV_AST_INTERVAL:
        return bind_interval(b, ast, negative, out, err);
    case OV_AST_PARAM:
        return bind_param(b, ast, out, err);
    default:
        return ovi_sql_fail_node(b, ast, OV_UNSUPPORTED, err, NULL,
                                 "%s literals are not supported; use TIMESTAMP",
                                 ov_ast_kind_name(ast->kind));
    }
}

ov_status ovi_sql_bind_type(const ovi_sql_binder *b, const ov_ast *type, ov_sqltype *sql,
                            ov_type *native, ov_error *err)
{
    ov_slice name = type->text;
    bool array = ov_slice_ends(name, OV_SLICE_LIT(" ARRAY"));
    if (array)
        name.n -= 6;
    if (!ov_sqltype_parse(name, sql))
        return ovi_sql_fail_type(b, type, err);
    *native = ov_sqltype_native(*sql);
    if (array) {
        *native = (ov_type){.id = OV_TYPE_ARRAY, .elem = native->id};
        *sql = OV_SQL_ARRAY;
    }
    return OV_OK;
}
