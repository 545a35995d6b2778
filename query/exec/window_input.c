/* The input of a window in its order: sorted, unless an operator below left it so. */
#include "query/exec/window.h"

/* A window below left its rows by partition and order of its own: do they begin with the node's? */
static bool is_ordered(const ov_plan *node)
{
    const ov_plan *in = node->inputs[0];
    uint32_t parts = node->window.partition_count;
    if (in->kind != OV_PLAN_WINDOW || in->window.partition_count + in->window.key_count < parts + node->window.key_count)
        return false;
    uint32_t own = in->window.partition_count;
    for (uint32_t i = 0; i < parts; i++) {
        bool found = false;
        for (uint32_t j = 0; j < parts && !found; j++)
            found = node->window.partition[i] ==
                    (j < own ? in->window.partition[j] : in->window.keys[j - own].column);
        if (!found)
            return false;
    }
    for (uint32_t i = 0; i < node->window.key_count; i++) {
        const ov_sort_key *want = &node->window.keys[i], *have;
        if (parts + i < own)
            return false; /* a partition column below: its direction is the sort's business */
        have = &in->window.keys[parts + i - own];
        if (have->column != want->column || have->descending != want->descending ||
            have->nulls_first != want->nulls_first)
            return false;
    }
    return true;
}

ov_status ovi_win_run_input(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    const ov_plan *in = node->inputs[0];
    uint32_t parts = node->window.partition_count, count = parts + node->window.key_count;
    ov_sort_key *keys;
    if (!count || is_ordered(node))
        return ovi_run(x, in, sink, err);
    OV_TRY(ov_arena_alloc(&x->arena, count * sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < parts; i++)
        keys[i] = (ov_sort_key){.column = node->window.partition[i], .nulls_first = true};
    if (node->window.key_count)
        memcpy(keys + parts, node->window.keys, node->window.key_count * sizeof *keys);
    ov_plan *sort;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof *sort, &sort, err));
    *sort = (ov_plan){.kind = OV_PLAN_SORT,
                      .fields = in->fields,
                      .field_count = in->field_count,
                      .inputs = node->inputs,
                      .input_count = 1,
                      .sort = {.keys = keys, .key_count = count, .limit = OV_NO_LIMIT}};
    return ovi_run_sort(x, sort, sink, err);
}
