/* Values of a column whose type is another in the result of a merge: a dimension that became a number, or text. Lists: merge_lists.c. */
#include <math.h>
#include "base/bits.h"
#include "base/numfmt.h"
#include "base/numparse.h"
#include "ingest/load/merge.h"

static bool is_number(ov_type t)
{
    return t.id == OV_TYPE_LONG || ov_type_is_real(t);
}

static bool is_plain_text(ov_type t)
{
    return t.id == OV_TYPE_STRING && !t.multi;
}

/* As the builder takes it. */
static bool fits(ov_type from, ov_type to)
{
    if (ov_type_eq(from, to) || (from.id == OV_TYPE_LONG && ov_type_is_real(to)))
        return true;
    return from.id == OV_TYPE_STRING && to.id == OV_TYPE_STRING && to.multi;
}

bool ovi_converts(ov_type from, ov_type to)
{
    if (fits(from, to) || from.id == OV_TYPE_NULL || ovi_becomes_lists(from, to))
        return true;
    return (is_number(from) || is_plain_text(from)) && (is_number(to) || to.id == OV_TYPE_STRING);
}

/* ---- to text ---- */

static size_t print(const ov_vec *flat, ov_type from, uint32_t row, char text[OV_FMT_DOUBLE_BYTES])
{
    if (from.id == OV_TYPE_LONG)
        return ov_fmt_i64(((const int64_t *)flat->data)[row], text);
    double d = ((const double *)flat->data)[row];
    return from.id == OV_TYPE_FLOAT ? ov_fmt_float((float)d, text) : ov_fmt_double(d, text);
}

static ov_status to_text(const ov_vec *flat, ov_type from, ov_arena *out, ov_slice *list, ov_error *err)
{
    for (uint32_t i = 0; i < flat->rows; i++) {
        char text[OV_MAX((int)OV_FMT_DOUBLE_BYTES, (int)OV_FMT_INT_BYTES)];
        list[i] = (ov_slice){0};
        if (!flat->valid || ov_bits_test(flat->valid, i))
            OV_TRY(ov_arena_copy(out, ov_slice_make(text, print(flat, from, i, text)), &list[i], err));
    }
    return OV_OK;
}

/* ---- to numbers ---- */

static bool as_double(const ov_vec *flat, ov_type from, uint32_t row, double *d)
{
    if (from.id == OV_TYPE_STRING)
        return ov_parse_double(((const ov_slice *)flat->data)[row], d);
    *d = from.id == OV_TYPE_LONG ? (double)((const int64_t *)flat->data)[row] : ((const double *)flat->data)[row];
    return true;
}

static bool as_long(const ov_vec *flat, ov_type from, uint32_t row, int64_t *v)
{
    double d;
    if (from.id == OV_TYPE_STRING && ov_parse_i64(((const ov_slice *)flat->data)[row], v))
        return true;
    if (!as_double(flat, from, row, &d) || !(d >= -0x1p63 && d < 0x1p63))
        return false;
    *v = (int64_t)trunc(d);
    return true;
}

static void to_numbers(const ov_vec *flat, ov_type from, bool real, void *list, uint64_t *valid)
{
    for (uint32_t i = 0; i < flat->rows; i++) {
        double d = 0;
        int64_t v = 0;
        bool there = !flat->valid || ov_bits_test(flat->valid, i);
        there = there && (real ? as_double(flat, from, i, &d) : as_long(flat, from, i, &v));
        if (there)
            ov_bits_set(valid, i);
        if (real)
            ((double *)list)[i] = d;
        else
            ((int64_t *)list)[i] = v;
    }
}

ov_status ovi_convert(const ov_vec *v, ov_type to, ov_arena *out, ov_vec *converted, ov_error *err)
{
    ov_vec flat;
    void *list;
    uint64_t *valid;
    bool text = to.id == OV_TYPE_STRING;
    *converted = *v;
    if (fits(v->type, to))
        return OV_OK;
    if (v->type.id == OV_TYPE_NULL) {
        *converted = ov_vec_null(to, v->rows);
        return OV_OK;
    }
    if (ovi_becomes_lists(v->type, to))
        return ovi_make_lists(v, to, out, converted, err);
    OV_TRY(ov_vec_flatten(v, out, &flat, err));
    OV_TRY(ov_arena_lanes(out, (size_t)v->rows * (text ? sizeof(ov_slice) : 8), &list, err));
    OV_TRY(ov_arena_zalloc(out, (ov_words(v->rows) + 1) * sizeof *valid, &valid, err));
    if (text) {
        OV_TRY(to_text(&flat, v->type, out, list, err));
        *converted = ov_vec_flat(OV_T(OV_TYPE_STRING), list, flat.valid, v->rows);
        return OV_OK;
    }
    bool real = ov_type_is_real(to);
    to_numbers(&flat, v->type, real, list, valid);
    *converted = ov_vec_flat(real ? OV_T(OV_TYPE_DOUBLE) : to, list, valid, v->rows);
    converted->type = to;
    return OV_OK;
}
