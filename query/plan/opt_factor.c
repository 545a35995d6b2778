/*
 * ORs in filters: what all branches ask for is asked once, beside the OR, where it can be a key of a join; and what each
 * branch asks of one side of a join, that side may be asked before it is joined.
 */
#include "query/plan/opt_int.h"

enum { MOST_BRANCHES = 64 };

static OV_CHECKED ov_status note_all(ov_expr_ctx *cx, const ov_expr *const *parts, uint32_t count, ov_places *out,
                                     ov_error *err)
{
    *out = (ov_places){0};
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ov_expr_note(out, cx->arena, parts[i], err));
    return OV_OK;
}

/* Of `parts`, the conjuncts of the first branch, those that stand in all branches; *count becomes smaller. */
static OV_CHECKED ov_status keep_common(ov_expr_ctx *cx, const ov_expr *either, const ov_expr **parts, uint32_t *count,
                                        ov_error *err)
{
    for (uint32_t b = 0; b < either->argc && *count; b++) {
        const ov_expr *const *others;
        ov_places places;
        uint32_t n = 0, other_count = ovi_plan_conjuncts((const ov_expr *const *)&either->args[b], &others);
        OV_TRY(note_all(cx, others, other_count, &places, err));
        for (uint32_t i = 0; i < *count; i++)
            if (parts[i]->deterministic && ov_expr_find(&places, others, parts[i]) != OV_NO_PLACE)
                parts[n++] = parts[i];
        *count = n;
    }
    return OV_OK;
}

/* The OR without what is in all its branches; *out NULL when a branch asks for nothing else. */
static OV_CHECKED ov_status without_common(ov_expr_ctx *cx, const ov_expr *either, const ov_expr *const *common,
                                           uint32_t common_count, const ov_expr **out, ov_error *err)
{
    const ov_expr **branches, **rest;
    ov_places places;
    *out = NULL;
    OV_TRY(note_all(cx, common, common_count, &places, err));
    OV_TRY(ov_arena_alloc(cx->arena, either->argc * sizeof *branches, &branches, err));
    for (uint32_t b = 0; b < either->argc; b++) {
        const ov_expr *const *parts;
        uint32_t count = ovi_plan_conjuncts((const ov_expr *const *)&either->args[b], &parts), n = 0;
        OV_TRY(ov_arena_alloc(cx->arena, count * sizeof *rest, &rest, err));
        for (uint32_t i = 0; i < count; i++)
            if (ov_expr_find(&places, common, parts[i]) == OV_NO_PLACE)
                rest[n++] = parts[i];
        if (!n)
            return OV_OK;
        OV_TRY(ovi_plan_and(cx, rest, n, &branches[b], err));
    }
    return ov_expr_call(cx, OV_SLICE_LIT("OR"), branches, either->argc, either->pos, either->end_pos, out, err);
}

/* What the branches of e share, then the OR of what is left; *out and *count stay when there is nothing. */
static OV_CHECKED ov_status factor(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *const **out, uint32_t *count,
                                   ov_error *err)
{
    const ov_expr *const *first;
    const ov_expr **parts;
    if (ov_expr_op(e) != OV_OP_OR || e->argc > MOST_BRANCHES)
        return OV_OK;
    uint32_t n = ovi_plan_conjuncts((const ov_expr *const *)&e->args[0], &first);
    OV_TRY(ov_arena_alloc(cx->arena, (n + (size_t)1) * sizeof *parts, &parts, err));
    memcpy(parts, first, n * sizeof *parts);
    OV_TRY(keep_common(cx, e, parts, &n, err));
    if (!n)
        return OV_OK;
    OV_TRY(without_common(cx, e, parts, n, &parts[n], err));
    *count = parts[n] ? n + 1 : n;
    *out = parts;
    return OV_OK;
}

ov_status ovi_plan_factored(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *const **out, uint32_t *count, ov_error *err)
{
    const ov_expr **list;
    uint32_t parts = ovi_plan_conjuncts(&e, out), n = 0, room = parts;
    const ov_expr *const *from = *out;
    OV_TRY(ov_arena_alloc(cx->arena, (room + (size_t)1) * sizeof *list, &list, err));
    for (uint32_t i = 0; i < parts; i++) {
        const ov_expr *const *split = &from[i];
        uint32_t more = 1;
        OV_TRY(factor(cx, from[i], &split, &more, err));
        if (n + more + (parts - i) > room) {
            const ov_expr **wider;
            room = (room + more) * 2;
            OV_TRY(ov_arena_alloc(cx->arena, (room + (size_t)1) * sizeof *wider, &wider, err));
            if (n)
                memcpy(wider, list, n * sizeof *wider);
            list = wider;
        }
        memcpy(list + n, split, more * sizeof *list);
        n += more;
    }
    *out = list;
    *count = n;
    return OV_OK;
}

ov_status ovi_plan_side_of_or(ov_expr_ctx *cx, const ov_expr *e, bool (*is_of_side)(const void *self, const ov_expr *e),
                              const void *self, const ov_expr **out, ov_error *err)
{
    const ov_expr **branches, **mine;
    *out = NULL;
    if (ov_expr_op(e) != OV_OP_OR || e->argc > MOST_BRANCHES)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, e->argc * sizeof *branches, &branches, err));
    for (uint32_t b = 0; b < e->argc; b++) {
        const ov_expr *const *parts;
        uint32_t count = ovi_plan_conjuncts((const ov_expr *const *)&e->args[b], &parts), n = 0;
        OV_TRY(ov_arena_alloc(cx->arena, count * sizeof *mine, &mine, err));
        for (uint32_t i = 0; i < count; i++)
            if (is_of_side(self, parts[i]))
                mine[n++] = parts[i];
        if (!n)
            return OV_OK;
        OV_TRY(ovi_plan_and(cx, mine, n, &branches[b], err));
    }
    return ov_expr_call(cx, OV_SLICE_LIT("OR"), branches, e->argc, e->pos, e->end_pos, out, err);
}
