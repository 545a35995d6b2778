/*
 * A column for segmentMetadata. What its dictionary and statistics know costs nothing per row. Where rows are superseded the
 * codes of the others are counted, because what only superseded rows hold is in no answer of a query.
 */
#include "query/native/native_meta_int.h"

#include "base/bits.h"

typedef struct column_reader {
    const ov_column *col;
    const ov_column_info *info;
    const ov_dead *dead; /* NULL: all rows are there */
    const ovi_column_asked *asked;
    ov_arena *arena;
    ovi_column_says *out;
} column_reader;

/* ---- rows that are there ---- */

typedef ov_status block_fn(void *arg, const ov_vec *v, const uint64_t *gone, ov_arena *scratch, ov_error *err);

static ov_status each_block(const column_reader *r, block_fn *fn, void *arg, ov_error *err)
{
    ov_arena scratch;
    ov_status st = OV_OK;
    ov_arena_init(&scratch, "segment metadata", r->arena->budget);
    for (uint32_t b = 0; (uint64_t)b * OV_BATCH_ROWS < r->info->rows && st == OV_OK; b++) {
        ov_vec v;
        ov_arena_reset(&scratch);
        st = ov_column_read(r->col, b, &scratch, &v, err);
        if (st == OV_OK)
            st = fn(arg, &v, ov_dead_block(r->dead, b), &scratch, err);
    }
    ov_arena_fini(&scratch);
    return st;
}

static bool is_gone(const uint64_t *gone, uint32_t row)
{
    return gone && ov_bits_test(gone, row);
}

static ov_status count_block(void *arg, const ov_vec *v, const uint64_t *gone, ov_arena *scratch, ov_error *err)
{
    uint32_t *counts = arg;
    const uint32_t *codes;
    OV_TRY(ov_vec_codes32(v, scratch, &codes, err));
    for (uint32_t i = 0; i < v->rows; i++)
        counts[codes[i]] += !is_gone(gone, i);
    return OV_OK;
}

static ov_status look_for_null(void *arg, const ov_vec *v, const uint64_t *gone, ov_arena *scratch, ov_error *err)
{
    bool *some = arg;
    (void)scratch;
    (void)err;
    for (uint32_t i = 0; i < v->rows && !*some; i++)
        *some = !is_gone(gone, i) && ov_vec_is_null(v, i);
    return OV_OK;
}

/* Rows of each code of `d`, the column's own dictionary or, of lists, that of their elements. *null_rows: NULLs that are no code. */
static ov_status count_codes(const column_reader *r, const ov_domain *d, uint32_t **out, uint64_t *null_rows, ov_error *err)
{
    const ov_domain *whole;
    uint32_t *counts, *inner;
    OV_TRY(ov_column_domain(r->col, &whole, err));
    OV_TRY(ov_arena_zalloc(r->arena, (whole->count + (size_t)1) * sizeof *counts, &counts, err));
    OV_TRY(each_block(r, count_block, counts, err));
    *out = counts;
    *null_rows = 0;
    if (whole == d)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->arena, (d->count + (size_t)1) * sizeof *inner, &inner, err));
    for (uint32_t code = 0; code < whole->count; code++) {
        uint32_t first = 0, end = 0;
        if (ov_domain_is_null(whole, code)) {
            *null_rows += counts[code];
            continue;
        }
        const ov_vec *list = counts[code] ? ov_vec_list(whole->values, code, &first, &end) : NULL;
        for (; list && first < end; first++)
            inner[ov_vec_code(list, first)] += counts[code];
    }
    *out = inner;
    return OV_OK;
}

/* ---- columns ---- */

/* Dictionaries of text are sorted, NULL first, which Druid counts as a value. counts NULL: every code has rows. */
static ov_status say_text(const column_reader *r, const ov_domain *d, const uint32_t *counts, bool null_row, ov_error *err)
{
    ovi_column_says *out = r->out;
    uint32_t n = d ? d->count : 0, from = n && ov_domain_is_null(d, 0), first = UINT32_MAX, last = 0;
    bool inner = from && (!counts || counts[0]);
    uint64_t distinct = inner;
    for (uint32_t i = from; i < n && (counts || r->asked->size); i++) {
        uint64_t rows = counts ? counts[i] : d->row_counts ? d->row_counts[i] : 1;
        out->size += r->asked->size ? (uint64_t)ov_domain_str(d, i).n * rows : 0;
        distinct += rows > 0;
        if (rows == 0)
            continue;
        first = OV_MIN(first, i);
        last = i;
    }
    if (!counts && from < n) {
        distinct = n - from + inner;
        first = from;
        last = n - 1;
    }
    out->nulls = inner || null_row;
    if (r->asked->cardinality)
        out->cardinality = distinct + (null_row && !inner);
    if (!r->asked->bounds || first == UINT32_MAX)
        return OV_OK;
    out->has_max = true;
    OV_TRY(ov_arena_copy(r->arena, ov_domain_str(d, last), &out->max, err));
    out->has_min = !out->nulls;
    return out->has_min ? ov_arena_copy(r->arena, ov_domain_str(d, first), &out->min, err) : OV_OK;
}

static ov_status text_column(const column_reader *r, ov_error *err)
{
    const ov_domain *d = NULL;
    uint32_t *counts = NULL;
    uint64_t null_rows = r->info->nulls;
    if (ov_type_is_list(r->info->type))
        OV_TRY(ov_column_elements(r->col, &d, err));
    else if (r->info->dict)
        OV_TRY(ov_column_domain(r->col, &d, err));
    if (r->dead && d)
        OV_TRY(count_codes(r, d, &counts, &null_rows, err));
    return say_text(r, d, counts, null_rows > 0, err);
}

static ov_status number_column(const column_reader *r, ov_error *err)
{
    bool time = ov_slice_eq(r->info->name, OV_SLICE_LIT("__time"));
    if (r->asked->size)
        r->out->size = (uint64_t)(r->info->rows - ov_dead_count(r->dead)) * (time ? 10 : r->info->type.id == OV_TYPE_FLOAT ? 4 : 8);
    if (!r->dead || !r->out->nulls)
        return OV_OK;
    r->out->nulls = false;
    return each_block(r, look_for_null, &r->out->nulls, err);
}

ov_status ovi_meta_column(const ov_column *col, const ov_dead *dead, const ovi_column_asked *asked, ov_arena *arena, ovi_column_says *out,
                          ov_error *err)
{
    const ov_column_info *info = ov_column_get_info(col);
    column_reader r = {col, info, ov_dead_count(dead) ? dead : NULL, asked, arena, out};
    *out = (ovi_column_says){.type = info->type, .nulls = info->nulls > 0};
    OV_TRY(ov_arena_copy(arena, info->name, &out->name, err));
    if (info->type.id == OV_TYPE_NULL) { /* a column without a value is text to Druid */
        out->type = OV_T(OV_TYPE_STRING);
        out->cardinality = asked->cardinality;
        out->nulls = true;
        return OV_OK;
    }
    if (info->type.id != OV_TYPE_STRING)
        return number_column(&r, err);
    out->multi = info->type.multi;
    return text_column(&r, err);
}
