/*
 * SORT: taking rows in, cutting back to the best ones, handing on.
 *
 * With a limit each worker cuts back to offset + limit rows whenever it holds a few times as many, and from then on
 * drops rows whose first key is worse than the worst kept one before it copies them.
 */
#include "query/exec/sort_int.h"

#include "base/bits.h"

enum { FEW_KEPT = 128 };

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

/* Keeps the best `keep` rows only, copied together into a fresh arena. */
static ov_status cut_back(sort_sink *s, sort_state *st, ov_error *err)
{
    OV_TRY(ovi_sort_state(s, st, err));
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
        OV_TRY_OUT(status, ov_query_alive(s->exec->cx, err));
        OV_TRY_OUT(status, ovi_sort_gather(st->parts, refs, n, s->cols, &st->arena, &b, err));
        OV_TRY_OUT(status, ovi_batch_copy(&b, &fresh, &made[count].batch, err));
        ov_arena_rewind(&st->arena, mark);
        OV_TRY_OUT(status, ov_arena_alloc(&fresh, ((size_t)n + 1) * 8, &ordinals, err));
        for (uint32_t i = 0; i < n; i++)
            ordinals[i] = ovi_sort_ordinal(&st->parts[refs[i].part], refs[i].item);
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
    const ovi_ref *last = &st->refs[keep - 1];
    st->has_next = st->has_worst && s->key_count > 1 && ovi_sort_is_exact(s, &st->parts[last->part], last->item);
    if (st->has_next)
        st->worst_next = ovi_sort_key(s, &st->parts[last->part], last->item, 1);
    return OV_OK;
out:
    ov_arena_fini(&fresh);
    return status;
}

/* Rows that tie with the last one kept in the first key, and come behind it by the second: counts of groups are mostly ones. */
static ov_status drop_ties(const sort_sink *s, const sort_state *st, const ov_batch *b, const uint64_t *keys,
                           ov_arena *scratch, uint64_t *sel, ov_error *err)
{
    uint64_t *next;
    uint32_t ties = 0;
    for (uint32_t i = 0; i < b->rows; i++)
        ties += keys[i] == st->worst;
    if (!st->has_next || ties == 0)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)b->rows + 1) * 8, &next, err));
    OV_TRY(ovi_sort_keys(&b->col[s->keys[1].column], sel, &s->keys[1], scratch, next, err));
    for (uint32_t i = 0; i < b->rows; i++)
        sel[i / 64] &= ~((uint64_t)(keys[i] == st->worst && next[i] > st->worst_next) << i % 64);
    return OV_OK;
}

/* Rows that cannot be among the best are dropped before anything is copied. */
static ov_status drop_worse(const sort_sink *s, const sort_state *st, const ov_batch *b, const uint64_t *keys,
                            ov_arena *scratch, ov_batch *out, ov_error *err)
{
    uint64_t *sel;
    *out = *b;
    if (!st->has_worst)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    for (uint32_t i = 0; i < b->rows; i++)
        sel[i / 64] |= (uint64_t)(keys[i] <= st->worst) << i % 64;
    OV_TRY(drop_ties(s, st, b, keys, scratch, sel, err));
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
    n = (uint32_t)ovi_select_refs(refs, n, (size_t)s->keep, NULL);
    for (uint32_t i = 0; i < n; i++)
        ov_bits_set(sel, refs[i].item);
    b->sel = sel;
    b->sel_rows = n;
    return OV_OK;
}

/* Cuts come early: from the first on there is a worst row, and scans skip what is worse. Where many are kept they are dear, and the worst row
 * moves slowly. Ties wait longer: once enough better rows have come nobody has to look at their later keys, which may be texts. Not where
 * rows are wide: they lie copied meanwhile. */
static size_t spare_rows(const sort_sink *s, const sort_state *st)
{
    enum { WIDE = 16 };
    if (!st->has_worst || s->keep <= FEW_KEPT)
        return 0;
    return (st->tied && s->cols <= WIDE ? 8 : 2) * (size_t)OV_BATCH_ROWS;
}

static ov_status sort_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    sort_sink *s = (sort_sink *)sink;
    sort_state *st = &s->states[w->number];
    uint64_t *keys;
    ov_batch some, in;
    if (!st->ready) {
        ov_arena_init(&st->arena, "sort", &s->exec->cx->budget);
        st->ready = true;
    }
    OV_TRY(ovi_sort_by_codes(s, st, b, &w->scratch, &some, err));
    if (some.sel_rows == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(&w->scratch, ((size_t)b->rows + 1) * 8, &keys, err));
    if (s->key_count) {
        const ov_sort_key *key = &s->keys[0];
        OV_TRY(ovi_sort_keys(&some.col[key->column], some.sel, key, &w->scratch, keys, err));
    }
    OV_TRY(drop_worse(s, st, &some, keys, &w->scratch, &in, err));
    if (in.sel_rows == 0)
        return OV_OK;
    OV_TRY(best_of_batch(s, &in, keys, &w->scratch, err));
    if (ovi_sort_due(s, st, in.sel_rows, s->cols * sizeof(ov_slice)))
        OV_TRY(ovi_sort_spill(s, st, &w->scratch, err));
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
    return s->keep != OV_NO_LIMIT && st->ref_count > s->keep * 2 + spare_rows(s, st) ? cut_back(s, st, err) : OV_OK;
}

/* ---- output ---- */

ov_status ovi_sort_push(sort_sink *s, const sort_part *parts, const ovi_ref *refs, uint32_t n, ov_error *err)
{
    ovi_exec *x = s->exec;
    ovi_worker *w = &x->workers[0];
    ov_batch b;
    OV_TRY(ovi_next_batch(w, err));
    w->ordinal = x->ordinal;
    OV_TRY(ovi_sort_gather(parts, refs, n, s->cols, &w->scratch, &b, err));
    if (s->node)
        ovi_count_rows(x, s->node, &b);
    OV_TRY(ovi_push(s->next, w, &b, err));
    x->ordinal += n;
    return OV_OK;
}

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
            OV_TRY(ov_budget_alive_at(&s->exec->cx->budget, r, err));
            s->all.refs[s->all.ref_count] = st->refs[r];
            s->all.refs[s->all.ref_count++].part += first;
        }
    }
    return ovi_sort_state(s, &s->all, err);
}

static ov_status emit_memory(sort_sink *s, ov_error *err)
{
    OV_TRY(join_states(s, err));
    size_t end = s->all.ref_count;
    if (s->keep != OV_NO_LIMIT)
        end = OV_MIN(end, (size_t)s->keep);
    for (size_t at = (size_t)OV_MIN(s->offset, (uint64_t)end); at < end && !ovi_done(s->next);) {
        uint32_t n = (uint32_t)OV_MIN(end - at, (size_t)s->exec->batch_rows);
        OV_TRY(ovi_sort_push(s, s->all.parts, s->all.refs + at, n, err));
        at += n;
    }
    return OV_OK;
}

/* Every state goes to disk, so that the merge has all the memory; all runs become s->all's. */
static ov_status join_runs(sort_sink *s, ov_error *err)
{
    ov_budget *budget = &s->exec->cx->budget;
    for (unsigned i = 0; i < s->exec->worker_count; i++) {
        sort_state *st = &s->states[i];
        ov_arena_reset(&s->exec->workers[0].scratch);
        if (st->ref_count)
            OV_TRY(ovi_sort_spill(s, st, &s->exec->workers[0].scratch, err));
        ov_array_free(budget, &st->refs, st->ref_cap * sizeof(*st->refs));
        st->ref_cap = 0;
        for (uint32_t r = 0; r < st->run_count; r++) {
            sort_run *to;
            OV_TRY(ovi_sort_add_run(s, &s->all, &to, err));
            *to = st->runs[r];
            st->runs[r] = (sort_run){0};
        }
    }
    return OV_OK;
}

/* Two states that fit by themselves may not fit together with what sorting them takes. */
static bool needs_disk(const sort_sink *s)
{
    size_t rows = 0, bytes = 0;
    for (unsigned i = 0; i < s->exec->worker_count; i++) {
        const sort_state *st = &s->states[i];
        if (st->run_count)
            return true;
        rows += st->ref_count;
        bytes += st->arena.total_bytes;
    }
    return ovi_spill_due(s->exec, bytes, rows, rows * 2 * sizeof(ovi_ref) / s->exec->worker_count);
}

ov_status ovi_sort_emit(sort_sink *s, ov_error *err)
{
    if (!needs_disk(s))
        return emit_memory(s, err);
    OV_TRY(join_runs(s, err));
    return ovi_sort_merge(s, err);
}

static void free_state(sort_sink *s, sort_state *st)
{
    ov_budget *budget = &s->exec->cx->budget;
    ov_array_free(budget, &st->parts, st->part_cap * sizeof(*st->parts));
    ov_array_free(budget, &st->refs, st->ref_cap * sizeof(*st->refs));
    ovi_sort_free_runs(s, st);
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
    if (s->keep == OV_NO_LIMIT || s->key_count == 0 || !s->node)
        return false;
    const ov_sort_key *key = &s->keys[0];
    const sort_state *st = &s->states[w->number];
    *out = (ovi_best){.column = key->column,
                      .descending = key->descending,
                      .nulls_first = key->nulls_first,
                      .has_worst = st->has_worst,
                      .worst = st->worst,
                      .keep = s->keep};
    if (st->has_next && ov_type_is_int(s->node->inputs[0]->fields[s->keys[1].column].type)) {
        out->has_next = true;
        out->next_column = s->keys[1].column;
        out->next_descending = s->keys[1].descending;
        out->next_nulls_first = s->keys[1].nulls_first;
        out->worst_next = st->worst_next;
    }
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

ov_status ovi_sort_begin(sort_sink *s, ov_error *err)
{
    s->base.push = sort_push;
    s->base.done = sort_done;
    s->base.used = sort_used;
    s->base.best = sort_best;
    ovi_spill_init(&s->spill, s->exec);
    return ov_arena_zalloc(&s->exec->arena, s->exec->worker_count * sizeof(*s->states), &s->states, err);
}

void ovi_sort_end(sort_sink *s)
{
    for (unsigned i = 0; s->states && i < s->exec->worker_count; i++)
        free_state(s, &s->states[i]);
    free_state(s, &s->all);
    ovi_spill_fini(&s->spill);
}

ov_status ovi_run_sort(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    uint64_t keep = node->sort.limit;
    if (keep != OV_NO_LIMIT)
        keep = keep > OV_NO_LIMIT - 1 - node->sort.offset ? OV_NO_LIMIT : keep + node->sort.offset;
    sort_sink s = {.exec = x,
                   .node = node,
                   .next = sink,
                   .cols = node->field_count,
                   .offset = node->sort.offset,
                   .keep = keep};
    ov_status st;
    if (keep == 0)
        return OV_OK;
    OV_TRY(add_group_keys(&s, err));
    OV_TRY_OUT(st, ovi_sort_begin(&s, err));
    OV_TRY_OUT(st, ovi_run(x, node->inputs[0], &s.base, err));
    OV_TRY_OUT(st, ovi_sort_emit(&s, err));
out:
    ovi_sort_end(&s);
    return st;
}
