/*
 * UNNEST in FROM: the rows of what stands in front of it, each beside the elements of a list that is computed from it. Alone in
 * FROM it has one row in front, so its list is a constant.
 *
 * An array without elements, or none at all, gives no row. MV_TO_ARRAY of a multi-value string is that string: NULL is one value then.
 */
#include "query/sql/bind_int.h"

#include "base/bits.h"

bool ovi_sql_is_unnest(const ov_ast *from)
{
    return from->kind == OV_AST_UNNEST || (from->kind == OV_AST_TABLE_ALIAS && from->kids[0]->kind == OV_AST_UNNEST);
}

static OV_CHECKED ov_status bind_list(ovi_sql_binder *b, const ov_ast *unnest, const ovi_sql_rel *left, const ov_expr **list,
                                      bool *null_is_one, ov_error *err)
{
    const ov_ast *args = unnest->kids[0];
    ovi_sql_names names = {.b = b, .rel = left, .clause = "UNNEST"};
    if (args->kid_count != 1)
        return ovi_sql_fail_node(b, unnest, OV_UNSUPPORTED, err, NULL,
                                 "UNNEST takes one array; write one UNNEST for each of the %u", args->kid_count);
    OV_TRY(ovi_sql_bind_expr(&names, args->kids[0], list, err));
    *null_is_one = false;
    if (strcmp(ov_expr_function(*list), "MV_TO_ARRAY") == 0) {
        *list = (*list)->args[0];
        *null_is_one = true;
        return OV_OK;
    }
    if ((*list)->type.id == OV_TYPE_ARRAY || ((*list)->kind == OV_EXPR_CONST && (*list)->sql == OV_SQL_ARRAY))
        return OV_OK;
    const char *hint = (*list)->type.id == OV_TYPE_STRING ? "; UNNEST(MV_TO_ARRAY(...)) takes multi-value strings" : "";
    return ovi_sql_fail_node(b, args->kids[0], OV_INVALID, err, NULL,
                             "Cannot apply 'UNNEST' to arguments of type 'UNNEST(<%s>)'. Supported form(s): "
                             "'UNNEST(<ARRAY>)'%s",
                             ov_sqltype_name((ov_sqltype)(*list)->sql), hint);
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

/* The element is called as the list of aliases says, else as the table, else as an expression without a name. */
static OV_CHECKED ov_status name_columns(ovi_sql_binder *b, const ov_ast *from, ov_slice column[2], ov_slice *table,
                                         ov_error *err)
{
    const ov_ast *alias = NULL, *names = NULL;
    bool places = (from->kind == OV_AST_TABLE_ALIAS ? from->kids[0] : from)->flags & OV_AST_ORDINALITY;
    if (from->kind == OV_AST_TABLE_ALIAS) {
        alias = from->kids[1];
        names = from->kids[2];
    }
    *table = alias ? alias->text : ov_slice_make(NULL, 0);
    column[0] = alias && !places ? alias->text : OV_SLICE_LIT("EXPR$0");
    column[1] = OV_SLICE_LIT("ORDINALITY");
    if (!names)
        return OV_OK;
    if (names->kid_count != 1u + places)
        return ovi_sql_fail_node(b, names, OV_INVALID, err, NULL,
                                 "List of column aliases must have same degree as table; table has %u columns, "
                                 "whereas alias list has %u columns",
                                 1u + places, names->kid_count);
    for (uint32_t i = 0; i < names->kid_count; i++)
        column[i] = names->kids[i]->text;
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
    ovi_sql_rel left;
    ovi_sql_column *columns;
    const ov_expr *list;
    const ov_plan *plan;
    ov_slice column[2], table;
    if (in_front)
        left = *in_front;
    else
        OV_TRY(nothing_in_front(b, &left, err));
    OV_TRY(check_alias(b, from->kind == OV_AST_TABLE_ALIAS ? from->kids[1] : NULL, &left, err));
    OV_TRY(bind_list(b, unnest, &left, &list, &null_is_one, err));
    OV_TRY(name_columns(b, from, column, &table, err));
    OV_TRY(ov_plan_unnest(b->arena, left.plan, list, column[0], outer || null_is_one, places, &plan, err));
    uint32_t n = left.column_count, first = left.plan->field_count;
    OV_TRY(ov_arena_alloc(b->arena, ((size_t)n + 2) * sizeof *columns, &columns, err));
    if (n)
        memcpy(columns, left.columns, n * sizeof *columns);
    for (uint32_t i = 0; i < 1u + places; i++)
        columns[n + i] = (ovi_sql_column){.table = table, .name = column[i], .column = first + i};
    *out = (ovi_sql_rel){.plan = plan, .columns = columns, .column_count = n + 1 + places};
    return OV_OK;
}
