/*
 * Columns into the file. Number columns are copied block by block as they lie in memory; code
 * columns are translated to sorted codes on the way, which also counts the rows of every value.
 */
#include "base/bytes.h"
#include "storage/build/build_int.h"

/* ---- sections ---- */

void ovi_section_begin(ovi_writer *w, ovi_file_column *f, uint16_t kind)
{
    OV_ASSERT(f->section_count < OVI_SECTIONS);
    ovi_writer_align(w);
    f->sections[f->section_count] = (ovi_section){.kind = kind, .offset = ovi_writer_at(w)};
}

void ovi_section_end(ovi_writer *w, ovi_file_column *f)
{
    ovi_section *s = &f->sections[f->section_count];
    s->bytes = ovi_writer_at(w) - s->offset;
    if (s->bytes > 0)
        f->section_count++;
}

void ovi_section_put(ovi_writer *w, ovi_file_column *f, uint16_t kind, const void *bytes, size_t n)
{
    ovi_section_begin(w, f, kind);
    ovi_writer_put(w, bytes, n);
    ovi_section_end(w, f);
}

/* ---- blocks ---- */

/* BLOCK_DATA being written, and the index that follows it. */
typedef struct blocks_out {
    ovi_writer *w;
    ovi_file_column *f;
    ov_block_entry *index;
    size_t index_cap;
    uint32_t count;
    uint64_t start;
    ovi_lanes lanes; /* of blocks that may share theirs */
    ovi_cycle cycle;
    uint8_t turn_lane; /* bytes of its lanes in the file */
    uint64_t turn_at;
} blocks_out;

static ov_status blocks_begin(blocks_out *o, ovi_writer *w, ovi_file_column *f, ov_error *err)
{
    *o = (blocks_out){.w = w, .f = f};
    OV_TRY(ovi_grow(&o->index, &o->index_cap, f->column->block_count, sizeof *o->index,
                    f->column->budget, err));
    ovi_section_begin(w, f, OV_SECTION_BLOCK_DATA);
    o->start = ovi_writer_at(w);
    return OV_OK;
}

static void blocks_end(blocks_out *o)
{
    ovi_section_end(o->w, o->f);
    ovi_section_put(o->w, o->f, OV_SECTION_BLOCK_INDEX, o->index, o->count * sizeof *o->index);
}

static void blocks_fini(blocks_out *o)
{
    ov_budget *budget = o->f->column->budget;
    ovi_shrink(&o->index, &o->index_cap, sizeof *o->index, budget);
    ovi_shrink(&o->lanes.blocks, &o->lanes.blocks_cap, sizeof *o->lanes.blocks, budget);
    ovi_cycle_fini(&o->cycle, budget);
}

static uint64_t next_piece(blocks_out *o)
{
    ovi_writer_align(o->w);
    return ovi_writer_at(o->w) - o->start;
}

/* ---- shared lanes ---- */

static ov_status lanes_begin(blocks_out *o, uint8_t lane, ov_error *err)
{
    const ovi_column *c = o->f->column;
    o->lanes.count = c->block_count;
    o->lanes.rows = c->rows;
    o->lanes.lane = lane;
    return ovi_grow(&o->lanes.blocks, &o->lanes.blocks_cap, c->block_count, sizeof *o->lanes.blocks,
                    c->budget, err);
}

/* Finds the turn of o->lanes, if there is one, and writes it in lanes of `lane` bytes. */
static ov_status put_turn(blocks_out *o, uint8_t lane, ov_error *err)
{
    enum { STEP = OV_BATCH_ROWS };
    int64_t wide[STEP];
    ovi_cycle *c = &o->cycle;
    OV_TRY(ovi_cycle_find(&o->lanes, o->f->column->budget, c, err));
    if (c->period == 0)
        return OV_OK;
    o->turn_lane = lane;
    o->turn_at = next_piece(o);
    for (uint64_t at = 0, end = (uint64_t)c->period + OV_BATCH_ROWS; at < end; at += STEP) {
        size_t n = OV_MIN((size_t)(end - at), (size_t)STEP);
        const ovi_lane_kernels *k = ovi_lane_kernels_now();
        k->unpack(c->turn + at * c->lane, 0, c->lane, n, wide);
        k->pack(wide, 0, lane, n, ovi_writer_reserve(o->w, n * lane));
        ovi_writer_took(o->w, n * lane);
    }
    return OV_OK;
}

/* The next block's lanes lie in the turn: e says where. */
static bool share_lanes(blocks_out *o, ov_block_entry *e)
{
    uint32_t phase;
    uint64_t first = (uint64_t)o->count * OV_BATCH_ROWS;
    uint32_t rows = (uint32_t)OV_MIN((uint64_t)OV_BATCH_ROWS, o->lanes.rows - first);
    if (e->shape != OV_BLOCK_FLAT || !o->cycle.period ||
        !ovi_cycle_phase(&o->cycle, o->lanes.blocks[o->count], rows, first, &phase))
        return false;
    e->data = o->turn_at + (uint64_t)phase * o->turn_lane;
    return true;
}

/* A block as it lies in memory. */
static void copy_block(blocks_out *o, const ovi_block *b)
{
    ov_block_entry e = b->entry;
    if (e.data_bytes && !share_lanes(o, &e)) {
        e.data = next_piece(o);
        ovi_writer_put(o->w, b->data, e.data_bytes);
    }
    if (b->valid) {
        uint64_t bits = e.shape == OV_BLOCK_RUN ? e.runs : OV_BATCH_ROWS;
        if (e.shape == OV_BLOCK_FLAT)
            bits = OV_MIN(bits, o->f->column->rows - (uint64_t)o->count * OV_BATCH_ROWS);
        e.valid = next_piece(o);
        ovi_writer_put(o->w, b->valid, (size_t)ov_seg_align((bits + 63) / 64 * 8));
    }
    o->index[o->count++] = e;
}

/* A block planned just now: lanes go straight into the writer's buffer. Only codes come this way.
 */
static void put_plan(blocks_out *o, const ovi_plan *p)
{
    ov_block_entry e = p->entry;
    if (share_lanes(o, &e)) {
        e.lane = o->turn_lane;
        e.base = 0;
        e.data_bytes = (uint32_t)(ov_seg_pad64(p->rows) * e.lane);
    } else if (e.data_bytes) {
        e.data = next_piece(o);
        ovi_plan_fill(p, ovi_writer_reserve(o->w, e.data_bytes));
        ovi_writer_took(o->w, e.data_bytes);
    }
    o->index[o->count++] = e;
}

/* ---- statistics of the column ---- */

static bool bounds_below(const ovi_column *c, int64_t a, int64_t b)
{
    if (c->kind != OVI_REAL)
        return a < b;
    double x = ov_f64_from_bits((uint64_t)a), y = ov_f64_from_bits((uint64_t)b);
    return x < y || (x == y && a < b); /* -0.0 has the sign bit and so is below 0.0 */
}

/* Bounds, NaN and sum from the entries in `c`, before codes replaced numbers. */
static void column_stats(const ovi_column *c, ovi_file_column *f)
{
    bool all_sums = c->kind == OVI_INT && c->nulls < c->rows;
    __int128 sum = 0;
    for (uint32_t b = 0; b < c->block_count; b++) {
        const ov_block_entry *e = &c->blocks[b].entry;
        bool first = !(f->flags & OV_COLUMN_BOUNDS);
        if (e->flags & OV_BLOCK_NAN)
            f->flags |= OV_COLUMN_NAN;
        if (!(e->flags & OV_BLOCK_BOUNDS))
            continue;
        if (first || bounds_below(c, e->min, f->min))
            f->min = e->min;
        if (first || bounds_below(c, f->max, e->max))
            f->max = e->max;
        f->flags |= OV_COLUMN_BOUNDS;
        all_sums &= (e->flags & OV_BLOCK_SUM) != 0;
        sum += e->sum;
    }
    if (all_sums && sum == (int64_t)sum) {
        f->flags |= OV_COLUMN_SUM;
        f->sum = (int64_t)sum;
    }
}

/* ---- number columns ---- */

/* Blocks without NULLs whose lanes mean the same as those of the block in the middle. */
static ov_status alike_blocks(blocks_out *o, ov_error *err)
{
    const ovi_column *c = o->f->column;
    const ov_block_entry *like = &c->blocks[c->block_count / 2].entry;
    OV_TRY(lanes_begin(o, like->lane, err));
    for (uint32_t b = 0; b < c->block_count; b++) {
        const ov_block_entry *e = &c->blocks[b].entry;
        bool alike = e->shape == OV_BLOCK_FLAT && e->form == like->form && e->lane == like->lane &&
                     e->exponent == like->exponent && e->base == like->base && !c->blocks[b].valid;
        o->lanes.blocks[b] = alike ? c->blocks[b].data : NULL;
    }
    return OV_OK;
}

static ov_status write_plain(ovi_writer *w, const ovi_column *c, ovi_file_column *f, ov_error *err)
{
    blocks_out o;
    ov_status st = OV_OK;
    OV_TRY(blocks_begin(&o, w, f, err));
    if (c->block_count > 0 && c->blocks[c->block_count / 2].entry.shape == OV_BLOCK_FLAT) {
        OV_TRY_OUT(st, alike_blocks(&o, err));
        OV_TRY_OUT(st, put_turn(&o, o.lanes.lane, err));
    }
    for (uint32_t b = 0; b < c->block_count; b++)
        copy_block(&o, &c->blocks[b]);
    blocks_end(&o);
out:
    blocks_fini(&o);
    return st;
}

/* ---- code columns ---- */

/* Codes of all rows in the file's order of values, with their counts. */
typedef struct coded {
    uint32_t *codes;
    size_t codes_cap;
    uint32_t *counts;
    size_t counts_cap;
} coded;

static void coded_fini(coded *d, ov_budget *budget)
{
    ovi_shrink(&d->codes, &d->codes_cap, sizeof *d->codes, budget);
    ovi_shrink(&d->counts, &d->counts_cap, sizeof *d->counts, budget);
}

static ov_status count_codes(coded *d, uint32_t rows, uint32_t count, ov_budget *budget,
                             ov_error *err)
{
    OV_TRY(ovi_grow(&d->counts, &d->counts_cap, count, sizeof *d->counts, budget, err));
    if (count > 0)
        memset(d->counts, 0, count * sizeof *d->counts);
    for (uint32_t i = 0; i < rows; i++)
        d->counts[d->codes[i]]++;
    return OV_OK;
}

static ov_status translate_codes(const ovi_column *c, const ovi_sorted *s, coded *d, ov_error *err)
{
    int64_t values[OV_BATCH_ROWS];
    OV_TRY(ovi_grow(&d->codes, &d->codes_cap, c->rows, sizeof *d->codes, c->budget, err));
    for (uint32_t b = 0; b < c->block_count; b++) {
        uint32_t rows = ovi_column_decode(c, b, values, NULL);
        uint32_t *to = d->codes + (size_t)b * OV_BATCH_ROWS;
        for (uint32_t i = 0; i < rows; i++)
            to[i] = s->rank[values[i]];
    }
    return count_codes(d, (uint32_t)c->rows, s->count, c->budget, err);
}

/* Blocks of codes. Those of number columns keep the sums of their values. */
static ov_status write_code_blocks(ovi_writer *w, const ovi_column *c, const uint32_t *codes,
                                   bool has_null, ovi_file_column *f, ov_error *err)
{
    blocks_out o;
    ovi_plan p;
    int64_t values[OV_BATCH_ROWS];
    ov_status st = OV_OK;
    OV_TRY(blocks_begin(&o, w, f, err));
    OV_TRY_OUT(st, lanes_begin(&o, sizeof *codes, err));
    for (uint32_t b = 0; b < c->block_count; b++)
        o.lanes.blocks[b] = (const char *)(codes + (size_t)b * OV_BATCH_ROWS);
    OV_TRY_OUT(st, put_turn(&o,
                            f->dict_count <= 1 << 8    ? 1
                            : f->dict_count <= 1 << 16 ? 2
                                                       : 4,
                            err));
    for (uint32_t b = 0; b < c->block_count; b++) {
        uint64_t first = (uint64_t)b * OV_BATCH_ROWS;
        uint32_t rows = (uint32_t)OV_MIN((uint64_t)OV_BATCH_ROWS, c->rows - first);
        ovi_lane_kernels_now()->unpack(codes + first, 0, 4, rows, values);
        ovi_plan_codes(&p, values, has_null, rows);
        if (c->kind == OVI_INT && (c->blocks[b].entry.flags & OV_BLOCK_SUM)) {
            p.entry.flags |= OV_BLOCK_SUM;
            p.entry.sum = c->blocks[b].entry.sum;
        }
        put_plan(&o, &p);
    }
    blocks_end(&o);
out:
    blocks_fini(&o);
    return st;
}

/* Offsets and bytes of a sorted dictionary. NULL's entry is empty. */
static ov_status write_text(ovi_writer *w, const ovi_dict *d, const ovi_sorted *s, uint16_t shift,
                            ovi_file_column *f, ov_error *err)
{
    uint32_t *offsets = NULL, at = 0;
    size_t cap = 0;
    OV_TRY(ovi_grow(&offsets, &cap, (size_t)s->count + 1, sizeof *offsets, d->budget, err));
    ovi_section_begin(w, f, (uint16_t)(OV_SECTION_VALUE_BYTES + shift));
    for (uint32_t i = 0; i < s->count; i++) {
        ov_slice v = d->entries[s->order[i]];
        offsets[i] = at;
        at += (uint32_t)v.n;
        ovi_writer_put(w, v.p, v.n);
    }
    offsets[s->count] = at;
    ovi_section_end(w, f);
    if (s->count > 0)
        ovi_section_put(w, f, (uint16_t)(OV_SECTION_VALUE_OFFSETS + shift), offsets,
                        ((size_t)s->count + 1) * sizeof *offsets);
    ovi_shrink(&offsets, &cap, sizeof *offsets, d->budget);
    return OV_OK;
}

static void write_padding(ovi_writer *w, size_t n)
{
    static const char zeros[64 * 8];
    OV_ASSERT(n <= sizeof zeros);
    ovi_writer_put(w, zeros, n);
}

static void write_numbers(ovi_writer *w, const ovi_dict *d, const ovi_sorted *s, uint16_t shift,
                          ovi_file_column *f)
{
    static const char null_value[8];
    ovi_section_begin(w, f, (uint16_t)(OV_SECTION_VALUE_NUMBERS + shift));
    for (uint32_t i = 0; i < s->count; i++) {
        bool null = s->has_null && i == 0;
        ovi_writer_put(w, null ? null_value : d->entries[s->order[i]].p, 8);
    }
    write_padding(w, (size_t)(ov_seg_pad64(s->count) - s->count) * 8);
    ovi_section_end(w, f);
}

/* ---- lists ---- */

/* Where each list of the file's order starts, and all their elements, opened for counting. */
typedef struct lists_out {
    uint32_t *offsets, *elems;
    size_t offsets_cap, elems_cap;
} lists_out;

static void lists_fini(lists_out *l, ov_budget *budget)
{
    ovi_shrink(&l->offsets, &l->offsets_cap, sizeof *l->offsets, budget);
    ovi_shrink(&l->elems, &l->elems_cap, sizeof *l->elems, budget);
}

static ov_status open_lists(const ovi_column *c, const ovi_sorted *s, lists_out *l, ov_error *err)
{
    uint32_t at = 0;
    OV_TRY(ovi_grow(&l->offsets, &l->offsets_cap, (size_t)s->count + 1, sizeof *l->offsets,
                    c->budget, err));
    OV_TRY(ovi_grow(&l->elems, &l->elems_cap, c->dict.total_bytes / 4, sizeof *l->elems, c->budget,
                    err));
    for (uint32_t i = 0; i < s->count; i++) {
        ov_slice v = c->dict.entries[s->order[i]];
        l->offsets[i] = at;
        if (v.n)
            memcpy(l->elems + at, v.p, v.n);
        at += (uint32_t)(v.n / 4);
    }
    l->offsets[s->count] = at;
    return OV_OK;
}

static void write_list_codes(ovi_writer *w, const lists_out *l, uint32_t count, ovi_file_column *f)
{
    uint32_t total = l->offsets[count];
    int64_t wide[1024];
    char lanes[1024 * 4];
    ovi_section_begin(w, f, OV_SECTION_VALUE_CODES);
    for (uint32_t at = 0; at < total;) {
        uint32_t n = OV_MIN(total - at, (uint32_t)OV_COUNT_OF(wide));
        for (uint32_t i = 0; i < n; i++)
            wide[i] = l->elems[at + i];
        ovi_lane_kernels_now()->pack(wide, 0, f->list_lane, n, lanes);
        ovi_writer_put(w, lanes, (size_t)n * f->list_lane);
        at += n;
    }
    write_padding(w, (size_t)(ov_seg_pad64(total) - total) * f->list_lane);
    ovi_section_end(w, f);
}

static ov_status write_lists(ovi_writer *w, const ovi_column *c, const ovi_sorted *s, const ovi_sorted *elems, const coded *d,
                             ovi_file_column *f, ov_error *err)
{
    lists_out l = {0};
    ov_status st = OV_OK;
    f->elem_count = elems->count;
    f->list_lane = elems->count <= 1 << 8 ? 1 : elems->count <= 1 << 16 ? 2 : 4;
    if (elems->has_null)
        f->flags |= OV_COLUMN_ELEM_HAS_NULL;
    OV_TRY_OUT(st, open_lists(c, s, &l, err));
    write_list_codes(w, &l, s->count, f);
    if (s->count > 0)
        ovi_section_put(w, f, OV_SECTION_VALUE_OFFSETS, l.offsets, ((size_t)s->count + 1) * 4);
    if (ovi_elem_kind(c->def.type) == OVI_VALUE_BYTES)
        OV_TRY_OUT(st, write_text(w, &c->elems, elems, OV_SECTION_ELEMENT, f, err));
    else
        write_numbers(w, &c->elems, elems, OV_SECTION_ELEMENT, f);
    OV_TRY_OUT(st, ovi_write_elem_postings(w, f, d->codes, (uint32_t)c->rows, l.offsets, l.elems, c->def.indexed, c->budget,
                                           err));
out:
    lists_fini(&l, c->budget);
    return st;
}

/* ---- columns ---- */

static ov_status write_coded(ovi_writer *w, const ovi_column *c, const ovi_sorted *s, const ovi_sorted *elems,
                             ovi_givers *givers, ovi_file_column *f, ov_error *err)
{
    coded d = {0};
    ov_status st = OV_OK;
    bool list = ov_type_is_list(c->def.type);
    f->flags |= OV_COLUMN_DICT;
    f->dict_count = s->count;
    if (s->has_null)
        f->flags |= OV_COLUMN_HAS_NULL;
    if (s->count > s->has_null) {
        f->flags |= OV_COLUMN_BOUNDS;
        f->min = s->has_null;
        f->max = s->count - 1;
    }
    OV_TRY_OUT(st, translate_codes(c, s, &d, err));
    OV_TRY_OUT(st, write_code_blocks(w, c, d.codes, s->has_null, f, err));
    ovi_section_put(w, f, OV_SECTION_ROW_COUNTS, d.counts, s->count * sizeof *d.counts);
    if (list) {
        OV_TRY_OUT(st, write_lists(w, c, s, elems, &d, f, err));
    } else {
        OV_TRY_OUT(st, write_text(w, &c->dict, s, 0, f, err));
        if (c->def.indexed)
            OV_TRY_OUT(st, ovi_write_postings(w, f, d.codes, (uint32_t)c->rows, d.counts, s->count, c->budget, err));
        OV_TRY_OUT(st, ovi_write_given(w, givers, d.codes, f, err));
    }
    if (c->def.indexed)
        f->flags |= OV_COLUMN_INDEXED;
out:
    coded_fini(&d, c->budget);
    return st;
}

static ov_status write_numdict(ovi_writer *w, const ovi_column *c, ovi_numdict *n, ovi_givers *givers,
                               ovi_file_column *f, ov_error *err)
{
    coded d = {0};
    ov_status st = OV_OK;
    f->flags |= OV_COLUMN_DICT;
    f->dict_count = n->count;
    if (n->has_null)
        f->flags |= OV_COLUMN_HAS_NULL;
    d.codes = n->codes; /* lent */
    OV_TRY_OUT(st, count_codes(&d, (uint32_t)c->rows, n->count, c->budget, err));
    OV_TRY_OUT(st, write_code_blocks(w, c, n->codes, n->has_null, f, err));
    ovi_section_put(w, f, OV_SECTION_ROW_COUNTS, d.counts, n->count * sizeof *d.counts);
    ovi_section_begin(w, f, OV_SECTION_VALUE_NUMBERS);
    ovi_writer_put(w, n->values, n->count * sizeof *n->values);
    write_padding(w, (size_t)(ov_seg_pad64(n->count) - n->count) * sizeof *n->values);
    ovi_section_end(w, f);
    if (c->def.indexed) {
        f->flags |= OV_COLUMN_INDEXED;
        OV_TRY_OUT(st, ovi_write_postings(w, f, n->codes, (uint32_t)c->rows, d.counts, n->count, c->budget, err));
    }
    st = ovi_write_given(w, givers, n->codes, f, err);
out:
    d.codes = NULL;
    coded_fini(&d, c->budget);
    return st;
}

ov_status ovi_write_column(ovi_writer *w, const ovi_column *c, const ovi_sorted *sorted,
                           const ovi_sorted *elems, ovi_givers *givers, ovi_file_column *f, ov_error *err)
{
    *f = (ovi_file_column){.column = c};
    if (c->kind == OVI_NONE)
        return OV_OK;
    if (c->kind == OVI_CODE)
        return write_coded(w, c, sorted, elems, givers, f, err);
    column_stats(c, f);
    ovi_numdict n;
    OV_TRY(ovi_numdict_try(c, &n, err));
    if (n.count == 0)
        return write_plain(w, c, f, err);
    ov_status st = write_numdict(w, c, &n, givers, f, err);
    ovi_numdict_fini(&n, c->budget);
    return st;
}
