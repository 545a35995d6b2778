/*
 * Joins: which parts of conditions become keys, go to one side, or stay; and which side is kept in memory.
 */
#include "base/bits.h"
#include "query/plan/opt_int.h"

enum { LEFT_SIDE = 1, RIGHT_SIDE = 2 };

/* Which sides an expression over the combined row reads. */
static unsigned sides_of(const ov_expr *e, uint32_t left_columns)
{
    unsigned sides = 0;
    if (e->kind == OV_EXPR_COLUMN)
        return e->column < left_columns ? LEFT_SIDE : RIGHT_SIDE;
    for (uint32_t i = 0; i < e->argc; i++)
        sides |= sides_of(e->args[i], left_columns);
    return sides;
}

static bool keyable(const ov_expr *a, const ov_expr *b)
{
    if (!a->deterministic || !b->deterministic)
        return false;
    if (ov_type_is_int(a->type) || ov_type_is_real(a->type))
        return ov_type_is_int(a->type) == ov_type_is_int(b->type) &&
               ov_type_is_real(a->type) == ov_type_is_real(b->type);
    return a->type.id == OV_TYPE_STRING && b->type.id == OV_TYPE_STRING && !a->type.multi && !b->type.multi;
}

/* Columns of the right side, as the right side counts them; or, `of_right` false, those of the left. */
static OV_CHECKED ov_status side_map(ov_expr_ctx *cx, const ov_plan *join, bool of_right,
                                     const ov_expr ***out, ov_error *err)
{
    const ov_plan *side = join->inputs[of_right];
    uint32_t first = of_right ? join->inputs[0]->field_count : 0;
    OV_TRY(ov_arena_zalloc(cx->arena, ((size_t)first + join->inputs[1]->field_count + side->field_count + 1) * sizeof **out,
                           out, err));
    for (uint32_t i = 0; i < side->field_count; i++)
        OV_TRY(ov_plan_column(cx, side, i, &(*out)[first + i], err));
    return OV_OK;
}

/* Whether e is not true for any row whose columns of this side are all NULL. */
static OV_CHECKED ov_status rejects_nulls(ov_expr_ctx *cx, const ov_plan *join, bool of_right,
                                          const ov_expr *e, bool *out, ov_error *err)
{
    uint32_t left = join->inputs[0]->field_count;
    const ov_expr **map, *with_nulls;
    ov_error ignored = OV_ERROR_INIT;
    *out = false;
    if (!e->deterministic || !(sides_of(e, left) & (of_right ? RIGHT_SIDE : LEFT_SIDE)))
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)join->field_count + 1) * sizeof *map, &map, err));
    for (uint32_t i = 0; i < join->field_count; i++) {
        if ((i >= left) == of_right)
            OV_TRY(ov_expr_null_of(cx, (ov_sqltype)join->fields[i].sql, join->fields[i].type, &map[i],
                                   err));
        else
            OV_TRY(ov_plan_column(cx, join, i, &map[i], err));
    }
    if (ov_expr_rebase(cx, e, map, &with_nulls, &ignored) != OV_OK)
        return OV_OK; /* what cannot be computed here is left to the rows */
    *out = with_nulls->kind == OV_EXPR_CONST && !ov_expr_is_true(with_nulls);
    return OV_OK;
}

/* Rows that only an outer join adds may be thrown away again by the filter above: then it is not outer. */
static OV_CHECKED ov_status narrow_kind(ov_expr_ctx *cx, const ov_plan *join, const ov_expr *const *above,
                                        uint32_t count, ov_join_kind *kind, ov_error *err)
{
    bool outer = *kind == OV_JOINS_LEFT || *kind == OV_JOINS_RIGHT || *kind == OV_JOINS_FULL;
    for (uint32_t i = 0; outer && i < count && *kind != OV_JOINS_INNER; i++) {
        bool no_left, no_right;
        OV_TRY(rejects_nulls(cx, join, false, above[i], &no_left, err));
        OV_TRY(rejects_nulls(cx, join, true, above[i], &no_right, err));
        if (no_right && (*kind == OV_JOINS_LEFT || *kind == OV_JOINS_FULL))
            *kind = *kind == OV_JOINS_FULL ? OV_JOINS_RIGHT : OV_JOINS_INNER;
        if (no_left && (*kind == OV_JOINS_RIGHT || *kind == OV_JOINS_FULL))
            *kind = *kind == OV_JOINS_FULL ? OV_JOINS_LEFT : OV_JOINS_INNER;
    }
    return OV_OK;
}

typedef struct splitting {
    ov_expr_ctx *cx;
    const ov_plan *join;
    const ov_expr **maps[2];
    ovi_join_split *out;
} splitting;

static OV_CHECKED ov_status to_side(splitting *s, bool right, const ov_expr *e, ov_error *err)
{
    ovi_conjunct_list *list = right ? &s->out->right : &s->out->left;
    return ov_expr_rebase(s->cx, e, s->maps[right], &list->list[list->count++], err);
}

/* left = right, either way round; false when e is not of that kind. */
static OV_CHECKED ov_status as_key(splitting *s, const ov_expr *e, bool *done, ov_error *err)
{
    uint32_t left = s->join->inputs[0]->field_count, n = s->out->key_count;
    *done = false;
    if (ov_expr_op(e) != OV_OP_EQ || e->argc != 2 || !keyable(e->args[0], e->args[1]))
        return OV_OK;
    unsigned a = sides_of(e->args[0], left), b = sides_of(e->args[1], left);
    bool swapped = a == RIGHT_SIDE; /* one side each; "l.x + r.y = 5" is no pair of keys */
    if (a != (swapped ? RIGHT_SIDE : LEFT_SIDE) || b != (swapped ? LEFT_SIDE : RIGHT_SIDE))
        return OV_OK;
    OV_TRY(ov_expr_rebase(s->cx, e->args[swapped], s->maps[0], &s->out->left_keys[n], err));
    OV_TRY(ov_expr_rebase(s->cx, e->args[!swapped], s->maps[1], &s->out->right_keys[n], err));
    s->out->key_count++;
    *done = true;
    return OV_OK;
}

typedef struct one_side {
    uint32_t left_columns;
    unsigned side;
} one_side;

static bool reads_one_side(const void *self, const ov_expr *e)
{
    const one_side *s = self;
    return e->deterministic && sides_of(e, s->left_columns) == s->side;
}

/* An OR over both sides stays, but what it asks of one side may be asked there first. */
static OV_CHECKED ov_status sides_of_or(splitting *s, const ov_expr *e, ov_error *err)
{
    for (unsigned right = 0; right < 2; right++) {
        const one_side side = {s->join->inputs[0]->field_count, right ? RIGHT_SIDE : LEFT_SIDE};
        const ov_expr *mine;
        OV_TRY(ovi_plan_side_of_or(s->cx, e, reads_one_side, &side, &mine, err));
        if (mine)
            OV_TRY(to_side(s, right, mine, err));
    }
    return OV_OK;
}

/* A part of the condition of the join itself. */
static OV_CHECKED ov_status place_condition(splitting *s, const ov_expr *e, ov_error *err)
{
    ov_join_kind kind = s->out->kind;
    unsigned sides = sides_of(e, s->join->inputs[0]->field_count);
    bool into_left = kind == OV_JOINS_INNER || kind == OV_JOINS_RIGHT || kind == OV_JOINS_SEMI;
    bool into_right = kind != OV_JOINS_RIGHT && kind != OV_JOINS_FULL;
    bool done = false;
    if (ov_expr_is_true(e))
        return OV_OK;
    if (e->deterministic && !(sides & RIGHT_SIDE) && into_left)
        return to_side(s, false, e, err);
    if (e->deterministic && !(sides & LEFT_SIDE) && into_right)
        return to_side(s, true, e, err);
    OV_TRY(as_key(s, e, &done, err));
    if (done)
        return OV_OK;
    s->out->residual.list[s->out->residual.count++] = e;
    return kind == OV_JOINS_INNER ? sides_of_or(s, e, err) : OV_OK;
}

/* A part of a filter above the join. */
static OV_CHECKED ov_status place_above(splitting *s, const ov_expr *e, ov_error *err)
{
    ov_join_kind kind = s->out->kind;
    unsigned sides = sides_of(e, s->join->inputs[0]->field_count);
    if (e->deterministic && kind == OV_JOINS_INNER)
        return place_condition(s, e, err);
    bool left_passes = kind == OV_JOINS_LEFT || kind == OV_JOINS_SINGLE || ov_join_tests(kind);
    if (e->deterministic && sides == LEFT_SIDE && left_passes)
        return to_side(s, false, e, err);
    if (e->deterministic && sides == RIGHT_SIDE && kind == OV_JOINS_RIGHT)
        return to_side(s, true, e, err);
    s->out->above.list[s->out->above.count++] = e;
    return OV_OK;
}

ov_status ovi_plan_split_join(ov_expr_ctx *cx, const ov_plan *join, const ov_expr *const *above,
                              uint32_t count, ovi_join_split *out, ov_error *err)
{
    const ov_expr *const *own = NULL;
    uint32_t own_count = 0;
    if (join->join.residual)
        OV_TRY(ovi_plan_factored(cx, join->join.residual, &own, &own_count, err));
    size_t most = (size_t)count + own_count + join->join.key_count + 1;
    splitting s = {.cx = cx, .join = join, .out = out};
    *out = (ovi_join_split){.kind = (ov_join_kind)join->join.kind};
    const ov_expr ***lists[] = {&out->left.list,     &out->right.list, &out->above.list,
                                &out->residual.list, &out->left_keys,  &out->right_keys};
    for (size_t i = 0; i < OV_COUNT_OF(lists); i++)
        OV_TRY(ov_arena_alloc(cx->arena, most * sizeof **lists[i], lists[i], err));
    for (uint32_t i = 0; i < 2; i++)
        OV_TRY(side_map(cx, join, i, &s.maps[i], err));
    for (; out->key_count < join->join.key_count; out->key_count++) {
        out->left_keys[out->key_count] = join->join.left_keys[out->key_count];
        out->right_keys[out->key_count] = join->join.right_keys[out->key_count];
    }
    OV_TRY(narrow_kind(cx, join, above, count, &out->kind, err));
    for (uint32_t i = 0; i < own_count; i++)
        OV_TRY(place_condition(&s, own[i], err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(place_above(&s, above[i], err));
    return OV_OK;
}

/* ---- which side is kept ---- */

/* The right side, so that rows come in the order of the left, unless it is far larger. */
ov_status ovi_plan_join_sides(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    enum { FEW = 65536, FACTOR = 4 };
    ov_plan *copy;
    OV_TRY(ovi_plan_each_input(cx, in, ovi_plan_join_sides, out, err));
    if ((*out)->kind != OV_PLAN_JOIN)
        return OV_OK;
    double l = ovi_plan_guess_rows(cx, (*out)->inputs[0]), r = ovi_plan_guess_rows(cx, (*out)->inputs[1]);
    if (r < FEW || r < l * FACTOR)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = **out;
    copy->join.build_left = true;
    *out = copy;
    return OV_OK;
}
