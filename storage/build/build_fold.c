/*
 * Metrics with a dictionary rolled up. Of sketches the images of the rows that become one are put into one sketch, whose image is the new
 * value; of texts (OV_FOLD_ANY) the first one stays.
 *
 * Images are entries of the column's dictionary. Rows that stay alone keep theirs; those that meet make new ones. The new dictionary holds
 * only what rows still point to.
 */
#include "storage/build/build_int.h"

typedef struct folding {
    ovi_column *column;
    const ov_metric *metric; /* NULL: OV_FOLD_ANY */
    ovi_dict dict;  /* the new one */
    ov_arena arena; /* of one group */
    ov_arena reading; /* of one image */
    void *head;
    ov_buf image;
} folding;

static ov_status fold_rows(folding *f, const uint32_t *codes, const ovi_order *o, uint32_t at, uint32_t end, uint32_t *code,
                           ov_error *err)
{
    const ov_sketch_ops *ops = f->metric->ops;
    ov_arena_reset(&f->arena);
    OV_TRY(ov_arena_zalloc(&f->arena, ops->head_bytes, &f->head, err));
    ov_sketch_mem mem = ov_sketch_mem_arena(&f->arena);
    for (uint32_t i = at; i < end; i++) {
        uint32_t from = codes[o->perm ? o->perm[i] : i];
        ov_arena_reset(&f->reading);
        if (from)
            OV_TRY(ops->put(f->head, &f->metric->args, f->column->dict.entries[from], false, &mem, &f->reading, err));
    }
    ov_arena_reset(&f->reading);
    ov_buf_clear(&f->image);
    OV_TRY(ops->write(f->head, &f->metric->args, true, &f->reading, &f->image, err));
    OV_TRY(ov_buf_check(&f->image, err));
    return ovi_dict_add(&f->dict, ov_buf_slice(&f->image), code, err);
}

static ov_status fold_group(folding *f, const uint32_t *codes, const ovi_order *o, uint32_t group, uint32_t *known,
                            uint32_t *code, ov_error *err)
{
    uint32_t at = o->starts[group], end = o->starts[group + 1];
    if (end - at > 1 && f->metric)
        return fold_rows(f, codes, o, at, end, code, err);
    uint32_t alone = 0;
    for (; alone == 0 && at < end; at++)
        alone = codes[o->perm ? o->perm[at] : at];
    if (alone && known[alone] == 0)
        OV_TRY(ovi_dict_add(&f->dict, f->column->dict.entries[alone], &known[alone], err));
    *code = alone ? known[alone] : 0;
    return OV_OK;
}

/* Codes of all rows, in the order in which they came. */
static ov_status open_codes(const ovi_column *c, uint32_t **out, size_t *cap, ov_error *err)
{
    int64_t values[OV_BATCH_ROWS];
    OV_TRY(ovi_grow(out, cap, c->rows, sizeof **out, c->budget, err));
    for (uint32_t b = 0; b < c->block_count; b++) {
        uint32_t n = ovi_column_decode(c, b, values, NULL);
        for (uint32_t i = 0; i < n; i++)
            (*out)[(size_t)b * OV_BATCH_ROWS + i] = (uint32_t)values[i];
    }
    return OV_OK;
}

static ov_status push_groups(folding *f, const uint32_t *codes, const ovi_order *o, uint32_t *known, ov_error *err)
{
    int64_t out[1024];
    for (uint32_t at = 0; at < o->rows;) {
        uint32_t n = OV_MIN(o->rows - at, (uint32_t)OV_COUNT_OF(out));
        for (uint32_t i = 0; i < n; i++) {
            uint32_t code;
            OV_TRY(fold_group(f, codes, o, at + i, known, &code, err));
            out[i] = code;
        }
        OV_TRY(ovi_column_push(f->column, out, NULL, NULL, n, err));
        at += n;
    }
    return ovi_column_flush(f->column, err);
}

static ov_status fold_all(folding *f, const ovi_order *o, ov_error *err)
{
    ovi_column *c = f->column;
    uint32_t *codes = NULL, *known = NULL;
    size_t codes_cap = 0, known_cap = 0;
    ov_status st = open_codes(c, &codes, &codes_cap, err);
    if (st == OV_OK)
        st = ovi_grow(&known, &known_cap, c->dict.count, sizeof *known, c->budget, err);
    if (st == OV_OK) {
        memset(known, 0, c->dict.count * sizeof *known);
        ov_arena_fini(&c->payload);
        c->block_count = 0;
        c->rows = c->nulls = 0;
        st = push_groups(f, codes, o, known, err);
    }
    ovi_shrink(&codes, &codes_cap, sizeof *codes, c->budget);
    ovi_shrink(&known, &known_cap, sizeof *known, c->budget);
    return st;
}

ov_status ovi_column_fold(ovi_column *c, const ovi_order *order, ov_error *err)
{
    folding f = {.column = c, .metric = c->def.metric};
    OV_TRY(ovi_dict_init(&f.dict, 1, c->budget, err));
    ov_arena_init(&f.arena, "sketch", c->budget);
    ov_arena_init(&f.reading, "sketch", c->budget);
    ov_buf_init(&f.image);
    ov_status st = fold_all(&f, order, err);
    if (st != OV_OK)
        ov_error_context(err, "column " OV_SLICE_FMT, OV_SLICE_ARG(c->def.name));
    ov_buf_fini(&f.image);
    ov_arena_fini(&f.reading);
    ov_arena_fini(&f.arena);
    ovi_dict old = st == OV_OK ? c->dict : f.dict;
    if (st == OV_OK)
        c->dict = f.dict;
    ovi_dict_fini(&old);
    return st;
}
