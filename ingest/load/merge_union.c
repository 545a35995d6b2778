/*
 * Rows of several segments as one sequence of batches in common columns.
 *
 * A merge that keeps what is there (ovi_union_make) takes every column of the inputs. One that somebody described
 * (ovi_union_want) takes the columns that are wanted; types that differ are converted as they are read.
 */
#include "base/bits.h"
#include "ingest/load/merge.h"

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
static void set_fold(const ov_spec *spec, ov_build_column *c, ovi_union_source *source)
{
    bool number = ov_type_is_int(c->type) || ov_type_is_real(c->type);
    c->fold = number ? OV_FOLD_SUM : OV_FOLD_NONE;
    for (uint32_t i = 0; i < spec->metric_count; i++)
        if (ov_slice_eq(spec->metrics[i].name, c->name)) {
            c->fold = spec->metrics[i].fold;
            c->metric = spec->metrics[i].metric;
            source->field = spec->metrics[i].field;
            source->more = spec->metrics[i].more;
            source->more_count = spec->metrics[i].more_count;
            source->count = spec->metrics[i].is_count;
            source->of_rows = spec->metrics[i].made || spec->metrics[i].when.n > 0;
            source->times = spec->metrics[i].time_format.n > 0;
        }
}

static ov_build_column *find_column(const ovi_union *u, ov_slice name)
{
    for (uint32_t i = 0; i < u->column_count; i++)
        if (ov_slice_eq(u->columns[i].name, name))
            return &u->columns[i];
    return NULL;
}

static ov_status append_column(ovi_union *u, ov_build_column c, const ov_spec *spec, ov_arena *out, ov_error *err)
{
    uint32_t cap = u->cap;
    OV_TRY(ov_arena_room(out, &u->sources, u->column_count, &cap, 1, sizeof *u->sources, err));
    OV_TRY(ov_arena_room(out, &u->columns, u->column_count, &u->cap, 1, sizeof *u->columns, err));
    OV_TRY(ov_arena_copy(out, c.name, &c.name, err));
    u->columns[u->column_count] = c;
    u->sources[u->column_count] = (ovi_union_source){0};
    if (c.role == OV_ROLE_METRIC)
        set_fold(spec, &u->columns[u->column_count], &u->sources[u->column_count]);
    u->column_count++;
    return OV_OK;
}

/* wide: types that do not unite become the one that holds both. */
static ov_status add_column(ovi_union *u, const ov_column_info *c, const ov_spec *spec, bool wide, ov_arena *out, ov_error *err)
{
    ov_build_column *there = find_column(u, c->name);
    if (!there)
        return append_column(u, (ov_build_column){.name = c->name, .type = c->type, .role = c->role, .indexed = c->indexed}, spec,
                             out, err);
    there->indexed |= c->indexed;
    if (unites(there->type, c->type, &there->type))
        return OV_OK;
    if (!wide)
        return ov_fail(err, OV_INTERNAL, "column '" OV_SLICE_FMT "' has types that do not unite", OV_SLICE_ARG(c->name));
    there->type = ov_type_wider(there->type, c->type);
    there->indexed = ov_type_is_list(there->type) || there->type.id == OV_TYPE_STRING;
    return OV_OK;
}

static bool is_excluded(const ov_spec *spec, ov_slice name)
{
    for (uint32_t i = 0; i < spec->dimensions.exclusion_count; i++)
        if (ov_slice_eq(spec->dimensions.exclusions[i], name))
            return true;
    return false;
}

static ov_status add_columns(ovi_union *u, const ovi_merge_input *inputs, uint32_t count, uint8_t role, const ov_spec *spec,
                             bool wide, ov_arena *out, ov_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < ov_segment_columns(inputs[i].segment); c++) {
            const ov_column_info *info = ov_column_get_info(ov_segment_column(inputs[i].segment, c));
            if (info->role == role && !(wide && role == OV_ROLE_DIMENSION && is_excluded(spec, info->name)))
                OV_TRY(add_column(u, info, spec, wide, out, err));
        }
    return OV_OK;
}

/* ---- columns that are wanted ---- */

/* The type of a listed dimension: `auto` is what the inputs have. */
static ov_type listed_type(const ov_dimension_spec *d, const ovi_merge_input *inputs, uint32_t count)
{
    bool found = false;
    ov_type type = d->type;
    for (uint32_t i = 0; i < count; i++) {
        const ov_column *col = ov_segment_find(inputs[i].segment, d->name);
        if (!col)
            continue;
        ov_type t = ov_column_get_info(col)->type;
        if (d->type.id == OV_TYPE_NULL)
            type = found ? ov_type_wider(type, t) : t;
        else if (d->type.id == OV_TYPE_STRING && t.id == OV_TYPE_STRING)
            type.multi |= t.multi;
        found = true;
    }
    return type.id == OV_TYPE_NULL ? OV_T(OV_TYPE_STRING) : type;
}

static ov_status add_listed(ovi_union *u, const ovi_merge_input *inputs, uint32_t count, const ov_spec *spec, ov_arena *out,
                            ov_error *err)
{
    for (uint32_t i = 0; i < spec->dimensions.count; i++) {
        const ov_dimension_spec *d = &spec->dimensions.list[i];
        ov_build_column c = {.name = d->name, .role = OV_ROLE_DIMENSION};
        if (ov_slice_eq(d->name, OV_SLICE_LIT("__time")))
            continue;
        c.type = listed_type(d, inputs, count);
        c.indexed = d->bitmap && (c.type.id == OV_TYPE_STRING || ov_type_is_list(c.type));
        OV_TRY(append_column(u, c, spec, out, err));
    }
    return OV_OK;
}

static ov_status add_metrics(ovi_union *u, const ov_spec *spec, ov_arena *out, ov_error *err)
{
    for (uint32_t i = 0; i < spec->metric_count; i++) {
        const ov_metric_spec *m = &spec->metrics[i];
        if (find_column(u, m->name))
            return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is a dimension as well as a metric", OV_SLICE_ARG(m->name));
        OV_TRY(append_column(u, (ov_build_column){.name = m->name, .type = m->type, .role = OV_ROLE_METRIC}, spec, out, err));
    }
    return OV_OK;
}

static ov_status check_source(const ovi_union *u, uint32_t c, const ov_column *col, ov_error *err)
{
    char from[48], to[48];
    const ov_build_column *b = &u->columns[c];
    const ov_column_info *info = ov_column_get_info(col);
    bool texts_of_times = u->sources[c].times && info->type.id == OV_TYPE_STRING;
    if (!texts_of_times && (ovi_converts(info->type, b->type) || ovi_sketches(info->type, b->metric)))
        return OV_OK;
    return ov_fail(err, OV_UNSUPPORTED, "column '" OV_SLICE_FMT "' is %s; compaction cannot make it %s of '" OV_SLICE_FMT "'",
                   OV_SLICE_ARG(info->name), ov_type_name(info->type, from), ov_type_name(b->type, to), OV_SLICE_ARG(b->name));
}

/* The input's column for column c of the union; NULL: it has none. A metric that the input has is combined, else made of its field. */
static const ov_column *source_of(const ovi_union *u, const ov_segment *seg, uint32_t c, bool *count)
{
    const ov_column *col = ov_segment_find(seg, u->columns[c].name);
    bool metric = u->columns[c].role == OV_ROLE_METRIC;
    *count = false;
    if (!metric || (col && ov_column_get_info(col)->role == OV_ROLE_METRIC))
        return col;
    *count = u->sources[c].count;
    return u->sources[c].field.n ? ov_segment_find(seg, u->sources[c].field) : col;
}

static bool has_metric(const ov_segment *seg, ov_slice name)
{
    const ov_column *col = ov_segment_find(seg, name);
    return col && ov_column_get_info(col)->role == OV_ROLE_METRIC;
}

static ov_status check_sources(const ovi_union *u, const ovi_merge_input *inputs, uint32_t count, ov_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < u->column_count; c++) {
            bool counts;
            const ov_column *col = source_of(u, inputs[i].segment, c, &counts);
            if (u->sources[c].of_rows && !has_metric(inputs[i].segment, u->columns[c].name))
                return ov_fail(err, OV_UNSUPPORTED,
                               "compaction cannot make '" OV_SLICE_FMT "': metrics with a filter or an expression are made when rows are loaded",
                               OV_SLICE_ARG(u->columns[c].name));
            if (col && !counts)
                OV_TRY(check_source(u, c, col, err));
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

ov_status ovi_union_make(const ovi_merge_input *inputs, uint32_t count, const ov_spec *spec, ov_arena *out, ovi_union *u,
                         ov_error *err)
{
    *u = (ovi_union){0};
    OV_TRY(add_columns(u, inputs, count, OV_ROLE_TIME, spec, false, out, err));
    OV_TRY(add_columns(u, inputs, count, OV_ROLE_DIMENSION, spec, false, out, err));
    OV_TRY(add_columns(u, inputs, count, OV_ROLE_METRIC, spec, false, out, err));
    OV_TRY(ov_arena_alloc(out, (u->column_count + 1u) * sizeof *u->sort, &u->sort, err));
    settle_sort(u, spec);
    memset(u->sources, 0, u->cap * sizeof *u->sources); /* what an input lacks is NULL: it was not asked for again */
    return count ? ov_arena_copy(out, ov_segment_extra_json(inputs[0].segment), &u->extra_json, err) : OV_OK;
}

ov_status ovi_union_want(const ovi_merge_input *inputs, uint32_t count, const ov_spec *spec, bool metrics, ov_arena *out,
                         ovi_union *u, ov_error *err)
{
    *u = (ovi_union){0};
    OV_TRY(add_columns(u, inputs, count, OV_ROLE_TIME, spec, true, out, err));
    OV_TRY(add_listed(u, inputs, count, spec, out, err));
    if (spec->dimensions.include_all)
        OV_TRY(add_columns(u, inputs, count, OV_ROLE_DIMENSION, spec, true, out, err));
    OV_TRY(metrics ? add_metrics(u, spec, out, err) : add_columns(u, inputs, count, OV_ROLE_METRIC, spec, true, out, err));
    if (!metrics)
        memset(u->sources, 0, u->cap * sizeof *u->sources); /* what an input lacks is NULL */
    OV_TRY(ov_arena_alloc(out, (u->column_count + 1u) * sizeof *u->sort, &u->sort, err));
    settle_sort(u, spec);
    return check_sources(u, inputs, count, err);
}

/* ---- rows ---- */

typedef struct reading {
    const ovi_union *u;
    const ovi_merge_input *in;
    ovi_merge_filter *filter;
    ov_arena scratch;
} reading;

static ov_status read_sketches(reading *r, uint32_t c, uint32_t b, const ov_vec *v, ov_vec *out, ov_error *err)
{
    const ov_build_column *to = &r->u->columns[c];
    const ovi_union_source *source = &r->u->sources[c];
    ov_vec *more;
    OV_TRY(ov_arena_alloc(&r->scratch, (source->more_count + (size_t)1) * sizeof *more, &more, err));
    for (uint32_t i = 0; i < source->more_count; i++) {
        const ov_column *col = ov_segment_find(r->in->segment, source->more[i]);
        more[i] = ov_vec_null(OV_T(OV_TYPE_LONG), v->rows);
        if (col)
            OV_TRY(ov_column_read(col, b, &r->scratch, &more[i], err));
    }
    return ovi_make_sketches(v, more, source->more_count, to->type, to->metric, &r->scratch, out, err);
}

static ov_status read_column(reading *r, uint32_t c, uint32_t b, uint32_t rows, ov_vec *out, ov_error *err)
{
    bool count;
    ov_vec v;
    const ov_build_column *to = &r->u->columns[c];
    const ov_column *col = source_of(r->u, r->in->segment, c, &count);
    *out = count ? ov_vec_const_i64(to->type, 1, rows) : ov_vec_null(to->type, rows);
    if (count || !col)
        return OV_OK;
    OV_TRY(ov_column_read(col, b, &r->scratch, &v, err));
    if (to->type.id == OV_TYPE_COMPLEX && ovi_sketches(v.type, to->metric))
        return read_sketches(r, c, b, &v, out, err);
    return ovi_convert(&v, to->type, &r->scratch, out, err);
}

/* Newer versions hide the rest. */
static ov_status keep_parts(const ov_segment_entry *e, const ov_vec *time, uint32_t rows, uint64_t *keep, ov_arena *scratch,
                            ov_error *err)
{
    ov_vec flat;
    OV_TRY(ov_vec_flatten(time, scratch, &flat, err));
    const int64_t *ms = flat.data;
    for (uint32_t i = 0; i < rows; i++) {
        bool inside = false;
        for (uint32_t k = 0; k < e->part_count && !inside; k++)
            inside = ov_interval_has(e->parts[k], ms[i]);
        if (!inside)
            ov_bits_clear(keep, i);
    }
    return OV_OK;
}

/* Which rows of the block are read. */
static ov_status choose_rows(reading *r, uint32_t b, ov_batch *batch, uint64_t *keep, ov_error *err)
{
    const ov_segment_entry *e = r->in->entry;
    bool superseded = ov_keys_kept(e, r->u->horizon, b, batch->rows, keep);
    if (!e->partial && !r->filter && !superseded)
        return OV_OK;
    if (!superseded)
        ov_bits_fill(keep, batch->rows, true);
    if (e->partial)
        OV_TRY(keep_parts(e, &batch->col[0], batch->rows, keep, &r->scratch, err));
    if (r->filter)
        OV_TRY(ovi_merge_filter_run(r->filter, r->in->segment, b, batch->rows, keep, &r->scratch, err));
    batch->sel = keep;
    batch->sel_rows = (uint32_t)ov_bits_count(keep, batch->rows);
    return OV_OK;
}

static ov_status read_block(reading *r, uint32_t b, uint32_t rows, ovi_merge_sink *sink, void *self, ov_error *err)
{
    uint64_t keep[OV_BATCH_WORDS];
    ov_vec *vecs;
    ov_batch batch = {.rows = rows, .cols = r->u->column_count, .sel_rows = rows};
    OV_TRY(ov_arena_alloc(&r->scratch, batch.cols * sizeof *vecs, &vecs, err));
    for (uint32_t c = 0; c < batch.cols; c++)
        OV_TRY(read_column(r, c, b, rows, &vecs[c], err));
    batch.col = vecs;
    OV_TRY(choose_rows(r, b, &batch, keep, err));
    return sink(self, &batch, err);
}

ov_status ovi_union_read(const ovi_union *u, const ovi_merge_input *inputs, uint32_t count, ovi_merge_filter *filter,
                         ovi_merge_sink *sink, void *self, ov_error *err)
{
    reading r = {.u = u, .filter = filter};
    ov_status st = OV_OK;
    ov_arena_init(&r.scratch, "merge", NULL);
    for (uint32_t i = 0; i < count && st == OV_OK; i++) {
        uint32_t rows = ov_segment_get_info(inputs[i].segment)->rows;
        r.in = &inputs[i];
        for (uint32_t b = 0, from = 0; from < rows && st == OV_OK; b++, from += OV_BATCH_ROWS) {
            ov_arena_reset(&r.scratch);
            st = read_block(&r, b, OV_MIN(rows - from, (uint32_t)OV_BATCH_ROWS), sink, self, err);
        }
    }
    ov_arena_fini(&r.scratch);
    return st;
}
