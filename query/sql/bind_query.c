/* Queries around and beside SELECT: WITH, VALUES, set operations, ORDER BY and LIMIT over their
 * results. */
#include "query/sql/bind_int.h"

ov_status ovi_sql_rel_of(ovi_sql_binder *b, const ov_plan *plan, ov_slice table, ovi_sql_rel *out,
                         ov_error *err)
{
    ovi_sql_column *columns;
    OV_TRY(ov_arena_alloc(b->arena, (plan->field_count + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        columns[i] = (ovi_sql_column){.table = table, .name = plan->fields[i].name, .column = i};
    *out = (ovi_sql_rel){.plan = plan, .columns = columns, .column_count = plan->field_count};
    return OV_OK;
}

/* ---- common types of rows and of the sides of UNION ---- */

static size_t utf16_units(ov_slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += (c & 0xc0) != 0x80 ? 1 + (c >= 0xf0) : 0;
    }
    return n;
}

/* CHAR constants of one width stay CHAR, others meet in VARCHAR: known without asking. */
static bool same_type(const ov_expr *a, const ov_expr *b)
{
    if (a->sql != b->sql || !ov_type_eq(a->type, b->type))
        return false;
    if (a->sql != OV_SQL_CHAR)
        return true;
    return a->kind == OV_EXPR_CONST && b->kind == OV_EXPR_CONST && !a->constant.is_null &&
           !b->constant.is_null && utf16_units(a->constant.s) == utf16_units(b->constant.s);
}

/* The type in which the columns of two rows or sides of `what` meet, as a column expression of that type. COALESCE knows the rules. */
static OV_CHECKED ov_status meet(ovi_sql_binder *b, const ov_ast *at, const char *what, uint32_t column, const ov_expr *left,
                                 const ov_expr *right, const ov_expr **out, ov_error *err)
{
    char a[OV_EXPR_TYPE_NAME], c[OV_EXPR_TYPE_NAME];
    if (right->sql == OV_SQL_NULL || same_type(left, right)) {
        *out = left;
        return OV_OK;
    }
    if (left->sql == OV_SQL_NULL) {
        *out = right;
        return OV_OK;
    }
    const ov_expr *columns[2];
    OV_TRY(ov_expr_column(b->cx, 0, left->type, (ov_sqltype)left->sql, true, &columns[0], err));
    OV_TRY(ov_expr_column(b->cx, 1, right->type, (ov_sqltype)right->sql, true, &columns[1], err));
    ov_status st = ovi_sql_apply(b, at, "COALESCE", columns, 2, out, err);
    if (st != OV_INVALID)
        return st;
    return ovi_sql_fail_node(b, at, OV_INVALID, err, NULL, "Type mismatch in column %u of %s: %s and %s have no common type", column + 1,
                             what, ov_expr_type_name(left, a), ov_expr_type_name(right, c));
}

static OV_CHECKED ov_status cast_to(ovi_sql_binder *b, const ov_ast *at, const ov_expr *type,
                                    const ov_expr **e, ov_error *err)
{
    if ((*e)->sql == type->sql && ov_type_eq((*e)->type, type->type))
        return OV_OK;
    if ((*e)->sql == OV_SQL_NULL)
        return ov_expr_null_of(b->cx, (ov_sqltype)type->sql, type->type, e, err);
    if (type->type.multi && !ov_type_is_list((*e)->type)) /* a plain value has one */
        return ov_expr_widen(b->cx, *e, (ov_sqltype)type->sql, type->type, e, err);
    return ov_expr_cast(b->cx, *e, (ov_sqltype)type->sql, type->type, at->pos, at->end_pos, e, err);
}

/* ---- VALUES ---- */

static OV_CHECKED ov_status bind_cells(ovi_sql_binder *b, const ov_ast *values, uint32_t width,
                                       const ov_expr **cells, ov_error *err)
{
    ov_plan nothing = {.kind = OV_PLAN_VALUES};
    ovi_sql_rel rel = {.plan = &nothing};
    ovi_sql_names names = {.b = b, .rel = &rel, .clause = "VALUES"};
    for (uint32_t r = 0; r < values->kid_count; r++) {
        const ov_ast *row = values->kids[r];
        bool is_row = row->kind == OV_AST_ROW;
        if ((is_row ? row->kid_count : 1) != width)
            return ovi_sql_fail_node(b, row, OV_INVALID, err, NULL,
                                     "Values passed to VALUES operator must have compatible types");
        for (uint32_t c = 0; c < width; c++) {
            const ov_ast *cell = is_row ? row->kids[c] : row;
            const ov_expr **e = &cells[(size_t)r * width + c];
            OV_TRY(ovi_sql_bind_expr(&names, cell, e, err));
            if ((*e)->kind != OV_EXPR_CONST)
                return ovi_sql_fail_node(b, cell, OV_UNSUPPORTED, err, NULL,
                                         "VALUES takes constants only");
        }
    }
    return OV_OK;
}

static OV_CHECKED ov_status bind_values(ovi_sql_binder *b, const ov_ast *values, ovi_sql_rel *out,
                                        ov_error *err)
{
    uint32_t rows = values->kid_count;
    const ov_ast *first = values->kids[0];
    uint32_t width = first->kind == OV_AST_ROW ? first->kid_count : 1;
    const ov_expr **cells;
    ov_field *fields;
    const ov_plan *plan;
    OV_TRY(ov_arena_zalloc(b->arena, (size_t)rows * width * sizeof *cells, &cells, err));
    OV_TRY(ov_arena_zalloc(b->arena, width * sizeof *fields, &fields, err));
    OV_TRY(bind_cells(b, values, width, cells, err));
    for (uint32_t c = 0; c < width; c++) {
        const ov_expr *type = cells[c];
        bool nullable = type->nullable;
        for (uint32_t r = 1; r < rows; r++) {
            OV_TRY(meet(b, values->kids[r], "VALUES", c, type, cells[(size_t)r * width + c], &type, err));
            nullable = nullable || cells[(size_t)r * width + c]->nullable;
        }
        for (uint32_t r = 0; r < rows; r++)
            OV_TRY(cast_to(b, values->kids[r], type, &cells[(size_t)r * width + c], err));
        fields[c] = (ov_field){{NULL, 0}, type->type, type->sql, nullable, type->elem_sql};
        OV_TRY(ov_arena_printf(b->arena, &fields[c].name, err, "EXPR$%u", c));
    }
    OV_TRY(ov_plan_values(b->arena, fields, width, cells, rows, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}

/* ---- set operations ---- */

/* The plan with its columns cast to these types; unchanged when they are. */
static OV_CHECKED ov_status cast_columns(ovi_sql_binder *b, const ov_ast *at, const ov_plan *plan,
                                         const ov_expr *const *types, const ov_plan **out,
                                         ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    bool same = true;
    OV_TRY(ov_arena_alloc(b->arena, plan->field_count * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(b->arena, plan->field_count * sizeof *names, &names, err));
    for (uint32_t c = 0; c < plan->field_count; c++) {
        OV_TRY(ov_plan_column(b->cx, plan, c, &exprs[c], err));
        const ov_expr *before = exprs[c];
        OV_TRY(cast_to(b, at, types[c], &exprs[c], err));
        same = same && before == exprs[c];
        names[c] = plan->fields[c].name;
    }
    *out = plan;
    return same ? OV_OK
                : ov_plan_project(b->arena, plan, exprs, names, plan->field_count, out, err);
}

ov_status ovi_sql_distinct(ovi_sql_binder *b, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    const ov_expr **keys;
    ov_slice *names;
    const ov_plan *grouped;
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + 1) * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + 1) * sizeof *names, &names, err));
    for (uint32_t c = 0; c < in->field_count; c++)
        OV_TRY(ov_plan_column(b->cx, in, c, &keys[c], err));
    OV_TRY(ovi_sql_group(b, in, keys, in->field_count, NULL, 0, &grouped, err));
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + 1) * sizeof *keys, &keys, err));
    for (uint32_t c = 0; c < in->field_count; c++) {
        OV_TRY(ov_plan_column(b->cx, grouped, c, &keys[c], err));
        names[c] = in->fields[c].name;
    }
    return ov_plan_project(b->arena, grouped, keys, names, in->field_count, out, err);
}

ov_status ovi_sql_union(ovi_sql_binder *b, const ov_ast *at, const char *what, const ov_plan **sides, uint32_t count,
                        const ov_plan **out, ov_error *err)
{
    const ov_expr **types;
    OV_TRY(ov_arena_alloc(b->arena, (sides[0]->field_count + 1) * sizeof *types, &types, err));
    for (uint32_t c = 0; c < sides[0]->field_count; c++) {
        OV_TRY(ov_plan_column(b->cx, sides[0], c, &types[c], err));
        for (uint32_t i = 1; i < count; i++) {
            const ov_expr *type;
            OV_TRY(ov_plan_column(b->cx, sides[i], c, &type, err));
            OV_TRY(meet(b, at, what, c, types[c], type, &types[c], err));
        }
    }
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(cast_columns(b, at, sides[i], types, &sides[i], err));
    return ov_plan_union(b->arena, sides, count, out, err);
}

/* ---- ORDER BY and LIMIT around them ---- */

static OV_CHECKED ov_status bind_count(ovi_sql_binder *b, const ov_ast *ast, const char *what,
                                       uint64_t *out, ov_error *err)
{
    const ov_expr *e;
    OV_TRY(ovi_sql_bind_literal(b, ast, false, &e, err));
    if (ast->kind == OV_AST_PARAM && b->env->describe) { /* any number will do */
        if (ast->number < b->env->describe->count)
            b->env->describe->types[ast->number] = OV_SQL_BIGINT;
        *out = 1;
        return OV_OK;
    }
    if (ast->kind == OV_AST_DECIMAL && e->constant.f < 0x1p63) { /* 1.5 rows are one */
        *out = (uint64_t)e->constant.f;
        return OV_OK;
    }
    if (!ov_sqltype_is_integer((ov_sqltype)e->sql) || e->constant.is_null || e->constant.i < 0)
        return ovi_sql_fail_node(b, ast, OV_INVALID, err, NULL,
                                 "%s takes a whole number that is not negative", what);
    *out = (uint64_t)e->constant.i;
    return OV_OK;
}

ov_status ovi_sql_bounds(ovi_sql_binder *b, const ov_ast *query, uint64_t *limit, uint64_t *offset,
                         ov_error *err)
{
    *limit = OV_NO_LIMIT;
    *offset = 0;
    if (query && query->kids[OV_QUERY_LIMIT])
        OV_TRY(bind_count(b, query->kids[OV_QUERY_LIMIT], "LIMIT", limit, err));
    if (query && query->kids[OV_QUERY_OFFSET])
        OV_TRY(bind_count(b, query->kids[OV_QUERY_OFFSET], "OFFSET", offset, err));
    return OV_OK;
}

/* ORDER BY over a finished result: wrap it into SELECT * and let that do the work. */
static OV_CHECKED ov_status bind_ordered(ovi_sql_binder *b, const ov_ast *query, ovi_sql_rel *out,
                                         ov_error *err)
{
    const ov_ast *body = query->kids[OV_QUERY_BODY];
    ov_ast *no_kids[OV_SELECT_KIDS] = {NULL};
    ov_ast *derived_kids[1], *star_kids[1] = {NULL}, *list_kids[1];
    ov_ast derived = {.kind = OV_AST_DERIVED,
                      .kid_count = 1,
                      .kids = derived_kids,
                      .pos = body->pos,
                      .end_pos = body->end_pos};
    ov_ast star = {.kind = OV_AST_STAR,
                   .kid_count = 1,
                   .kids = star_kids,
                   .pos = body->pos,
                   .end_pos = body->end_pos};
    ov_ast list = {.kind = OV_AST_LIST, .kid_count = 1, .kids = list_kids};
    ov_ast select = {.kind = OV_AST_SELECT,
                     .kid_count = OV_SELECT_KIDS,
                     .kids = no_kids,
                     .pos = body->pos,
                     .end_pos = body->end_pos};
    derived_kids[0] = query->kids[OV_QUERY_BODY];
    list_kids[0] = &star;
    no_kids[OV_SELECT_ITEMS] = &list;
    no_kids[OV_SELECT_FROM] = &derived;
    return ovi_sql_bind_select(b, &select, query, out, err);
}

static OV_CHECKED ov_status bind_body(ovi_sql_binder *b, const ov_ast *query, ovi_sql_rel *out,
                                      ov_error *err)
{
    const ov_ast *body = query->kids[OV_QUERY_BODY];
    bool plain = !query->kids[OV_QUERY_ORDER] && !query->kids[OV_QUERY_LIMIT] &&
                 !query->kids[OV_QUERY_OFFSET];
    if (body->kind == OV_AST_SELECT)
        return ovi_sql_bind_select(b, body, query, out, err);
    if (plain)
        return ovi_sql_bind_query(b, body, out, err);
    return bind_ordered(b, query, out, err);
}

ov_status ovi_sql_bind_query(ovi_sql_binder *b, const ov_ast *query, ovi_sql_rel *out,
                             ov_error *err)
{
    switch ((ov_ast_kind)query->kind) {
    case OV_AST_SELECT:
        return ovi_sql_bind_select(b, query, NULL, out, err);
    case OV_AST_VALUES:
        return bind_values(b, query, out, err);
    case OV_AST_SET_OP:
        return ovi_sql_bind_set_op(b, query, out, err);
    default:
        break;
    }
    const ov_ast *with = query->kids[OV_QUERY_WITH];
    const ovi_sql_cte *saved = b->ctes;
    for (uint32_t i = 0; with && i < with->kid_count; i++) {
        ovi_sql_cte *cte;
        OV_TRY(ov_arena_alloc(b->arena, sizeof *cte, &cte, err));
        *cte = (ovi_sql_cte){with->kids[i], b->ctes, b->scope};
        b->ctes = cte;
    }
    ov_status st = bind_body(b, query, out, err);
    b->ctes = saved;
    return st;
}
