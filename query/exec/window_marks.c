/* Where partitions and peers begin in sorted rows. */
#include "query/exec/window.h"

static bool same_value(const ov_vec *a, uint32_t ra, const ov_vec *b, uint32_t rb)
{
    if (a->type.id == OV_TYPE_NULL || b->type.id == OV_TYPE_NULL)
        return true;
    bool na = ov_vec_is_null(a, ra), nb = ov_vec_is_null(b, rb);
    if (na || nb)
        return na == nb;
    if (ov_type_is_int(a->type))
        return ov_vec_i64(a, ra) == ov_vec_i64(b, rb);
    if (ov_type_is_real(a->type))
        return ovi_order_f64(ov_vec_f64(a, ra)) == ovi_order_f64(ov_vec_f64(b, rb));
    return ov_slice_eq(ov_vec_str(a, ra), ov_vec_str(b, rb));
}

static OV_CHECKED ov_status mark_codes(const ov_vec *v, uint8_t *marks, uint8_t mark, ov_arena *scratch,
                                       ov_error *err)
{
    const uint32_t *code;
    OV_TRY(ov_vec_codes32(v, scratch, &code, err));
    for (uint32_t i = 1; i < v->rows; i++)
        if (code[i] != code[i - 1] && (v->dict->unique || !same_value(v, i, v, i - 1)))
            marks[i] |= mark;
    return OV_OK;
}

static void mark_flat(const ov_vec *v, uint8_t *marks, uint8_t mark)
{
    const int64_t *ints = v->data;
    if (ov_type_is_int(v->type) && !v->valid) {
        for (uint32_t i = 1; i < v->rows; i++)
            marks[i] |= ints[i] != ints[i - 1] ? mark : 0;
        return;
    }
    for (uint32_t i = 1; i < v->rows; i++)
        if (!same_value(v, i, v, i - 1))
            marks[i] |= mark;
}

/* Marks rows whose value differs from that of the row before; `last` is the batch before, or NULL. */
static OV_CHECKED ov_status mark_changes(const ov_batch *b, const ov_batch *last, uint32_t column, uint8_t mark,
                                         uint8_t *marks, ov_arena *scratch, ov_error *err)
{
    const ov_vec *v = &b->col[column];
    ov_vec flat;
    if (last && !same_value(v, 0, &last->col[column], last->rows - 1))
        marks[0] |= mark;
    if (v->enc == OV_ENC_CONST || v->type.id == OV_TYPE_NULL)
        return OV_OK;
    if (v->enc == OV_ENC_DICT)
        return mark_codes(v, marks, mark, scratch, err);
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    mark_flat(&flat, marks, mark);
    return OV_OK;
}

ov_status ovi_win_mark(const ov_plan *node, const ov_batch *b, const ov_batch *last, uint8_t *marks, ov_arena *scratch,
                       ov_error *err)
{
    if (!last)
        marks[0] = WINDOW_PARTITION;
    for (uint32_t i = 0; i < node->window.partition_count; i++)
        OV_TRY(mark_changes(b, last, node->window.partition[i], WINDOW_PARTITION, marks, scratch, err));
    for (uint32_t i = 0; i < node->window.key_count; i++)
        OV_TRY(mark_changes(b, last, node->window.keys[i].column, WINDOW_PEERS, marks, scratch, err));
    return OV_OK;
}
