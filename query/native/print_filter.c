/*
 * Conditions as JSON filters. What has no filter of its own is an expression filter.
 */
#include "query/native/print_int.h"

typedef ovi_pcolumns columns;

static bool is_constant(const ov_expr *e)
{
    return e->kind == OV_EXPR_CONST && e->type.id != OV_TYPE_NULL && !e->constant.is_null;
}

static void add_value(ovi_printer *p, const ov_expr *e, ov_buf *out)
{
    if (ov_type_is_int(e->type))
        ov_buf_add_i64(out, e->constant.i);
    else if (ov_type_is_real(e->type))
        ov_json_add_double(out, e->constant.f);
    else if (e->type.id == OV_TYPE_STRING && !e->type.multi)
        ov_json_quote(out, e->constant.s);
    else
        p->lost = true;
}

static ov_status expression(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ovi_pexpr(c->p, e, c->rel->names, &text);
    ov_buf_add_str(out, "{\"type\":\"expression\",\"expression\":");
    ov_json_quote(out, ov_buf_slice(&text));
    ov_buf_add_char(out, '}');
    ov_buf_fini(&text);
    return ov_buf_check(out, err);
}

static ov_status column(columns *c, const ov_expr *e, const char *key, ov_buf *out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ovi_pcolumn(c, e, &name, err));
    ov_buf_addf(out, "\"%s\":", key);
    ov_json_quote(out, name);
    return OV_OK;
}

/* The type that both are compared as. */
static const char *match_type(const ov_expr *e, char buf[48])
{
    return ovi_ptype(e, buf);
}

static ov_status equals(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    char type[48];
    ov_buf_add_str(out, "{\"type\":\"equals\",");
    OV_TRY(column(c, e->args[0], "column", out, err));
    ov_buf_addf(out, ",\"matchValueType\":\"%s\",\"matchValue\":", match_type(e->args[1], type));
    add_value(c->p, e->args[1], out);
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status not_of(columns *c, ov_status (*fn)(columns *c, const ov_expr *e, ov_buf *out, ov_error *err),
                        const ov_expr *e, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "{\"type\":\"not\",\"field\":");
    OV_TRY(fn(c, e, out, err));
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status is_null(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "{\"type\":\"null\",");
    OV_TRY(column(c, e->args[0], "column", out, err));
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status range(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    char type[48];
    ov_op op = ov_expr_op(e);
    bool upper = op == OV_OP_LT || op == OV_OP_LE, open = op == OV_OP_LT || op == OV_OP_GT;
    ov_buf_add_str(out, "{\"type\":\"range\",");
    OV_TRY(column(c, e->args[0], "column", out, err));
    ov_buf_addf(out, ",\"matchValueType\":\"%s\",\"%s\":", match_type(e->args[1], type), upper ? "upper" : "lower");
    add_value(c->p, e->args[1], out);
    if (open)
        ov_buf_addf(out, ",\"%sOpen\":true", upper ? "upper" : "lower");
    ov_buf_add_char(out, '}');
    return OV_OK;
}

/* A comparison of one thing with a constant of its own kind. */
static bool with_constant(const ov_expr *e);

static bool is_range(const ov_expr *e, bool *upper)
{
    ov_op op = ov_expr_op(e);
    *upper = op == OV_OP_LT || op == OV_OP_LE;
    return (*upper || op == OV_OP_GT || op == OV_OP_GE) && with_constant(e);
}

/* x >= a and x < b: one range. */
static bool are_bounds(const ov_expr *a, const ov_expr *b)
{
    bool up_a, up_b;
    char type_a[48], type_b[48];
    return is_range(a, &up_a) && is_range(b, &up_b) && up_a != up_b && ov_expr_equal(a->args[0], b->args[0]) &&
           strcmp(match_type(a->args[1], type_a), match_type(b->args[1], type_b)) == 0;
}

static ov_status between(columns *c, const ov_expr *a, const ov_expr *b, ov_buf *out, ov_error *err)
{
    char type[48];
    bool upper;
    if (is_range(a, &upper) && upper)
        return between(c, b, a, out, err);
    ov_buf_add_str(out, "{\"type\":\"range\",");
    OV_TRY(column(c, a->args[0], "column", out, err));
    ov_buf_addf(out, ",\"matchValueType\":\"%s\",\"lower\":", match_type(a->args[1], type));
    add_value(c->p, a->args[1], out);
    ov_buf_add_str(out, ",\"upper\":");
    add_value(c->p, b->args[1], out);
    ov_buf_add_str(out, ov_expr_op(a) == OV_OP_GT ? ",\"lowerOpen\":true" : "");
    ov_buf_add_str(out, ov_expr_op(b) == OV_OP_LT ? ",\"upperOpen\":true" : "");
    ov_buf_add_char(out, '}');
    return OV_OK;
}

/* Not between: below or above. */
static ov_status outside(columns *c, const ov_expr *both, ov_buf *out, ov_error *err)
{
    static const char *const other[] = {[OV_OP_GE] = "<", [OV_OP_GT] = "<=", [OV_OP_LE] = ">", [OV_OP_LT] = ">="};
    bool upper;
    bool swap = is_range(both->args[0], &upper) && upper;
    ov_buf_add_str(out, "{\"type\":\"or\",\"fields\":[");
    for (uint32_t i = 0; i < 2; i++) {
        const ov_expr *side = both->args[swap ? 1 - i : i], *turned;
        OV_TRY(ov_expr_call(c->p->cx, ov_slice_cstr(other[ov_expr_op(side)]), (const ov_expr **)side->args, 2, 0, 0, &turned, err));
        ov_buf_add_str(out, i ? "," : "");
        OV_TRY(range(c, turned, out, err));
    }
    ov_buf_add_str(out, "]}");
    return OV_OK;
}

static ov_status in_list(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    const ov_inset *set = e->set;
    char type[48];
    if (set->has_null) /* NOT IN with a NULL matches nothing, which the filter does not say */
        return expression(c, e, out, err);
    ov_buf_add_str(out, "{\"type\":\"inType\",");
    OV_TRY(column(c, e->args[0], "column", out, err));
    ov_buf_addf(out, ",\"matchValueType\":\"%s\",\"sortedValues\":[", ov_type_name(set->type, type));
    for (uint32_t i = 0; i < set->count; i++) {
        ov_buf_add_str(out, i ? "," : "");
        if (ov_type_is_int(set->type))
            ov_buf_add_i64(out, set->i64[i]);
        else if (ov_type_is_real(set->type))
            ov_json_add_double(out, set->f64[i]);
        else
            ov_json_quote(out, set->str[i]);
    }
    ov_buf_add_str(out, "]}");
    return OV_OK;
}

static ov_status like(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "{\"type\":\"like\",");
    OV_TRY(column(c, e->args[0], "dimension", out, err));
    ov_buf_add_str(out, ",\"pattern\":");
    ov_json_quote(out, e->args[1]->constant.s);
    ov_buf_add_str(out, ",\"escape\":");
    if (e->argc == 3)
        ov_json_quote(out, e->args[2]->constant.s);
    else
        ov_buf_add_str(out, "null");
    ov_buf_add_str(out, ",\"extractionFn\":null}");
    return OV_OK;
}

/* AND, with bounds of one thing as one range. */
static ov_status all_of(columns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    uint8_t *done, *side; /* side: LOWER, UPPER, or neither */
    uint32_t count = e->argc;
    uint32_t *partner;
    enum { LOWER = 1, UPPER = 2, AHEAD = 64 };
    OV_TRY(ov_arena_zalloc(c->p->arena, e->argc, &done, err));
    OV_TRY(ov_arena_zalloc(c->p->arena, e->argc, &side, err));
    OV_TRY(ov_arena_zalloc(c->p->arena, e->argc * sizeof *partner, &partner, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        bool upper;
        side[i] = !is_range(e->args[i], &upper) ? 0 : upper ? UPPER : LOWER;
    }
    for (uint32_t i = 0; i < e->argc; i++)
        for (uint32_t k = i + 1; side[i] && k < e->argc && k < i + AHEAD && !done[i] && !partner[i]; k++)
            if (side[i] + side[k] == LOWER + UPPER && !done[k] && are_bounds(e->args[i], e->args[k])) {
                partner[i] = k;
                done[k] = 1;
                count--;
            }
    ov_buf_add_str(out, count > 1 ? "{\"type\":\"and\",\"fields\":[" : "");
    for (uint32_t i = 0, n = 0; i < e->argc; i++) {
        if (done[i])
            continue;
        ov_buf_add_str(out, n++ ? "," : "");
        OV_TRY(partner[i] ? between(c, e->args[i], e->args[partner[i]], out, err) : ovi_pfilter(c, e->args[i], out, err));
    }
    ov_buf_add_str(out, count > 1 ? "]}" : "");
    return OV_OK;
}

static ov_status list_of(columns *c, const ov_expr *e, const char *type, ov_buf *out, ov_error *err)
{
    ov_buf_addf(out, "{\"type\":\"%s\",\"fields\":[", type);
    for (uint32_t i = 0; i < e->argc; i++) {
        ov_buf_add_str(out, i ? "," : "");
        OV_TRY(ovi_pfilter(c, e->args[i], out, err));
    }
    ov_buf_add_str(out, "]}");
    return OV_OK;
}

static bool with_constant(const ov_expr *e)
{
    if (e->argc != 2 || !is_constant(e->args[1]) || e->args[0]->kind == OV_EXPR_CONST)
        return false;
    ov_type a = e->args[0]->type, b = e->args[1]->type;
    if (a.id == OV_TYPE_STRING || b.id == OV_TYPE_STRING)
        return a.id == b.id && !b.multi;
    return (ov_type_is_int(a) || ov_type_is_real(a)) && (ov_type_is_int(b) || ov_type_is_real(b));
}

static bool like_of_constants(const ov_expr *e)
{
    return e->args[0]->type.id == OV_TYPE_STRING && is_constant(e->args[1]) && (e->argc == 2 || is_constant(e->args[2]));
}

ov_status ovi_pfilter(ovi_pcolumns *c, const ov_expr *e, ov_buf *out, ov_error *err)
{
    if (e->kind == OV_EXPR_CONST && e->sql == OV_SQL_BOOLEAN && !e->constant.is_null) {
        ov_buf_add_str(out, e->constant.i ? "{\"type\":\"true\"}" : "{\"type\":\"false\"}");
        return OV_OK;
    }
    switch (ov_expr_op(e)) {
    case OV_OP_AND:
        return all_of(c, e, out, err);
    case OV_OP_OR:
        return list_of(c, e, "or", out, err);
    case OV_OP_NOT:
        if (ov_expr_op(e->args[0]) == OV_OP_AND && e->args[0]->argc == 2 && are_bounds(e->args[0]->args[0], e->args[0]->args[1]))
            return outside(c, e->args[0], out, err);
        return not_of(c, ovi_pfilter, e->args[0], out, err);
    case OV_OP_IS_NULL:
        return is_null(c, e, out, err);
    case OV_OP_IS_NOT_NULL:
        return not_of(c, is_null, e, out, err);
    case OV_OP_IS_TRUE:
        if (e->args[0]->sql != OV_SQL_BOOLEAN)
            break;
        ov_buf_add_str(out, "{\"type\":\"istrue\",\"field\":");
        OV_TRY(ovi_pfilter(c, e->args[0], out, err));
        ov_buf_add_char(out, '}');
        return OV_OK;
    case OV_OP_EQ:
        if (with_constant(e))
            return equals(c, e, out, err);
        break;
    case OV_OP_NE:
        if (with_constant(e))
            return not_of(c, equals, e, out, err);
        break;
    case OV_OP_LT:
    case OV_OP_LE:
    case OV_OP_GT:
    case OV_OP_GE:
        if (with_constant(e))
            return range(c, e, out, err);
        break;
    case OV_OP_LIKE:
        if (like_of_constants(e))
            return like(c, e, out, err);
        break;
    case OV_OP_IN:
        return in_list(c, e, out, err);
    default:
        break;
    }
    return expression(c, e, out, err);
}
