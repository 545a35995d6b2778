/*
 * States as bytes, for whoever puts groups aside: typed columns by what a group of the kind needs, sets value by value, object
 * states by their own functions. Little-endian, no alignment, read back with every length checked.
 */
#include "query/agg/acc.h"

#include "base/bytes.h"

static void add_text(ov_buf *out, ov_slice s)
{
    ov_buf_add_raw64(out, s.n);
    ov_buf_add_slice(out, s);
}

static ov_status read_text(ov_cursor *in, ov_slice *s, ov_error *err)
{
    uint64_t n;
    OV_TRY(ov_cursor_u64(in, &n, err));
    return ov_cursor_bytes(in, (size_t)n, s, err);
}

/* The value column: a number, text, or nothing. */
static bool has_value(const ov_acc *a, uint64_t n)
{
    return a->kind != OV_ACC_COUNT && n != 0 && !(a->at && n == 2);
}

static bool is_text(const ov_acc *a)
{
    bool kept = a->kind == OV_ACC_MIN || a->kind == OV_ACC_MAX || a->at;
    return kept && !ov_type_is_int(a->type) && !ov_type_is_real(a->type);
}

static void save_group(const ov_acc *a, uint32_t g, uint64_t origin, ov_buf *out)
{
    ov_buf_add_raw64(out, a->n[g]);
    if (a->n[g] && a->t)
        ov_buf_add_raw64(out, (uint64_t)a->t[g]);
    if (a->n[g] && a->at)
        ov_buf_add_raw64(out, a->at[g] - origin);
    if (!has_value(a, a->n[g]))
        return;
    if (is_text(a))
        add_text(out, a->v.s[g]);
    else
        ov_buf_add_raw64(out, (uint64_t)a->v.i[g]); /* doubles by their bits */
    if (a->m2)
        ov_buf_add_raw64(out, ov_f64_bits(a->m2[g]));
}

static ov_status save_sets(const ov_acc *a, const uint32_t *group, uint32_t n, ov_buf *out, ov_error *err)
{
    ov_arena arena;
    size_t *offsets;
    uint64_t *values;
    ov_arena_init(&arena, "aggregate", a->budget);
    ov_status st = ov_distinct_list(&a->set, a->groups, group, n, &arena, &offsets, &values, err);
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        ov_buf_add_raw64(out, offsets[i + 1] - offsets[i]);
        for (size_t k = offsets[i]; k < offsets[i + 1]; k++) {
            if (ov_distinct_of_text(&a->set))
                add_text(out, a->set.strings->text[values[k]]);
            else
                ov_buf_add_raw64(out, values[k]);
        }
    }
    ov_arena_fini(&arena);
    return st;
}

ov_status ov_acc_save(const ov_acc *a, const uint32_t *group, uint32_t n, uint64_t origin, ov_buf *out, ov_error *err)
{
    if (a->kind == OV_ACC_DISTINCT) {
        OV_TRY(save_sets(a, group, n, out, err));
        return ov_buf_check(out, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (a->kind == OV_ACC_OBJECT)
            OV_TRY(a->object.ops->write(&a->object, group[i], out, err));
        else
            save_group(a, group[i], origin, out);
    }
    return ov_buf_check(out, err);
}

/* One group of src as it was saved; src has one group, 0, which is empty. Text is borrowed. */
static ov_status load_group(ov_acc *src, uint64_t origin, ov_cursor *in, ov_error *err)
{
    uint64_t bits;
    OV_TRY(ov_cursor_u64(in, &src->n[0], err));
    if (src->n[0] && src->t)
        OV_TRY(ov_cursor_i64(in, &src->t[0], err));
    if (src->n[0] && src->at) {
        OV_TRY(ov_cursor_u64(in, &src->at[0], err));
        src->at[0] += origin;
    }
    if (!has_value(src, src->n[0]))
        return OV_OK;
    if (is_text(src))
        return read_text(in, &src->v.s[0], err);
    OV_TRY(ov_cursor_u64(in, &bits, err));
    src->v.i[0] = (int64_t)bits;
    if (!src->m2)
        return OV_OK;
    OV_TRY(ov_cursor_u64(in, &bits, err));
    src->m2[0] = ov_f64_from_bits(bits);
    return OV_OK;
}

static ov_status load_set(ov_acc *a, uint32_t g, ov_cursor *in, ov_error *err)
{
    uint64_t count, value;
    ov_slice text;
    OV_TRY(ov_cursor_u64(in, &count, err));
    for (uint64_t i = 0; i < count; i++) {
        if (ov_distinct_of_text(&a->set)) {
            OV_TRY(read_text(in, &text, err));
            OV_TRY(ov_distinct_add_str(&a->set, g, text, a->n, err));
        } else {
            OV_TRY(ov_cursor_u64(in, &value, err));
            OV_TRY(ov_distinct_add(&a->set, g, value, a->n, err));
        }
    }
    return OV_OK;
}

static ov_status load_typed(ov_acc *a, ov_acc *one, const uint32_t *to, uint32_t n, uint64_t origin, ov_cursor *in, ov_error *err)
{
    static const uint32_t first = 0;
    OV_TRY(ov_acc_reserve(one, 1, err));
    for (uint32_t i = 0; i < n; i++) {
        ov_acc_reset(one);
        OV_TRY(load_group(one, origin, in, err));
        OV_TRY(ov_acc_merge(a, one, &first, &to[i], 1, &to[i], err));
    }
    return OV_OK;
}

ov_status ov_acc_load(ov_acc *a, const uint32_t *to, uint32_t n, uint64_t origin, ov_cursor *in, ov_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (a->kind == OV_ACC_OBJECT)
            OV_TRY(a->object.ops->read(&a->object, to[i], in, err));
        else if (a->kind == OV_ACC_DISTINCT)
            OV_TRY(load_set(a, to[i], in, err));
    }
    if (a->kind == OV_ACC_OBJECT || a->kind == OV_ACC_DISTINCT)
        return OV_OK;
    ov_acc one;
    ov_acc_spec spec = {.kind = a->kind, .type = a->type};
    OV_TRY(ov_acc_init(&one, &spec, a->general, a->budget, err));
    ov_status st = load_typed(a, &one, to, n, origin, in, err);
    ov_acc_fini(&one);
    return st;
}
