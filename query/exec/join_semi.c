/*
 * Joins that only ask whether there is a partner: SEMI, ANTI and MARK.
 *
 * A batch of the left side goes on with its encodings, fewer rows or one column more. With keys alone the table's answer
 * is all there is to know; otherwise candidates are listed until a row has found one. When the left side is the one that
 * is kept, the right side streams by and leaves a bit at each row that it meets.
 */
#include "query/exec/join.h"

#include "base/bits.h"

bool ovi_join_passes(const ovi_join *j)
{
    const ov_expr *residual = j->node->join.residual;
    return j->tests && !j->keep_theirs && !j->general && (!residual || residual->deterministic);
}

/* ---- the left side streams ---- */

static ov_status decide(const ovi_join *j, ovi_probe *p, const ov_batch *b, uint64_t *found, ov_error *err)
{
    ov_batch pairs;
    uint64_t *truth = NULL;
    if (!p->count)
        return OV_OK;
    OV_TRY(ovi_next_batch(p->down, err));
    if (j->node->join.residual) {
        OV_TRY(ovi_join_pair_batch(j, j->checked, b, p->ours, p->theirs, p->count, &p->down->scratch, &pairs, err));
        ov_eval_next_batch(p->check->eval);
        OV_TRY(ovi_join_truth(j, p, &pairs, &truth, err));
    }
    for (uint32_t i = 0; i < p->count; i++)
        if (!truth || ov_bits_test(truth, i))
            ov_bits_set(found, j->keep_theirs ? p->theirs[i] : p->ours[i]);
    p->count = 0;
    return OV_OK;
}

/* Candidates of each row until one passes. */
static ov_status seek(const ovi_join *j, ovi_probe *p, const ov_batch *b, uint64_t *found, ov_error *err)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t n;
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        const uint32_t *rows = ovi_join_candidates(j, p->group[i], &n);
        for (uint32_t k = 0; k < n && !ov_bits_test(found, i); k++) {
            p->ours[p->count] = i;
            p->theirs[p->count++] = rows[k];
            if (p->count == j->exec->batch_rows)
                OV_TRY(decide(j, p, b, found, err));
        }
    }
    return decide(j, p, b, found, err);
}

static void by_keys(const ovi_join *j, const ovi_probe *p, const ov_batch *b, uint64_t *found)
{
    bool always = !j->node->join.key_count && j->side.rows > 0;
    for (uint32_t i = 0; i < b->rows; i++)
        if (always || (j->node->join.key_count && p->group[i] != OVI_NO_GROUP))
            ov_bits_set(found, i);
    for (uint32_t w = 0; b->sel && w < ov_words(b->rows); w++)
        found[w] &= b->sel[w];
}

static ov_status add_mark(const ovi_join *j, const uint64_t *found, uint32_t rows, ov_arena *scratch, ov_batch *out,
                          ov_error *err)
{
    uint32_t at = j->node->field_count - 1;
    int64_t *marks;
    ov_vec *col;
    OV_TRY(ov_arena_lanes(scratch, ((size_t)ov_words(rows) * 64 + 1) * 8, &marks, err));
    OV_TRY(ov_arena_alloc(scratch, j->node->field_count * sizeof(ov_vec), &col, err));
    for (uint32_t i = 0; i < rows; i++)
        marks[i] = ov_bits_test(found, i);
    if (at)
        memcpy(col, out->col, at * sizeof(ov_vec));
    col[at] = ov_vec_flat(j->node->fields[at].type, marks, NULL, rows);
    out->col = col;
    out->cols = j->node->field_count;
    return OV_OK;
}

ov_status ovi_join_test(ovi_join *j, ovi_probe *p, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    ov_batch out = *b;
    uint64_t *found, *kept;
    size_t bytes = ((size_t)ov_words(b->rows) + 1) * 8;
    OV_TRY(ov_arena_zalloc(&w->scratch, bytes, &found, err));
    if (j->general || j->node->join.residual)
        OV_TRY(seek(j, p, b, found, err));
    else
        by_keys(j, p, b, found);
    if (j->node->join.kind == OV_JOINS_MARK) {
        OV_TRY(add_mark(j, found, b->rows, &w->scratch, &out, err));
    } else {
        OV_TRY(ov_arena_alloc(&w->scratch, bytes, &kept, err));
        ov_bits_fill(kept, b->rows, true);
        for (uint32_t i = 0; i < ov_words(b->rows); i++) {
            kept[i] &= b->sel ? b->sel[i] : ~(uint64_t)0;
            kept[i] &= j->node->join.kind == OV_JOINS_SEMI ? found[i] : ~found[i];
        }
        out.sel = kept;
        out.sel_rows = (uint32_t)ov_bits_count(kept, b->rows);
    }
    if (!out.sel_rows)
        return OV_OK;
    ovi_count_rows(j->exec, j->node, &out);
    return j->next->push(j->next, w, &out, err);
}

/* ---- the left side is kept ---- */

/* Rows of a group are marked together: the first one's mark tells that all have it. */
static void mark_groups(const ovi_join *j, ovi_probe *p, const ov_batch *b)
{
    if (j->node->join.key_count && j->most == 1) {
        for (uint32_t i = 0; i < b->rows; i++)
            if (p->group[i] != OVI_NO_GROUP)
                ov_bits_set(p->matched, j->table.row[p->group[i]]);
        return;
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t n;
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        const uint32_t *rows = ovi_join_candidates(j, p->group[i], &n);
        if (n && ov_bits_test(p->matched, rows[0]))
            continue;
        for (uint32_t k = 0; k < n; k++)
            ov_bits_set(p->matched, rows[k]);
    }
}

static ov_status mark_candidates(const ovi_join *j, ovi_probe *p, const ov_batch *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t n;
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        const uint32_t *rows = ovi_join_candidates(j, p->group[i], &n);
        for (uint32_t k = 0; k < n; k++) {
            if (ov_bits_test(p->matched, rows[k]))
                continue;
            p->ours[p->count] = i;
            p->theirs[p->count++] = rows[k];
            if (p->count == j->exec->batch_rows)
                OV_TRY(decide(j, p, b, p->matched, err));
        }
    }
    return decide(j, p, b, p->matched, err);
}

ov_status ovi_join_mark_kept(ovi_join *j, ovi_probe *p, const ov_batch *b, ov_error *err)
{
    if (j->node->join.residual)
        return mark_candidates(j, p, b, err);
    mark_groups(j, p, b);
    return OV_OK;
}

static ov_status push_kept(ovi_join *j, const uint32_t *rows, uint32_t n, ov_error *err)
{
    ovi_worker *w = &j->exec->workers[0];
    uint64_t *found;
    ov_batch out;
    if (!n || ovi_done(j->next))
        return OV_OK;
    OV_TRY(ovi_next_batch(w, err));
    OV_TRY(ovi_join_pair_batch(j, j->wanted, NULL, NULL, rows, n, &w->scratch, &out, err));
    out.cols = j->their_cols;
    if (j->node->join.kind == OV_JOINS_MARK) {
        OV_TRY(ov_arena_zalloc(&w->scratch, ((size_t)ov_words(n) + 1) * 8, &found, err));
        for (uint32_t i = 0; i < n; i++)
            ov_bits_put(found, i, ov_bits_test(j->probes[0].matched, rows[i]));
        OV_TRY(add_mark(j, found, n, &w->scratch, &out, err));
    }
    w->ordinal = j->exec->ordinal;
    j->exec->ordinal += n;
    ovi_count_rows(j->exec, j->node, &out);
    return j->next->push(j->next, w, &out, err);
}

ov_status ovi_join_emit_tested(ovi_join *j, ov_error *err)
{
    ovi_probe *p = &j->probes[0];
    bool all = j->node->join.kind == OV_JOINS_MARK, partner = j->node->join.kind == OV_JOINS_SEMI;
    uint32_t n = 0;
    for (uint32_t i = 0; i < j->side.rows; i++) {
        if (!all && ov_bits_test(p->matched, i) != partner)
            continue;
        p->ours[n++] = i;
        if (n < j->exec->batch_rows)
            continue;
        OV_TRY(push_kept(j, p->ours, n, err));
        n = 0;
    }
    return push_kept(j, p->ours, n, err);
}
