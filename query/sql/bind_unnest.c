/*
 * UNNEST in FROM: the rows of what stands in front of it, each beside the elements of lists that are computed from it. Alone in
 * FROM it has one row in front, so its lists are constants.
 *
 * An array without elements, or none at all, gives no row. MV_TO_ARRAY of a multi-value string is that string: NULL is one value then.
 * Several lists stand side by side, the shorter ones filled up with NULL; beside a multi-value string there is always a row.
 */
#include "query/sql/bind_int.h"

#include "base/bits.h"

bool ovi_sql_is_unnest(const ov_ast *from)
{
    return from->kind == OV_AST_UNNEST || (from->kind == OV_AST_TABLE_ALIAS && from->kids[0]->kind == OV_AST_UNNEST);
}

/* *null_is_one is set when it is a multi-value string. */
static OV_CHECKED ov_status bind_list(ovi_sql_names *names, const ov_ast *arg, const ov_expr **list, bool *null_is_one, ov_error *err)
{
    OV_TRY(ovi_sql_bind_expr(names, arg, list, err));
    if (strcmp(ov_expr_function(*list), "MV_TO_ARRAY") == 0) {
        *list = (*list)->args[0];
        *null_is_one = true;
        return OV_OK;
    }
    if ((*list)->type.id == OV_TYPE_ARRAY || ((*list)->kind == OV_EXPR_CONST && (*list)->sql == OV_SQL_ARRAY))
        return OV_OK;
    const char *hint = (*list)->type.id == OV_TYPE_STRING ? "; UNNEST(MV_TO_ARRAY(...)) takes multi-value strings" : "";
    return ovi_sql_fail_node(names->b, arg, OV_INVALID, err, NULL,
                             "Cannot apply 'UNNEST' to arguments of type 'UNNEST(<%s>)'. Supported form(s): "
                             "'UNNEST(<ARRAY>)'%s",
                             ov_sqltype_name((ov_sqltype)(*list)->sql), hint);
}

static OV_CHECKED ov_status bind_lists(ovi_sql_binder *b, const ov_ast *unnest, const ovi_sql_rel *left, const ov_expr ***lists,
                                       bool *null_is_one, ov_error *err)
{
    const ov_ast *args = unnest->kids[0];
    ovi_sql_names names = {.b = b, .rel = left, .clause = "UNNEST"};
    *null_is_one = false;
    OV_TRY(ov_arena_alloc(b->arena, args->kid_count * sizeof **lists, lists, err));
    for (uint32_t i = 0; i < args->kid_count; i++) {
        bool multi = false;
        OV_TRY(bind_list(&names, args->kids[i], &(*lists)[i], &multi, err));
        if (multi && (unnest->flags & OV_AST_ORDINALITY)) /* its NULL has a place, where that of an added row has none */
            OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("$OR_NULL"), &(*lists)[i], 1, args->kids[i]->pos, args->kids[i]->end_pos, &(*lists)[i],
                                err));
        *null_is_one = *null_is_one || multi;
    }
    return OV_OK;
}

static OV_CHECKED ov_status check_alias(ovi_sql_binder *b, const ov_ast *alias, const ovi_sql_rel *left, ov_error *err)
{
    for (uint32_t i = 0; alias && i < left->column_count; i++)
        if (ov_slice_eq(left->columns[i].table, alias->text))
            return ovi_sql_fail_node(b, alias, OV_INVALID, err, NULL,
                                     "Duplicate relation name '" OV_SLICE_FMT "' in FROM clause",
                                     OV_SLICE_ARG(alias->text));
    return OV_OK;
}

/* An element is called as the list of aliases says, else as the table when there is no other column, else as an expression without a
 * name. */
static OV_CHECKED ov_status name_columns(ovi_sql_binder *b, const ov_ast *from, ov_slice **out, ov_slice *table, ov_error *err)
{
    const ov_ast *unnest = from->kind == OV_AST_TABLE_ALIAS ? from->kids[0] : from, *alias = NULL, *names = NULL;
    uint32_t lists = unnest->kids[0]->kid_count, count = lists + !!(unnest->flags & OV_AST_ORDINALITY);
    if (unnest != from) {
        alias = from->kids[1];
        names = from->kids[2];
    }
    *table = alias ? alias->text : ov_slice_make(NULL, 0);
    if (names && names->kid_count != count)
        return ovi_sql_fail_node(b, names, OV_INVALID, err, NULL,
                                 "List of column aliases must have same degree as table; table has %u columns, "
                                 "whereas alias list has %u columns",
                                 count, names->kid_count);
    OV_TRY(ov_arena_alloc(b->arena, count * sizeof **out, out, err));
    for (uint32_t i = 0; i < count; i++) {
        if (names)
            (*out)[i] = names->kids[i]->text;
        else if (alias && count == 1)
            (*out)[i] = alias->text;
        else if (i == lists)
            (*out)[i] = OV_SLICE_LIT("ORDINALITY");
        else
            OV_TRY(ov_arena_printf(b->arena, &(*out)[i], err, "EXPR$%u", i));
    }
    return OV_OK;
}

/* One row of no columns. */
static OV_CHECKED ov_status nothing_in_front(ovi_sql_binder *b, ovi_sql_rel *out, ov_error *err)
{
    const ov_plan *plan;
    OV_TRY(ov_plan_values(b->arena, NULL, 0, NULL, 1, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}

ov_status ovi_sql_bind_unnest(ovi_sql_binder *b, const ov_ast *from, const ovi_sql_rel *in_front, bool outer,
                              ovi_sql_rel *out, ov_error *err)
{
    const ov_ast *unnest = from->kind == OV_AST_TABLE_ALIAS ? from->kids[0] : from;
    bool places = unnest->flags & OV_AST_ORDINALITY, null_is_one;
    uint32_t lists = unnest->kids[0]->kid_count, count = lists + places;
    ovi_sql_rel left;
    ovi_sql_column *columns;
    const ov_expr **list;
    const ov_plan *plan;
    ov_slice *names, table;
    if (in_front)
        left = *in_front;
    else
        OV_TRY(nothing_in_front(b, &left, err));
    OV_TRY(check_alias(b, from->kind == OV_AST_TABLE_ALIAS ? from->kids[1] : NULL, &left, err));
    OV_TRY(bind_lists(b, unnest, &left, &list, &null_is_one, err));
    OV_TRY(name_columns(b, from, &names, &table, err));
    OV_TRY(ov_plan_unnest_zip(b->arena, left.plan, list, names, lists, outer || null_is_one, places, &plan, err));
    uint32_t n = left.column_count, first = left.plan->field_count;
    OV_TRY(ov_arena_alloc(b->arena, ((size_t)n + count) * sizeof *columns, &columns, err));
    if (n)
        memcpy(columns, left.columns, n * sizeof *columns);
    for (uint32_t i = 0; i < count; i++)
        columns[n + i] = (ovi_sql_column){.table = table, .name = names[i], .column = first + i};
    *out = (ovi_sql_rel){.plan = plan, .columns = columns, .column_count = n + count};
    return OV_OK;
}
