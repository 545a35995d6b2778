/*
 * States to partitions on disk.
 */
#include "query/exec/aggregate_lots.h"

#include "base/hash.h"

enum { GROUP_ROWS = 2048, PAIR_ROWS = 512 }; /* most of a block */

ov_status ovi_parts_make(const agg_spec *spec, uint32_t level, ov_arena *arena, agg_parts **out, ov_error *err)
{
    agg_parts *p;
    OV_TRY(ov_arena_zalloc(arena, sizeof(*p), &p, err));
    OV_TRY(ov_arena_zalloc(arena, OV_MAX(spec->acc_count, 1) * sizeof(*p->pairs), &p->pairs, err));
    p->level = level;
    *out = p;
    return OV_OK;
}

void ovi_parts_free(agg_parts *p, const agg_spec *spec)
{
    ov_budget *budget = &spec->exec->cx->budget;
    for (uint32_t i = 0; p && i < AGG_PARTS; i++) {
        ovi_blocks_free(&p->groups[i], budget);
        for (uint32_t a = 0; a < spec->acc_count; a++)
            ovi_blocks_free(&p->pairs[a][i], budget);
    }
}

/* ---- when ---- */

static size_t grown(size_t have, size_t need, size_t bytes)
{
    return need > have ? (OV_MAX(need, have + have / 2) - have) * bytes : 0;
}

static size_t string_growth(const ov_strtab *t, size_t n)
{
    size_t bytes = t->bytes.total_bytes ? t->bytes.chunk_bytes : 0;
    if (t->cap && t->count + n > t->cap)
        bytes += t->cap * sizeof(ov_slice);
    if (t->cap && t->count + n > t->slot_count / 2)
        bytes += t->slot_count * (size_t)16;
    return bytes;
}

static size_t set_growth(const ov_distinct *d, size_t n)
{
    return (d->strings ? string_growth(d->strings, n) : 0) + ov_distinct_growth(d, n);
}

/* Sets of dense groups grow too, and are copied into those of the table when that level is emptied; their strings are the table's. */
static size_t dense_set_bytes(const ov_distinct *d, size_t n)
{
    return ov_distinct_used(d) ? ov_distinct_growth(d, n) + ov_distinct_bytes(d) : 0;
}

/* States of any size: n more groups are taken to be like those that are there, and to be at most as many. */
static size_t object_growth(const ov_object *o, size_t n)
{
    size_t each = o->groups ? o->heap.total_bytes / o->groups + 1 : 64;
    return OV_MIN(n * each, OV_MAX(o->heap.total_bytes, (size_t)64 << 10)) + o->heap.chunk_bytes +
           grown(o->cap, o->groups + n, o->ops->state_bytes);
}

/* Bytes of tables that n more groups may add. */
static size_t growth(const agg_state *s, const agg_spec *spec, size_t n)
{
    size_t groups = s->groups.count + n, bytes = n * 64;
    bytes += grown(s->groups.cap, groups, spec->layout.width * 8);
    if (groups > s->groups.slot_count / 2)
        bytes += (size_t)s->groups.slot_count * (s->groups.slot_count < 1 << 20 ? 4 : 2) * 8;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        const ov_strtab *t = &s->strings[k];
        bytes += string_growth(t, n);
    }
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        const ov_acc *a = &s->accs[i];
        bytes += grown(a->cap, groups + groups / 2, 24);
        bytes += a->bytes.total_bytes ? a->bytes.chunk_bytes : 0;
        if (a->kind == OV_ACC_DISTINCT && !spec->accs[i].sized)
            bytes += grown(a->totals_cap, groups + groups / 2, sizeof(*a->totals));
        if (a->kind == OV_ACC_DISTINCT)
            bytes += set_growth(&a->set, n) + dense_set_bytes(&s->dense.accs[i].set, n);
        if (a->kind == OV_ACC_OBJECT) /* dense ones are copied when their level is emptied */
            bytes += object_growth(&a->object, n) + 2 * s->dense.accs[i].object.heap.total_bytes;
    }
    return bytes;
}

/* The same of n more rows that go to lots: their texts, themselves. */
static size_t lots_growth(const agg_state *s, const agg_spec *spec, size_t n)
{
    size_t bytes = ovi_lots_growth(&s->lots->rows, n) + n * 16;
    for (uint32_t k = 0; k < spec->layout.count; k++)
        bytes += string_growth(&s->strings[k], n);
    return bytes;
}

bool ovi_agg_due(const agg_state *s, const agg_spec *spec, uint32_t n)
{
    size_t own = atomic_load_explicit(&s->budget.used, memory_order_relaxed);
    size_t groups = s->groups.count + (size_t)s->dense.groups;
    size_t need = growth(s, spec, (s->lots ? 0 : n) + (size_t)s->dense.groups) + (size_t)s->dense.groups * 12;
    if (s->lots)
        need += lots_growth(s, spec, n);
    return ovi_spill_due(spec->exec, own, groups + (s->lots ? s->lots->rows.rows : 0), need + groups * 12);
}

size_t ovi_agg_finish_bytes(const agg_state *s, const agg_spec *spec)
{
    size_t groups = s->groups.count + (size_t)s->dense.groups, strings = 0;
    for (uint32_t k = 0; k < spec->layout.count; k++)
        strings += s->strings[k].count;
    return groups * (spec->layout.width * 8 + 8 + 36) + strings * 48 + growth(s, spec, groups) + ovi_lots_finish_bytes(s, spec);
}

/* ---- writing ---- */

typedef struct writer {
    agg_state *s;
    const agg_spec *spec;
    ovi_spill *file;
    agg_parts *to;
    uint64_t *hash; /* per group: of its keys by value */
    ov_arena *scratch;
    ov_buf *bytes; /* per accumulator */
} writer;

static uint32_t part_of(uint64_t hash, uint32_t level)
{
    return (uint32_t)(hash >> (64 - AGG_PART_BITS * (level + 1))) & (AGG_PARTS - 1);
}

static uint64_t hash_group(const agg_state *s, const agg_spec *spec, uint32_t g)
{
    const ovi_key_layout *l = &spec->layout;
    const uint64_t *row = s->groups.keys + (size_t)g * l->width;
    uint64_t h = 0x5851F42D4C957F2Du;
    for (uint32_t k = 0; k < l->count; k++) {
        const ovi_key_field *f = &l->fields[k];
        uint64_t bits = row[f->word] >> f->shift;
        if (!ov_type_is_int(f->type) && !ov_type_is_real(f->type))
            bits = (uint32_t)bits ? ov_hash_slice(s->strings[k].text[(uint32_t)bits]) : 0;
        h = ov_hash_combine(h, ovi_key_is_null(l, k, row) ? 1 : bits);
    }
    return h;
}

/* The key columns of the groups, by value, and room for `more` columns behind them. */
static ov_status key_columns(const writer *w, const uint32_t *groups, uint32_t n, uint32_t more, ov_batch *b, ov_error *err)
{
    uint32_t keys = w->spec->layout.count;
    *b = (ov_batch){.rows = n, .cols = keys + more, .sel_rows = n};
    OV_TRY(ov_arena_alloc(w->scratch, OV_MAX(b->cols, 1) * sizeof(ov_vec), &b->col, err));
    for (uint32_t k = 0; k < keys; k++)
        OV_TRY(ovi_key_column(w->s, w->spec, k, groups, n, w->scratch, &b->col[k], err));
    return OV_OK;
}

static ov_status counts_column(const ov_acc *a, const uint32_t *groups, uint32_t n, ov_arena *out, ov_vec *vec,
                               ov_error *err)
{
    uint64_t *data;
    bool counted = ov_distinct_used(&a->set) == 0; /* values in the set go as pairs and are counted when they are met again */
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * 8, &data, err));
    for (uint32_t i = 0; i < n; i++)
        data[i] = counted ? a->n[groups[i]] : 0;
    *vec = ov_vec_flat(OV_T(OV_TYPE_LONG), data, NULL, n);
    return OV_OK;
}

static ov_status write_groups(writer *w, const uint32_t *groups, uint32_t n, ovi_blocks *list, ov_error *err)
{
    uint32_t keys = w->spec->layout.count;
    ov_arena_mark mark = ov_arena_mark_get(w->scratch);
    ov_batch b;
    ov_status st;
    OV_TRY_OUT(st, key_columns(w, groups, n, w->spec->acc_count, &b, err));
    for (uint32_t i = 0; i < w->spec->acc_count; i++) {
        const ov_acc *a = &w->s->accs[i];
        ov_vec *v = &b.col[keys + i];
        if (w->spec->accs[i].sized) {
            OV_TRY_OUT(st, counts_column(a, groups, n, w->scratch, v, err));
            continue;
        }
        ov_buf_clear(&w->bytes[i]);
        OV_TRY_OUT(st, ovi_is_set(&w->spec->accs[i]) ? ov_acc_save_totals(a, groups, n, &w->bytes[i], err)
                                                     : ov_acc_save(a, groups, n, 0, &w->bytes[i], err));
        *v = ov_vec_const_str(OV_T(OV_TYPE_STRING), ov_buf_slice(&w->bytes[i]), n);
    }
    OV_TRY_OUT(st, ovi_spill_write(w->file, &b, list, w->scratch, err));
out:
    ov_arena_rewind(w->scratch, mark);
    return st;
}

/* Groups in the order of their partitions: those of p are order[start[p]] .. order[start[p + 1]]. */
static ov_status by_part(const writer *w, uint32_t **order, uint32_t start[AGG_PARTS + 1], ov_error *err)
{
    uint32_t n = w->s->groups.count, at[AGG_PARTS] = {0};
    OV_TRY(ov_arena_alloc(w->scratch, ((size_t)n + 1) * 4, order, err));
    for (uint32_t g = 0; g < n; g++) {
        OV_TRY(ov_budget_alive_at(w->scratch->budget, g + 1, err));
        at[part_of(w->hash[g], w->to->level)]++;
    }
    for (uint32_t p = 0, sum = 0; p < AGG_PARTS; p++) {
        start[p] = sum;
        sum += at[p];
        at[p] = start[p];
    }
    start[AGG_PARTS] = n;
    for (uint32_t g = 0; g < n; g++) {
        OV_TRY(ov_budget_alive_at(w->scratch->budget, g + 1, err));
        (*order)[at[part_of(w->hash[g], w->to->level)]++] = g;
    }
    return OV_OK;
}

static ov_status write_all_groups(writer *w, ov_error *err)
{
    uint32_t *order, start[AGG_PARTS + 1];
    size_t group = atomic_load(&w->s->budget.used) / OV_MAX(w->s->groups.count, 1) + 1;
    uint32_t step = (uint32_t)OV_MIN(OV_MAX(ovi_block_bytes(w->spec->exec) / group, 16), (size_t)GROUP_ROWS);
    OV_TRY(by_part(w, &order, start, err));
    for (uint32_t p = 0; p < AGG_PARTS; p++)
        for (uint32_t at = start[p]; at < start[p + 1]; at += step)
            OV_TRY(write_groups(w, order + at, OV_MIN(start[p + 1] - at, step), &w->to->groups[p], err));
    return OV_OK;
}

/* ---- pairs of sets ---- */

typedef struct pair_list {
    uint32_t count;
    uint32_t *groups;
    uint64_t *values;
} pair_list;

static ov_status write_pairs(writer *w, uint32_t acc, uint32_t part, pair_list *list, ov_error *err)
{
    const ov_distinct *set = &w->s->accs[acc].set;
    uint32_t n = list->count;
    bool text = ov_distinct_of_text(set);
    ov_arena_mark mark = ov_arena_mark_get(w->scratch);
    ov_batch b;
    ov_slice *texts;
    ov_status st;
    list->count = 0;
    OV_TRY_OUT(st, key_columns(w, list->groups, n, 1, &b, err));
    ov_vec *v = &b.col[w->spec->layout.count];
    *v = ov_vec_flat(OV_T(OV_TYPE_LONG), list->values, NULL, n);
    if (text) {
        OV_TRY_OUT(st, ov_arena_lanes(w->scratch, ((size_t)n + 64) * sizeof(*texts), &texts, err));
        for (uint32_t i = 0; i < n; i++)
            texts[i] = set->strings->text[list->values[i]];
        *v = ov_vec_flat(OV_T(OV_TYPE_STRING), texts, NULL, n);
    }
    OV_TRY_OUT(st, ovi_spill_write(w->file, &b, &w->to->pairs[acc][part], w->scratch, err));
out:
    ov_arena_rewind(w->scratch, mark);
    return st;
}

static ov_status pair_lists(writer *w, pair_list *lists, ov_error *err)
{
    for (uint32_t p = 0; p < AGG_PARTS; p++) {
        OV_TRY(ov_arena_lanes(w->scratch, (PAIR_ROWS + 64) * 4, &lists[p].groups, err));
        OV_TRY(ov_arena_lanes(w->scratch, (PAIR_ROWS + 64) * 8, &lists[p].values, err));
        lists[p].count = 0;
    }
    return OV_OK;
}

static ov_status write_set(writer *w, uint32_t acc, ov_error *err)
{
    const ov_distinct *set = &w->s->accs[acc].set;
    bool text = ov_distinct_of_text(set);
    pair_list lists[AGG_PARTS];
    uint32_t group;
    uint64_t value;
    if (ov_distinct_used(set) == 0)
        return OV_OK;
    OV_TRY(pair_lists(w, lists, err));
    for (ov_distinct_at at = {0}; ov_distinct_next(set, &at, &group, &value);) {
        uint64_t hash = ov_hash_combine(w->hash[group], text ? ov_hash_slice(set->strings->text[value]) : value);
        uint32_t p = part_of(hash, w->to->level);
        pair_list *list = &lists[p];
        list->groups[list->count] = group;
        list->values[list->count++] = value;
        if (list->count == PAIR_ROWS)
            OV_TRY(write_pairs(w, acc, p, list, err));
    }
    for (uint32_t p = 0; p < AGG_PARTS; p++)
        if (lists[p].count)
            OV_TRY(write_pairs(w, acc, p, &lists[p], err));
    return OV_OK;
}

static ov_status write_state(writer *w, ov_error *err)
{
    uint32_t n = w->s->groups.count;
    OV_TRY(ov_arena_alloc(w->scratch, ((size_t)n + 1) * 8, &w->hash, err));
    uint32_t ask = (1 << 14) / (w->spec->layout.count + 1) + 1;
    for (uint32_t g = 0; g < n; g++) {
        if (g % ask == 0)
            OV_TRY(ov_query_alive(w->spec->exec->cx, err));
        w->hash[g] = hash_group(w->s, w->spec, g);
    }
    for (uint32_t i = 0; i < w->spec->acc_count; i++) {
        OV_TRY(ov_query_alive(w->spec->exec->cx, err));
        ov_acc_settle(&w->s->accs[i]);
    }
    OV_TRY(write_all_groups(w, err));
    for (uint32_t i = 0; i < w->spec->acc_count; i++) {
        ov_arena_mark mark = ov_arena_mark_get(w->scratch);
        if (ovi_is_set(&w->spec->accs[i]))
            OV_TRY(write_set(w, i, err));
        ov_arena_rewind(w->scratch, mark);
    }
    return OV_OK;
}

/* The groups of the table to their partitions; it has none then where lots come through it: otherwise it goes as it is. */
static ov_status write_table(writer *w, ov_error *err)
{
    agg_state *s = w->s;
    ov_status st;
    if (s->groups.count == 0)
        return OV_OK;
    w->to->any = true;
    ov_arena_mark mark = ov_arena_mark_get(w->scratch);
    OV_TRY_OUT(st, ov_arena_alloc(w->scratch, OV_MAX(w->spec->acc_count, 1) * sizeof(*w->bytes), &w->bytes, err));
    for (uint32_t i = 0; i < w->spec->acc_count; i++)
        ov_buf_init(&w->bytes[i]);
    st = write_state(w, err);
    for (uint32_t i = 0; i < w->spec->acc_count; i++)
        ov_buf_fini(&w->bytes[i]);
out:
    ov_arena_rewind(w->scratch, mark);
    if (!s->lots)
        return st;
    ovi_groups_clear(&s->groups);
    for (uint32_t i = 0; i < w->spec->acc_count; i++)
        ov_acc_reset(&s->accs[i]);
    return st;
}

/* Lots pass through the table, as many at a time as make some groups. */
static ov_status write_lots(writer *w, ov_error *err)
{
    enum { SOME_GROUPS = 1 << 15 };
    for (uint32_t p = 0; p < OVI_LOTS; p++) {
        OV_TRY(ovi_lots_empty(w->s, w->spec, p, w->scratch, err));
        if (w->s->groups.count >= SOME_GROUPS)
            OV_TRY(write_table(w, err));
    }
    return write_table(w, err);
}

ov_status ovi_agg_spill(agg_state *s, const agg_spec *spec, ovi_spill *file, agg_parts *to, ov_arena *scratch,
                        ov_error *err)
{
    writer w = {.s = s, .spec = spec, .file = file, .to = to, .scratch = scratch};
    OV_TRY(ovi_dense_flush(s, spec, err));
    if (s->groups.count == 0 && !s->lots)
        return OV_OK;
    OV_TRY(write_table(&w, err));
    if (s->lots)
        OV_TRY(write_lots(&w, err));
    ovi_agg_state_fini(s, spec);
    return ovi_agg_state_init(s, spec, err);
}
