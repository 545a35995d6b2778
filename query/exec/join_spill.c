/*
 * Joins whose kept side is larger than memory: rows of both sides go to disk by a hash of their keys' values, then
 * what has the same hash is joined, partition by partition, each as a join of its own over what lies on disk. A partition
 * that is still too large is cut again by the next bits of the hash.
 *
 * Rows that have a partner have it in their own partition, so every kind of join may be taken apart like this. A
 * partition's kept side goes when it is through: what comes out of it is copied by value.
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

/* ---- a partition as a table ---- */

typedef struct part_table {
    ov_systable table;
    ovi_join_spool *spool;
    uint32_t part;
} part_table;

static ov_status part_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    const part_table *t = table->self;
    const ovi_join_spool *s = t->spool;
    ov_arena block;
    ov_status st = OV_OK;
    ov_arena_init(&block, "join", &cx->budget);
    for (unsigned w = 0; w < s->exec->worker_count && st == OV_OK; w++) {
        const ovi_blocks *list = &s->lists[w][t->part];
        for (uint32_t i = 0; i < list->count && st == OV_OK; i++) {
            ov_batch b;
            ov_arena_reset(&block);
            st = ovi_spill_read(s->file, &list->at[i], &block, &b, err);
            if (st == OV_OK)
                st = emit->rows(emit->self, &b, err);
        }
    }
    ov_arena_fini(&block);
    return st;
}

static ov_status part_node(ovi_exec *x, const ov_plan *of, ovi_join_spool *spool, uint32_t part, const ov_plan **out,
                           ov_error *err)
{
    part_table *t;
    ov_plan *node;
    uint32_t *columns;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*t), &t, err));
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*node), &node, err));
    OV_TRY(ov_arena_alloc(&x->arena, ((size_t)of->field_count + 1) * 4, &columns, err));
    for (uint32_t c = 0; c < of->field_count; c++)
        columns[c] = c;
    *t = (part_table){.table = {.schema = "", .name = "", .fields = of->fields, .field_count = of->field_count,
                                .rows = part_rows, .self = t},
                      .spool = spool,
                      .part = part};
    *node = (ov_plan){.kind = OV_PLAN_SYSTEM, .fields = of->fields, .field_count = of->field_count};
    node->system.table = &t->table;
    node->system.columns = columns;
    *out = node;
    return OV_OK;
}

/* ---- what comes out ---- */

/* Takes batches whose domains go soon, and hands them on by value, with a worker whose results stay. */
typedef struct value_sink {
    ovi_sink base;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
    ovi_worker *down;
} value_sink;

static ov_status value_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    value_sink *s = (value_sink *)sink;
    ov_batch out = *b;
    OV_TRY(ovi_next_batch(s->down, err));
    s->down->ordinal = w->ordinal;
    OV_TRY(ov_arena_alloc(&s->down->scratch, OV_MAX(b->cols, 1) * sizeof(ov_vec), &out.col, err));
    for (uint32_t c = 0; c < b->cols; c++) {
        out.col[c] = b->col[c];
        if (b->col[c].type.id != OV_TYPE_NULL && b->col[c].enc != OV_ENC_CONST)
            OV_TRY(ov_vec_flatten(&b->col[c], &s->down->scratch, &out.col[c], err));
        out.col[c].dict = NULL;
    }
    ovi_count_rows(s->exec, s->node, &out);
    return s->next->push(s->next, s->down, &out, err);
}

static bool value_done(const ovi_sink *sink)
{
    return ovi_done(((const value_sink *)sink)->next);
}

static void value_used(const ovi_sink *sink, uint64_t *columns, uint32_t count)
{
    const value_sink *s = (const value_sink *)sink;
    s->next->used(s->next, columns, count);
}

/* ---- partition by partition ---- */

static ov_status join_part(ovi_exec *x, const ov_plan *node, ovi_join_spool *sides, uint32_t part, ovi_sink *sink,
                           ov_error *err)
{
    /* an exec of its own for what goes when the partition is through */
    ovi_exec sub = {.cx = x->cx,
                    .workers = x->workers,
                    .worker_count = x->worker_count,
                    .batch_rows = x->batch_rows,
                    .ordinal = x->ordinal,
                    .join_level = x->join_level + 1};
    const ov_plan *inputs[2];
    ov_plan join = *node;
    ov_status st;
    ov_mutex_init(&sub.lock);
    ov_arena_init(&sub.arena, "join", &x->cx->budget);
    join.inputs = inputs;
    OV_TRY_OUT(st, part_node(&sub, node->inputs[0], &sides[0], part, &inputs[0], err));
    OV_TRY_OUT(st, part_node(&sub, node->inputs[1], &sides[1], part, &inputs[1], err));
    OV_TRY_OUT(st, ovi_run_join(&sub, &join, sink, err));
out:
    x->ordinal = sub.ordinal;
    ovi_drop_extra(&sub);
    ov_arena_fini(&sub.arena);
    ov_mutex_fini(&sub.lock);
    return st;
}

ov_status ovi_join_parts(ovi_exec *x, const ov_plan *node, ovi_join_spool *sides, ovi_sink *sink, ov_error *err)
{
    value_sink values = {.base = {.push = value_push,
                                  .done = value_done,
                                  .used = value_used,
                                  .ordered = sink->ordered,
                                  .unordered = sink->unordered},
                         .exec = x,
                         .node = node,
                         .next = sink};
    OV_TRY(ovi_extra_worker(x, 0, &values.down, err));
    for (uint32_t p = 0; p < OVI_JOIN_PARTS && !ovi_done(sink); p++)
        OV_TRY(join_part(x, node, sides, p, &values.base, err));
    return OV_OK;
}
