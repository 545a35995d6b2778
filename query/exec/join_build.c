/*
 * The kept side of a join: batches are copied as they come, by any worker, and then put together into one vector
 * for each column.
 */
#include "query/exec/join_spill.h"

#include <stdlib.h>

#include "base/bits.h"

enum { ASK_PARTS = 16 }; /* batches between questions whether the query still lives */

typedef struct part {
    ov_batch batch;
    uint64_t ordinal;
} part;

typedef struct state {
    ov_arena arena; /* of the copies */
    part *parts;
    uint32_t count, cap;
    uint64_t rows;
} state;

typedef struct collect_sink {
    ovi_sink base;
    const ovi_join *join;
    ovi_exec *exec;
    uint32_t cols;
    const uint64_t *used;
    const ov_expr *const *keys; /* those that are no columns are computed as rows come, and kept behind the columns */
    uint32_t key_count;
    ovi_join_spool *spool; /* NULL: there is none */
    _Atomic bool spooling; /* some state went there: all do */
    state *states;
} collect_sink;

/* ---- collecting ---- */

static void collect_used(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    const collect_sink *c = (const collect_sink *)s;
    for (uint32_t w = 0; w < ov_words(count); w++)
        columns[w] |= c->used[w];
}

static uint32_t collect_wishes(const ovi_sink *s, ovi_key_wish *list)
{
    return ovi_join_kept_wishes(((const collect_sink *)s)->join, list);
}

/* What hashing a row takes, about: its words, its group, and texts of keys in their table. */
static size_t hash_bytes(const collect_sink *c)
{
    size_t bytes = 32;
    for (uint32_t k = 0; k < c->key_count; k++) {
        ov_type t = c->keys[k]->type;
        bytes += ov_type_is_int(t) || ov_type_is_real(t) ? 16 : 64;
    }
    return bytes;
}

/* Should the rows go to disk instead of growing by n more? They are copied once more when all are there, and hashed. */
static bool is_due(const collect_sink *c, const state *st, uint64_t n)
{
    size_t own = st->arena.total_bytes, row = st->rows ? own / st->rows + 1 : 64;
    if (!c->spool || (c->exec->cx->options.spill_rows && c->exec->join_level > 0))
        return false;
    return ovi_spill_due(c->exec, own, st->rows, own + (st->rows + n) * (row + hash_bytes(c)));
}

static ov_status to_spool(collect_sink *c, state *st, ovi_worker *w, ov_error *err)
{
    atomic_store(&c->spooling, true);
    for (uint32_t i = 0; i < st->count; i++) {
        ov_batch columns = st->parts[i].batch;
        columns.cols = c->cols;
        OV_TRY(ovi_join_scatter(c->spool, w, &columns, err));
    }
    ov_arena_fini(&st->arena);
    st->count = 0;
    st->rows = 0;
    return OV_OK;
}

static ov_status collect_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    collect_sink *c = (collect_sink *)s;
    state *st = &c->states[w->number];
    ov_batch wanted = *b;
    if (b->sel_rows == 0)
        return OV_OK;
    if (c->spool && (atomic_load_explicit(&c->spooling, memory_order_relaxed) || is_due(c, st, b->sel_rows))) {
        OV_TRY(to_spool(c, st, w, err));
        return ovi_join_scatter(c->spool, w, b, err);
    }
    OV_TRY(ov_list_room(&c->exec->cx->budget, &st->parts, st->count, &st->cap, 1, sizeof *st->parts, err));
    OV_TRY(ov_arena_alloc(&w->scratch, ((size_t)b->cols + c->key_count + 1) * sizeof(ov_vec), &wanted.col, err));
    for (uint32_t i = 0; i < b->cols; i++)
        wanted.col[i] = ov_bits_test(c->used, i) ? b->col[i] : ov_vec_null(b->col[i].type, b->rows);
    OV_TRY(ovi_worker_ready(w, err));
    for (uint32_t k = 0; k < c->key_count; k++)
        if (c->keys[k]->kind != OV_EXPR_COLUMN)
            OV_TRY(ov_eval_expr(w->eval, c->keys[k], b, &wanted.col[wanted.cols++], err));
    part *p = &st->parts[st->count];
    OV_TRY(ovi_batch_copy(&wanted, &st->arena, &p->batch, err));
    p->ordinal = w->ordinal;
    st->rows += p->batch.rows;
    st->count++;
    return OV_OK;
}

static int by_ordinal(const void *a, const void *b)
{
    uint64_t x = ((const part *)a)->ordinal, y = ((const part *)b)->ordinal;
    return (x > y) - (x < y);
}

/* All parts in the order of their rows. */
static ov_status all_parts(const collect_sink *c, ov_arena *scratch, part **parts, uint32_t *count, uint32_t *rows,
                           ov_error *err)
{
    uint64_t total = 0;
    uint32_t n = 0;
    *count = 0;
    for (unsigned w = 0; w < c->exec->worker_count; w++)
        *count += c->states[w].count;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)*count + 1) * sizeof(part), parts, err));
    for (unsigned w = 0; w < c->exec->worker_count; w++)
        for (uint32_t i = 0; i < c->states[w].count; i++) {
            (*parts)[n++] = c->states[w].parts[i];
            total += c->states[w].parts[i].batch.rows;
        }
    if (total >= UINT32_MAX / 2)
        return ov_fail(err, OV_LIMIT, "The side of a join that is kept in memory has more than two thousand million rows");
    if (n)
        qsort(*parts, n, sizeof(part), by_ordinal);
    *rows = (uint32_t)total;
    return OV_OK;
}

/* ---- putting together ---- */

/* Vectors behind each other as one with `rows` rows, of which those past the vectors are NULL. */
static ov_status concat(const ov_vec *vecs, uint32_t count, ov_type type, uint32_t rows, ov_arena *out,
                        ov_arena *scratch, ov_vec *all, ov_error *err);

static ov_status own_text(const ov_vec *from, ov_slice *s, const uint64_t *valid, uint32_t first, ov_arena *out,
                          ov_error *err)
{
    if (from->enc == OV_ENC_DICT)
        return OV_OK; /* domains live as long as the run; the text of a constant lies in the batch's copy */
    for (uint32_t i = 0; i < from->rows; i++)
        if (ov_bits_test(valid, first + i))
            OV_TRY(ov_arena_copy(out, s[i], &s[i], err));
    return OV_OK;
}

static ov_status concat_flat(const ov_vec *vecs, uint32_t count, ov_type type, uint32_t rows, ov_arena *out,
                             ov_arena *scratch, ov_vec *all, ov_error *err)
{
    bool number = ov_type_is_int(type) || ov_type_is_real(type);
    size_t lane = number ? 8 : sizeof(ov_slice);
    uint32_t at = 0;
    char *data;
    uint64_t *valid;
    OV_TRY(ov_arena_lanes(out, ((size_t)ov_words(rows) * 64 + 1) * lane, &data, err));
    OV_TRY(ov_arena_zalloc(out, ((size_t)ov_words(rows) + 1) * 8, &valid, err));
    for (uint32_t i = 0; i < count; i++) {
        ov_vec flat;
        if (i % ASK_PARTS == ASK_PARTS - 1)
            OV_TRY(ov_budget_alive(out->budget, err));
        OV_TRY(ov_vec_flatten(&vecs[i], scratch, &flat, err));
        memcpy(data + at * lane, flat.data, flat.rows * lane);
        for (uint32_t r = 0; r < flat.rows; r++)
            if (!flat.valid || ov_bits_test(flat.valid, r))
                ov_bits_set(valid, at + r);
        if (!number)
            OV_TRY(own_text(&vecs[i], (ov_slice *)(void *)data + at, valid, at, out, err));
        at += flat.rows;
    }
    memset(data + at * lane, 0, (rows - at) * lane);
    *all = ov_vec_flat(type, data, valid, rows);
    return OV_OK;
}

static ov_status concat_lists(const ov_vec *vecs, uint32_t count, ov_type type, uint32_t rows, ov_arena *out,
                              ov_arena *scratch, ov_vec *all, ov_error *err)
{
    uint32_t *offsets, at = 0, elements = 0;
    uint64_t *valid;
    ov_vec *children, *child;
    OV_TRY(ov_arena_alloc(out, ((size_t)rows + 2) * 4, &offsets, err));
    OV_TRY(ov_arena_zalloc(out, ((size_t)ov_words(rows) + 1) * 8, &valid, err));
    OV_TRY(ov_arena_alloc(out, sizeof(*child), &child, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)count + 1) * sizeof(*children), &children, err));
    for (uint32_t i = 0; i < count; i++) {
        ov_vec flat;
        if (i % ASK_PARTS == ASK_PARTS - 1)
            OV_TRY(ov_budget_alive(out->budget, err));
        OV_TRY(ov_vec_flatten(&vecs[i], scratch, &flat, err));
        children[i] = *flat.child;
        for (uint32_t r = 0; r < flat.rows; r++, at++) {
            offsets[at] = elements + flat.offsets[r];
            if (!flat.valid || ov_bits_test(flat.valid, r))
                ov_bits_set(valid, at);
        }
        if (flat.child->rows > UINT32_MAX / 2 - elements)
            return ov_fail(err, OV_LIMIT, "Arrays in the side of a join that is kept have too many elements");
        elements += flat.child->rows;
    }
    while (at <= rows)
        offsets[at++] = elements;
    ov_type of = count ? children[0].type : OV_T(OV_TYPE_STRING);
    OV_TRY(concat(children, count, of, elements, out, scratch, child, err));
    *all = (ov_vec){.type = type, .enc = OV_ENC_LIST, .rows = rows, .offsets = offsets, .child = child, .valid = valid};
    return OV_OK;
}

static ov_status concat(const ov_vec *vecs, uint32_t count, ov_type type, uint32_t rows, ov_arena *out,
                        ov_arena *scratch, ov_vec *all, ov_error *err)
{
    if (type.id == OV_TYPE_NULL) {
        *all = ov_vec_null(type, rows);
        return OV_OK;
    }
    if (ov_type_is_list(type))
        return concat_lists(vecs, count, type, rows, out, scratch, all, err);
    return concat_flat(vecs, count, type, rows, out, scratch, all, err);
}

static ov_status join_columns(ovi_exec *x, const ov_plan *node, const uint64_t *used, const part *parts,
                              uint32_t count, ovi_join_side *out, ov_arena *scratch, ov_error *err)
{
    ov_arena *arena = &x->arena;
    ov_vec *vecs;
    uint32_t rows = out->rows + 1;
    OV_TRY(ov_arena_zalloc(arena, OV_MAX(node->field_count, 1) * sizeof(*out->col), &out->col, err));
    OV_TRY(ov_arena_zalloc(arena, OV_MAX(node->field_count, 1) * sizeof(*out->domain), &out->domain, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)count + 1) * sizeof(*vecs), &vecs, err));
    for (uint32_t c = 0; c < node->field_count; c++) {
        ov_type type = node->fields[c].type;
        out->col[c] = ov_vec_null(type, rows);
        if (!ov_bits_test(used, c))
            continue;
        for (uint32_t i = 0; i < count; i++)
            vecs[i] = parts[i].batch.col[c];
        OV_TRY(ov_query_alive(x->cx, err));
        OV_TRY(concat(vecs, count, type, rows, arena, scratch, &out->col[c], err));
        out->domain[c] = (ov_domain){
            .id = ov_domain_next_id(), .count = rows, .type = type, .values = &out->col[c]};
    }
    return OV_OK;
}

/* Keys that are columns are there already; the others lie behind the columns of each part. */
static ov_status join_keys(const collect_sink *c, const part *parts, uint32_t count, ovi_join_side *out,
                           ov_arena *scratch, ov_error *err)
{
    ovi_exec *x = c->exec;
    ov_vec *vecs;
    uint32_t at = c->cols;
    OV_TRY(ov_arena_zalloc(&x->arena, OV_MAX(c->key_count, 1) * sizeof(*out->keys), &out->keys, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)count + 1) * sizeof(*vecs), &vecs, err));
    for (uint32_t k = 0; k < c->key_count; k++) {
        if (c->keys[k]->kind == OV_EXPR_COLUMN) {
            out->keys[k] = out->col[c->keys[k]->column];
            out->keys[k].rows = out->rows;
            continue;
        }
        OV_TRY(ov_query_alive(x->cx, err));
        for (uint32_t i = 0; i < count; i++)
            vecs[i] = parts[i].batch.col[at];
        at++;
        OV_TRY(concat(vecs, count, c->keys[k]->type, out->rows, &x->arena, scratch, &out->keys[k], err));
    }
    return OV_OK;
}

static ov_status put_together(const collect_sink *c, const ov_plan *node, ovi_join_side *out, ov_arena *scratch,
                              ov_error *err)
{
    part *parts;
    uint32_t count;
    OV_TRY(all_parts(c, scratch, &parts, &count, &out->rows, err));
    OV_TRY(join_columns(c->exec, node, c->used, parts, count, out, scratch, err));
    return join_keys(c, parts, count, out, scratch, err);
}

/* What is still in memory goes to the spool too, when others are there or all together would not fit. */
static ov_status spool_rest(collect_sink *c, bool *spooled, ov_error *err)
{
    state all = {0};
    for (unsigned w = 0; w < c->exec->worker_count; w++) {
        all.arena.total_bytes += c->states[w].arena.total_bytes;
        all.rows += c->states[w].rows;
    }
    *spooled = atomic_load(&c->spooling);
    if (!*spooled)
        *spooled = is_due(c, &all, 0);
    for (unsigned i = 0; *spooled && i < c->exec->worker_count; i++) {
        OV_TRY(ovi_next_batch(&c->exec->workers[i], err));
        OV_TRY(to_spool(c, &c->states[i], &c->exec->workers[i], err));
    }
    return OV_OK;
}

ov_status ovi_join_collect(const ovi_join *j, const ov_plan *node, const uint64_t *used, const ov_expr *const *keys,
                           uint32_t key_count, ovi_join_spool *spool, ovi_join_side *out, ov_error *err)
{
    ovi_exec *x = j->exec;
    collect_sink c = {.base = {.push = collect_push, .used = collect_used, .wishes = collect_wishes},
                      .join = j,
                      .exec = x,
                      .cols = node->field_count,
                      .used = used,
                      .keys = keys,
                      .key_count = key_count,
                      .spool = spool};
    ov_arena scratch;
    /* kept rows that only say whether there is a partner may lie in any order, others where no one above asks for one */
    c.base.unordered = (j->tests && !j->node->join.build_left) || j->next->unordered;
    *out = (ovi_join_side){0};
    OV_TRY(ov_arena_zalloc(&x->arena, x->worker_count * sizeof(*c.states), &c.states, err));
    for (unsigned w = 0; w < x->worker_count; w++)
        ov_arena_init(&c.states[w].arena, "join", &x->cx->budget);
    ov_arena_init(&scratch, "join", &x->cx->budget);
    ov_status st = ovi_run(x, node, &c.base, err);
    if (st == OV_OK)
        st = spool_rest(&c, &out->spooled, err);
    if (st == OV_OK && !out->spooled)
        st = put_together(&c, node, out, &scratch, err);
    ov_arena_fini(&scratch);
    for (unsigned w = 0; w < x->worker_count; w++) {
        ov_arena_fini(&c.states[w].arena);
        ov_array_free(&x->cx->budget, &c.states[w].parts, c.states[w].cap * sizeof(part));
    }
    return st;
}
