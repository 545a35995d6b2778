#include "query/agg/images.h"

#include "base/alive.h"
#include "query/agg/agg_int.h"

static ov_status grow(void *owner, void *block, size_t *cap, size_t need, ov_error *err)
{
    return ov_object_grow(owner, block, cap, need, err);
}

static void give(void *owner, void *block, size_t cap)
{
    ov_object_free(owner, block, cap);
}

ov_sketch_mem ov_object_mem(ov_object *o)
{
    return (ov_sketch_mem){o, grow, give};
}

static const ov_image_params *params_of(const ov_agg_call *call)
{
    return call->prepared;
}

void *ov_image_state(ov_object *o, uint32_t group)
{
    const ov_image_params *p = params_of(o->call);
    void *head = ov_object_at(o, group);
    if (p->kind->begin)
        p->kind->begin(head, p);
    return head;
}

/* ---- adding and merging ---- */

ov_status ov_images_add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, ov_arena *scratch,
                        ov_error *err)
{
    const ov_image_params *params = params_of(o->call);
    ov_sketch_mem mem = ov_object_mem(o);
    ov_vec flat;
    if (x->type.id == OV_TYPE_NULL)
        return OV_OK;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        if (flat.valid && !ov_bits_test(flat.valid, i))
            continue;
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        bool several = rows->weight && rows->weight[i] > 1;
        void *head = ov_image_state(o, ov_agg_group(rows, p, i));
        OV_TRY(params->kind->sketch->put(head, &params->args, ((const ov_slice *)flat.data)[i], several, &mem, scratch, err));
        ov_arena_rewind(scratch, mark);
    }
    return OV_OK;
}

ov_status ov_image_add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                       ov_arena *scratch, ov_error *err)
{
    const ov_image_params *params = params_of(o->call);
    ov_sketch_mem mem = ov_object_mem(o);
    ov_vec flat;
    if (args[0]->type.id == OV_TYPE_NULL)
        return OV_OK;
    if (params->of_images)
        return ov_images_add(o, rows, mask, args[0], scratch, err);
    OV_TRY(ov_vec_flatten(args[0], scratch, &flat, err));
    const double *data = flat.data;
    OV_AGG_EACH (rows, mask, p, i) {
        ov_sketch_value v = {.kind = OV_SKETCH_REAL, .f = data[i]};
        if ((flat.valid && !ov_bits_test(flat.valid, i)) || isnan(data[i]))
            continue;
        OV_TRY(params->kind->sketch->add(ov_image_state(o, ov_agg_group(rows, p, i)), &params->args, &v, 1, &mem, err));
    }
    return OV_OK;
}

/* Merging or asking one sketch takes tens of thousands of steps: a look at every 16th. */
enum { ASK_SHARE = OV_ALIVE_STEPS / 16 };

ov_status ov_image_merge(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n, ov_error *err)
{
    const ov_image_params *params = params_of(dst->call);
    const ov_sketch_ops *sketch = params->kind->sketch;
    ov_sketch_mem mem = ov_object_mem(dst);
    for (size_t i = 0; i < n; i++) {
        const void *one = ov_object_at(src, from[i]);
        OV_TRY(ov_budget_alive_by(dst->budget, ASK_SHARE, err));
        if (ov_sketch_is_begun(sketch, one))
            OV_TRY(sketch->merge(ov_image_state(dst, to[i]), &params->args, one, &mem, err));
    }
    return OV_OK;
}

/* ---- results and bytes ---- */

static ov_status emit_answers(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, void *data,
                              ov_arena *scratch, ov_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        double v;
        OV_TRY(ov_budget_alive_by(o->budget, ASK_SHARE, err));
        ov_arena_reset(scratch);
        OV_TRY(params_of(call)->kind->answer(ov_object_at(o, order[i]), call, scratch, &v, err));
        if (ov_type_is_int(call->type))
            ((int64_t *)data)[i] = (int64_t)floor(v + 0.5);
        else
            ((double *)data)[i] = v;
    }
    return OV_OK;
}

static ov_status emit_images(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n,
                             ov_slice *data, ov_arena *scratch, ov_arena *out, ov_error *err)
{
    const ov_image_params *params = params_of(call);
    ov_status st = OV_OK;
    ov_buf image;
    ov_buf_init(&image);
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        ov_arena_reset(scratch);
        ov_buf_clear(&image);
        st = ov_budget_alive_by(o->budget, ASK_SHARE, err);
        if (st == OV_OK)
            st = params->kind->sketch->write(ov_object_at(o, order[i]), &params->args, true, scratch, &image, err);
        if (st == OV_OK)
            st = ov_buf_check(&image, err);
        if (st == OV_OK)
            st = ov_arena_copy(out, ov_buf_slice(&image), &data[i], err);
    }
    ov_buf_fini(&image);
    return st;
}

ov_status ov_image_emit(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                        ov_vec *vec, ov_error *err)
{
    bool answer = params_of(call)->answer;
    size_t bytes = (ov_words(n) * 64 + 1) * (answer ? sizeof(double) : sizeof(ov_slice));
    void *data;
    ov_arena scratch;
    OV_TRY(ov_arena_lanes(out, bytes, &data, err));
    memset(data, 0, bytes);
    ov_arena_init(&scratch, "sketch", o->budget);
    ov_status st = answer ? emit_answers(o, call, order, n, data, &scratch, err)
                          : emit_images(o, call, order, n, data, &scratch, out, err);
    ov_arena_fini(&scratch);
    if (st == OV_OK)
        *vec = ov_vec_flat(call->type, data, NULL, n);
    return st;
}

/* The image, its length in front; nothing for a group without rows. */
ov_status ov_image_write(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err)
{
    const ov_image_params *params = params_of(o->call);
    const ov_sketch_ops *sketch = params->kind->sketch;
    const void *head = ov_object_at(o, group);
    char length[4] = {0};
    size_t at = out->n;
    ov_arena scratch;
    ov_status st = OV_OK;
    ov_buf_add(out, length, sizeof(length));
    ov_arena_init(&scratch, "sketch", o->budget);
    if (ov_sketch_is_begun(sketch, head))
        st = sketch->write(head, &params->args, false, &scratch, out, err);
    ov_arena_fini(&scratch);
    OV_TRY(st);
    OV_TRY(ov_buf_check(out, err));
    ov_store_u32(out->p + at, (uint32_t)(out->n - at - sizeof(length)));
    return OV_OK;
}

ov_status ov_image_read(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    const ov_image_params *params = params_of(o->call);
    ov_sketch_mem mem = ov_object_mem(o);
    uint32_t n;
    ov_slice image;
    ov_arena scratch;
    OV_TRY(ov_cursor_u32(in, &n, err));
    OV_TRY(ov_cursor_bytes(in, n, &image, err));
    if (n == 0)
        return OV_OK;
    ov_arena_init(&scratch, "sketch", o->budget);
    ov_status st = params->kind->sketch->put(ov_image_state(o, group), &params->args, image, false, &mem, &scratch, err);
    ov_arena_fini(&scratch);
    return st;
}

/* ---- binding ---- */

static ov_status fail_param(const ov_agg_binding *b, const ov_expr *e, const ov_sketch_param *p, ov_error *err)
{
    const char *fn = b->call->fn->name;
    ov_buf list;
    if (!p->words)
        return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "%s of %s must be a %snumber from %.17g to %.17g", p->name, fn,
                          p->whole ? "whole " : "", p->least, p->most);
    ov_buf_init(&list);
    for (size_t i = 0; p->words[i]; i++)
        ov_buf_addf(&list, "%s%s", i ? ", " : "", p->words[i]);
    ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "%s of %s must be one of " OV_SLICE_FMT, p->name, fn,
               OV_SLICE_ARG(ov_buf_slice(&list)));
    ov_buf_fini(&list);
    return OV_INVALID;
}

/* One constant as the number that the sketch takes for it. */
static bool read_param(const ov_expr *e, const ov_sketch_param *p, double *out)
{
    if (e->constant.is_null)
        return false;
    if (p->words) {
        for (size_t i = 0; e->type.id == OV_TYPE_STRING && p->words[i]; i++)
            if (ov_slice_ieq(e->constant.s, ov_slice_cstr(p->words[i]))) {
                *out = (double)i;
                return true;
            }
        return false;
    }
    if (!ov_type_is_int(e->type) && (p->whole || !ov_type_is_real(e->type)))
        return false;
    *out = ov_type_is_int(e->type) ? (double)e->constant.i : e->constant.f;
    return *out >= p->least && *out <= p->most;
}

static ov_status bind_params(const ov_agg_binding *b, const ov_sketch_ops *sketch, uint32_t first, ov_sketch_args *out,
                             ov_error *err)
{
    const ov_agg_call *call = b->call;
    ov_sketch_defaults(sketch, out);
    for (uint32_t i = 0; i < sketch->param_count && first + i < call->param_count; i++)
        if (!read_param(call->params[first + i], &sketch->params[i], &out->at[i]))
            return fail_param(b, call->params[first + i], &sketch->params[i], err);
    if (!sketch->check || sketch->check(out, err) == OV_OK)
        return OV_OK;
    ov_error why = *err;
    return ov_fail_at(err, why.code, call->pos, call->end_pos, "%s: %s", call->fn->name, why.text);
}

ov_status ov_image_bind(ov_agg_binding *b, const ov_image_kind *kind, ov_sqltype answer, uint32_t first, size_t bytes,
                        void *prepared, ov_error *err)
{
    ov_agg_call *call = b->call;
    ov_type t = call->args[0]->type;
    ov_image_params *p;
    OV_TRY(ov_arena_zalloc(b->cx->arena, bytes, &p, err));
    p->kind = kind;
    p->answer = answer != OV_SQL_NULL;
    p->of_images = t.id == OV_TYPE_COMPLEX;
    if (p->of_images && t.complex != kind->type)
        return ovi_agg_wrong_types(b, err);
    OV_TRY(bind_params(b, kind->sketch, first, &p->args, err));
    call->prepared = p;
    call->nullable = false;
    memcpy(prepared, &p, sizeof(p));
    if (answer == OV_SQL_NULL)
        ovi_agg_result(call, OV_T_COMPLEX(kind->type), OV_SQL_OTHER);
    else
        ovi_agg_result(call, ov_sqltype_native(answer), answer);
    return OV_OK;
}

ov_status ov_image_bind_numbers(ov_agg_binding *b, const ov_image_kind *kind, ov_sqltype answer, uint32_t first,
                                size_t bytes, void *prepared, ov_error *err)
{
    const ov_expr **x = &b->call->args[0];
    OV_TRY(ov_image_bind(b, kind, answer, first, bytes, prepared, err));
    if (params_of(b->call)->of_images)
        return OV_OK;
    if (ov_type_is_list((*x)->type) ||
        !(ov_sqltype_is_number((ov_sqltype)(*x)->sql) || (*x)->sql == OV_SQL_NULL || (*x)->type.id == OV_TYPE_STRING))
        return ovi_agg_wrong_types(b, err);
    return ov_expr_cast(b->cx, *x, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), (*x)->pos, (*x)->end_pos, x, err);
}
