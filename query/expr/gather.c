#include "query/expr/gather.h"

#include "query/expr/expr_int.h"

/* Equalities of one expression with constants, on their way to become one set. */
typedef struct equalities {
    const ov_expr *first; /* the equality itself: what remains when it stays alone */
    const ov_expr **constants;
    uint32_t count, capacity;
} equalities;

static bool is_equality(const ov_expr *e)
{
    return ov_expr_op(e) == OV_OP_EQ && e->args[1]->kind == OV_EXPR_CONST &&
           !e->args[1]->constant.is_null && e->args[0]->kind != OV_EXPR_CONST &&
           e->args[0]->deterministic && ov_type_eq(e->args[0]->type, e->args[1]->type);
}

static OV_CHECKED ov_status add_constant(ov_arena *arena, equalities *list, const ov_expr *constant, ov_error *err)
{
    OV_TRY(ov_arena_room(arena, &list->constants, list->count, &list->capacity, 1, sizeof *list->constants, err));
    list->constants[list->count++] = constant;
    return OV_OK;
}

ov_status ov_expr_gather(ov_expr_ctx *cx, const ov_expr **parts, uint32_t *count, uint32_t pos, uint32_t end_pos, ov_error *err)
{
    equalities *lists;
    const ov_expr **subjects;
    ov_places places = {0};
    uint32_t list_count = 0, kept = 0, equal = 0;
    for (uint32_t i = 0; i < *count; i++)
        equal += is_equality(parts[i]);
    if (equal < 2)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, equal * sizeof *lists, &lists, err));
    OV_TRY(ov_arena_alloc(cx->arena, equal * sizeof *subjects, &subjects, err));
    for (uint32_t i = 0; i < *count; i++) {
        if (!is_equality(parts[i])) {
            parts[kept++] = parts[i];
            continue;
        }
        uint32_t at = ov_expr_find(&places, subjects, parts[i]->args[0]);
        if (at == OV_NO_PLACE) {
            at = list_count++;
            subjects[at] = parts[i]->args[0];
            lists[at] = (equalities){.first = parts[i]};
            OV_TRY(ov_expr_note(&places, cx->arena, subjects[at], err));
        }
        OV_TRY(add_constant(cx->arena, &lists[at], parts[i]->args[1], err));
    }
    for (uint32_t i = 0; i < list_count; i++) {
        const equalities *list = &lists[i];
        if (list->count == 1)
            parts[kept++] = list->first;
        else
            OV_TRY(ov_expr_in(cx, list->first->args[0], list->constants, list->count,
                              pos, end_pos, &parts[kept++], err));
    }
    *count = kept;
    return OV_OK;
}
