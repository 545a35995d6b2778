/*
 * Joins whose kept side is larger than memory: rows of both sides go to disk by a hash of their keys' values. Without
 * keys all of them are in one partition. join_parts.c joins them.
 */
#include "query/exec/join_spill.h"

#include "base/bits.h"
#include "base/hash.h"

/* ---- rows to partitions ---- */

ov_status ovi_join_spool_init(ovi_join_spool *s, ovi_exec *x, ovi_spill *file, const ov_expr *const *keys,
                              uint32_t key_count, const uint64_t *used, ov_error *err)
{
    *s = (ovi_join_spool){.exec = x, .file = file, .keys = keys, .key_count = key_count, .used = used};
    return ov_arena_zalloc(&x->arena, x->worker_count * sizeof(*s->lists), &s->lists, err);
}

void ovi_join_spool_fini(ovi_join_spool *s)
{
    for (unsigned w = 0; s->lists && w < s->exec->worker_count; w++)
        for (uint32_t p = 0; p < OVI_JOIN_PARTS; p++)
            ovi_blocks_free(&s->lists[w][p], &s->exec->cx->budget);
}

/* Mixes the values of one key into the hashes of all rows. Equal values of both sides give the same. */
static ov_status mix_key(const ov_vec *v, ov_arena *scratch, uint64_t *hash, ov_error *err)
{
    ov_vec flat;
    if (v->type.id == OV_TYPE_NULL)
        return OV_OK;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    for (uint32_t i = 0; i < v->rows; i++) {
        uint64_t bits = 1;
        if (flat.valid && !ov_bits_test(flat.valid, i))
            bits = 0; /* NULL meets nobody: any partition will do */
        else if (ov_type_is_int(v->type))
            bits = ((const uint64_t *)flat.data)[i];
        else if (ov_type_is_real(v->type))
            bits = ovi_key_real(((const double *)flat.data)[i]);
        else
            bits = ov_hash_slice(((const ov_slice *)flat.data)[i]);
        hash[i] = ov_hash_combine(hash[i], bits);
    }
    return OV_OK;
}

static ov_status hash_rows(const ovi_join_spool *s, ovi_worker *w, const ov_batch *b, uint64_t **out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(&w->scratch, ((size_t)b->rows + 1) * 8, out, err));
    for (uint32_t k = 0; k < s->key_count; k++) {
        ov_vec v;
        OV_TRY(ov_eval_expr(w->eval, s->keys[k], b, &v, err));
        OV_TRY(mix_key(&v, &w->scratch, *out, err));
    }
    return OV_OK;
}

static ov_status scatter(ovi_join_spool *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    uint64_t *hash, *sel;
    ov_batch out = *b;
    size_t words = ov_words(b->rows) + 1;
    uint32_t shift = 64 - OVI_JOIN_PART_BITS * (s->exec->join_level + 1);
    OV_TRY(ovi_worker_ready(w, err));
    OV_TRY(hash_rows(s, w, b, &hash, err));
    OV_TRY(ov_arena_zalloc(&w->scratch, words * 8 * OVI_JOIN_PARTS, &sel, err));
    for (uint32_t i = 0; i < b->rows; i++)
        if (!b->sel || ov_bits_test(b->sel, i))
            ov_bits_set(sel + words * (hash[i] >> shift & (OVI_JOIN_PARTS - 1)), i);
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b->cols, 1) * sizeof(ov_vec), &out.col, err));
    for (uint32_t c = 0; c < b->cols; c++)
        out.col[c] = ov_bits_test(s->used, c) ? b->col[c] : ov_vec_null(b->col[c].type, b->rows);
    for (uint32_t p = 0; p < OVI_JOIN_PARTS; p++) {
        out.sel = sel + words * p;
        out.sel_rows = (uint32_t)ov_bits_count(out.sel, b->rows);
        if (out.sel_rows)
            OV_TRY(ovi_spill_write(s->file, &out, &s->lists[w->number][p], &w->scratch, err));
    }
    return OV_OK;
}

ov_status ovi_join_scatter(ovi_join_spool *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    ov_arena_mark mark = ov_arena_mark_get(&w->scratch);
    ov_status st = scatter(s, w, b, err);
    ov_arena_rewind(&w->scratch, mark);
    return st;
}

static ov_status spool_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    return ovi_join_scatter((ovi_join_spool *)sink, w, b, err);
}

static void spool_used(const ovi_sink *sink, uint64_t *columns, uint32_t count)
{
    const ovi_join_spool *s = (const ovi_join_spool *)sink;
    for (uint32_t w = 0; w < ov_words(count); w++)
        columns[w] |= s->used[w];
}

ov_status ovi_join_spool_run(ovi_join_spool *s, const ov_plan *node, ov_error *err)
{
    s->base = (ovi_sink){.push = spool_push, .used = spool_used, .unordered = true};
    return ovi_run(s->exec, node, &s->base, err);
}
