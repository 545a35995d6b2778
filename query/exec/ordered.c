/*
 * Sinks that must see rows in order on the calling thread: the result, and LIMIT.
 *
 * Helpers that are ahead keep copies of their batches in the slot of their morsel; the calling thread hands them
 * on when all earlier morsels are through. What the calling thread makes when it is due goes on without a copy.
 */
#include "query/exec/exec_int.h"

#include "base/bits.h"

ov_status ovi_ordered_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    ovi_ordered *o = (ovi_ordered *)s;
    if (!w->slot)
        return o->deliver(o, w, b, err);
    struct ovi_kept *kept;
    OV_TRY(ov_arena_alloc(&w->slot->arena, sizeof(*kept), &kept, err));
    kept->next = NULL;
    OV_TRY(ovi_batch_copy(b, &w->slot->arena, &kept->batch, err));
    *w->slot->last = kept;
    w->slot->last = &kept->next;
    return OV_OK;
}

void ovi_slot_init(ovi_slot *slot, ov_budget *budget)
{
    ov_arena_init(&slot->arena, "result", budget);
    slot->first = NULL;
    slot->last = &slot->first;
}

ov_status ovi_slot_deliver(ovi_slot *slot, ovi_sink *terminal, ovi_worker *w, ov_error *err)
{
    ovi_ordered *o = (ovi_ordered *)terminal;
    ov_status st = OV_OK;
    for (struct ovi_kept *k = slot->first; k && st == OV_OK && !ovi_done(terminal); k = k->next) {
        st = ovi_next_batch(w, err);
        if (st == OV_OK)
            st = o->deliver(o, w, &k->batch, err);
    }
    ov_arena_fini(&slot->arena);
    slot->first = NULL;
    slot->last = &slot->first;
    return st;
}

/* ---- LIMIT ---- */

typedef struct limit_sink {
    ovi_ordered ordered;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
    uint64_t skip;
    _Atomic uint64_t left; /* the calling thread's to change; helpers ask whether it is 0 */
} limit_sink;

static bool limit_done(const ovi_sink *s)
{
    const limit_sink *l = (const limit_sink *)s;
    return l->left == 0 || ovi_done(l->next);
}

static void limit_used(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    const limit_sink *l = (const limit_sink *)s;
    l->next->used(l->next, columns, count);
}

/* The selected rows of b without the first `skip`, at most `take`. */
static ov_status cut(const ov_batch *b, uint64_t skip, uint64_t take, ov_arena *scratch, ov_batch *out,
                     ov_error *err)
{
    uint64_t *sel;
    uint32_t kept = 0;
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    for (uint32_t i = 0; i < b->rows && kept < take; i++) {
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        ov_bits_set(sel, i);
        kept++;
    }
    *out = *b;
    out->sel = sel;
    out->sel_rows = kept;
    return OV_OK;
}

static ov_status limit_deliver(ovi_ordered *o, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    limit_sink *l = (limit_sink *)o;
    ov_batch out = *b;
    uint64_t left = l->left;
    if (left == 0)
        return OV_OK;
    if (l->skip >= b->sel_rows) {
        l->skip -= b->sel_rows;
        return OV_OK;
    }
    if (l->skip || b->sel_rows > left)
        OV_TRY(cut(b, l->skip, left, &w->scratch, &out, err));
    l->skip = 0;
    if (left != OV_NO_LIMIT)
        l->left = left - out.sel_rows;
    ovi_count_rows(l->exec, l->node, &out);
    return ovi_push(l->next, w, &out, err);
}

ov_status ovi_run_limit(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    limit_sink l = {.ordered = {.base = {.push = ovi_ordered_push,
                                         .done = limit_done,
                                         .used = limit_used,
                                         .ordered = true},
                                .deliver = limit_deliver},
                    .exec = x,
                    .node = node,
                    .next = sink,
                    .skip = node->limit.offset,
                    .left = node->limit.limit};
    if (l.left == 0)
        return OV_OK;
    if (l.left != OV_NO_LIMIT && l.skip <= OV_NO_LIMIT - l.left)
        l.ordered.base.most = l.skip + l.left;
    return ovi_run(x, node->inputs[0], &l.ordered.base, err);
}
