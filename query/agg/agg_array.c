/*
 * ARRAY_AGG and ARRAY_CONCAT_AGG: values as an array. NULLs are values, no rows give NULL, DISTINCT sorts.
 *
 * Source: Druid's ARRAY_AGG keeps NULLs and refuses arrays (ARRAY_CONCAT_AGG takes them); a multi-value string gives its
 * values one by one, and one NULL when it has none. Its limit of 1,024 bytes that nobody asked for is not ours: only a
 * size that is given bounds.
 */
#include "base/alive.h"
#include "query/agg/agg_int.h"
#include "query/agg/collect.h"

static ov_status open_array(ov_object *o, ov_error *err)
{
    const ov_agg_call *call = o->call;
    const uint64_t *most = call->prepared;
    OV_TRY(ov_collect_open(o, OV_T(call->type.elem), true, ov_type_is_list(call->args[0]->type), *most, err));
    ov_collect_shared *s = o->shared;
    s->none_is_null = strcmp(call->fn->name, "ARRAY_AGG") == 0;
    return OV_OK;
}

/* Values of one group behind `at` of the child. */
static ov_status copy_values(const ov_object *o, const ov_collect *c, const uint32_t *order, uint64_t *data, uint64_t *valid,
                             size_t at, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    bool text = ov_distinct_of_text(&s->set);
    for (uint32_t i = 0; i < c->n; i++, at++) {
        uint64_t word = c->words[order[i]];
        OV_TRY(ov_budget_alive_by(o->budget, 4, err));
        if (ov_collect_is_null(c, order[i]))
            ov_bits_clear(valid, at);
        else if (text)
            ((ov_slice *)data)[at] = s->set.strings->text[word];
        else
            data[at] = word;
    }
    return OV_OK;
}

static ov_status make_lists(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n,
                           ov_arena *out, ov_vec *vec, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    uint32_t *offsets;
    uint64_t *valid, *item_valid, *data, total = 0;
    ov_vec *child;
    for (uint32_t i = 0; i < n; i++)
        total += ((const ov_collect *)ov_object_at(o, order[i]))->n;
    if (total > INT32_MAX)
        return ov_fail(err, OV_LIMIT, "%s: a batch of results has more than %d values", call->fn->name, INT32_MAX);
    size_t words = ov_words(total) + 1, width = ov_distinct_of_text(&s->set) ? sizeof(ov_slice) : 8;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 1) * 4, &offsets, err));
    OV_TRY(ov_arena_zalloc(out, (ov_words(n) + 1) * 8, &valid, err));
    OV_TRY(ov_arena_alloc(out, words * 8, &item_valid, err));
    OV_TRY(ov_arena_lanes(out, words * 64 * width, &data, err));
    OV_TRY(ov_arena_alloc(out, sizeof(*child), &child, err));
    memset(data, 0, words * 64 * width);
    ov_bits_fill(item_valid, total, true);
    offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        const ov_collect *c = ov_object_at(o, order[i]);
        const uint32_t *places;
        OV_TRY(ov_collect_order(o, order[i], out, &places, err));
        OV_TRY(copy_values(o, c, places, data, item_valid, offsets[i], err));
        offsets[i + 1] = offsets[i] + c->n;
        ov_bits_put(valid, i, c->rows);
    }
    *child = ov_vec_flat(s->set.type, data, ov_bits_all(item_valid, total) ? NULL : item_valid, (uint32_t)total);
    *vec = (ov_vec){.type = call->type,
                    .enc = OV_ENC_LIST,
                    .rows = n,
                    .divisor = 1,
                    .offsets = offsets,
                    .valid = ov_bits_all(valid, n) ? NULL : valid,
                    .child = child};
    return OV_OK;
}

static ov_status emit_array(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n,
                            ov_arena *out, ov_vec *vec, ov_error *err)
{
    return ov_collect_fits(o, make_lists(o, call, order, n, out, vec, err), err);
}

const ov_object_ops ovi_array_ops = {
    .name = "ARRAY_AGG",
    .state_bytes = sizeof(ov_collect),
    .by_order = true,
    .is_set = true,
    .open = open_array,
    .close = ov_collect_close,
    .reset = ov_collect_reset,
    .add = ov_collect_add,
    .merge = ov_collect_merge,
    .emit = emit_array,
    .write = ov_collect_write,
    .read = ov_collect_read,
};

static ov_status bind_array(ov_agg_binding *b, ov_type elem, ov_error *err)
{
    ov_agg_call *call = b->call;
    uint64_t *most;
    OV_TRY(ov_arena_zalloc(b->cx->arena, sizeof(*most), &most, err));
    OV_TRY(ovi_agg_size(b, 0, most, err));
    call->prepared = most;
    if (elem.id == OV_TYPE_NULL)
        elem = OV_T(OV_TYPE_STRING);
    ovi_agg_result(call, (ov_type){.id = OV_TYPE_ARRAY, .elem = elem.id, .complex = elem.complex}, OV_SQL_ARRAY);
    return OV_OK;
}

ov_status ovi_bind_array_agg(ov_agg_binding *b, ov_error *err)
{
    const ov_expr *x = b->call->args[0];
    if (x->type.id == OV_TYPE_ARRAY)
        return ov_fail_at(err, OV_INVALID, x->pos, x->end_pos,
                          "ARRAY_AGG does not take arrays: an array has no arrays in it. ARRAY_CONCAT_AGG puts arrays "
                          "behind each other");
    if (ov_type_is_sketch(x->type))
        return ov_fail_at(err, OV_UNSUPPORTED, x->pos, x->end_pos, "ARRAY_AGG of sketches is not supported; merge them, for example by DS_HLL");
    ov_type elem = x->type;
    elem.multi = 0;
    return bind_array(b, elem, err);
}

ov_status ovi_bind_array_concat_agg(ov_agg_binding *b, ov_error *err)
{
    const ov_expr *x = b->call->args[0];
    if (!ov_type_is_list(x->type) && x->type.id != OV_TYPE_NULL)
        return ovi_agg_wrong_types(b, err);
    bool array = x->type.id == OV_TYPE_ARRAY;
    return bind_array(b, (ov_type){.id = array ? x->type.elem : OV_TYPE_STRING, .complex = array ? x->type.complex : 0},
                      err);
}
