/*
 * Nodes: making, comparing, printing and rebasing them. Trees are immutable once made and share sub-trees.
 */
#include "query/expr/expr_int.h"

#include "base/numfmt.h"

ov_status ovi_node(ov_expr_ctx *cx, ov_expr_kind kind, ov_sqltype sql, ov_type type, ov_expr **out,
                   ov_error *err)
{
    OV_TRY(ov_arena_zalloc(cx->arena, sizeof **out, out, err));
    (*out)->kind = (uint8_t)kind;
    (*out)->sql = (uint8_t)sql;
    (*out)->type = type;
    (*out)->deterministic = true;
    (*out)->only_column = OV_EXPR_NO_COLUMN;
    (*out)->id = cx->next_id++;
    return OV_OK;
}

ov_status ov_expr_null(ov_expr_ctx *cx, ov_sqltype sql, const ov_expr **out, ov_error *err)
{
    return ovi_null_of(cx, sql, ov_sqltype_native(sql), out, err);
}

ov_status ov_expr_null_of(ov_expr_ctx *cx, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err)
{
    return ovi_null_of(cx, sql, type, out, err);
}

ov_status ovi_null_of(ov_expr_ctx *cx, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_CONST, sql, type, &e, err));
    e->nullable = true;
    e->constant.is_null = true;
    *out = e;
    return OV_OK;
}

ov_status ov_expr_i64(ov_expr_ctx *cx, ov_sqltype sql, int64_t v, const ov_expr **out, ov_error *err)
{
    if (!ov_type_is_int(ov_sqltype_native(sql)))
        return ov_expr_f64(cx, sql, (double)v, out, err);
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_CONST, sql, OV_T(OV_TYPE_LONG), &e, err));
    e->constant.i = v;
    *out = e;
    return OV_OK;
}

ov_status ov_expr_f64(ov_expr_ctx *cx, ov_sqltype sql, double v, const ov_expr **out, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_CONST, sql, ov_sqltype_native(sql), &e, err));
    OV_ASSERT(ov_type_is_real(e->type));
    e->constant.f = v;
    *out = e;
    return OV_OK;
}

ov_status ov_expr_str(ov_expr_ctx *cx, ov_sqltype sql, ov_slice v, const ov_expr **out,
                      ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_CONST, sql, OV_T(OV_TYPE_STRING), &e, err));
    OV_TRY(ov_arena_copy(cx->arena, v, &e->constant.s, err));
    *out = e;
    return OV_OK;
}

ov_status ovi_bool(ov_expr_ctx *cx, bool v, const ov_expr **out, ov_error *err)
{
    return ov_expr_i64(cx, OV_SQL_BOOLEAN, v, out, err);
}

ov_status ov_expr_column(ov_expr_ctx *cx, uint32_t column, ov_type type, ov_sqltype sql,
                         bool nullable, const ov_expr **out, ov_error *err)
{
    if (type.id == OV_TYPE_NULL) { /* a column that never had a value */
        OV_TRY(ov_expr_null(cx, sql, out, err));
        return OV_OK;
    }
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_COLUMN, sql, type, &e, err));
    e->column = column;
    e->nullable = nullable;
    e->only_column = (int32_t)column;
    *out = e;
    return OV_OK;
}

ov_status ov_expr_array_column(ov_expr_ctx *cx, uint32_t column, ov_type type, ov_sqltype elem, bool nullable,
                               const ov_expr **out, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_COLUMN, OV_SQL_ARRAY, type, &e, err));
    e->column = column;
    e->elem_sql = (uint8_t)elem;
    e->nullable = nullable;
    e->only_column = (int32_t)column;
    *out = e;
    return OV_OK;
}

ov_status ov_expr_retype(ov_expr_ctx *cx, const ov_expr *arg, ov_sqltype to, const ov_expr **out,
                         ov_error *err)
{
    if (arg->sql == to) {
        *out = arg;
        return OV_OK;
    }
    ov_expr *e;
    OV_TRY(ov_expr_copy(cx->arena, arg, &e, err)); /* the same value, so the same id */
    e->sql = (uint8_t)to;
    if (arg->single)
        OV_TRY(ov_expr_retype(cx, arg->single, to, &e->single, err));
    *out = e;
    return OV_OK;
}

ov_status ov_expr_copy(ov_arena *arena, const ov_expr *e, ov_expr **out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(arena, sizeof **out, out, err));
    **out = *e;
    (*out)->hash = 0; /* of what it becomes */
    (*out)->single = NULL;
    return OV_OK;
}

ov_op ov_expr_op(const ov_expr *e)
{
    if (e->kind == OV_EXPR_IN)
        return OV_OP_IN;
    return e->kind == OV_EXPR_CALL ? (ov_op)e->fn->op : OV_OP_OTHER;
}

const char *ov_expr_function(const ov_expr *e)
{
    return e->kind == OV_EXPR_CALL ? e->fn->name : "";
}

bool ov_expr_is_true(const ov_expr *e)
{
    return e->kind == OV_EXPR_CONST && !e->constant.is_null && ov_type_is_int(e->type) &&
           e->constant.i > 0;
}

/* ---- equality ---- */

static bool same_constant(const ov_expr *a, const ov_expr *b)
{
    if (a->constant.is_null || b->constant.is_null)
        return a->constant.is_null == b->constant.is_null;
    switch ((ov_type_id)a->type.id) {
    case OV_TYPE_LONG:
        return a->constant.i == b->constant.i;
    case OV_TYPE_DOUBLE:
    case OV_TYPE_FLOAT:
        return memcmp(&a->constant.f, &b->constant.f, sizeof(double)) == 0;
    case OV_TYPE_STRING:
        if (!a->type.multi)
            return ov_slice_eq(a->constant.s, b->constant.s);
        break;
    case OV_TYPE_COMPLEX:
        return ov_slice_eq(a->constant.s, b->constant.s);
    case OV_TYPE_NULL:
        return true;
    case OV_TYPE_ARRAY:
        break;
    }
    return ovi_same_list(a->constant.list, b->constant.list);
}

static bool same_set(const ov_inset *a, const ov_inset *b)
{
    if (a == b)
        return true;
    if (!ov_type_eq(a->type, b->type) || a->count != b->count || a->has_null != b->has_null)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->i64    ? a->i64[i] != b->i64[i]
            : a->f64 ? a->f64[i] != b->f64[i]
                     : !ov_slice_eq(a->str[i], b->str[i]))
            return false;
    return true;
}

bool ov_expr_equal(const ov_expr *a, const ov_expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->sql != b->sql || a->elem_sql != b->elem_sql || !ov_type_eq(a->type, b->type))
        return false;
    if (a->argc != b->argc || (a->argc && ov_expr_hash(a) != ov_expr_hash(b)))
        return false;
    switch ((ov_expr_kind)a->kind) {
    case OV_EXPR_CONST:
        return same_constant(a, b);
    case OV_EXPR_COLUMN:
        return a->column == b->column;
    case OV_EXPR_CALL:
        /* Beside the arguments only the session's zone feeds what was prepared, and that is one per query. */
        if (a->fn != b->fn || !a->deterministic || !b->deterministic)
            return false;
        if ((a->fn->flags & OVI_LIFTED) && !ov_expr_equal(a->prepared, b->prepared))
            return false;
        break;
    case OV_EXPR_IN:
        if (!same_set(a->set, b->set))
            return false;
        break;
    }
    for (uint32_t i = 0; i < a->argc; i++)
        if (!ov_expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

void ov_expr_columns(const ov_expr *e, uint64_t *used, uint32_t columns)
{
    if (e->kind == OV_EXPR_COLUMN && e->column < OV_EXPR_UNBOUND) {
        OV_ASSERT(e->column < columns);
        ov_bits_set(used, e->column);
        return;
    }
    for (uint32_t i = 0; i < e->argc; i++)
        ov_expr_columns(e->args[i], used, columns);
}

/* ---- rebasing ---- */

ov_status ovi_with_args(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **args, ov_expr **out, ov_error *err)
{
    ov_expr *copy;
    OV_TRY(ov_expr_copy(cx->arena, e, &copy, err));
    copy->args = args;
    copy->id = cx->next_id++;
    copy->only_column = OV_EXPR_NO_COLUMN;
    for (uint32_t i = 0; i < e->argc; i++) {
        int32_t c = args[i]->only_column;
        if (c != OV_EXPR_NO_COLUMN)
            copy->only_column = copy->only_column == OV_EXPR_NO_COLUMN || copy->only_column == c ? c : OV_EXPR_MANY_COLUMNS;
        copy->deterministic = copy->deterministic && args[i]->deterministic;
    }
    *out = copy;
    return OV_OK;
}

ov_status ov_expr_rewrite(ov_expr_ctx *cx, const ov_expr *e, ov_expr_leaf leaf, void *self, const ov_expr **out,
                          ov_error *err)
{
    *out = e;
    if (e->kind == OV_EXPR_COLUMN) {
        const ov_expr *to = NULL;
        OV_TRY(leaf(self, e, &to, err));
        if (!to)
            return OV_OK;
        if (!ov_type_eq(to->type, e->type))
            return ov_fail(err, OV_INTERNAL, "an input column changed its type while rebasing");
        return ov_expr_retype(cx, to, (ov_sqltype)e->sql, out, err);
    }
    if (e->argc == 0)
        return OV_OK;
    const ov_expr **args, *simple;
    ov_expr *copy;
    OV_TRY(ov_arena_alloc(cx->arena, e->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++)
        OV_TRY(ov_expr_rewrite(cx, e->args[i], leaf, self, &args[i], err));
    OV_TRY(ovi_with_args(cx, e, args, &copy, err));
    OV_TRY(ovi_simplify(cx, copy, &simple, err));
    return ovi_fold(cx, simple, out, err);
}

static ov_status by_map(void *map, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    (void)err;
    if (column->column < OV_EXPR_UNBOUND)
        *out = (*(const ov_expr *const *const *)map)[column->column];
    return OV_OK;
}

ov_status ov_expr_rebase(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *const *map,
                         const ov_expr **out, ov_error *err)
{
    return ov_expr_rewrite(cx, e, by_map, &map, out, err);
}

/* ---- printing ---- */

static void print(const ov_expr *e, ov_buf *out);

static void print_text(ov_slice s, ov_buf *out)
{
    ov_buf_add_char(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            ov_buf_add_char(out, '\'');
        ov_buf_add_char(out, s.p[i]);
    }
    ov_buf_add_char(out, '\'');
}

static void print_list(const ov_vec *list, ov_buf *out)
{
    enum { SHOWN = 8 };
    ov_buf_add_str(out, "ARRAY[");
    for (uint32_t i = 0; i < list->rows && i < SHOWN; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        if (ov_vec_is_null(list, i))
            ov_buf_add_str(out, "NULL");
        else if (ov_type_is_int(list->type))
            ov_buf_add_i64(out, ov_vec_i64(list, i));
        else if (ov_type_is_real(list->type))
            ov_buf_add_double(out, ov_vec_f64(list, i));
        else
            print_text(ov_vec_str(list, i), out);
    }
    if (list->rows > SHOWN)
        ov_buf_addf(out, ", ... %u values", list->rows);
    ov_buf_add_char(out, ']');
}

static void print_constant(const ov_expr *e, ov_buf *out)
{
    if (e->constant.is_null) {
        ov_buf_add_str(out, "NULL");
        return;
    }
    switch ((ov_sqltype)e->sql) {
    case OV_SQL_BOOLEAN:
        ov_buf_add_str(out, e->constant.i ? "TRUE" : "FALSE");
        return;
    case OV_SQL_TIMESTAMP:
    case OV_SQL_DATE:
        ov_buf_add_str(out, e->sql == OV_SQL_DATE ? "DATE " : "TIMESTAMP ");
        ov_iso_add(out, e->constant.i, NULL);
        return;
    case OV_SQL_INTERVAL_MS:
        ov_buf_addf(out, "INTERVAL %lld ms", (long long)e->constant.i);
        return;
    case OV_SQL_INTERVAL_MONTH:
        ov_buf_addf(out, "INTERVAL %lld months", (long long)e->constant.i);
        return;
    default:
        break;
    }
    if (ov_type_is_int(e->type))
        ov_buf_add_i64(out, e->constant.i);
    else if (ov_type_is_real(e->type))
        ov_buf_add_double(out, e->constant.f);
    else if (ov_type_is_list(e->type))
        print_list(e->constant.list, out);
    else
        print_text(e->constant.s, out);
}

static void print_set(const ov_inset *set, ov_buf *out)
{
    enum { SHOWN = 8 };
    ov_buf_add_char(out, '(');
    for (uint32_t i = 0; i < set->count && i < SHOWN; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        if (set->i64)
            ov_buf_add_i64(out, set->i64[i]);
        else if (set->f64)
            ov_buf_add_double(out, set->f64[i]);
        else
            print_text(set->str[i], out);
    }
    if (set->count > SHOWN)
        ov_buf_addf(out, ", ... %u values", set->count);
    if (set->has_null)
        ov_buf_add_str(out, set->count ? ", NULL" : "NULL");
    ov_buf_add_char(out, ')');
}

static bool is_word(const char *name)
{
    return (name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_';
}

static void print_call(const ov_expr *e, ov_buf *out)
{
    const char *name = e->fn->name;
    ov_op op = (ov_op)e->fn->op;
    if (op == OV_OP_CAST) {
        ov_buf_add_str(out, "CAST(");
        print(e->args[0], out);
        ov_buf_addf(out, " AS %s)", ov_sqltype_name((ov_sqltype)e->sql));
    } else if (e->argc == 1 && strncmp(name, "IS ", 3) == 0) {
        ov_buf_add_char(out, '(');
        print(e->args[0], out);
        ov_buf_addf(out, " %s)", name);
    } else if (e->argc >= 2 && (!is_word(name) || op == OV_OP_AND || op == OV_OP_OR ||
                                strncmp(name, "IS ", 3) == 0 || op == OV_OP_LIKE)) {
        ov_buf_add_char(out, '(');
        for (uint32_t i = 0; i < e->argc; i++) {
            if (i)
                ov_buf_addf(out, " %s ", i == 2 && op == OV_OP_LIKE ? "ESCAPE" : name);
            print(e->args[i], out);
        }
        ov_buf_add_char(out, ')');
    } else {
        ov_buf_addf(out, "%s(", name);
        for (uint32_t i = 0; i < e->argc; i++) {
            ov_buf_add_str(out, i ? ", " : "");
            print(e->args[i], out);
        }
        if (e->fn->flags & OVI_LIFTED) { /* the element is $0 in here */
            ov_buf_add_str(out, ": ");
            print(e->prepared, out);
        }
        ov_buf_add_char(out, ')');
    }
}

static void print(const ov_expr *e, ov_buf *out)
{
    switch ((ov_expr_kind)e->kind) {
    case OV_EXPR_CONST:
        print_constant(e, out);
        break;
    case OV_EXPR_COLUMN:
        ov_buf_addf(out, "$%u", e->column);
        break;
    case OV_EXPR_CALL:
        print_call(e, out);
        break;
    case OV_EXPR_IN:
        ov_buf_add_char(out, '(');
        print(e->args[0], out);
        ov_buf_add_str(out, " IN ");
        print_set(e->set, out);
        ov_buf_add_char(out, ')');
        break;
    }
}

ov_status ov_expr_print(const ov_expr *e, ov_buf *out, ov_error *err)
{
    print(e, out);
    return ov_buf_check(out, err);
}
