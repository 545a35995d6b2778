/*
 * SORT: rows are kept as copied batches beside one reference per row; references are sorted by an
 * order-preserving 64-bit form of the first key, then by all keys, then by place in the input.
 *
 * With a limit each worker cuts back to offset + limit rows whenever it holds a few times as many, and from then on
 * drops rows whose first key is worse than the worst kept one before it copies them.
 */
#include "query/exec/exec_int.h"
#include "query/exec/sort_refs.h"

#include "base/bits.h"
#include "query/agg/strtab.h"

/* Batches are parts; a reference names part and row. */
typedef struct sort_part {
    ov_batch batch;
    uint64_t ordinal; /* of its first row, before selection */
    const uint32_t *row; /* original row numbers, NULL when all rows were selected */
    const uint64_t *ordinals; /* of each row, when the part was cut together from others */
} sort_part;

typedef struct sort_state {
    bool ready;
    ov_arena arena; /* parts */
    sort_part *parts;
    uint32_t part_count, part_cap;
    ovi_ref *refs;
    size_t ref_count, ref_cap;
    bool has_worst;
    uint64_t worst; /* first key of the last row kept at the last cut */
} sort_state;

typedef struct sort_sink {
    ovi_sink base;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
    const ov_sort_key *keys; /* of the node, then what makes rows of an aggregate differ */
    uint32_t key_count;
    uint64_t keep; /* offset + limit; OV_NO_LIMIT */
    sort_state *states;
    sort_state all; /* refs of every worker, parts renumbered */
} sort_sink;

/* ---- comparison ---- */

static bool is_text(ov_type t)
{
    return !ov_type_is_int(t) && !ov_type_is_real(t);
}

/* <0, 0, >0 of two values in ascending order; NULL is not handled here. */
static int compare_values(const ov_vec *a, uint32_t ra, const ov_vec *b, uint32_t rb)
{
    if (ov_type_is_int(a->type)) {
        int64_t x = ov_vec_i64(a, ra), y = ov_vec_i64(b, rb);
        return (x > y) - (x < y);
    }
    if (ov_type_is_real(a->type)) {
        uint64_t x = ovi_order_f64(ov_vec_f64(a, ra)), y = ovi_order_f64(ov_vec_f64(b, rb));
        return (x > y) - (x < y);
    }
    return ov_slice_cmp(ov_vec_str(a, ra), ov_vec_str(b, rb));
}

static uint64_t ordinal_of(const sort_part *p, uint32_t row)
{
    if (p->ordinals)
        return p->ordinals[row];
    return p->ordinal + (p->row ? p->row[row] : row);
}

typedef struct comparison {
    const sort_sink *sink;
    const sort_part *parts;
} comparison;

static bool ref_less(const void *cx, const ovi_ref *a, const ovi_ref *b)
{
    const comparison *c = cx;
    const sort_part *pa = &c->parts[a->part], *pb = &c->parts[b->part];
    for (uint32_t k = 0; k < c->sink->key_count; k++) {
        const ov_sort_key *key = &c->sink->keys[k];
        const ov_vec *va = &pa->batch.col[key->column], *vb = &pb->batch.col[key->column];
        bool na = ov_vec_is_null(va, a->item), nb = ov_vec_is_null(vb, b->item);
        if (na != nb)
            return na == key->nulls_first;
        int order = na ? 0 : compare_values(va, a->item, vb, b->item);
        if (order)
            return key->descending ? order > 0 : order < 0;
    }
    return ordinal_of(pa, a->item) < ordinal_of(pb, b->item);
}

/* ---- first keys ---- */

static uint64_t place(uint64_t bits, const ov_sort_key *key)
{
    return ovi_order_place(bits, key->descending, key->nulls_first);
}

static ov_status first_keys(const ov_vec *v, const ov_sort_key *key, ov_arena *scratch, uint64_t *keys,
                            ov_error *err)
{
    uint64_t null = key->nulls_first ? 0 : UINT64_MAX;
    if (is_text(v->type) || v->type.id == OV_TYPE_NULL) {
        for (uint32_t i = 0; i < v->rows; i++) {
            bool is_null = ov_vec_is_null(v, i);
            ov_slice s = is_null ? (ov_slice){0} : ov_vec_str(v, i);
            keys[i] = is_null ? null : place(ovi_order_text(s.p, s.n), key);
        }
        return OV_OK;
    }
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    if (ov_type_is_int(v->type))
        for (uint32_t i = 0; i < v->rows; i++)
            keys[i] = place(ovi_order_i64(((const int64_t *)flat.data)[i]), key);
    else
        for (uint32_t i = 0; i < v->rows; i++)
            keys[i] = place(ovi_order_f64(((const double *)flat.data)[i]), key);
    if (flat.valid)
        for (uint32_t i = 0; i < v->rows; i++)
            if (!ov_bits_test(flat.valid, i))
                keys[i] = null;
    return OV_OK;
}

/* ---- keeping rows ---- */

static ov_status grow(ov_budget *budget, void *array, size_t have, size_t need, size_t item, void *cap, size_t cap_bytes,
                      ov_error *err)
{
    size_t want = OV_MAX(need, have * 2);
    OV_TRY(ov_array_grow(budget, array, have * item, want * item, err));
    if (cap_bytes == 4) {
        uint32_t small = (uint32_t)want;
        memcpy(cap, &small, 4);
    } else {
        memcpy(cap, &want, 8);
    }
    return OV_OK;
}

static ov_status add_part(sort_sink *s, sort_state *st, const sort_part *part, ov_error *err)
{
    ov_budget *budget = &s->exec->cx->budget;
    if (st->part_count == st->part_cap)
        OV_TRY(grow(budget, &st->parts, st->part_cap, st->part_count + 64, sizeof(*st->parts), &st->part_cap, 4,
                    err));
    if (st->ref_count + part->batch.rows > st->ref_cap)
        OV_TRY(grow(budget, &st->refs, st->ref_cap, st->ref_count + part->batch.rows, sizeof(*st->refs),
                    &st->ref_cap, 8, err));
    st->parts[st->part_count++] = *part;
    return OV_OK;
}

/* Order-preserving bits of one value; equal bits mean equal values unless *maybe is set. */
static uint64_t value_key(const ov_vec *v, uint32_t row, const ov_sort_key *key, bool *maybe)
{
    uint64_t bits;
    if (v->type.id == OV_TYPE_NULL || ov_vec_is_null(v, row))
        return key->nulls_first ? 0 : UINT64_MAX;
    if (ov_type_is_int(v->type)) {
        bits = ovi_order_i64(ov_vec_i64(v, row));
    } else if (ov_type_is_real(v->type)) {
        bits = ovi_order_f64(ov_vec_f64(v, row));
    } else {
        ov_slice s = ov_vec_str(v, row);
        bits = ovi_order_text(s.p, s.n);
        *maybe |= s.n >= 8 || memchr(s.p ? s.p : "", 0, s.n); /* longer, or padded like a shorter one */
    }
    bits = place(bits, key);
    *maybe |= bits == 1 || bits == UINT64_MAX - 1;
    return bits;
}

/*
 * Puts the best min(keep, n) references in order at the front; returns how many. Key by key: references are selected and
 * sorted by 64 bits, then each run of equal bits by the next key. Runs whose values may still differ compare in full.
 * *worst: bits of the first key of the last one kept.
 */
static size_t order_refs(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n,
                         uint64_t keep, uint32_t level, const ovi_stop *stop, uint64_t *worst)
{
    comparison c = {.sink = s, .parts = parts};
    bool maybe = false;
    if (level >= s->key_count) {
        for (size_t i = 0; i < n; i++)
            refs[i].key = ordinal_of(&parts[refs[i].part], refs[i].item);
        if (keep < n)
            n = ovi_select_refs(refs, n, (size_t)keep);
        ovi_sort_refs(refs, tmp, n, NULL, NULL, stop);
        return keep < n ? (size_t)keep : n;
    }
    const ov_sort_key *key = &s->keys[level];
    for (size_t i = 0; i < n; i++)
        refs[i].key = value_key(&parts[refs[i].part].batch.col[key->column], refs[i].item, key, &maybe);
    if (keep < n)
        n = ovi_select_refs(refs, n, (size_t)keep);
    ovi_sort_refs(refs, tmp, n, NULL, NULL, stop);
    if (worst && keep <= n && keep > 0)
        *worst = refs[keep - 1].key;
    for (size_t from = 0, to; from < n && from < keep; from = to) {
        for (to = from + 1; to < n && refs[to].key == refs[from].key; to++)
            ;
        if (to - from == 1)
            continue;
        if (maybe)
            ovi_sort_refs(refs + from, tmp, to - from, ref_less, &c, stop);
        else
            order_refs(s, parts, refs + from, tmp, to - from, keep - from, level + 1, stop, NULL);
    }
    return keep < n ? (size_t)keep : n;
}

/* Sorts; what is past the best `keep` is dropped. */
static ov_status sort_state_refs(sort_sink *s, sort_state *st, ov_error *err)
{
    ov_budget *budget = &s->exec->cx->budget;
    ovi_ref *tmp = NULL;
    size_t bytes = st->ref_count * sizeof(*tmp);
    if (st->ref_count < 2)
        return OV_OK;
    OV_TRY(ov_array_grow(budget, &tmp, 0, bytes, err));
    ovi_stop stop = ovi_stop_of(s->exec->cx);
    st->ref_count = order_refs(s, st->parts, st->refs, tmp, st->ref_count, s->keep, 0, &stop, &st->worst);
    ov_array_free(budget, &tmp, bytes);
    return ov_query_alive(s->exec->cx, err);
}

/* Column c of the rows of refs as one vector. The rows of one part keep its dictionary. */
static ov_status gather_column(const sort_part *parts, const ovi_ref *refs, uint32_t n, uint32_t c, ov_arena *out,
                               ov_vec *vec, ov_error *err)
{
    ov_type type = parts[refs[0].part].batch.col[c].type;
    const ov_domain *dict = NULL;
    bool one_domain = true, lists = ov_type_is_list(type);
    for (uint32_t i = 0; i < n && one_domain; i++) {
        const ov_vec *v = &parts[refs[i].part].batch.col[c];
        one_domain = v->enc == OV_ENC_DICT && (!dict || dict->id == v->dict->id);
        dict = v->dict;
    }
    if (lists && !one_domain)
        return ov_fail(err, OV_UNSUPPORTED, "ORDER BY over arrays and multi-value columns is not supported yet");
    if (one_domain) {
        uint32_t *codes;
        OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * 4, &codes, err));
        for (uint32_t i = 0; i < n; i++)
            codes[i] = ov_vec_code(&parts[refs[i].part].batch.col[c], refs[i].item);
        *vec = (ov_vec){.type = type, .enc = OV_ENC_DICT, .lane = 4, .rows = n, .divisor = 1, .data = codes,
                        .dict = dict};
        return OV_OK;
    }
    size_t width = is_text(type) ? sizeof(ov_slice) : 8;
    char *data;
    uint64_t *valid = NULL;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * width, &data, err));
    for (uint32_t i = 0; i < n; i++) {
        const ov_vec *v = &parts[refs[i].part].batch.col[c];
        uint32_t row = refs[i].item;
        memset(data + i * width, 0, width);
        if (ov_vec_is_null(v, row)) {
            if (!valid) {
                OV_TRY(ov_arena_lanes(out, (ov_words(n) + 1) * 8, &valid, err));
                ov_bits_fill(valid, n, true);
            }
            ov_bits_clear(valid, i);
        } else if (ov_type_is_int(type)) {
            ((int64_t *)data)[i] = ov_vec_i64(v, row);
        } else if (ov_type_is_real(type)) {
            ((double *)data)[i] = ov_vec_f64(v, row);
        } else {
            ((ov_slice *)data)[i] = ov_vec_str(v, row);
        }
    }
    *vec = ov_vec_flat(type, data, valid, n);
    return OV_OK;
}

static ov_status gather_batch(const sort_part *parts, const ovi_ref *refs, uint32_t n, uint32_t cols, ov_arena *out,
                              ov_batch *b, ov_error *err)
{
    *b = (ov_batch){.rows = n, .cols = cols, .sel_rows = n};
    OV_TRY(ov_arena_alloc(out, OV_MAX(cols, 1) * sizeof(ov_vec), &b->col, err));
    for (uint32_t c = 0; c < cols; c++)
        OV_TRY(gather_column(parts, refs, n, c, out, &b->col[c], err));
    return OV_OK;
}

/* Keeps the best `keep` rows only, copied together into a fresh arena. */
static ov_status cut_back(sort_sink *s, sort_state *st, ov_error *err)
{
    OV_TRY(sort_state_refs(s, st, err));
    size_t keep = OV_MIN(st->ref_count, (size_t)s->keep), done = 0;
    ov_arena fresh;
    ov_status status = OV_OK;
    ov_arena_init(&fresh, "sort", &s->exec->cx->budget);
    uint32_t count = 0;
    size_t pieces = keep / OV_BATCH_ROWS + 1;
    sort_part *made;
    OV_TRY_OUT(status, ov_arena_alloc(&fresh, pieces * sizeof(*made), &made, err));
    for (; done < keep; count++) {
        uint32_t n = (uint32_t)OV_MIN(keep - done, (size_t)OV_BATCH_ROWS);
        const ovi_ref *refs = st->refs + done;
        ov_batch b;
        uint64_t *ordinals;
        ov_arena_mark mark = ov_arena_mark_get(&st->arena);
        OV_TRY_OUT(status, gather_batch(st->parts, refs, n, s->node->field_count, &st->arena, &b, err));
        OV_TRY_OUT(status, ovi_batch_copy(&b, &fresh, &made[count].batch, err));
        ov_arena_rewind(&st->arena, mark);
        OV_TRY_OUT(status, ov_arena_alloc(&fresh, ((size_t)n + 1) * 8, &ordinals, err));
        for (uint32_t i = 0; i < n; i++)
            ordinals[i] = ordinal_of(&st->parts[refs[i].part], refs[i].item);
        made[count].ordinals = ordinals;
        done += n;
    }
    for (size_t i = 0; i < keep; i++) {
        st->refs[i].part = (uint32_t)(i / OV_BATCH_ROWS);
        st->refs[i].item = (uint32_t)(i % OV_BATCH_ROWS);
    }
    memcpy(st->parts, made, count * sizeof(*made));
    st->part_count = count;
    st->ref_count = keep;
    st->has_worst = keep == s->keep; /* worst is what the sort found */
    ov_arena_fini(&st->arena);
    st->arena = fresh;
    return OV_OK;
out:
    ov_arena_fini(&fresh);
    return status;
}

/* Rows that cannot be among the best are dropped before anything is copied. */
static ov_status drop_worse(const sort_state *st, const ov_batch *b, const uint64_t *keys, ov_arena *scratch,
                            ov_batch *out, ov_error *err)
{
    uint64_t *sel;
    *out = *b;
    if (!st->has_worst)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    for (uint32_t i = 0; i < b->rows; i++)
        sel[i / 64] |= (uint64_t)(keys[i] <= st->worst) << i % 64;
    if (b->sel)
        ov_bits_and(sel, b->sel, b->rows);
    out->sel = sel;
    out->sel_rows = (uint32_t)ov_bits_count(sel, b->rows);
    return OV_OK;
}

/* Of a batch that has many more rows than are kept, only the best (and their ties) go on. */
static ov_status best_of_batch(const sort_sink *s, ov_batch *b, const uint64_t *keys, ov_arena *scratch, ov_error *err)
{
    ovi_ref *refs;
    uint64_t *sel;
    uint32_t n = 0;
    if (s->keep == OV_NO_LIMIT || b->sel_rows / 4 <= s->keep)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, (size_t)b->sel_rows * sizeof(*refs), &refs, err));
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    for (uint32_t i = 0; i < b->rows; i++)
        if (!b->sel || ov_bits_test(b->sel, i))
            refs[n++] = (ovi_ref){.key = keys[i], .item = i};
    n = (uint32_t)ovi_select_refs(refs, n, (size_t)s->keep);
    for (uint32_t i = 0; i < n; i++)
        ov_bits_set(sel, refs[i].item);
    b->sel = sel;
    b->sel_rows = n;
    return OV_OK;
}

static ov_status sort_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    sort_sink *s = (sort_sink *)sink;
    sort_state *st = &s->states[w->number];
    uint64_t *keys;
    ov_batch in;
    if (!st->ready) {
        ov_arena_init(&st->arena, "sort", &s->exec->cx->budget);
        st->ready = true;
    }
    OV_TRY(ov_arena_zalloc(&w->scratch, ((size_t)b->rows + 1) * 8, &keys, err));
    if (s->key_count) {
        const ov_sort_key *key = &s->keys[0];
        OV_TRY(first_keys(&b->col[key->column], key, &w->scratch, keys, err));
    }
    OV_TRY(drop_worse(st, b, keys, &w->scratch, &in, err));
    if (in.sel_rows == 0)
        return OV_OK;
    OV_TRY(best_of_batch(s, &in, keys, &w->scratch, err));
    sort_part part = {.ordinal = w->ordinal};
    uint32_t *rows = NULL;
    if (in.sel) {
        OV_TRY(ov_arena_alloc(&st->arena, ((size_t)in.sel_rows + 1) * 4, &rows, err));
        ov_bits_indices(in.sel, in.rows, rows);
        part.row = rows;
    }
    OV_TRY(ovi_batch_copy(&in, &st->arena, &part.batch, err));
    OV_TRY(add_part(s, st, &part, err));
    for (uint32_t i = 0; i < part.batch.rows; i++)
        st->refs[st->ref_count++] = (ovi_ref){
            .key = keys[rows ? rows[i] : i], .item = i, .part = st->part_count - 1};
    /* the first cut comes early: from then on there is a worst row, and scans may skip what is worse */
    if (s->keep != OV_NO_LIMIT &&
        (st->ref_count > s->keep * 2 + 2 * OV_BATCH_ROWS || (!st->has_worst && st->ref_count > s->keep * 2)))
        return cut_back(s, st, err);
    return OV_OK;
}

/* ---- output ---- */

static ov_status join_states(sort_sink *s, ov_error *err)
{
    for (unsigned i = 0; i < s->exec->worker_count; i++) {
        sort_state *st = &s->states[i];
        uint32_t first = s->all.part_count;
        for (uint32_t p = 0; p < st->part_count; p++)
            OV_TRY(add_part(s, &s->all, &st->parts[p], err));
        if (s->all.ref_count + st->ref_count > s->all.ref_cap)
            OV_TRY(grow(&s->exec->cx->budget, &s->all.refs, s->all.ref_cap, s->all.ref_count + st->ref_count,
                        sizeof(*s->all.refs), &s->all.ref_cap, 8, err));
        for (size_t r = 0; r < st->ref_count; r++) {
            s->all.refs[s->all.ref_count] = st->refs[r];
            s->all.refs[s->all.ref_count++].part += first;
        }
    }
    return sort_state_refs(s, &s->all, err);
}

static ov_status sort_emit(sort_sink *s, ovi_sink *sink, ov_error *err)
{
    ovi_exec *x = s->exec;
    ovi_worker *w = &x->workers[0];
    OV_TRY(join_states(s, err));
    size_t end = s->all.ref_count;
    if (s->keep != OV_NO_LIMIT)
        end = OV_MIN(end, (size_t)s->keep);
    for (size_t at = (size_t)OV_MIN(s->node->sort.offset, (uint64_t)end); at < end && !ovi_done(sink);) {
        uint32_t n = (uint32_t)OV_MIN(end - at, (size_t)x->batch_rows);
        ov_batch b;
        OV_TRY(ovi_next_batch(w, err));
        w->ordinal = x->ordinal;
        OV_TRY(gather_batch(s->all.parts, s->all.refs + at, n, s->node->field_count, &w->scratch, &b, err));
        ovi_count_rows(x, s->node, &b);
        OV_TRY(ovi_push(sink, w, &b, err));
        x->ordinal += n;
        at += n;
    }
    return OV_OK;
}

static void free_state(sort_sink *s, sort_state *st)
{
    ov_budget *budget = &s->exec->cx->budget;
    ov_array_free(budget, &st->parts, st->part_cap * sizeof(*st->parts));
    ov_array_free(budget, &st->refs, st->ref_cap * sizeof(*st->refs));
    if (st->ready)
        ov_arena_fini(&st->arena);
}

static void sort_used(const ovi_sink *sink, uint64_t *columns, uint32_t count)
{
    const sort_sink *s = (const sort_sink *)sink;
    s->next->used(s->next, columns, count);
    for (uint32_t k = 0; k < s->key_count; k++)
        ov_bits_set(columns, s->keys[k].column);
}

static bool sort_done(const ovi_sink *sink)
{
    return ovi_done(((const sort_sink *)sink)->next);
}

static bool sort_best(const ovi_sink *sink, const ovi_worker *w, ovi_best *out)
{
    const sort_sink *s = (const sort_sink *)sink;
    if (s->keep == OV_NO_LIMIT || s->key_count == 0)
        return false;
    const ov_sort_key *key = &s->keys[0];
    const sort_state *st = &s->states[w->number];
    *out = (ovi_best){.column = key->column,
                      .descending = key->descending,
                      .nulls_first = key->nulls_first,
                      .has_worst = st->has_worst,
                      .worst = st->worst};
    return ov_type_is_int(s->node->inputs[0]->fields[key->column].type);
}

/* Where column `column` of node comes from, as a key of the aggregate below; OVI_NO_KEY when it does not. */
enum { OVI_NO_KEY = UINT32_MAX };

static uint32_t key_behind(const ov_plan *node, uint32_t column, const ov_plan **aggregate)
{
    while (node->kind == OV_PLAN_PROJECT || node->kind == OV_PLAN_FILTER) {
        if (node->kind == OV_PLAN_PROJECT) {
            const ov_expr *e = node->project.exprs[column];
            if (e->kind != OV_EXPR_COLUMN)
                return OVI_NO_KEY;
            column = e->column;
        }
        node = node->inputs[0];
    }
    if (node->kind != OV_PLAN_AGGREGATE || column >= node->aggregate.key_count)
        return OVI_NO_KEY;
    *aggregate = node;
    return column;
}

/* Rows of an aggregate differ in its keys. When all of them are columns here, adding them (in their order, as the
 * aggregate would have sorted) makes the order total, and the aggregate need not sort its groups. */
static ov_status add_group_keys(sort_sink *s, ov_error *err)
{
    const ov_plan *node = s->node, *aggregate = NULL;
    uint32_t *column, found = 0;
    ov_sort_key *keys;
    s->keys = node->sort.keys;
    s->key_count = node->sort.key_count;
    for (uint32_t c = 0; c < node->field_count && !aggregate; c++)
        key_behind(node->inputs[0], c, &aggregate);
    if (!aggregate)
        return OV_OK;
    uint32_t n = aggregate->aggregate.key_count;
    OV_TRY(ov_arena_alloc(&s->exec->arena, n * sizeof(*column), &column, err));
    for (uint32_t k = 0; k < n; k++)
        column[k] = OVI_NO_KEY;
    for (uint32_t c = 0; c < node->field_count; c++) {
        uint32_t k = key_behind(node->inputs[0], c, &aggregate);
        if (k != OVI_NO_KEY && column[k] == OVI_NO_KEY) {
            column[k] = c;
            found++;
        }
    }
    if (found < n)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&s->exec->arena, ((size_t)s->key_count + n) * sizeof(*keys), &keys, err));
    if (s->key_count)
        memcpy(keys, node->sort.keys, s->key_count * sizeof(*keys));
    for (uint32_t k = 0; k < n; k++)
        keys[s->key_count++] = (ov_sort_key){.column = column[k], .nulls_first = true};
    s->keys = keys;
    s->base.unordered = true;
    return OV_OK;
}

ov_status ovi_run_sort(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    uint64_t keep = node->sort.limit;
    if (keep != OV_NO_LIMIT)
        keep = keep > OV_NO_LIMIT - 1 - node->sort.offset ? OV_NO_LIMIT : keep + node->sort.offset;
    sort_sink s = {.base = {.push = sort_push, .done = sort_done, .used = sort_used, .best = sort_best},
                   .exec = x,
                   .node = node,
                   .next = sink,
                   .keep = keep};
    ov_status st;
    if (keep == 0)
        return OV_OK;
    OV_TRY(add_group_keys(&s, err));
    OV_TRY(ov_arena_zalloc(&x->arena, x->worker_count * sizeof(*s.states), &s.states, err));
    OV_TRY_OUT(st, ovi_run(x, node->inputs[0], &s.base, err));
    OV_TRY_OUT(st, sort_emit(&s, sink, err));
out:
    for (unsigned i = 0; i < x->worker_count; i++)
        free_state(&s, &s.states[i]);
    free_state(&s, &s.all);
    return st;
}
