/*
 * Rows picked from many parts, as one batch.
 */
#include "query/exec/sort_int.h"

#include "base/bits.h"

static bool is_text(ov_type t)
{
    return !ov_type_is_int(t) && !ov_type_is_real(t);
}

/* ---- lists ---- */

/* Value `row` of v as value i of data, whose type is that of v. */
static void put_value(const ov_vec *v, uint32_t row, char *data, uint32_t i)
{
    if (ov_type_is_int(v->type))
        ((int64_t *)(void *)data)[i] = ov_vec_i64(v, row);
    else if (ov_type_is_real(v->type))
        ((double *)(void *)data)[i] = ov_vec_f64(v, row);
    else
        ((ov_slice *)(void *)data)[i] = ov_vec_str(v, row);
}

static ov_status clear_valid(uint64_t **valid, uint32_t i, uint32_t n, ov_arena *out, ov_error *err)
{
    if (!*valid) {
        OV_TRY(ov_arena_lanes(out, (ov_words(n) + 1) * 8, valid, err));
        ov_bits_fill(*valid, n, true);
    }
    ov_bits_clear(*valid, i);
    return OV_OK;
}

static const ov_vec *list_of(const sort_part *parts, const ovi_ref *ref, uint32_t c, uint32_t *first, uint32_t *end)
{
    const ov_vec *v = &parts[ref->part].batch.col[c];
    if (ov_type_is_list(v->type))
        return ov_vec_list(v, ref->item, first, end);
    *first = ref->item; /* some parts may have a multi-value string as a plain one */
    *end = ref->item + 1;
    return v;
}

/* Elements of all lists one behind the other, by value: each part may have them in a way of its own. */
static ov_status gather_lists(const sort_part *parts, const ovi_ref *refs, uint32_t n, uint32_t c, ov_type type,
                              ov_arena *out, ov_vec *vec, ov_error *err)
{
    uint32_t *offsets, first, end;
    uint64_t *valid = NULL, *child_valid = NULL, total = 0;
    ov_type elem = OV_T(OV_TYPE_NULL);
    ov_vec *child;
    char *data;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 1) * 4, &offsets, err));
    for (uint32_t i = 0; i < n; i++) {
        offsets[i] = (uint32_t)total;
        if (ov_vec_is_null(&parts[refs[i].part].batch.col[c], refs[i].item)) {
            OV_TRY(clear_valid(&valid, i, n, out, err));
            continue;
        }
        const ov_vec *list = list_of(parts, &refs[i], c, &first, &end);
        total += end - first;
        if (end > first && elem.id == OV_TYPE_NULL)
            elem = list->type;
        if (total > UINT32_MAX / 2)
            return ov_fail(err, OV_LIMIT, "the lists of %u rows have more than 2,147,483,647 elements", n);
    }
    uint32_t count = (uint32_t)total;
    offsets[n] = count;
    if (ov_type_is_list(elem))
        return ov_fail(err, OV_UNSUPPORTED, "sorting rows with lists of lists is not supported");
    size_t width = is_text(elem) ? sizeof(ov_slice) : 8;
    OV_TRY(ov_arena_lanes(out, ((size_t)count + 64) * width, &data, err));
    for (uint32_t i = 0, to = 0; i < n; i++) {
        const ov_vec *list = offsets[i + 1] > offsets[i] ? list_of(parts, &refs[i], c, &first, &end) : NULL;
        for (uint32_t e = first; list && e < end; e++, to++) {
            bool null = list->type.id == OV_TYPE_NULL || ov_vec_is_null(list, e);
            memset(data + to * width, 0, width);
            if (null)
                OV_TRY(clear_valid(&child_valid, to, count, out, err));
            else
                put_value(list, e, data, to);
        }
    }
    OV_TRY(ov_arena_alloc(out, sizeof(*child), &child, err));
    *child = ov_vec_flat(elem, data, child_valid, count);
    *vec = (ov_vec){.type = type,
                    .enc = OV_ENC_LIST,
                    .rows = n,
                    .valid = valid,
                    .child = child,
                    .offsets = offsets};
    return OV_OK;
}

/* Column c of the rows of refs as one vector. The rows of one part keep its dictionary. */
static ov_status gather_column(const sort_part *parts, const ovi_ref *refs, uint32_t n, uint32_t c, ov_arena *out,
                               ov_vec *vec, ov_error *err)
{
    ov_type type = parts[refs[0].part].batch.col[c].type;
    const ov_domain *dict = NULL;
    bool one_domain = true;
    for (uint32_t i = 0; i < n && (one_domain || type.id == OV_TYPE_STRING); i++) {
        const ov_vec *v = &parts[refs[i].part].batch.col[c];
        if (ov_type_is_list(v->type))
            type = v->type;
        one_domain = one_domain && v->enc == OV_ENC_DICT && (!dict || dict->id == v->dict->id);
        dict = v->dict;
    }
    if (one_domain) {
        uint32_t *codes;
        OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * 4, &codes, err));
        for (uint32_t i = 0; i < n; i++)
            codes[i] = ov_vec_code(&parts[refs[i].part].batch.col[c], refs[i].item);
        *vec = (ov_vec){.type = type, .enc = OV_ENC_DICT, .lane = 4, .rows = n, .divisor = 1, .data = codes,
                        .dict = dict};
        return OV_OK;
    }
    if (ov_type_is_list(type))
        return gather_lists(parts, refs, n, c, type, out, vec, err);
    size_t width = is_text(type) ? sizeof(ov_slice) : 8;
    char *data;
    uint64_t *valid = NULL;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * width, &data, err));
    for (uint32_t i = 0; i < n; i++) {
        const ov_vec *v = &parts[refs[i].part].batch.col[c];
        uint32_t row = refs[i].item;
        memset(data + i * width, 0, width);
        if (ov_vec_is_null(v, row)) {
            OV_TRY(clear_valid(&valid, i, n, out, err));
        } else {
            put_value(v, row, data, i);
        }
    }
    *vec = ov_vec_flat(type, data, valid, n);
    return OV_OK;
}

/* ---- numbers of wide rows ---- */

enum {
    WIDE = 64,  /* columns: below, those of all rows lie in the caches */
    BLOCK = 32, /* columns at a time: each writes a lane of its own */
};

/* Column after column, each value of rows from many parts would miss the caches twice, for its vector and for itself: vectors of a row lie
 * side by side, so some columns of one row come before those of the next. */
static ov_status gather_numbers(const sort_part *parts, const ovi_ref *refs, uint32_t n, const uint32_t *cols, uint32_t count, ov_arena *out,
                                ov_batch *b, ov_error *err)
{
    uint64_t *data[BLOCK], *valid[BLOCK] = {0};
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * sizeof(**data), &data[i], err));
    for (uint32_t r = 0; r < n; r++) {
        const ov_vec *row = parts[refs[r].part].batch.col;
        for (uint32_t i = 0; i < count; i++) {
            const ov_vec *v = &row[cols[i]];
            data[i][r] = 0;
            if (ov_vec_is_null(v, refs[r].item))
                OV_TRY(clear_valid(&valid[i], r, n, out, err));
            else
                put_value(v, refs[r].item, (char *)data[i], r);
        }
    }
    for (uint32_t i = 0; i < count; i++)
        b->col[cols[i]] = ov_vec_flat(parts[refs[0].part].batch.col[cols[i]].type, data[i], valid[i], n);
    return OV_OK;
}

/* One column of them is gathered by value, whatever other parts have. */
static bool is_number(const ov_vec *v)
{
    return v->enc != OV_ENC_DICT && (ov_type_is_int(v->type) || ov_type_is_real(v->type));
}

ov_status ovi_sort_gather(const sort_part *parts, const ovi_ref *refs, uint32_t n, uint32_t cols, ov_arena *out,
                          ov_batch *b, ov_error *err)
{
    uint32_t numbers[BLOCK], count = 0;
    *b = (ov_batch){.rows = n, .cols = cols, .sel_rows = n};
    OV_TRY(ov_arena_alloc(out, OV_MAX(cols, 1) * sizeof(ov_vec), &b->col, err));
    for (uint32_t c = 0; c < cols; c++) {
        if (cols < WIDE || !is_number(&parts[refs[0].part].batch.col[c])) {
            OV_TRY(gather_column(parts, refs, n, c, out, &b->col[c], err));
            continue;
        }
        numbers[count++] = c;
        if (count < BLOCK)
            continue;
        OV_TRY(gather_numbers(parts, refs, n, numbers, count, out, b, err));
        count = 0;
    }
    return gather_numbers(parts, refs, n, numbers, count, out, b, err);
}
