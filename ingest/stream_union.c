/* Rows of several segments as one sequence of batches in common columns. */
#include "ingest/stream_int.h"

/* A list of strings holds plain ones; numbers of a wider kind take narrower ones. */
static bool unites(ov_type a, ov_type b, ov_type *both)
{
    *both = a;
    if (ov_type_eq(a, b))
        return true;
    if (a.id == OV_TYPE_STRING && b.id == OV_TYPE_STRING) {
        both->multi = 1;
        return true;
    }
    bool a_long = a.id == OV_TYPE_LONG, b_long = b.id == OV_TYPE_LONG;
    if (a_long && (b.id == OV_TYPE_DOUBLE || b.id == OV_TYPE_FLOAT))
        *both = b;
    else if (!(b_long && (a.id == OV_TYPE_DOUBLE || a.id == OV_TYPE_FLOAT)))
        return false;
    return true;
}

bool ovi_union_fits(const ov_segment *a, const ov_segment *b)
{
    ov_type both;
    for (uint32_t i = 0; i < ov_segment_columns(b); i++) {
        const ov_column_info *c = ov_column_get_info(ov_segment_column(b, i));
        const ov_column *there = ov_segment_find(a, c->name);
        if (there && (!unites(ov_column_get_info(there)->type, c->type, &both) ||
                      ov_column_get_info(there)->role != c->role))
            return false;
    }
    return true;
}

/* ---- columns ---- */

/* How rows of one key fold is not in the segment, the spec says it. */
static void set_fold(const ov_spec *spec, ov_build_column *c)
{
    c->fold = c->type.id == OV_TYPE_COMPLEX ? OV_FOLD_NONE : OV_FOLD_SUM;
    for (uint32_t i = 0; i < spec->metric_count; i++)
        if (ov_slice_eq(spec->metrics[i].name, c->name)) {
            c->fold = spec->metrics[i].fold;
            c->metric = spec->metrics[i].metric;
        }
}

static ov_status add_column(ovi_union *u, uint32_t *cap, const ov_column_info *c, const ov_spec *spec, ov_arena *out,
                            ov_error *err)
{
    for (uint32_t i = 0; i < u->column_count; i++)
        if (ov_slice_eq(u->columns[i].name, c->name)) {
            u->columns[i].indexed |= c->indexed;
            if (!unites(u->columns[i].type, c->type, &u->columns[i].type))
                return ov_fail(err, OV_INTERNAL, "column '" OV_SLICE_FMT "' has types that do not unite",
                               OV_SLICE_ARG(c->name));
            return OV_OK;
        }
    if (u->column_count == *cap) {
        ov_build_column *bigger;
        *cap = *cap ? *cap * 2 : 32;
        OV_TRY(ov_arena_alloc(out, *cap * sizeof *bigger, &bigger, err));
        if (u->column_count)
            memcpy(bigger, u->columns, u->column_count * sizeof *bigger);
        u->columns = bigger;
    }
    ov_build_column *to = &u->columns[u->column_count++];
    *to = (ov_build_column){.type = c->type, .role = c->role, .indexed = c->indexed};
    OV_TRY(ov_arena_copy(out, c->name, &to->name, err));
    if (c->role == OV_ROLE_METRIC)
        set_fold(spec, to);
    return OV_OK;
}

static ov_status add_columns(ovi_union *u, uint32_t *cap, const ov_segment *const *segments, uint32_t count,
                             uint8_t role, const ov_spec *spec, ov_arena *out, ov_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < ov_segment_columns(segments[i]); c++) {
            const ov_column_info *info = ov_column_get_info(ov_segment_column(segments[i], c));
            if (info->role == role)
                OV_TRY(add_column(u, cap, info, spec, out, err));
        }
    return OV_OK;
}

/* ---- order ---- */

static bool sortable(const ov_build_column *c)
{
    return c->role == OV_ROLE_TIME || (c->role == OV_ROLE_DIMENSION && c->type.id != OV_TYPE_COMPLEX);
}

static void add_sort(ovi_union *u, ov_slice name)
{
    for (uint32_t i = 0; i < u->column_count; i++) {
        bool there = false;
        if (!ov_slice_eq(u->columns[i].name, name) || !sortable(&u->columns[i]))
            continue;
        for (uint32_t k = 0; k < u->sort_count; k++)
            there |= u->sort[k] == i;
        if (!there)
            u->sort[u->sort_count++] = i;
    }
}

/* Time first, or where the spec puts it among its dimensions; then the other dimensions. */
static void settle_sort(ovi_union *u, const ov_spec *spec)
{
    if (spec->dimensions.sort_by_time)
        add_sort(u, OV_SLICE_LIT("__time"));
    for (uint32_t i = 0; i < spec->dimensions.count; i++)
        add_sort(u, spec->dimensions.list[i].name);
    for (uint32_t i = 1; i < u->column_count; i++)
        add_sort(u, u->columns[i].name);
    add_sort(u, OV_SLICE_LIT("__time"));
}

uint32_t ovi_union_segments(ovi_piece *const *pieces, uint32_t count, const ov_segment **out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i]->live)
            out[n++] = ov_live_entry(pieces[i]->live)->live;
    return n;
}

ov_status ovi_union_make(const ov_segment *const *segments, uint32_t count, const ov_spec *spec, ov_arena *out,
                         ovi_union *u, ov_error *err)
{
    uint32_t cap = 0;
    *u = (ovi_union){0};
    OV_TRY(add_columns(u, &cap, segments, count, OV_ROLE_TIME, spec, out, err));
    OV_TRY(add_columns(u, &cap, segments, count, OV_ROLE_DIMENSION, spec, out, err));
    OV_TRY(add_columns(u, &cap, segments, count, OV_ROLE_METRIC, spec, out, err));
    OV_TRY(ov_arena_alloc(out, u->column_count * sizeof *u->sort, &u->sort, err));
    settle_sort(u, spec);
    return count ? ov_arena_copy(out, ov_segment_extra_json(segments[0]), &u->extra_json, err) : OV_OK;
}

/* ---- rows ---- */

static ov_status read_segment(const ovi_union *u, const ov_segment *seg, ov_arena *scratch,
                              ov_status (*sink)(void *self, const ov_batch *batch, ov_error *err), void *self,
                              ov_error *err)
{
    uint32_t rows = ov_segment_get_info(seg)->rows;
    for (uint32_t b = 0, from = 0; from < rows; b++, from += OV_BATCH_ROWS) {
        ov_vec *vecs;
        ov_batch batch = {.rows = OV_MIN(rows - from, (uint32_t)OV_BATCH_ROWS), .cols = u->column_count};
        ov_arena_reset(scratch);
        OV_TRY(ov_arena_alloc(scratch, u->column_count * sizeof *vecs, &vecs, err));
        for (uint32_t c = 0; c < u->column_count; c++) {
            const ov_column *col = ov_segment_find(seg, u->columns[c].name);
            if (col)
                OV_TRY(ov_column_read(col, b, scratch, &vecs[c], err));
            else
                vecs[c] = ov_vec_null(u->columns[c].type, batch.rows);
        }
        batch.col = vecs;
        batch.sel_rows = batch.rows;
        OV_TRY(sink(self, &batch, err));
    }
    return OV_OK;
}

ov_status ovi_union_read(const ovi_union *u, const ov_segment *const *segments, uint32_t count,
                         ov_status (*sink)(void *self, const ov_batch *batch, ov_error *err), void *self, ov_error *err)
{
    ov_arena scratch;
    ov_status st = OV_OK;
    ov_arena_init(&scratch, "pieces", NULL);
    for (uint32_t i = 0; i < count && st == OV_OK; i++)
        st = read_segment(u, segments[i], &scratch, sink, self, err);
    ov_arena_fini(&scratch);
    return st;
}
