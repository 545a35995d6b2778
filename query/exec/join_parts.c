/*
 * A join on disk: rows with the same hash are joined partition by partition, each as a join of its own over what lies on
 * disk. A partition that is still too large is cut again by the next bits of the hash.
 *
 * Rows that have a partner have it in their own partition, so every kind of join may be taken apart like this. Where a
 * hash does not help (no keys, or one key that has nearly all rows) the kept side is cut into pieces that fit, and each
 * meets all rows of the other side. A row's partners must then meet it in one go if it matters that it has none, so it
 * is that row's side which is cut; FULL, where both sides' rows matter, takes one round for each.
 *
 * Partitions and pieces are taken by all workers unless the order of rows matters. A kept side goes when its join is
 * through: what comes out of it is copied by value.
 */
#include "query/exec/join_spill.h"

#include "base/bits.h"
#include "base/pool.h"

/* ---- a partition as a table ---- */

/* Blocks [from, to) of a partition, counted through the workers' lists. */
typedef struct part_table {
    ov_systable table;
    const ovi_join_spool *spool;
    uint32_t part;
    uint64_t from, to;
} part_table;

static ov_status part_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    const part_table *t = table->self;
    const ovi_join_spool *s = t->spool;
    uint64_t at = 0;
    ov_arena block;
    ov_status st = OV_OK;
    ov_arena_init(&block, "join", &cx->budget);
    for (unsigned w = 0; w < s->exec->worker_count && st == OV_OK; w++) {
        const ovi_blocks *list = &s->lists[w][t->part];
        for (uint32_t i = 0; i < list->count && st == OV_OK; i++, at++) {
            ov_batch b;
            if (at < t->from || at >= t->to)
                continue;
            ov_arena_reset(&block);
            st = ovi_spill_read(s->file, &list->at[i], &block, &b, err);
            if (st == OV_OK)
                st = emit->rows(emit->self, &b, err);
        }
    }
    ov_arena_fini(&block);
    return st;
}

static ov_status part_node(ovi_exec *x, const ov_plan *of, const part_table *what, const ov_plan **out, ov_error *err)
{
    part_table *t;
    ov_plan *node;
    uint32_t *columns;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*t), &t, err));
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*node), &node, err));
    OV_TRY(ov_arena_alloc(&x->arena, ((size_t)of->field_count + 1) * 4, &columns, err));
    for (uint32_t c = 0; c < of->field_count; c++)
        columns[c] = c;
    *t = *what;
    t->table = (ov_systable){.schema = "", .name = "", .fields = of->fields, .field_count = of->field_count,
                             .rows = part_rows, .self = t};
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
    uint64_t ordinal;
} value_sink;

static ov_status value_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    value_sink *s = (value_sink *)sink;
    ov_batch out = *b;
    (void)w;
    OV_TRY(ovi_next_batch(s->down, err));
    s->down->ordinal = s->ordinal;
    s->ordinal += b->rows;
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

/* ---- what is to be joined ---- */

/* One join: a partition, or blocks [from, to) of its kept side with all rows of the other one. */
typedef struct part_task {
    struct part_task *next;
    uint32_t part;
    bool piece;
    uint8_t kind; /* ov_join_kind; that of the node unless it is a piece of a FULL join */
    bool build_left;
    bool rest;    /* only kept rows without partner are handed on: the pairs were */
    uint64_t from, to;
} part_task;

typedef struct part_joins {
    ovi_exec *exec;
    const ov_plan *node;
    ovi_join_spool *sides;
    ovi_sink *sink;
    unsigned workers;
    ov_arena arena; /* tasks */
    part_task *first, **last;
    size_t count;
    const part_task **tasks;
    struct part_worker {
        ovi_worker *inner; /* of the joins */
        value_sink values;
    } *worker;
    ov_mutex lock; /* of what follows */
    ov_status st;
    ov_error err;
    _Atomic bool failed;
} part_joins;

static void size_of(const ovi_join_spool *s, uint32_t part, uint64_t *rows, uint64_t *blocks)
{
    *rows = *blocks = 0;
    for (unsigned w = 0; w < s->exec->worker_count; w++) {
        *rows += s->lists[w][part].rows;
        *blocks += s->lists[w][part].count;
    }
}

static ov_status add_task(part_joins *p, const part_task *task, ov_error *err)
{
    part_task *t;
    OV_TRY(ov_arena_alloc(&p->arena, sizeof(*t), &t, err));
    *t = *task;
    t->next = NULL;
    *p->last = t;
    p->last = &t->next;
    p->count++;
    return OV_OK;
}

/* The next of the kept side's blocks that fit: they are copied, put together and hashed. */
static uint64_t piece_end(const part_joins *p, const ovi_join_spool *kept, const part_task *t, uint64_t rows, size_t room)
{
    uint32_t told = p->exec->cx->options.spill_rows;
    uint64_t at = 0, taken = 0, bytes = 0;
    for (unsigned w = 0; w < kept->exec->worker_count; w++) {
        const ovi_blocks *list = &kept->lists[w][t->part];
        for (uint32_t i = 0; i < list->count; i++, at++) {
            if (at < t->from)
                continue;
            taken += list->at[i].rows;
            bytes += (uint64_t)list->at[i].bytes * 3 + (uint64_t)list->at[i].rows * 64;
            if (at > t->from && (bytes > room || taken > UINT32_MAX / 4 || (told && taken > rows / 3)))
                return at;
        }
    }
    return at;
}

static ov_status add_pieces(part_joins *p, part_task t, ov_error *err)
{
    const ovi_join_spool *kept = &p->sides[!t.build_left];
    size_t room = ovi_memory_left(p->exec) / 2 / p->workers / OV_MAX(p->exec->rivals, 1);
    uint64_t rows, blocks;
    size_of(kept, t.part, &rows, &blocks);
    t.piece = true;
    for (t.from = 0; t.from < blocks; t.from = t.to) {
        t.to = piece_end(p, kept, &t, rows, room);
        OV_TRY(add_task(p, &t, err));
    }
    return OV_OK;
}

/* Rows of the cut side see all of the other: it must be the side whose rows without partner matter. */
static ov_status add_cut(part_joins *p, part_task t, ov_error *err)
{
    switch ((ov_join_kind)t.kind) {
    case OV_JOINS_INNER:
        return add_pieces(p, t, err);
    case OV_JOINS_RIGHT:
        t.build_left = false;
        return add_pieces(p, t, err);
    case OV_JOINS_FULL:
        t.build_left = true;
        t.kind = OV_JOINS_LEFT;
        OV_TRY(add_pieces(p, t, err));
        t.build_left = false;
        t.kind = OV_JOINS_RIGHT;
        t.rest = true;
        return add_pieces(p, t, err);
    default:
        t.build_left = true;
        return add_pieces(p, t, err);
    }
}

static ov_status add_tasks(part_joins *p, ov_error *err)
{
    const ov_plan *node = p->node;
    uint64_t kept[OVI_JOIN_PARTS], other[OVI_JOIN_PARTS], blocks, all = 0;
    for (uint32_t i = 0; i < OVI_JOIN_PARTS; i++) {
        size_of(&p->sides[!node->join.build_left], i, &kept[i], &blocks);
        size_of(&p->sides[node->join.build_left], i, &other[i], &blocks);
        all += kept[i];
    }
    bool deepest = !node->join.key_count || p->exec->join_level + 1 >= OVI_JOIN_MOST_LEVELS;
    for (uint32_t i = 0; i < OVI_JOIN_PARTS; i++) {
        part_task t = {.part = i, .kind = node->join.kind, .build_left = node->join.build_left, .to = UINT64_MAX};
        if (!kept[i] && !other[i])
            continue;
        if (kept[i] && (deepest || kept[i] / 7 > all / 8))
            OV_TRY(add_cut(p, t, err));
        else
            OV_TRY(add_task(p, &t, err));
    }
    return OV_OK;
}

/* ---- the joins ---- */

static ov_status join_part(const part_joins *p, const part_task *t, struct part_worker *w, ov_error *err)
{
    const ovi_exec *x = p->exec;
    /* an exec of its own for what goes when the partition is through */
    ovi_exec sub = {.cx = x->cx,
                    .workers = w->inner,
                    .worker_count = 1,
                    .batch_rows = x->batch_rows,
                    .join_level = t->piece ? OVI_JOIN_MOST_LEVELS : x->join_level + 1,
                    .join_rest = t->rest,
                    .rivals = p->workers * OV_MAX(x->rivals, 1)};
    part_table side[2] = {{.spool = &p->sides[0], .part = t->part, .to = UINT64_MAX},
                          {.spool = &p->sides[1], .part = t->part, .to = UINT64_MAX}};
    const ov_plan *inputs[2];
    ov_plan join = *p->node;
    ov_status st;
    side[!t->build_left].from = t->from;
    side[!t->build_left].to = t->to;
    ov_mutex_init(&sub.lock);
    ov_arena_init(&sub.arena, "join", &x->cx->budget);
    join.inputs = inputs;
    join.join.kind = t->kind;
    join.join.build_left = t->build_left;
    for (uint32_t i = 0; i < 2; i++)
        OV_TRY_OUT(st, part_node(&sub, p->node->inputs[i], &side[i], &inputs[i], err));
    OV_TRY_OUT(st, ovi_run_join(&sub, &join, &w->values.base, err));
out:
    ovi_drop_extra(&sub);
    ov_arena_fini(&sub.arena);
    ov_mutex_fini(&sub.lock);
    return st;
}

static void run_task(void *arg, size_t item, unsigned worker)
{
    part_joins *p = arg;
    struct part_worker *w = &p->worker[worker];
    ov_error err = OV_ERROR_INIT;
    if (atomic_load_explicit(&p->failed, memory_order_relaxed) || ovi_done(p->sink))
        return;
    /* places of rows: those of a partition lie together, whoever joins it */
    w->values.ordinal = p->exec->ordinal + ((uint64_t)item << 36);
    ov_status st = join_part(p, p->tasks[item], w, &err);
    if (st == OV_OK)
        return;
    ov_mutex_lock(&p->lock);
    if (!atomic_load(&p->failed)) {
        p->st = st;
        p->err = err;
        atomic_store(&p->failed, true);
    }
    ov_mutex_unlock(&p->lock);
}

static ov_status make_workers(part_joins *p, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(&p->arena, p->workers * sizeof(*p->worker), &p->worker, err));
    for (unsigned i = 0; i < p->workers; i++) {
        struct part_worker *w = &p->worker[i];
        w->values = (value_sink){.base = {.push = value_push,
                                          .done = value_done,
                                          .used = value_used,
                                          .ordered = p->sink->ordered,
                                          .unordered = p->sink->unordered},
                                 .exec = p->exec,
                                 .node = p->node,
                                 .next = p->sink};
        OV_TRY(ovi_extra_worker(p->exec, 0, &w->inner, err));
        OV_TRY(ovi_extra_worker(p->exec, i, &w->values.down, err));
    }
    return OV_OK;
}

ov_status ovi_join_parts(ovi_exec *x, const ov_plan *node, ovi_join_spool *sides, ovi_sink *sink, ov_error *err)
{
    part_joins p = {.exec = x,
                    .node = node,
                    .sides = sides,
                    .sink = sink,
                    .workers = sink->ordered ? 1 : x->worker_count,
                    .err = OV_ERROR_INIT};
    ov_status st;
    size_t n = 0;
    p.last = &p.first;
    ov_mutex_init(&p.lock);
    ov_arena_init(&p.arena, "join", &x->cx->budget);
    OV_TRY_OUT(st, make_workers(&p, err));
    OV_TRY_OUT(st, add_tasks(&p, err));
    OV_TRY_OUT(st, ov_arena_alloc(&p.arena, (p.count + 1) * sizeof(*p.tasks), &p.tasks, err));
    for (const part_task *t = p.first; t; t = t->next)
        p.tasks[n++] = t;
    ov_pool_each(x->cx->pool, p.workers, n, run_task, &p);
    x->ordinal += (uint64_t)n << 36;
    st = p.st;
    if (st != OV_OK)
        *err = p.err;
out:
    ov_arena_fini(&p.arena);
    ov_mutex_fini(&p.lock);
    return st;
}
