/*
 * JOIN: one side is kept (join_build.c) behind a hash table (join_table.c), the other streams through a stage that
 * puts each of its rows beside its partners.
 *
 * When no key is twice on the kept side, a batch goes on as it is: its columns keep their encodings, those of the
 * kept side come as codes that are row numbers. Otherwise pairs are listed, a batch at a time; without keys every
 * kept row is a candidate. What is not an equality is decided over whole batches of candidates. Joins that only ask
 * whether there is a partner are in join_semi.c.
 */
#include "query/exec/join_spill.h"

#include "base/bits.h"

enum { CODED_ROWS = 1 << 16 }; /* larger kept sides are gathered instead of passed on as codes */

/* Columns of the kept side for rows of a batch; rows[i] = side.rows is NULL. */
static ov_status kept_columns(const ovi_join *j, const uint64_t *columns, const uint32_t *rows, uint32_t n,
                              ov_arena *scratch, ov_vec *col, ov_error *err)
{
    bool codes = !j->general && j->side.rows < CODED_ROWS;
    for (uint32_t c = 0; c < j->their_cols; c++) {
        ov_vec *out = &col[j->their_first + c];
        const ov_vec *all = &j->side.col[c];
        if (!ov_bits_test(columns, j->their_first + c) || all->enc == OV_ENC_CONST)
            *out = ov_vec_null(all->type, n);
        else if (codes)
            *out = (ov_vec){.type = all->type, .enc = OV_ENC_DICT, .lane = 4, .rows = n, .data = rows,
                            .dict = &j->side.domain[c]};
        else
            OV_TRY(ov_vec_gather(all, rows, n, scratch, out, err));
    }
    return OV_OK;
}

static ov_status gather_ours(const ovi_join *j, const uint64_t *columns, const ov_batch *b, const uint32_t *rows,
                             uint32_t n, ov_arena *scratch, ov_vec *col, ov_error *err)
{
    for (uint32_t c = 0; c < j->our_cols; c++) {
        ov_vec *out = &col[j->our_first + c];
        if (b && ov_bits_test(columns, j->our_first + c))
            OV_TRY(ov_vec_gather(&b->col[c], rows, n, scratch, out, err));
        else
            *out = ov_vec_null(j->node->inputs[j->node->join.build_left]->fields[c].type, n);
    }
    return OV_OK;
}

ov_status ovi_join_pair_batch(const ovi_join *j, const uint64_t *columns, const ov_batch *b, const uint32_t *ours,
                              const uint32_t *theirs, uint32_t n, ov_arena *scratch, ov_batch *out, ov_error *err)
{
    uint32_t *rows; /* codes are readable to a whole word */
    *out = (ov_batch){.rows = n, .cols = j->cols, .sel_rows = n};
    OV_TRY(ov_arena_alloc(scratch, OV_MAX(j->cols, 1) * sizeof(ov_vec), &out->col, err));
    OV_TRY(ov_arena_lanes(scratch, ((size_t)ov_words(n) * 64 + 1) * 4, &rows, err));
    memcpy(rows, theirs, n * sizeof(*rows));
    memset(rows + n, 0, ((size_t)ov_words(n) * 64 - n) * sizeof(*rows));
    OV_TRY(gather_ours(j, columns, b, ours, n, scratch, out->col, err));
    return kept_columns(j, columns, rows, n, scratch, out->col, err);
}

/* ---- candidates ---- */

ov_status ovi_join_truth(const ovi_join *j, ovi_probe *p, const ov_batch *b, uint64_t **truth, ov_error *err)
{
    uint32_t rows;
    OV_TRY(ov_arena_alloc(&p->check->scratch, ((size_t)ov_words(b->rows) + 1) * 8, truth, err));
    return ov_eval_filter(p->check->eval, j->node->join.residual, b, *truth, NULL, &rows, err);
}

/* Candidates that pass, and rows that turned out to have none; they stay in their order. */
static uint32_t pass_pairs(const ovi_join *j, ovi_probe *p, const uint64_t *truth)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        bool end = p->theirs[i] == j->side.rows;
        bool keep = end ? !p->hit : !truth || ov_bits_test(truth, i);
        p->twice = p->twice || (!end && keep && p->hit);
        if (keep) {
            p->ours[n] = p->ours[i];
            p->theirs[n++] = p->theirs[i];
        }
        p->hit = !end && (p->hit || keep);
        if (!end && keep && p->matched) {
            p->matched_twice = p->matched_twice || ov_bits_test(p->matched, p->theirs[i]);
            ov_bits_set(p->matched, p->theirs[i]);
        }
    }
    return n;
}

static ov_status check_single(const ovi_join *j, const ovi_probe *p, ov_error *err)
{
    if (j->node->join.kind != OV_JOINS_SINGLE || !(j->keep_theirs ? p->matched_twice : p->twice))
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, j->node->join.pos, j->node->join.end_pos,
                      "Subquery expression returned more than one row; write an aggregate, or LIMIT 1");
}

static ov_status flush_pairs(ovi_join *j, ovi_probe *p, const ov_batch *b, ov_error *err)
{
    ovi_worker *down = p->down;
    ov_batch out;
    uint64_t *truth = NULL;
    if (!p->count)
        return OV_OK;
    OV_TRY(ovi_next_batch(down, err));
    if (j->node->join.residual) {
        OV_TRY(ovi_join_pair_batch(j, j->checked, b, p->ours, p->theirs, p->count, &down->scratch, &out, err));
        ov_eval_next_batch(p->check->eval);
        OV_TRY(ovi_join_truth(j, p, &out, &truth, err));
    }
    uint32_t n = pass_pairs(j, p, truth);
    p->count = 0;
    OV_TRY(check_single(j, p, err));
    if (!n || j->exec->join_rest)
        return OV_OK;
    OV_TRY(ovi_join_pair_batch(j, j->wanted, b, p->ours, p->theirs, n, &down->scratch, &out, err));
    down->ordinal = p->base + p->made;
    p->made += n;
    ovi_count_rows(j->exec, j->node, &out);
    return j->next->push(j->next, down, &out, err);
}

OV_INLINE ov_status add_pair(ovi_join *j, ovi_probe *p, const ov_batch *b, uint32_t ours, uint32_t theirs, ov_error *err)
{
    p->ours[p->count] = ours;
    p->theirs[p->count++] = theirs;
    return p->count == j->exec->batch_rows ? flush_pairs(j, p, b, err) : OV_OK;
}

const uint32_t *ovi_join_candidates(const ovi_join *j, uint32_t group, uint32_t *count)
{
    *count = 0;
    if (!j->node->join.key_count) {
        *count = j->side.rows;
        return j->all;
    }
    if (group == OVI_NO_GROUP)
        return NULL;
    *count = j->table.start[group + 1] - j->table.start[group];
    return j->table.row + j->table.start[group];
}

static ov_status list_pairs(ovi_join *j, ovi_probe *p, const ov_batch *b, ov_error *err)
{
    p->hit = false;
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t n;
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        const uint32_t *rows = ovi_join_candidates(j, p->group[i], &n);
        for (uint32_t k = 0; k < n; k++)
            OV_TRY(add_pair(j, p, b, i, rows[k], err));
        if (j->keep_ours)
            OV_TRY(add_pair(j, p, b, i, j->side.rows, err));
        if (n > j->exec->batch_rows && ovi_done(j->next))
            break;
    }
    return flush_pairs(j, p, b, err);
}

/* ---- at most one partner ---- */

static void one_partner(const ovi_join *j, ovi_probe *p, const ov_batch *b, uint32_t *rows, uint64_t *found)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t g = p->group[i];
        rows[i] = g == OVI_NO_GROUP ? j->side.rows : j->table.row[g];
        if (g != OVI_NO_GROUP)
            ov_bits_set(found, i);
    }
}

static void drop_untrue(const ovi_join *j, const uint64_t *truth, uint32_t n, uint32_t *rows, uint64_t *found)
{
    for (uint32_t i = 0; i < n; i++)
        if (ov_bits_test(found, i) && !ov_bits_test(truth, i)) {
            ov_bits_put(found, i, false);
            rows[i] = j->side.rows;
        }
}

/* Each row has one partner or none: the batch goes on with columns beside its own. */
static ov_status widen(ovi_join *j, ovi_probe *p, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    ov_batch out = *b;
    uint32_t *rows, n = b->rows;
    uint64_t *found, *truth;
    size_t padded = (size_t)ov_words(n) * 64 + 1;
    OV_TRY(ov_arena_lanes(&w->scratch, padded * 4, &rows, err));
    OV_TRY(ov_arena_zalloc(&w->scratch, ((size_t)ov_words(n) + 1) * 8, &found, err));
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(j->cols, 1) * sizeof(ov_vec), &out.col, err));
    memset(rows, 0, padded * 4);
    out.cols = j->cols;
    one_partner(j, p, b, rows, found);
    if (b->cols)
        memcpy(out.col + j->our_first, b->col, b->cols * sizeof(ov_vec));
    if (j->node->join.residual) {
        ov_batch pairs = out;
        pairs.sel = found;
        pairs.sel_rows = (uint32_t)ov_bits_count(found, n);
        OV_TRY(kept_columns(j, j->checked, rows, n, &w->scratch, out.col, err));
        OV_TRY(ovi_join_truth(j, p, &pairs, &truth, err));
        drop_untrue(j, truth, n, rows, found);
    }
    for (uint32_t i = 0; p->matched && i < n; i++)
        if (ov_bits_test(found, i)) {
            p->matched_twice = p->matched_twice || ov_bits_test(p->matched, rows[i]);
            ov_bits_set(p->matched, rows[i]);
        }
    OV_TRY(check_single(j, p, err));
    if (!j->keep_ours) {
        out.sel = found;
        out.sel_rows = (uint32_t)ov_bits_count(found, n);
    }
    if (!out.sel_rows || j->exec->join_rest)
        return OV_OK;
    OV_TRY(kept_columns(j, j->wanted, rows, n, &w->scratch, out.col, err));
    ovi_count_rows(j->exec, j->node, &out);
    return j->next->push(j->next, w, &out, err);
}

/* ---- the stage ---- */

static ov_status join_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    ovi_join *j = (ovi_join *)s;
    ovi_probe *p = &j->probes[w->number];
    uint32_t keys = j->node->join.key_count;
    OV_TRY(ovi_next_batch(p->check, err));
    for (uint32_t k = 0; k < keys; k++)
        OV_TRY(ov_eval_expr(p->check->eval, j->keys[k], b, &p->keys[k], err));
    if (keys)
        OV_TRY(ovi_join_table_find(&j->table, &p->lookup, p->keys, b, &p->check->scratch, p->group, err));
    if (j->tests)
        return j->keep_theirs ? ovi_join_mark_kept(j, p, b, err) : ovi_join_test(j, p, w, b, err);
    if (keys && j->most == 1 && !j->general)
        return widen(j, p, w, b, err);
    p->down->slot = w->slot;
    p->base = w->ordinal * j->most;
    p->made = 0;
    return list_pairs(j, p, b, err);
}

static bool join_done(const ovi_sink *s)
{
    const ovi_join *j = (const ovi_join *)s;
    return !j->keep_theirs && ovi_done(j->next);
}

static void join_used(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    const ovi_join *j = (const ovi_join *)s;
    for (uint32_t c = 0; c < j->our_cols; c++)
        if (ov_bits_test(j->wanted, j->our_first + c) || ov_bits_test(j->checked, j->our_first + c))
            ov_bits_set(columns, c);
    for (uint32_t k = 0; k < j->node->join.key_count; k++)
        ov_expr_columns(j->keys[k], columns, count);
}

/* ---- kept rows without partner ---- */

static ov_status push_unmatched(ovi_join *j, const uint32_t *rows, uint32_t n, ov_error *err)
{
    ovi_worker *w = &j->exec->workers[0];
    ov_batch out;
    if (!n || ovi_done(j->next))
        return OV_OK;
    OV_TRY(ovi_next_batch(w, err));
    OV_TRY(ovi_join_pair_batch(j, j->wanted, NULL, NULL, rows, n, &w->scratch, &out, err));
    w->ordinal = j->exec->ordinal;
    j->exec->ordinal += n;
    ovi_count_rows(j->exec, j->node, &out);
    return j->next->push(j->next, w, &out, err);
}

/* What the workers found, in the first one's bits. */
static ov_status gather_matched(ovi_join *j, ov_error *err)
{
    ovi_probe *first = &j->probes[0];
    for (unsigned w = 1; w < j->exec->worker_count; w++)
        for (uint32_t i = 0; i < ov_words(j->side.rows); i++) {
            uint64_t more = j->probes[w].matched[i];
            first->matched_twice = first->matched_twice || (first->matched[i] & more);
            first->matched[i] |= more;
        }
    return check_single(j, first, err);
}

static ov_status emit_unmatched(ovi_join *j, ov_error *err)
{
    ovi_probe *first = &j->probes[0];
    uint32_t n = 0;
    for (uint32_t i = 0; i < j->side.rows; i++) {
        if (ov_bits_test(first->matched, i))
            continue;
        first->theirs[n++] = i;
        if (n < j->exec->batch_rows)
            continue;
        OV_TRY(push_unmatched(j, first->theirs, n, err));
        n = 0;
    }
    return push_unmatched(j, first->theirs, n, err);
}

/* ---- the run ---- */

static ov_status make_probe(ovi_join *j, unsigned number, ov_error *err)
{
    ovi_probe *p = &j->probes[number];
    ov_arena *arena = &j->exec->arena;
    uint32_t rows = j->exec->batch_rows, keys = OV_MAX(j->node->join.key_count, 1);
    OV_TRY(ovi_extra_worker(j->exec, number, &p->check, err));
    OV_TRY(ovi_extra_worker(j->exec, number, &p->down, err));
    OV_TRY(ov_arena_zalloc(arena, keys * sizeof(*p->lookup.maps), &p->lookup.maps, err));
    OV_TRY(ov_arena_zalloc(arena, keys * sizeof(*p->keys), &p->keys, err));
    OV_TRY(ov_arena_zalloc(arena, OV_BATCH_ROWS * sizeof(uint32_t), &p->group, err));
    OV_TRY(ov_arena_alloc(arena, rows * sizeof(uint32_t), &p->ours, err));
    OV_TRY(ov_arena_alloc(arena, rows * sizeof(uint32_t), &p->theirs, err));
    if (j->keep_theirs)
        OV_TRY(ov_arena_zalloc(arena, ((size_t)ov_words(j->side.rows) + 1) * 8, &p->matched, err));
    return OV_OK;
}

/* Which columns are read above, by the residual, and of the kept side. */
static ov_status find_used(ovi_join *j, uint64_t **theirs, ov_error *err)
{
    ov_arena *arena = &j->exec->arena;
    uint64_t *wanted, *checked;
    const ov_plan *node = j->node;
    const ov_expr *const *keys = node->join.build_left ? node->join.left_keys : node->join.right_keys;
    OV_TRY(ov_arena_zalloc(arena, ((size_t)ov_words(j->cols + 1) + 1) * 8, &wanted, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)ov_words(j->cols) + 1) * 8, &checked, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)ov_words(j->their_cols) + 1) * 8, theirs, err));
    j->next->used(j->next, wanted, node->field_count);
    if (node->join.kind == OV_JOINS_MARK) /* the mark stands where a column of the right would */
        ov_bits_clear(wanted, node->inputs[0]->field_count);
    if (node->join.residual)
        ov_expr_columns(node->join.residual, checked, j->cols);
    for (uint32_t c = 0; c < j->their_cols; c++)
        if (ov_bits_test(wanted, j->their_first + c) || ov_bits_test(checked, j->their_first + c))
            ov_bits_set(*theirs, c);
    for (uint32_t k = 0; k < node->join.key_count; k++)
        ov_expr_columns(keys[k], *theirs, j->their_cols);
    j->wanted = wanted;
    j->checked = checked;
    return OV_OK;
}

/* sides: of a join that may go to disk; NULL: it may not. */
static ov_status build(ovi_join *j, ovi_spill *file, ovi_join_spool *sides, ov_error *err)
{
    const ov_plan *node = j->node;
    const ov_expr *const *keys = node->join.build_left ? node->join.left_keys : node->join.right_keys;
    uint32_t key_count = node->join.key_count;
    uint64_t *theirs;
    ov_arena scratch;
    OV_TRY(find_used(j, &theirs, err));
    bool may_spill = sides && j->exec->cx->spill && j->exec->join_level < OVI_JOIN_MOST_LEVELS;
    ovi_join_spool *spool = may_spill ? &sides[!node->join.build_left] : NULL;
    if (spool)
        OV_TRY(ovi_join_spool_init(spool, j->exec, file, keys, key_count, theirs, err));
    OV_TRY(ovi_join_collect(j, node->inputs[!node->join.build_left], theirs, keys, key_count, spool, &j->side, err));
    if (j->side.spooled)
        return OV_OK;
    if (!key_count) {
        OV_TRY(ov_arena_alloc(&j->exec->arena, ((size_t)j->side.rows + 1) * 4, &j->all, err));
        for (uint32_t i = 0; i < j->side.rows; i++)
            j->all[i] = i;
        j->most = OV_MAX(j->side.rows, 1);
        return OV_OK;
    }
    ov_arena_init(&scratch, "join", &j->exec->cx->budget);
    ov_status st =
        ovi_join_table_build(&j->table, &j->side, key_count, j->exec->cx, &scratch, err);
    ov_arena_fini(&scratch);
    j->most = j->table.most;
    return st;
}

static ov_status stream(ovi_join *j, ov_error *err)
{
    const ov_plan *node = j->node;
    if (!j->side.rows && !j->keep_ours)
        return OV_OK; /* whatever the other side has */
    OV_TRY(ov_arena_zalloc(&j->exec->arena, j->exec->worker_count * sizeof(*j->probes), &j->probes, err));
    for (unsigned w = 0; w < j->exec->worker_count; w++)
        OV_TRY(make_probe(j, w, err));
    OV_TRY(ovi_run(j->exec, node->inputs[node->join.build_left], &j->base, err));
    if (!j->tests)
        j->exec->ordinal *= j->most;
    if (!j->keep_theirs)
        return OV_OK;
    OV_TRY(gather_matched(j, err));
    return j->tests ? ovi_join_emit_tested(j, err) : emit_unmatched(j, err);
}

/* The kept side is on disk: the other one follows, and partitions are joined. */
static ov_status join_on_disk(ovi_join *j, ovi_spill *file, ovi_join_spool *sides, ov_error *err)
{
    const ov_plan *node = j->node;
    ovi_join_spool *ours = &sides[node->join.build_left];
    uint64_t *used;
    OV_TRY(ov_arena_zalloc(&j->exec->arena, ((size_t)ov_words(j->our_cols + 1) + 1) * 8, &used, err));
    join_used(&j->base, used, j->our_cols);
    OV_TRY(ovi_join_spool_init(ours, j->exec, file, j->keys, node->join.key_count, used, err));
    OV_TRY(ovi_join_spool_run(ours, node->inputs[node->join.build_left], err));
    return ovi_join_parts(j->exec, node, sides, j->next, err);
}

static ov_status too_large(ov_status st, ov_error *err)
{
    if (st != OV_LIMIT)
        return st;
    ov_error cause = *err;
    return ov_fail(err, OV_LIMIT,
                   "One side of a join must fit into the memory of the query, and does not: %s. Filter it, "
                   "select fewer of its columns, or group it before the join",
                   cause.text);
}

static bool join_weights(const ovi_sink *s)
{
    const ovi_join *j = (const ovi_join *)s;
    return ovi_join_passes(j) && j->next->weights && j->next->weights(j->next);
}

static bool join_best(const ovi_sink *s, const ovi_worker *w, ovi_best *out)
{
    const ovi_join *j = (const ovi_join *)s;
    bool wants = ovi_join_passes(j) && ovi_wants_best(j->next, w, out) && out->column < j->our_cols;
    if (!wants)
        return false;
    out->has_next = out->has_next && out->next_column < j->our_cols;
    out->keep = 0;
    return true;
}

static void init(ovi_join *j, ovi_exec *x, const ov_plan *node, ovi_sink *sink)
{
    ov_join_kind kind = (ov_join_kind)node->join.kind;
    bool keeps_left = kind == OV_JOINS_LEFT || kind == OV_JOINS_FULL || kind == OV_JOINS_SINGLE;
    bool keeps_right = kind == OV_JOINS_RIGHT || kind == OV_JOINS_FULL, left = node->join.build_left;
    uint32_t left_cols = node->inputs[0]->field_count, right_cols = node->inputs[1]->field_count;
    bool tests = ov_join_tests(kind), breaks = tests && left;
    *j = (ovi_join){.base = {.push = join_push,
                             .done = join_done,
                             .used = join_used,
                             .weights = join_weights,
                             .best = join_best,
                             .wishes = ovi_join_wishes,
                             .ordered = !breaks && sink->ordered,
                             .unordered = breaks || sink->unordered,
                             .through = breaks ? NULL : sink},
                    .exec = x,
                    .node = node,
                    .next = sink,
                    .cols = left_cols + right_cols,
                    .our_cols = left ? right_cols : left_cols,
                    .their_cols = left ? left_cols : right_cols,
                    .our_first = left ? left_cols : 0,
                    .their_first = left ? 0 : left_cols,
                    .keep_ours = tests ? !left && kind != OV_JOINS_SEMI : left ? keeps_right : keeps_left,
                    .keep_theirs = tests ? left : left ? keeps_left : keeps_right,
                    .tests = tests,
                    .general = x->cx->options.general_only,
                    .keys = left ? node->join.right_keys : node->join.left_keys};
}

ov_status ovi_run_join(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    ovi_join j;
    init(&j, x, node, sink);
    ovi_join_spool sides[2] = {{.exec = x}, {.exec = x}};
    ovi_spill file;
    ovi_spill_init(&file, x);
    ov_status st = too_large(build(&j, &file, sides, err), err);
    if (st == OV_OK)
        st = j.side.spooled ? join_on_disk(&j, &file, sides, err) : stream(&j, err);
    ovi_join_spool_fini(&sides[0]);
    ovi_join_spool_fini(&sides[1]);
    ovi_spill_fini(&file);
    for (unsigned w = 0; j.probes && w < x->worker_count; w++)
        ovi_join_lookup_fini(&j.probes[w].lookup, &j.table);
    ovi_join_table_fini(&j.table);
    return st;
}
