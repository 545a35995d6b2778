/*
 * Sorts larger than memory: a state becomes a sorted run on disk, runs are merged through a tree of losers. When
 * there are more runs than the memory can hold a block of each, some are merged into longer ones first.
 */
#include "query/exec/sort_int.h"

enum { ASK_KEYS = 1 << 12 }; /* keys of rows that are merged between questions whether the query still lives */

/* ---- runs ---- */

static size_t row_bytes_of(const sort_state *st, size_t guess)
{
    return st->ref_count ? st->arena.total_bytes / st->ref_count + 1 : guess;
}

bool ovi_sort_due(const sort_sink *s, const sort_state *st, uint32_t n, size_t row_bytes)
{
    size_t own = st->arena.total_bytes + st->ref_cap * sizeof(ovi_ref), rows = st->ref_count + n;
    size_t need = n * row_bytes_of(st, row_bytes);
    need += rows * sizeof(ovi_ref); /* to sort them */
    if (rows > st->ref_cap)
        need += OV_MAX(st->ref_cap, rows - st->ref_cap) * sizeof(ovi_ref);
    if (s->keep != OV_NO_LIMIT)
        need += own; /* what is kept is copied before the rest goes */
    return ovi_spill_due(s->exec, own, st->ref_count, need);
}

ov_status ovi_sort_add_run(sort_sink *s, sort_state *st, sort_run **out, ov_error *err)
{
    OV_TRY(ov_list_room(&s->exec->cx->budget, &st->runs, st->run_count, &st->run_cap, 1, sizeof *st->runs, err));
    *out = &st->runs[st->run_count++];
    **out = (sort_run){0};
    return OV_OK;
}

void ovi_sort_free_runs(sort_sink *s, sort_state *st)
{
    for (uint32_t i = 0; i < st->run_count; i++)
        ovi_blocks_free(&st->runs[i].blocks, &s->exec->cx->budget);
    ov_array_free(&s->exec->cx->budget, &st->runs, st->run_cap * sizeof(*st->runs));
    st->run_count = st->run_cap = 0;
}

/* Rows by reference, with their ordinals behind the columns, as one block of the run. */
static ov_status write_rows(sort_sink *s, const sort_part *parts, const ovi_ref *refs, uint32_t n, sort_run *run,
                            ov_arena *scratch, ov_error *err)
{
    ov_arena_mark mark = ov_arena_mark_get(scratch);
    ov_batch b;
    ov_vec *cols;
    uint64_t *ordinals;
    ov_status st;
    OV_TRY_OUT(st, ovi_sort_gather(parts, refs, n, s->cols, scratch, &b, err));
    OV_TRY_OUT(st, ov_arena_alloc(scratch, (s->cols + (size_t)1) * sizeof(*cols), &cols, err));
    OV_TRY_OUT(st, ov_arena_lanes(scratch, ((size_t)n + 64) * 8, &ordinals, err));
    for (uint32_t i = 0; i < n; i++)
        ordinals[i] = ovi_sort_ordinal(&parts[refs[i].part], refs[i].item);
    memcpy(cols, b.col, s->cols * sizeof(*cols));
    cols[s->cols] = ov_vec_flat(OV_T(OV_TYPE_LONG), ordinals, NULL, n);
    b.col = cols;
    b.cols = s->cols + 1;
    OV_TRY_OUT(st, ovi_spill_write(&s->spill, &b, &run->blocks, scratch, err));
    run->rows += n;
out:
    ov_arena_rewind(scratch, mark);
    return st;
}

ov_status ovi_sort_spill(sort_sink *s, sort_state *st, ov_arena *scratch, ov_error *err)
{
    sort_run *run;
    size_t most = ovi_block_bytes(s->exec) / row_bytes_of(st, 1);
    uint32_t step = (uint32_t)OV_MIN(OV_MAX(most, 16), (size_t)OV_BATCH_ROWS);
    OV_TRY(ovi_sort_state(s, st, err));
    OV_TRY(ovi_sort_add_run(s, st, &run, err));
    size_t keep = OV_MIN(st->ref_count, (size_t)s->keep);
    for (size_t at = 0; at < keep; at += step)
        OV_TRY(write_rows(s, st->parts, st->refs + at, (uint32_t)OV_MIN(keep - at, (size_t)step), run, scratch, err));
    st->has_worst |= keep == s->keep;
    st->has_next = false;
    st->part_count = 0;
    st->ref_count = 0;
    ov_arena_fini(&st->arena);
    return OV_OK;
}

/* ---- merging ---- */

typedef struct run_reader {
    const ovi_blocks *blocks;
    uint32_t next; /* block */
    uint32_t row, rows;
    uint64_t *keys; /* of the block's rows */
    ov_arena arena;
} run_reader;

typedef struct merge {
    sort_sink *s;
    run_reader *readers;
    sort_part *parts; /* current block of each reader */
    uint32_t count;
    uint32_t *tree; /* [0] the first of all; [n] loses at n; count: no reader yet */
    ovi_ref *refs;  /* rows that go out next */
    uint32_t ref_count, ref_most;
    sort_run *to; /* NULL: to the sink above */
    ov_arena scratch;
} merge;

static ov_status load_block(merge *m, uint32_t i, ov_error *err)
{
    run_reader *r = &m->readers[i];
    sort_part *part = &m->parts[i];
    const sort_sink *s = m->s;
    r->row = r->rows = 0;
    if (r->next == r->blocks->count)
        return OV_OK;
    ov_arena_reset(&r->arena);
    *part = (sort_part){0};
    OV_TRY(ovi_spill_read(&m->s->spill, &r->blocks->at[r->next++], &r->arena, &part->batch, err));
    OV_CHECK_DATA(part->batch.cols == s->cols + 1 && part->batch.col[s->cols].data, err,
                  "sorted rows on disk lack their places");
    part->ordinals = part->batch.col[s->cols].data;
    OV_TRY(ov_arena_zalloc(&r->arena, ((size_t)part->batch.rows + 1) * 8, &r->keys, err));
    if (s->key_count)
        OV_TRY(ovi_sort_keys(&part->batch.col[s->keys[0].column], NULL, &s->keys[0], &r->arena, r->keys, err));
    r->rows = part->batch.rows;
    return OV_OK;
}

/* Does the row of reader a go before that of reader b? */
static bool goes_first(const merge *m, uint32_t a, uint32_t b)
{
    if (a == m->count || b == m->count)
        return a == m->count; /* while the tree is made: lets the others sink in */
    const run_reader *ra = &m->readers[a], *rb = &m->readers[b];
    if (ra->row == ra->rows || rb->row == rb->rows)
        return ra->row < ra->rows || (rb->row == rb->rows && a < b);
    uint64_t ka = ra->keys[ra->row], kb = rb->keys[rb->row];
    if (ka != kb)
        return ka < kb;
    return ovi_sort_before(m->s, &m->parts[a], ra->row, &m->parts[b], rb->row);
}

static void replay(merge *m, uint32_t i)
{
    uint32_t winner = i;
    for (uint32_t at = (i + m->count) / 2; at > 0; at /= 2) {
        if (goes_first(m, m->tree[at], winner)) {
            uint32_t loser = winner;
            winner = m->tree[at];
            m->tree[at] = loser;
        }
    }
    m->tree[0] = winner;
}

static ov_status flush_rows(merge *m, ov_error *err)
{
    uint32_t n = m->ref_count;
    m->ref_count = 0;
    if (n == 0)
        return OV_OK;
    if (m->to)
        return write_rows(m->s, m->parts, m->refs, n, m->to, &m->scratch, err);
    return ovi_sort_push(m->s, m->parts, m->refs, n, err);
}

/* The reader's row is taken: on to its next one. Rows that wait lie in the block, so they go first. */
static ov_status advance(merge *m, uint32_t i, ov_error *err)
{
    run_reader *r = &m->readers[i];
    if (++r->row < r->rows)
        return OV_OK;
    OV_TRY(flush_rows(m, err));
    return load_block(m, i, err);
}

static ov_status merge_rows(merge *m, ov_error *err)
{
    uint64_t from = m->to ? 0 : m->s->offset, ask = ASK_KEYS / (m->s->key_count + 1) + 1;
    for (uint64_t at = 0; at < m->s->keep; at++) {
        uint32_t i = m->tree[0];
        if (at % ask == ask - 1) /* rows before an offset go nowhere */
            OV_TRY(ov_query_alive(m->s->exec->cx, err));
        const run_reader *r = &m->readers[i];
        if (r->row == r->rows || (!m->to && ovi_done(m->s->next)))
            break;
        if (at >= from)
            m->refs[m->ref_count++] = (ovi_ref){.item = r->row, .part = i};
        if (m->ref_count == m->ref_most)
            OV_TRY(flush_rows(m, err));
        OV_TRY(advance(m, i, err));
        replay(m, i);
    }
    return flush_rows(m, err);
}

static uint32_t block_rows(const sort_run *runs, uint32_t count)
{
    uint32_t most = 16;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t b = 0; b < runs[i].blocks.count; b++)
            most = OV_MAX(most, runs[i].blocks.at[b].rows);
    return most;
}

static ov_status merge_prepare(merge *m, const sort_run *runs, ov_error *err)
{
    uint32_t n = m->count;
    ov_arena *a = &m->scratch;
    m->ref_most = m->to ? block_rows(runs, n) : m->s->exec->batch_rows;
    OV_TRY(ov_arena_zalloc(a, n * sizeof(*m->readers), &m->readers, err));
    OV_TRY(ov_arena_zalloc(a, n * sizeof(*m->parts), &m->parts, err));
    OV_TRY(ov_arena_alloc(a, n * sizeof(*m->tree), &m->tree, err));
    OV_TRY(ov_arena_alloc(a, m->ref_most * sizeof(*m->refs), &m->refs, err));
    for (uint32_t i = 0; i < n; i++)
        ov_arena_init(&m->readers[i].arena, "sort run", a->budget);
    for (uint32_t i = 0; i < n; i++) {
        m->readers[i].blocks = &runs[i].blocks;
        OV_TRY(load_block(m, i, err));
        m->tree[i] = n;
    }
    for (uint32_t i = 0; i < n; i++)
        replay(m, i);
    return OV_OK;
}

/* Runs into one run, or to the sink above. */
static ov_status merge_runs(sort_sink *s, const sort_run *runs, uint32_t count, sort_run *to, ov_error *err)
{
    merge m = {.s = s, .count = count, .to = to};
    ov_arena_init(&m.scratch, "sort merge", &s->exec->cx->budget);
    ov_status st = merge_prepare(&m, runs, err);
    if (st == OV_OK)
        st = merge_rows(&m, err);
    for (uint32_t i = 0; m.readers && i < count; i++)
        ov_arena_fini(&m.readers[i].arena);
    ov_arena_fini(&m.scratch);
    return st;
}

/* How many of the runs from `from` on may be open at once. */
static uint32_t fan_in(const sort_sink *s, uint32_t from)
{
    size_t left = ovi_memory_left(s->exec) / 2, used = 0;
    uint32_t n = 0;
    for (uint32_t i = from; i < s->all.run_count; i++, n++) {
        const ovi_blocks *blocks = &s->all.runs[i].blocks;
        size_t most = 0;
        for (uint32_t b = 0; b < blocks->count; b++)
            most = OV_MAX(most, (size_t)blocks->at[b].bytes + (size_t)blocks->at[b].rows * 16);
        used += most + (64 << 10);
        if (n >= 2 && used > left)
            break;
    }
    return n;
}

ov_status ovi_sort_merge(sort_sink *s, ov_error *err)
{
    uint32_t first = 0;
    for (uint32_t n; (n = fan_in(s, first)) < s->all.run_count - first; first += n) {
        sort_run merged = {0}, *place;
        ov_status st = merge_runs(s, s->all.runs + first, n, &merged, err);
        if (st == OV_OK)
            st = ovi_sort_add_run(s, &s->all, &place, err);
        if (st != OV_OK) {
            ovi_blocks_free(&merged.blocks, &s->exec->cx->budget);
            return st;
        }
        *place = merged;
    }
    return merge_runs(s, s->all.runs + first, s->all.run_count - first, NULL, err);
}
