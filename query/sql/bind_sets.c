/*
 * GROUPING SETS, ROLLUP and CUBE: every element of GROUP BY stands for one or more sets of keys;
 * the query's sets are all combinations of one from each. A query with sets is a UNION of one
 * grouping each, with NULL for the keys a set leaves out.
 */
#include "query/sql/bind_int.h"

enum { MOST_SETS = 1024 };

typedef struct set_list {
    uint64_t *masks;
    uint32_t count;
} set_list;

typedef struct set_binding {
    ovi_sql_binder *b;
    const ov_ast *select;
    const ovi_sql_rel *rel;
    ovi_sql_grouping *grouping;
} set_binding;

static OV_CHECKED ov_status add_set(const set_binding *s, const ov_ast *at, uint64_t mask,
                                    set_list *list, ov_error *err)
{
    if (list->count == MOST_SETS)
        return ovi_sql_fail_node(s->b, at, OV_LIMIT, err, NULL,
                                 "GROUP BY stands for more than %d grouping sets", MOST_SETS);
    if (!list->masks)
        OV_TRY(ov_arena_alloc(s->b->arena, MOST_SETS * sizeof *list->masks, &list->masks, err));
    list->masks[list->count++] = mask;
    return OV_OK;
}

/* (a, b, c), (a, b), (a), () */
static OV_CHECKED ov_status add_rollup(const set_binding *s, const ov_ast *ast,
                                       const uint64_t *parts, set_list *list, ov_error *err)
{
    for (uint32_t n = ast->kid_count + 1; n-- > 0;) {
        uint64_t mask = 0;
        for (uint32_t i = 0; i < n; i++)
            mask |= parts[i];
        OV_TRY(add_set(s, ast, mask, list, err));
    }
    return OV_OK;
}

/* All subsets, the full one first. */
static OV_CHECKED ov_status add_cube(const set_binding *s, const ov_ast *ast, const uint64_t *parts,
                                     set_list *list, ov_error *err)
{
    uint32_t n = OV_MIN(ast->kid_count, 32u);
    for (uint64_t left_out = 0; left_out < (uint64_t)1 << n; left_out++) {
        uint64_t mask = 0;
        for (uint32_t i = 0; i < ast->kid_count; i++)
            if (i >= 32 || !(left_out >> (n - 1 - i) & 1))
                mask |= parts[i];
        OV_TRY(add_set(s, ast, mask, list, err));
    }
    return OV_OK;
}

/* The sets one element stands for. */
static OV_CHECKED ov_status sets_of(const set_binding *s, const ov_ast *ast, set_list *list,
                                    ov_error *err)
{
    uint64_t mask = 0, *parts;
    if (ast->kind == OV_AST_GROUPING_SETS) {
        for (uint32_t i = 0; i < ast->kid_count; i++)
            OV_TRY(sets_of(s, ast->kids[i], list, err));
        return OV_OK;
    }
    if (ast->kind != OV_AST_ROLLUP && ast->kind != OV_AST_CUBE) {
        OV_TRY(ovi_sql_bind_key(s->b, s->select, s->rel, ast, s->grouping, &mask, err));
        return add_set(s, ast, mask, list, err);
    }
    OV_TRY(ov_arena_zalloc(s->b->arena, ast->kid_count * sizeof *parts, &parts, err));
    for (uint32_t i = 0; i < ast->kid_count; i++)
        OV_TRY(
            ovi_sql_bind_key(s->b, s->select, s->rel, ast->kids[i], s->grouping, &parts[i], err));
    return ast->kind == OV_AST_ROLLUP ? add_rollup(s, ast, parts, list, err)
                                      : add_cube(s, ast, parts, list, err);
}

/* Every set of `left` together with every one of `right`. */
static OV_CHECKED ov_status multiply(const set_binding *s, const ov_ast *at, const set_list *left,
                                     const set_list *right, set_list *out, ov_error *err)
{
    *out = (set_list){0};
    for (uint32_t i = 0; i < left->count; i++)
        for (uint32_t j = 0; j < right->count; j++)
            OV_TRY(add_set(s, at, left->masks[i] | right->masks[j], out, err));
    return OV_OK;
}

static bool has_sets(const ov_ast *list)
{
    for (uint32_t i = 0; i < list->kid_count; i++)
        if (list->kids[i]->kind == OV_AST_GROUPING_SETS || list->kids[i]->kind == OV_AST_ROLLUP ||
            list->kids[i]->kind == OV_AST_CUBE)
            return true;
    return false;
}

ov_status ovi_sql_bind_sets(ovi_sql_binder *b, const ov_ast *select, const ovi_sql_rel *rel,
                            ovi_sql_grouping *out, ov_error *err)
{
    const ov_ast *list = select->kids[OV_SELECT_GROUP];
    set_binding s = {b, select, rel, out};
    set_list sets = {0};
    uint64_t ignored = 0;
    if (!has_sets(list)) {
        for (uint32_t i = 0; i < list->kid_count; i++)
            OV_TRY(ovi_sql_bind_key(b, select, rel, list->kids[i], out, &ignored, err));
        return OV_OK;
    }
    out->in_sets = true;
    OV_TRY(add_set(&s, list, 0, &sets, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        set_list one = {0}, all;
        OV_TRY(sets_of(&s, list->kids[i], &one, err));
        OV_TRY(multiply(&s, list, &sets, &one, &all, err));
        sets = all;
    }
    if (out->key_count > 64)
        return ovi_sql_fail_node(b, list, OV_LIMIT, err, NULL,
                                 "Grouping sets over more than 64 keys are not supported");
    out->sets = sets.masks;
    out->set_count = sets.count;
    return OV_OK;
}

/* ---- the plan ---- */

/* Bits of the keys that the set leaves out, the first argument highest. */
static int64_t grouping_value(const ov_grouping_call *call, uint64_t set)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < call->count; i++)
        value = value << 1 | !(set >> call->keys[i] & 1);
    return value;
}

/* One set: its grouping, spread over all keys. */
static OV_CHECKED ov_status one_set(ovi_sql_binder *b, const ov_plan *in,
                                    const ovi_sql_grouping *grouping, const ovi_sql_aggs *aggs,
                                    uint64_t set, const ov_plan **out, ov_error *err)
{
    const ov_expr **keys, **exprs;
    uint32_t key_count = 0, count = 0;
    const ov_plan *grouped;
    OV_TRY(ov_arena_alloc(b->arena, (grouping->key_count + 1) * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(
        b->arena, (grouping->key_count + aggs->count + aggs->grouping_count + 1) * sizeof *exprs,
        &exprs, err));
    for (uint32_t i = 0; i < grouping->key_count; i++)
        if (set >> i & 1)
            keys[key_count++] = grouping->keys[i];
    OV_TRY(ovi_sql_group(b, in, keys, key_count, aggs->calls, aggs->count, &grouped, err));
    for (uint32_t i = 0, k = 0; i < grouping->key_count; i++) {
        if (set >> i & 1)
            OV_TRY(ov_plan_column(b->cx, grouped, k++, &exprs[count++], err));
        else
            OV_TRY(ovi_sql_null_like(b, grouping->keys[i], &exprs[count++], err));
    }
    for (uint32_t i = 0; i < aggs->count; i++)
        OV_TRY(ov_plan_column(b->cx, grouped, key_count + i, &exprs[count++], err));
    for (uint32_t i = 0; i < aggs->grouping_count; i++)
        OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, grouping_value(&aggs->groupings[i], set),
                           &exprs[count++], err));
    return ov_plan_project(b->arena, grouped, exprs, NULL, count, out, err);
}

/* One node with all sets, to be printed. *out is NULL where only the union says what happens. */
static OV_CHECKED ov_status explained(ovi_sql_binder *b, const ov_plan *in, const ovi_sql_grouping *g,
                                      const ovi_sql_aggs *aggs, const ov_plan **out, ov_error *err)
{
    ov_plan *node;
    ov_field *fields;
    ov_grouping_call *groupings;
    const ov_plan *grouped;
    *out = NULL;
    for (uint32_t i = 0; i < g->key_count; i++)
        if (ov_type_is_list(g->keys[i]->type))
            return OV_OK;
    OV_TRY(ov_plan_aggregate(b->arena, in, g->keys, g->key_count, aggs->calls, aggs->count, &grouped, err));
    OV_TRY(ov_arena_alloc(b->arena, sizeof *node, &node, err));
    OV_TRY(ov_arena_alloc(b->arena, (grouped->field_count + aggs->grouping_count + 1) * sizeof *fields, &fields, err));
    memcpy(fields, grouped->fields, grouped->field_count * sizeof *fields);
    OV_TRY(ov_arena_alloc(b->arena, (aggs->grouping_count + 1) * sizeof *groupings, &groupings, err));
    for (uint32_t i = 0; i < aggs->grouping_count; i++) {
        groupings[i] = aggs->groupings[i];
        fields[grouped->field_count + i] = (ov_field){OV_SLICE_LIT("grouping"), OV_T(OV_TYPE_LONG), OV_SQL_BIGINT, false, 0};
    }
    for (uint32_t i = 0; i < g->key_count; i++)
        fields[i].nullable = true;
    *node = *grouped;
    node->fields = fields;
    node->field_count += aggs->grouping_count;
    node->aggregate.groupings = groupings;
    node->aggregate.grouping_count = aggs->grouping_count;
    node->aggregate.sets = g->sets;
    node->aggregate.set_count = g->set_count;
    *out = node;
    return OV_OK;
}

ov_status ovi_sql_aggregate(ovi_sql_binder *b, const ov_plan *in, const ovi_sql_grouping *grouping,
                            const ovi_sql_aggs *aggs, const ov_plan **out, ov_error *err)
{
    const ov_plan **sets;
    if (!grouping->set_count)
        return ovi_sql_group(b, in, grouping->keys, grouping->key_count, aggs->calls, aggs->count,
                             out, err);
    if (b->explains) {
        OV_TRY(explained(b, in, grouping, aggs, out, err));
        if (*out)
            return OV_OK;
    }
    OV_TRY(ov_arena_alloc(b->arena, grouping->set_count * sizeof *sets, &sets, err));
    for (uint32_t i = 0; i < grouping->set_count; i++)
        OV_TRY(one_set(b, in, grouping, aggs, grouping->sets[i], &sets[i], err));
    return ov_plan_union(b->arena, sets, grouping->set_count, out, err);
}
