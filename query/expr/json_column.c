/*
 * JSON_VALUE over columns that segments keep apart by path (docs/segment-format.md, section 3): which calls those are,
 * and how their answer follows from a stored value. Where the stored type is what the call returns, it is the answer;
 * otherwise the value becomes JSON again and JSON_VALUE itself decides, so that there is one rule.
 */
#include "query/expr/expr_int.h"

#include "query/expr/json_int.h"
#include "storage/segment/path_name.h"

static bool is_json(ov_type t)
{
    return t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_JSON;
}

ov_status ov_expr_json_path(const ov_expr *e, ov_arena *out, bool *is, uint32_t *column, ov_slice *name, ov_error *err)
{
    *is = e->kind == OV_EXPR_CALL && strcmp(ov_expr_function(e), "JSON_VALUE") == 0 && e->prepared &&
          e->args[0]->kind == OV_EXPR_COLUMN && e->args[0]->column < OV_EXPR_UNBOUND && is_json(e->args[0]->type);
    if (!*is)
        return OV_OK;
    const ovi_json_path *path = &((const ovi_json_call *)e->prepared)->path;
    ov_buf text;
    ov_buf_init(&text);
    ov_buf_add_char(&text, '$');
    for (uint32_t i = 0; i < path->count; i++) {
        *is = *is && !path->steps[i].is_index;
        ov_path_name_add(&text, path->steps[i].name);
    }
    *column = e->args[0]->column;
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK && *is)
        st = ov_arena_copy(out, ov_buf_slice(&text), name, err);
    ov_buf_fini(&text);
    return st;
}

/* The call over another argument. */
static ov_status call_over(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *arg, bool whole, const ov_expr **out,
                           ov_error *err)
{
    ov_expr *copy;
    OV_TRY(ov_expr_copy(cx->arena, e, &copy, err));
    copy->id = cx->next_id++;
    copy->only_column = arg->only_column;
    OV_TRY(ov_arena_alloc(cx->arena, e->argc * sizeof *copy->args, &copy->args, err));
    memcpy(copy->args, e->args, e->argc * sizeof *copy->args);
    copy->args[0] = arg;
    if (whole) {
        ovi_json_call *call;
        OV_TRY(ov_arena_alloc(cx->arena, sizeof *call, &call, err));
        *call = *(const ovi_json_call *)e->prepared;
        call->path = (ovi_json_path){0};
        copy->prepared = call;
    }
    *out = copy;
    return OV_OK;
}

/* A stored value of that type is what the call returns. */
static bool is_answer(const ov_expr *e, ov_type stored)
{
    const ovi_json_call *call = e->prepared;
    if (ov_type_is_list(e->type) || call->narrow || call->to == OV_SQL_BOOLEAN)
        return false;
    return ov_type_eq(e->type, stored) && (stored.id == OV_TYPE_LONG || stored.id == OV_TYPE_DOUBLE ||
                                           stored.id == OV_TYPE_STRING);
}

ov_status ov_expr_json_text(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr *x;
    OV_TRY(ov_expr_column(cx, 0, e->args[0]->type, (ov_sqltype)e->args[0]->sql, true, &x, err));
    return call_over(cx, e, x, false, out, err);
}

ov_status ov_expr_json_stored(ov_expr_ctx *cx, const ov_expr *e, ov_type stored, const ov_expr **out, ov_error *err)
{
    const ov_expr *x;
    *out = NULL;
    if (is_answer(e, stored))
        return OV_OK;
    OV_TRY(ov_expr_column(cx, 0, stored, ov_sqltype_of_column((ov_slice){0}, stored), true, &x, err));
    if (!is_json(stored))
        OV_TRY(ovi_call_fn(cx, "$TO_JSON", &x, 1, e->pos, e->end_pos, &x, err));
    return call_over(cx, e, x, true, out, err);
}
