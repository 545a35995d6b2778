/*
 * Aggregates over frames, for any aggregate that has an accumulator: nothing here knows what a state holds, only
 * that states merge, earlier rows first. No frame is quadratic:
 *
 *   the whole partition      one group a partition
 *   growing, shrinking       a group where the frame changes: the last one's state, and the rows that came
 *   growing, large states    one state that goes on, and copies of it for a batch at a time
 *   anything else            a tree over states of single rows; a frame is a few of its nodes
 *
 * Counts and sums of whole numbers are differences of running sums instead, whatever the frame, and different values
 * are counted as they come and go (window_distinct.c).
 */
#include "query/exec/window.h"


void ovi_win_free_agg(win_call *c)
{
    if (!c->open)
        return;
    ov_acc_fini(&c->acc);
    if (c->sums.budget)
        ov_acc_fini(&c->sums);
    c->sums = (ov_acc){0};
    c->open = false;
}

ov_status ovi_win_open_acc(ovi_exec *x, const win_call *c, bool general, ov_acc *acc, ov_error *err)
{
    ov_acc_spec spec = ov_acc_spec_of(c->call->agg);
    return ov_acc_init(acc, &spec, general, &x->cx->budget, err);
}

/* ---- rows into states ---- */

/* Rows of each piece that the call's filter lets through. */
static OV_CHECKED ov_status filter_pieces(const win_chunk *k, win_call *c, ov_error *err)
{
    c->masks = NULL;
    if (c->filter == WINDOW_NONE)
        return OV_OK;
    OV_TRY(ov_arena_alloc(k->arena, k->piece_count * sizeof *c->masks, &c->masks, err));
    for (uint32_t p = 0; p < k->piece_count; p++) {
        const ov_batch *b = &k->pieces[p].batch;
        uint64_t *mask;
        ov_vec flat;
        OV_TRY(ov_arena_zalloc(k->arena, (ov_words(b->rows) + 1) * 8, &mask, err));
        c->masks[p] = mask;
        if (b->col[c->filter].type.id == OV_TYPE_NULL)
            continue;
        OV_TRY(ov_vec_flatten(&b->col[c->filter], k->arena, &flat, err));
        for (uint32_t i = 0; i < b->rows; i++)
            if (((const int64_t *)flat.data)[i] && (!flat.valid || ov_bits_test(flat.valid, i)))
                ov_bits_set(mask, i);
    }
    return OV_OK;
}

/* Rows of piece p, as `rows` says. */
static OV_CHECKED ov_status add_piece(const win_chunk *k, const win_call *c, uint32_t p, const ov_agg_piece *part,
                                      const void *codes, ov_acc *acc, ov_error *err)
{
    const win_piece *piece = &k->pieces[p];
    ov_agg_rows rows = {.rows = piece->batch.rows,
                        .pieces = part,
                        .piece_count = 1,
                        .codes = codes,
                        .code_lane = 4,
                        .ordinal = piece->first};
    const ov_vec *few[4] = {NULL}, **args = few; /* COUNT(*) is told by the first one */
    ov_arena_mark mark = ov_arena_mark_get(k->scratch);
    OV_TRY(ov_query_alive(k->exec->cx, err));
    if (c->argc > OV_COUNT_OF(few))
        OV_TRY(ov_arena_alloc(k->scratch, c->argc * sizeof *args, &args, err));
    for (uint32_t a = 0; a < c->argc; a++)
        args[a] = &piece->batch.col[c->args[a]];
    OV_TRY(ov_acc_update(acc, &rows, c->masks ? c->masks[p] : NULL, args, k->scratch, err));
    ov_arena_rewind(k->scratch, mark);
    return OV_OK;
}

/* Adds all rows: each to its partition's group, or each to a group of its own. */
static OV_CHECKED ov_status add_rows(const win_chunk *k, const win_call *c, bool own_group, ov_acc *acc, ov_error *err)
{
    OV_TRY(ov_acc_reserve(acc, own_group ? k->rows : k->partitions, err));
    for (uint32_t p = 0; p < k->piece_count && k->pieces[p].first < k->rows; p++) {
        const win_piece *piece = &k->pieces[p];
        uint32_t n = OV_MIN(piece->batch.rows, k->rows - piece->first);
        const uint32_t *numbers = k->part_number + piece->first;
        bool one = numbers[0] == numbers[n - 1];
        ov_agg_piece all = {.to = n,
                            .group = own_group ? piece->first : one ? numbers[0] : 0,
                            .kind = (uint8_t)(own_group ? OV_PIECE_RAMP : one ? OV_PIECE_ONE : OV_PIECE_CODES)};
        OV_TRY(add_piece(k, c, p, &all, numbers, acc, err));
    }
    ov_acc_settle(acc);
    return OV_OK;
}

/* ---- merging states of one accumulator ---- */

enum { MERGES = 4096 };

typedef struct merges {
    const win_chunk *k;
    ov_acc *dst, *src;
    uint32_t from[MERGES], to[MERGES];
    size_t count;
} merges;

static OV_CHECKED ov_status flush(merges *m, ov_error *err)
{
    size_t n = m->count;
    m->count = 0;
    OV_TRY(ov_query_alive(m->k->exec->cx, err));
    return ov_acc_merge(m->dst, m->src, m->from, m->to, n, NULL, err);
}

static inline OV_CHECKED ov_status merge(merges *m, uint32_t from, uint32_t to, ov_error *err)
{
    m->from[m->count] = from;
    m->to[m->count++] = to;
    return m->count == MERGES ? flush(m, err) : OV_OK;
}

static OV_CHECKED ov_status new_merges(const win_chunk *k, ov_acc *dst, ov_acc *src, merges **out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(k->arena, sizeof **out, out, err));
    (*out)->k = k;
    (*out)->dst = dst;
    (*out)->src = src;
    (*out)->count = 0;
    return OV_OK;
}

/* ---- partitions in several chunks ---- */

bool ovi_win_streams(const ov_plan *node, const ov_window_call *call)
{
    if (!call->agg)
        return call->fn == OV_WINDOW_ROW_NUMBER || call->fn == OV_WINDOW_RANK || call->fn == OV_WINDOW_DENSE_RANK;
    ov_window_frame f = ovi_win_effective(node, &call->frame);
    ov_acc_kind kind = (ov_acc_kind)ov_acc_spec_of(call->agg).kind;
    return f.from.kind == OV_EDGE_PARTITION && f.to.kind == OV_EDGE_CURRENT && kind != OV_ACC_DISTINCT &&
           kind != OV_ACC_OBJECT;
}

/* The carried state as a group of acc. */
static OV_CHECKED ov_status take_carried(const win_chunk *k, win_call *c, uint32_t group, ov_error *err)
{
    uint32_t zero = 0;
    if (!k->before_rows)
        return OV_OK;
    return ov_acc_merge(&c->acc, &c->carry, &zero, &group, 1, NULL, err);
}

/* The state of the last row goes on. */
static OV_CHECKED ov_status carry_state(const win_chunk *k, win_call *c, ov_error *err)
{
    uint32_t zero = 0;
    if (!k->goes_on)
        return OV_OK;
    if (c->carry.budget)
        ov_acc_fini(&c->carry);
    OV_TRY(ovi_win_open_acc(k->exec, c, true, &c->carry, err));
    OV_TRY(ov_acc_reserve(&c->carry, 1, err));
    return ov_acc_merge(&c->carry, &c->acc, &c->groups[k->rows - 1], &zero, 1, NULL, err);
}

/* ---- frames that share an end with the partition ---- */

/* Groups behind those of the rows, one for each frame that differs from its neighbour's. */
static OV_CHECKED ov_status prepare_growing(const win_chunk *k, win_call *c, ov_error *err)
{
    uint32_t group = k->rows, carried = 2 * k->rows;
    merges *m;
    OV_TRY(add_rows(k, c, true, &c->acc, err));
    OV_TRY(ov_acc_reserve(&c->acc, carried + 1, err));
    OV_TRY(take_carried(k, c, carried, err));
    OV_TRY(new_merges(k, &c->acc, &c->acc, &m, err));
    for (uint32_t i = 0, done = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        bool fresh = i == k->part_first[i];
        done = fresh ? i : done;
        if (fresh || c->to[i] > done) {
            if (!fresh || (i == 0 && k->before_rows))
                OV_TRY(merge(m, fresh ? carried : group - 1, group, err));
            for (; done < c->to[i]; done++)
                OV_TRY(merge(m, done, group, err));
            group++;
        }
        c->groups[i] = group - 1;
    }
    OV_TRY(flush(m, err));
    return carry_state(k, c, err);
}

static OV_CHECKED ov_status prepare_shrinking(const win_chunk *k, win_call *c, ov_error *err)
{
    uint32_t group = k->rows;
    merges *m;
    OV_TRY(add_rows(k, c, true, &c->acc, err));
    OV_TRY(ov_acc_reserve(&c->acc, 2 * k->rows, err));
    OV_TRY(new_merges(k, &c->acc, &c->acc, &m, err));
    for (uint32_t i = k->rows, done = 0; i-- > 0;) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        bool fresh = i + 1 == k->part_end[i];
        done = fresh ? i + 1 : done;
        if (fresh || c->from[i] < done) {
            for (uint32_t row = c->from[i]; row < done; row++)
                OV_TRY(merge(m, row, group, err));
            if (!fresh)
                OV_TRY(merge(m, group - 1, group, err));
            done = OV_MIN(done, c->from[i]);
            group++;
        }
        c->groups[i] = group - 1;
    }
    return flush(m, err);
}

/* ---- any frame ---- */

/* Levels as high as the widest frame can use. */
static OV_CHECKED ov_status prepare_tree(const win_chunk *k, win_call *c, ov_error *err)
{
    uint32_t widest = 1, nodes = k->rows;
    merges *m;
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        widest = OV_MAX(widest, c->to[i] - c->from[i]);
    }
    OV_TRY(add_rows(k, c, true, &c->acc, err));
    c->level[0] = 0;
    for (c->levels = 1; c->levels < 32 && widest >> c->levels; c->levels++) {
        c->level[c->levels] = nodes;
        nodes += k->rows >> c->levels;
    }
    OV_TRY(ov_acc_reserve(&c->acc, nodes, err));
    OV_TRY(new_merges(k, &c->acc, &c->acc, &m, err));
    for (uint32_t l = 1; l < c->levels; l++)
        for (uint32_t j = 0; j < k->rows >> l; j++) {
            OV_TRY(merge(m, c->level[l - 1] + 2 * j, c->level[l] + j, err));
            OV_TRY(merge(m, c->level[l - 1] + 2 * j + 1, c->level[l] + j, err));
        }
    c->how = WIN_TREE;
    OV_TRY(flush(m, err));
    return ovi_win_open_acc(k->exec, c, true, &c->sums, err);
}

/* The nodes of rows [from, to), left to right. */
static OV_CHECKED ov_status merge_frame(const win_call *c, merges *m, uint32_t from, uint32_t to, uint32_t group,
                                        ov_error *err)
{
    while (from < to) {
        uint32_t l = from ? (uint32_t)__builtin_ctz(from) : 31;
        l = OV_MIN(l, c->levels - 1);
        while ((uint64_t)from + (UINT64_C(1) << l) > to)
            l--;
        OV_TRY(merge(m, c->level[l] + (from >> l), group, err));
        from += UINT32_C(1) << l;
    }
    return OV_OK;
}

/* ---- counts and sums of whole numbers ---- */

bool ovi_win_is_counted(const win_call *c)
{
    const ov_agg_call *agg = c->call->agg;
    switch ((ov_agg_kind)agg->fn->kind) {
    case OV_AGG_COUNT:
        return true;
    case OV_AGG_SUM:
    case OV_AGG_AVG:
        return ov_type_is_int(agg->args[0]->type);
    default:
        return false;
    }
}

ov_status ovi_win_mask(const win_chunk *k, const win_call *c, const win_column *x, const uint64_t **out, ov_error *err)
{
    win_column filter;
    uint64_t *bits;
    *out = x->valid;
    if (c->filter == WINDOW_NONE && (x->data || !c->argc))
        return OV_OK;
    OV_TRY(ov_arena_zalloc(k->arena, (ov_words(k->rows) + 1) * 8, &bits, err));
    *out = bits;
    if (c->argc && !x->data)
        return OV_OK;
    OV_TRY(ovi_win_column(k, c->filter, &filter, err));
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        if (ovi_win_present(&filter, i) && ((const int64_t *)filter.data)[i])
            ov_bits_set(bits, i);
    }
    if (x->valid)
        ov_bits_and(bits, x->valid, k->rows);
    return OV_OK;
}

/* States are differences of sums over all rows before; they wrap as the sums do. */
static OV_CHECKED ov_status prepare_running(const win_chunk *k, win_call *c, ov_error *err)
{
    uint64_t *sum, *count, s = 0, n = 0;
    const uint64_t *mask;
    win_column x = {0};
    bool sums = c->acc.kind == OV_ACC_SUM_LONG;
    if (c->argc)
        OV_TRY(ovi_win_column(k, c->args[0], &x, err));
    OV_TRY(ovi_win_mask(k, c, &x, &mask, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 2) * 8, &sum, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 2) * 8, &count, err));
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        sum[i] = s;
        count[i] = n;
        if (mask && !ov_bits_test(mask, i))
            continue;
        n++;
        s += sums ? (uint64_t)((const int64_t *)x.data)[i] : 0;
    }
    sum[k->rows] = s;
    count[k->rows] = n;
    OV_TRY(ov_acc_reserve(&c->acc, k->rows, err));
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        bool goes_on = k->before_rows && k->part_first[i] == 0;
        c->acc.n[i] = count[c->to[i]] - count[c->from[i]] + (goes_on ? c->carry_count : 0);
        if (sums)
            c->acc.v.i[i] = (int64_t)(sum[c->to[i]] - sum[c->from[i]] + (goes_on ? c->carry_sum : 0));
        c->groups[i] = i;
    }
    c->carry_count = c->acc.n[k->rows - 1];
    c->carry_sum = sums ? (uint64_t)c->acc.v.i[k->rows - 1] : 0;
    return OV_OK;
}

/* ---- states of any size, frames that grow ---- */

/* Rows [c->done, to) into the one state. */
static OV_CHECKED ov_status take_rows(win_call *c, uint32_t to, ov_error *err)
{
    const win_chunk *k = c->chunk;
    while (c->done < to) {
        const win_piece *piece = &k->pieces[c->piece];
        uint32_t at = c->done - piece->first;
        if (at >= piece->batch.rows) {
            c->piece++;
            continue;
        }
        ov_agg_piece part = {.from = at, .to = OV_MIN(piece->batch.rows, to - piece->first), .kind = OV_PIECE_ONE};
        OV_TRY(add_piece(k, c, c->piece, &part, NULL, &c->acc, err));
        c->done += part.to - part.from;
    }
    ov_acc_settle(&c->acc);
    return OV_OK;
}

/* Batches come in order, each row's frame has those before it: the state goes on, copies of it are the results. */
static OV_CHECKED ov_status emit_running(win_call *c, uint32_t first, uint32_t n, ov_arena *out, ov_vec *vec,
                                         ov_error *err)
{
    uint32_t *order, zero = 0, group = 0;
    OV_TRY(ov_arena_alloc(out, ((size_t)n + 1) * sizeof *order, &order, err));
    ov_acc_reset(&c->sums);
    OV_TRY(ov_acc_reserve(&c->sums, n, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = first + i;
        bool fresh = row == c->chunk->part_first[row];
        if (fresh) {
            ov_acc_reset(&c->acc);
            c->done = row;
        }
        if (i == 0 || fresh || c->to[row] > c->done) {
            OV_TRY(take_rows(c, c->to[row], err));
            OV_TRY(ov_acc_merge(&c->sums, &c->acc, &zero, &group, 1, NULL, err));
            group++;
        }
        order[i] = group - 1;
    }
    return ov_acc_emit(&c->sums, c->call->agg, order, n, out, vec, err);
}

static OV_CHECKED ov_status prepare_states(const win_chunk *k, win_call *c, ov_error *err)
{
    c->how = WIN_RUNNING;
    c->done = c->piece = 0;
    OV_TRY(ov_acc_reserve(&c->acc, 1, err));
    return ovi_win_open_acc(k->exec, c, true, &c->sums, err);
}

/* ---- which of them ---- */

ov_status ovi_win_prepare_agg(const win_chunk *k, win_call *c, ov_error *err)
{
    ov_window_frame f = ovi_win_effective(k->node, &c->call->frame);
    bool start = f.from.kind == OV_EDGE_PARTITION, end = f.to.kind == OV_EDGE_PARTITION;
    c->how = WIN_GROUPS;
    c->open = true; /* initialised accumulators are given back whatever happens */
    OV_TRY(ovi_win_open_acc(k->exec, c, !(start && end) || k->exec->cx->options.general_only, &c->acc, err));
    OV_TRY(filter_pieces(k, c, err));
    if (start && end) {
        c->groups = k->part_number;
        return add_rows(k, c, false, &c->acc, err);
    }
    if (c->acc.kind == OV_ACC_DISTINCT)
        return ovi_win_prepare_distinct(k, c, err);
    OV_TRY(ovi_win_frames(k, &c->call->frame, &c->from, &c->to, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof *c->groups, &c->groups, err));
    if (ovi_win_is_counted(c))
        return prepare_running(k, c, err);
    if (k->rows > UINT32_MAX / 2 - 1)
        return ov_fail(err, OV_LIMIT, "A partition of a window function has more than two billion rows");
    if (start && c->acc.kind == OV_ACC_OBJECT)
        return prepare_states(k, c, err);
    if (start)
        return prepare_growing(k, c, err);
    if (end)
        return prepare_shrinking(k, c, err);
    return prepare_tree(k, c, err);
}

static OV_CHECKED ov_status emit_tree(win_call *c, uint32_t first, uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err)
{
    uint32_t *order;
    merges *m;
    ov_acc_reset(&c->sums);
    OV_TRY(ov_acc_reserve(&c->sums, n, err));
    OV_TRY(ov_arena_alloc(out, ((size_t)n + 1) * sizeof *order, &order, err));
    OV_TRY(new_merges(c->chunk, &c->sums, &c->acc, &m, err));
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
        OV_TRY(merge_frame(c, m, c->from[first + i], c->to[first + i], i, err));
    }
    OV_TRY(flush(m, err));
    return ov_acc_emit(&c->sums, c->call->agg, order, n, out, vec, err);
}

ov_status ovi_win_emit_agg(win_call *c, uint32_t first, uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err)
{
    if (c->how == WIN_RESULTS) /* ovi_win_prepare_distinct */
        return ovi_win_emit_value(c, first, n, out, vec, err);
    if (c->how == WIN_TREE)
        return emit_tree(c, first, n, out, vec, err);
    if (c->how == WIN_RUNNING)
        return emit_running(c, first, n, out, vec, err);
    return ov_acc_emit(&c->acc, c->call->agg, c->groups + first, n, out, vec, err);
}
