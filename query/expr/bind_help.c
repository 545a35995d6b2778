/*
 * Binding: argument casts, result types, and the sentences for arguments of the wrong type.
 */
#include "query/expr/expr_int.h"

#include "base/tz.h"
#include "base/utf8.h"

void ovi_result(ovi_bind *b, ov_sqltype sql)
{
    b->sql = sql;
    b->type = ov_sqltype_native(sql);
}

ov_status ovi_prepare(ovi_bind *b, size_t bytes, void *out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(b->cx->arena, bytes, out, err));
    b->prepared = *(void **)out;
    return OV_OK;
}

/* ---- sentences ---- */

const char *ov_expr_type_name(const ov_expr *e, char *buf)
{
    return e->type.id == OV_TYPE_COMPLEX ? ov_type_name(e->type, buf) : ov_sqltype_name((ov_sqltype)e->sql);
}

static void type_text(const ov_expr *e, ov_buf *out)
{
    switch ((ov_sqltype)e->sql) {
    case OV_SQL_CHAR:
        if (ovi_is_const(e) && !ovi_is_null(e))
            ov_buf_addf(out, "CHAR(%zu)", ov_utf16_count(e->constant.s));
        else
            ov_buf_add_str(out, "CHAR");
        return;
    case OV_SQL_TIMESTAMP:
        ov_buf_add_str(out, "TIMESTAMP(3)");
        return;
    default:
        ov_buf_add_str(out, ov_expr_type_name(e, (char[OV_EXPR_TYPE_NAME]){0}));
    }
}

const char *ovi_json_hint(const ov_expr *const *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (args[i]->type.id == OV_TYPE_COMPLEX && args[i]->type.complex == OV_COMPLEX_JSON)
            return "; JSON_VALUE(x, '$.name') is a value of JSON x, TO_JSON_STRING(x) its text";
    return "";
}

static bool is_time(const ov_expr *e)
{
    return e->sql == OV_SQL_TIMESTAMP || e->sql == OV_SQL_DATE;
}

/* Times take intervals; what other databases do with them has words of its own. */
static const char *time_hint(const ovi_bind *b)
{
    bool minus = strcmp(b->fn->name, "-") == 0, plus = strcmp(b->fn->name, "+") == 0;
    if (b->argc != 2 || !(minus || plus) || !is_time(b->args[0]))
        return "";
    if (is_time(b->args[1]))
        return minus ? "; write TIMESTAMPDIFF(DAY, b, a) for a - b" : "";
    return ov_sqltype_is_number((ov_sqltype)b->args[1]->sql) ? "; write t + INTERVAL '1' DAY, or TIMESTAMPADD(DAY, n, t)" : "";
}

ov_status ovi_wrong_types(ovi_bind *b, const char *forms, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    const char *name = b->fn->name;
    bool word = (name[0] >= 'A' && name[0] <= 'Z');
    bool infix = b->argc == 2 && (!word || b->fn->op == OV_OP_AND || b->fn->op == OV_OP_OR ||
                                  b->fn->op == OV_OP_LIKE);
    if (infix) {
        ov_buf_add_char(&text, '<');
        type_text(b->args[0], &text);
        ov_buf_addf(&text, "> %s <", name);
        type_text(b->args[1], &text);
        ov_buf_add_char(&text, '>');
    } else {
        bool bare = b->fn->op == OV_OP_NOT || !word;
        ov_buf_addf(&text, "%s%s", name, bare ? "" : "(");
        for (uint32_t i = 0; i < b->argc; i++) {
            ov_buf_add_str(&text, i ? ", <" : "<");
            type_text(b->args[i], &text);
            ov_buf_add_char(&text, '>');
        }
        ov_buf_add_str(&text, bare ? "" : ")");
    }
    ov_status st = ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "Cannot apply '%s' to arguments of type '" OV_SLICE_FMT
                              "'. Supported form(s): '%s'%s%s",
                              name, OV_SLICE_ARG(ov_buf_slice(&text)), forms, time_hint(b), ovi_json_hint(b->args, b->argc));
    ov_buf_fini(&text);
    return st;
}

static ov_status wrong_argument(ovi_bind *b, uint32_t i, const char *wanted, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    type_text(b->args[i], &text);
    ov_status st = ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "Argument %u of '%s' is <" OV_SLICE_FMT ">, but must be %s%s", i + 1,
                              b->fn->name, OV_SLICE_ARG(ov_buf_slice(&text)), wanted, ovi_json_hint(&b->args[i], 1));
    ov_buf_fini(&text);
    return st;
}

/* ---- casts of arguments ---- */

ov_status ovi_want(ovi_bind *b, uint32_t i, ov_sqltype sql, ov_error *err)
{
    const ov_expr *e = b->args[i];
    bool placed = e->end_pos > 0; /* constants do not know where they stand */
    return ov_expr_cast(b->cx, e, sql, ov_sqltype_native(sql), placed ? e->pos : b->pos,
                        placed ? e->end_pos : b->end_pos, &b->args[i], err);
}

static ov_status no_lists(ovi_bind *b, uint32_t i, ov_error *err)
{
    const ov_expr *e = b->args[i];
    if (e->type.id == OV_TYPE_STRING && e->type.multi)
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                          "'%s' does not take multi-value strings yet: filter and group by them, or "
                          "select them as they are",
                          b->fn->name);
    if (e->type.id == OV_TYPE_ARRAY || e->type.id == OV_TYPE_COMPLEX)
        return wrong_argument(b, i, "a simple value", err);
    return OV_OK;
}

ov_status ovi_want_text(ovi_bind *b, uint32_t i, ov_error *err)
{
    OV_TRY(no_lists(b, i, err));
    if (ov_sqltype_is_text((ov_sqltype)b->args[i]->sql))
        return OV_OK;
    return ovi_want(b, i, OV_SQL_VARCHAR, err);
}

ov_status ovi_want_double(ovi_bind *b, uint32_t i, ov_error *err)
{
    OV_TRY(no_lists(b, i, err));
    if (b->args[i]->type.id == OV_TYPE_DOUBLE)
        return OV_OK;
    return ovi_want(b, i, OV_SQL_DOUBLE, err);
}

ov_status ovi_want_long(ovi_bind *b, uint32_t i, ov_error *err)
{
    OV_TRY(no_lists(b, i, err));
    if (b->args[i]->type.id == OV_TYPE_LONG)
        return OV_OK;
    return ovi_want(b, i, OV_SQL_BIGINT, err);
}

ov_status ovi_want_number(ovi_bind *b, uint32_t i, ov_error *err)
{
    OV_TRY(no_lists(b, i, err));
    ov_sqltype t = (ov_sqltype)b->args[i]->sql;
    if (ov_sqltype_is_number(t))
        return OV_OK;
    if (ov_sqltype_is_text(t))
        return ovi_want(b, i, OV_SQL_DOUBLE, err);
    if (t == OV_SQL_NULL)
        return ovi_want(b, i, OV_SQL_BIGINT, err);
    if (t == OV_SQL_BOOLEAN || ov_sqltype_is_datetime(t))
        return ovi_want(b, i, OV_SQL_BIGINT, err);
    return wrong_argument(b, i, "a number", err);
}

ov_status ovi_want_time(ovi_bind *b, uint32_t i, ov_error *err)
{
    OV_TRY(no_lists(b, i, err));
    ov_sqltype t = (ov_sqltype)b->args[i]->sql;
    if (ov_sqltype_is_datetime(t))
        return OV_OK;
    if (ov_type_is_int(b->args[i]->type) && t != OV_SQL_BOOLEAN && t != OV_SQL_INTERVAL_MONTH &&
        t != OV_SQL_INTERVAL_MS)
        return ov_expr_retype(b->cx, b->args[i], OV_SQL_TIMESTAMP, &b->args[i], err);
    if (ov_sqltype_is_text(t) || t == OV_SQL_NULL || ov_type_is_real(b->args[i]->type))
        return ovi_want(b, i, OV_SQL_TIMESTAMP, err);
    return wrong_argument(b, i, "a time", err);
}

ov_status ovi_want_bool(ovi_bind *b, uint32_t i, ov_error *err)
{
    ov_sqltype t = (ov_sqltype)b->args[i]->sql;
    if (t == OV_SQL_BOOLEAN)
        return OV_OK;
    if (t == OV_SQL_NULL)
        return ovi_want(b, i, OV_SQL_BOOLEAN, err);
    return wrong_argument(b, i, "a condition (<BOOLEAN>)", err);
}

/* ---- constants ---- */

ov_status ovi_const_text(ovi_bind *b, uint32_t i, ov_slice *out, bool *is_null, ov_error *err)
{
    const ov_expr *e = b->args[i];
    if (!ovi_is_const(e))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Argument %u of '%s' must be a literal", i + 1, b->fn->name);
    *is_null = ovi_is_null(e);
    *out = (ov_slice){"", 0};
    if (*is_null)
        return OV_OK;
    if (e->type.id != OV_TYPE_STRING || e->type.multi)
        return wrong_argument(b, i, "a string literal", err);
    *out = e->constant.s;
    return OV_OK;
}

ov_status ovi_const_long(ovi_bind *b, uint32_t i, int64_t *out, bool *is_null, ov_error *err)
{
    const ov_expr *e = b->args[i];
    if (!ovi_is_const(e))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Argument %u of '%s' must be a literal", i + 1, b->fn->name);
    *is_null = ovi_is_null(e);
    *out = 0;
    if (*is_null)
        return OV_OK;
    if (ov_type_is_int(e->type))
        *out = e->constant.i;
    else if (ov_type_is_real(e->type))
        *out = ovi_double_to_long(e->constant.f);
    else
        return wrong_argument(b, i, "an integer literal", err);
    return OV_OK;
}

ov_status ovi_zone_arg(ovi_bind *b, uint32_t i, const ov_tz **tz, ov_error *err)
{
    ov_slice name;
    bool is_null;
    *tz = b->cx->tz;
    if (i >= b->argc)
        return OV_OK;
    OV_TRY(ovi_const_text(b, i, &name, &is_null, err));
    if (is_null)
        return OV_OK;
    ov_status st = ov_tz_get(name, tz, err);
    if (st != OV_OK) {
        err->has_pos = true;
        err->pos = b->pos;
        err->end_pos = b->end_pos;
    }
    return st;
}

/* ---- common types ---- */

static int integer_rank(ov_sqltype t)
{
    return t - OV_SQL_TINYINT;
}

ov_sqltype ovi_meet_numbers(ov_sqltype a, ov_sqltype b)
{
    if (a == b)
        return a;
    if (ov_sqltype_is_integer(a) && ov_sqltype_is_integer(b))
        return integer_rank(a) > integer_rank(b) ? a : b;
    if (ov_sqltype_is_integer(a))
        return b; /* DECIMAL, FLOAT, REAL or DOUBLE */
    if (ov_sqltype_is_integer(b))
        return a;
    return OV_SQL_DOUBLE; /* two different kinds of fractions */
}

static bool same_width(const ov_expr *a, const ov_expr *b)
{
    return ovi_is_const(a) && ovi_is_const(b) && !ovi_is_null(a) && !ovi_is_null(b) &&
           ov_utf16_count(a->constant.s) == ov_utf16_count(b->constant.s);
}

static bool is_composite(ov_sqltype t)
{
    return t == OV_SQL_OTHER || t == OV_SQL_ARRAY;
}

ov_status ovi_meet(ovi_bind *b, const ov_expr *const *items, uint32_t n, ov_sqltype *out,
                   ov_error *err)
{
    ov_sqltype t = OV_SQL_NULL;
    const ov_expr *text = NULL; /* the first: CHARs of one width stay CHAR */
    for (uint32_t i = 0; i < n; i++) {
        ov_sqltype u = (ov_sqltype)items[i]->sql;
        if (u == OV_SQL_NULL || (t == OV_SQL_CHAR && u == OV_SQL_CHAR && ovi_is_null(items[i])))
            continue;
        if (t == OV_SQL_NULL || (t == OV_SQL_CHAR && u == OV_SQL_CHAR && ovi_is_null(text))) {
            t = u;
            text = items[i];
        } else if (t != u && (is_composite(t) || is_composite(u))) {
            return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "Illegal mixing of types in %s: %s and %s have no common type%s", b->fn->name,
                              ov_expr_type_name(text, (char[OV_EXPR_TYPE_NAME]){0}), ov_expr_type_name(items[i], (char[OV_EXPR_TYPE_NAME]){0}),
                              ovi_json_hint(items, n));
        } else if (ov_sqltype_is_text(t) || ov_sqltype_is_text(u)) {
            t = t == OV_SQL_CHAR && u == OV_SQL_CHAR && same_width(text, items[i])
                    ? OV_SQL_CHAR
                    : OV_SQL_VARCHAR;
        } else if (t == u) {
            continue;
        } else if (ov_sqltype_is_number(t) && ov_sqltype_is_number(u)) {
            t = ovi_meet_numbers(t, u);
        } else if (ov_sqltype_is_datetime(t) && ov_sqltype_is_datetime(u)) {
            t = OV_SQL_TIMESTAMP;
        } else if (t == OV_SQL_BOOLEAN && ov_sqltype_is_number(u)) {
            t = u;
        } else if (!(u == OV_SQL_BOOLEAN && ov_sqltype_is_number(t))) {
            return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "Illegal mixing of types in %s: %s and %s have no common type",
                              b->fn->name, ov_sqltype_name(t), ov_sqltype_name(u));
        }
    }
    *out = t;
    return OV_OK;
}
