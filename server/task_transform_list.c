/*
 * A field that holds a JSON array, as a list: of whole numbers, fractions or texts, whichever holds all of its values. An array of arrays,
 * objects or truths stays JSON, which tells them from numbers.
 */
#include "server/task_transform_int.h"

#include "base/bits.h"
#include "base/numparse.h"

typedef struct elements {
    uint32_t count;
    bool nested, truth, text, real;
} elements;

static bool as_long(const ov_jsonr_value *v, int64_t *out)
{
    return v->kind == OV_JSONR_INT && ov_parse_i64(v->text, out);
}

static elements look_at(const ov_jsonr_value *array)
{
    elements e = {0};
    ov_jsonr_value item;
    int64_t n;
    for (ov_jsonr in = ov_jsonr_open(array); ov_jsonr_next(&in, &item); e.count++) {
        e.nested = e.nested || item.kind >= OV_JSONR_ARRAY;
        e.truth = e.truth || item.kind == OV_JSONR_TRUE || item.kind == OV_JSONR_FALSE;
        e.text = e.text || item.kind == OV_JSONR_STRING;
        e.real = e.real || item.kind == OV_JSONR_REAL || (item.kind == OV_JSONR_INT && !as_long(&item, &n));
    }
    return e;
}

static ov_status number_of(const ov_jsonr_value *v, bool real, void *lane, ov_error *err)
{
    int64_t whole = 0;
    double fraction = 0;
    bool is_long = as_long(v, &whole);
    if (!real) {
        memcpy(lane, &whole, sizeof whole);
        return OV_OK;
    }
    if (is_long)
        fraction = (double)whole;
    else if (!ov_parse_double(v->text, &fraction))
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is no number", OV_SLICE_ARG(v->text));
    memcpy(lane, &fraction, sizeof fraction);
    return OV_OK;
}

static ov_status read_items(const ov_jsonr_value *array, elements e, ov_type type, ov_arena *scratch, ov_vec *out, ov_error *err)
{
    size_t width = e.text ? sizeof(ov_slice) : 8;
    ov_jsonr_value item;
    uint64_t *valid;
    char *lanes;
    uint32_t i = 0;
    OV_TRY(ov_arena_zalloc(scratch, ((size_t)e.count + 1) * width, &lanes, err));
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(e.count) + 1) * sizeof *valid, &valid, err));
    for (ov_jsonr in = ov_jsonr_open(array); ov_jsonr_next(&in, &item); i++) {
        if (item.kind == OV_JSONR_NULL)
            continue;
        ov_bits_set(valid, i);
        if (e.text) /* numbers as they are written, truth as words */
            OV_TRY(ov_jsonr_text(&item, scratch, &((ov_slice *)(void *)lanes)[i], err));
        else
            OV_TRY(number_of(&item, e.real, lanes + i * width, err));
    }
    *out = ov_vec_flat(type, lanes, valid, e.count);
    return OV_OK;
}

ov_status ovi_transform_list(ov_slice json, bool several, ov_arena *scratch, ov_vec *out, uint8_t *kind, ov_error *err)
{
    ov_jsonr_value array;
    ov_vec *items;
    if (!ov_jsonr_read(json, &array, NULL, NULL) || array.kind != OV_JSONR_ARRAY)
        return OV_OK;
    elements e = look_at(&array);
    if (e.nested || (e.truth && !several))
        return OV_OK;
    if (several && e.count == 0) {
        *kind = VALUE_NULL;
        *out = ov_vec_null(OV_T(OV_TYPE_NULL), 1);
        return OV_OK;
    }
    e.text = e.text || several || e.count == 0;
    ov_type_id id = e.text ? OV_TYPE_STRING : e.real ? OV_TYPE_DOUBLE : OV_TYPE_LONG;
    OV_TRY(ov_arena_alloc(scratch, sizeof *items, &items, err));
    OV_TRY(read_items(&array, e, OV_T(id), scratch, items, err));
    *kind = several ? VALUE_SEVERAL : e.text ? VALUE_STRINGS : e.real ? VALUE_DOUBLES : VALUE_LONGS;
    *out = (ov_vec){.enc = OV_ENC_CONST, .rows = 1, .c.list = items};
    out->type = several ? (ov_type){.id = OV_TYPE_STRING, .multi = 1} : (ov_type){.id = OV_TYPE_ARRAY, .elem = (uint8_t)id};
    return OV_OK;
}
