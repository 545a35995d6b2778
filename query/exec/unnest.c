/*
 * UNNEST: a row for each element of a list, beside the columns of its row. A stage: it looks at a batch's lists once, lists pairs (row,
 * element) and sends them on a batch at a time. Nothing is decoded: elements of a dictionary of lists stay codes of the elements'
 * dictionary, and the columns of the input are gathered in the encoding they have. Of several lists pairs are (row, place), as many as the
 * longest one has elements; each list's elements are looked up when pairs are sent on.
 *
 * Two batches go on without a gather: one whose lists are plain values (one element each), and, when nobody reads the element
 * and rows may have weights, any batch at all: its rows weigh as many times more as they have elements.
 *
 * A missing list of an outer UNNEST is element NULL.
 */
#include "query/exec/unnest.h"

/* Rows come in the order of the input when ties of a sort are broken: row i's elements are at i * PLACES and on. */
enum { PLACES = 1024 };

/* One worker's share. */
typedef struct share {
    ovi_unnest_picks picks; /* elements in the pairs so far; of several lists, those of one of them */
    uint32_t *row;
    uint32_t *place;        /* from 1; 0: the row has no element at all */
    uint64_t made, base;    /* rows out of the batch at hand, and the place of its first one */
} share;

typedef struct unnest {
    ovi_sink base;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
    uint32_t inputs;
    uint64_t *wanted;       /* columns of the result that are read above */
    bool weights;           /* rows that go on may have weights */
    bool reads_element;     /* or place */
    share *shares;
} unnest;

/* ---- pairs ---- */

static ov_status weights_of(const share *s, const ov_batch *b, ov_batch *out, ov_error *err)
{
    int64_t *weight;
    if (!b->weight)
        return OV_OK;
    OV_TRY(ov_arena_lanes(&s->picks.down->scratch, (ov_words(s->picks.count) * 64 + (size_t)1) * 8, &weight, err));
    for (uint32_t i = 0; i < s->picks.count; i++)
        weight[i] = b->weight[s->row[i]];
    out->weight = weight;
    return OV_OK;
}

static ov_status places_of(const share *s, const ov_plan *node, ov_vec *out, ov_error *err)
{
    uint32_t n = s->picks.count;
    int64_t *values;
    uint64_t *valid;
    OV_TRY(ov_arena_lanes(&s->picks.down->scratch, (ov_words(n) * 64 + (size_t)1) * 8, &values, err));
    OV_TRY(ov_arena_zalloc(&s->picks.down->scratch, (ov_words(n) + (size_t)1) * 8, &valid, err));
    for (uint32_t i = 0; i < n; i++) {
        values[i] = s->place[i];
        ov_bits_put(valid, i, s->place[i] != 0);
    }
    *out = ov_vec_flat(node->fields[node->field_count - 1].type, values, valid, n);
    return OV_OK;
}

/* Of several lists: the elements of this one in the pairs. */
static void find_elements(share *s, const ovi_unnest_list *l)
{
    s->picks.missing = false;
    for (uint32_t i = 0; i < s->picks.count; i++) {
        uint32_t first, end;
        ovi_unnest_at(l, s->row[i], &first, &end);
        bool missing = s->place[i] == 0 || s->place[i] > end - first;
        s->picks.elem[i] = missing ? OVI_NO_ELEMENT : first + s->place[i] - 1;
        s->picks.missing |= missing;
    }
}

static ov_status flush(unnest *u, share *s, const ov_batch *b, const ovi_unnest_list *l, ov_error *err)
{
    ovi_worker *down = s->picks.down;
    const ov_plan *node = u->node;
    ov_batch out = {.rows = s->picks.count, .cols = node->field_count, .sel_rows = s->picks.count};
    uint32_t list_count = node->unnest.list_count;
    if (!s->picks.count)
        return OV_OK;
    OV_TRY(ovi_next_batch(down, err));
    OV_TRY(ov_arena_alloc(&down->scratch, out.cols * sizeof(ov_vec), &out.col, err));
    for (uint32_t c = 0; c < out.cols; c++) {
        if (!ov_bits_test(u->wanted, c))
            out.col[c] = ov_vec_null(node->fields[c].type, s->picks.count);
        else if (c < u->inputs)
            OV_TRY(ov_vec_gather(&b->col[c], s->row, s->picks.count, &down->scratch, &out.col[c], err));
        else if (c < u->inputs + list_count) {
            const ovi_unnest_list *mine = &l[c - u->inputs];
            if (list_count > 1)
                find_elements(s, mine);
            OV_TRY(ovi_unnest_elements(&s->picks, mine, node->fields[c].type, &out.col[c], err));
        } else
            OV_TRY(places_of(s, node, &out.col[c], err));
    }
    OV_TRY(weights_of(s, b, &out, err));
    down->ordinal = s->base + s->made;
    s->made += s->picks.count;
    s->picks.count = 0;
    s->picks.missing = false;
    ovi_count_rows(u->exec, node, &out);
    return u->next->push(u->next, down, &out, err);
}

static ov_status push_pairs(unnest *u, share *s, const ov_batch *b, const ovi_unnest_list *l, ov_error *err)
{
    for (uint32_t r = 0; r < b->rows; r++) {
        uint32_t first, end;
        if (b->sel && !ov_bits_test(b->sel, r))
            continue;
        ovi_unnest_at(l, r, &first, &end);
        bool missing = first == end;
        if (missing && !u->node->unnest.outer)
            continue;
        for (uint32_t i = first; i < end + missing; i++) {
            s->row[s->picks.count] = r;
            s->place[s->picks.count] = missing ? 0 : i - first + 1;
            s->picks.elem[s->picks.count++] = missing ? OVI_NO_ELEMENT : i;
            s->picks.missing |= missing;
            if (s->picks.count < u->exec->batch_rows)
                continue;
            OV_TRY(flush(u, s, b, l, err));
            if (ovi_done(u->next))
                return OV_OK;
        }
    }
    return flush(u, s, b, l, err);
}

/* How many elements the longest of the lists of row r has. */
OV_INLINE uint32_t longest_at(const ovi_unnest_list *l, uint32_t count, uint32_t r)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first, end;
        ovi_unnest_at(&l[i], r, &first, &end);
        most = OV_MAX(most, end - first);
    }
    return most;
}

static ov_status push_places(unnest *u, share *s, const ov_batch *b, const ovi_unnest_list *l, ov_error *err)
{
    for (uint32_t r = 0; r < b->rows; r++) {
        if (b->sel && !ov_bits_test(b->sel, r))
            continue;
        uint32_t most = longest_at(l, u->node->unnest.list_count, r), place = most != 0;
        if (!most && !u->node->unnest.outer)
            continue;
        for (; place <= most; place++) {
            s->row[s->picks.count] = r;
            s->place[s->picks.count++] = place;
            if (s->picks.count < u->exec->batch_rows)
                continue;
            OV_TRY(flush(u, s, b, l, err));
            if (ovi_done(u->next))
                return OV_OK;
        }
    }
    return flush(u, s, b, l, err);
}

static ov_status push_rows(unnest *u, ovi_worker *w, const ov_batch *b, const ovi_unnest_list *l, ov_error *err)
{
    share *s = &u->shares[w->number];
    s->picks.down->slot = w->slot;
    s->base = w->ordinal * PLACES;
    s->made = 0;
    return u->node->unnest.list_count > 1 ? push_places(u, s, b, l, err) : push_pairs(u, s, b, l, err);
}

/* ---- batches that go on as they are ---- */

/* Under the same worker as pairs, so that places in the order compare. */
static ov_status push_on(unnest *u, ovi_worker *w, const ov_batch *out, ov_error *err)
{
    ovi_worker *down = u->shares[w->number].picks.down;
    OV_TRY(ovi_next_batch(down, err));
    down->slot = w->slot;
    down->ordinal = w->ordinal * PLACES;
    ovi_count_rows(u->exec, u->node, out);
    return ovi_push(u->next, down, out, err);
}

/* Each row is its own element, or has none. */
static ov_status push_plain(unnest *u, ovi_worker *w, const ov_batch *b, const ov_vec *v, ov_error *err)
{
    ov_batch out = *b;
    out.cols = u->node->field_count;
    OV_TRY(ov_arena_alloc(&w->scratch, out.cols * sizeof(ov_vec), &out.col, err));
    if (u->inputs)
        memcpy(out.col, b->col, u->inputs * sizeof(ov_vec));
    out.col[u->inputs] = *v;
    out.col[u->inputs].stats = NULL;
    return push_on(u, w, &out, err);
}

/* Nobody asks what the elements are, only how many there are. */
static ov_status push_counts(unnest *u, ovi_worker *w, const ov_batch *b, const ovi_unnest_list *l, ov_error *err)
{
    ov_batch out = *b;
    int64_t *weight;
    uint64_t *sel;
    size_t words = ov_words(b->rows);
    OV_TRY(ov_arena_lanes(&w->scratch, (words * 64 + 1) * 8, &weight, err));
    OV_TRY(ov_arena_zalloc(&w->scratch, (words + 1) * 8, &sel, err));
    memset(weight, 0, words * 64 * 8);
    for (uint32_t r = 0; r < b->rows; r++) {
        if (b->sel && !ov_bits_test(b->sel, r))
            continue;
        uint32_t most = longest_at(l, u->node->unnest.list_count, r);
        most += !most && u->node->unnest.outer;
        weight[r] = most * (b->weight ? b->weight[r] : 1);
        ov_bits_put(sel, r, weight[r] != 0);
    }
    out.weight = weight;
    out.sel = sel;
    out.sel_rows = (uint32_t)ov_bits_count(sel, b->rows);
    out.cols = u->node->field_count;
    OV_TRY(ov_arena_alloc(&w->scratch, out.cols * sizeof(ov_vec), &out.col, err));
    for (uint32_t c = 0; c < out.cols; c++)
        out.col[c] = c < u->inputs ? b->col[c] : ov_vec_null(u->node->fields[c].type, b->rows);
    return push_on(u, w, &out, err);
}

/* ---- the stage ---- */

static ov_status unnest_push(ovi_sink *sink, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    unnest *u = (unnest *)sink;
    const ov_plan *node = u->node;
    uint32_t count = node->unnest.list_count;
    bool none = true, alone = count == 1 && !node->unnest.ordinality;
    ov_vec *v;
    ovi_unnest_list *l;
    OV_TRY(ov_arena_alloc(&w->scratch, count * sizeof(*v), &v, err));
    OV_TRY(ov_arena_alloc(&w->scratch, count * sizeof(*l), &l, err));
    for (uint32_t i = 0; i < count; i++) {
        OV_TRY(ov_eval_expr(w->eval, node->unnest.lists[i], b, &v[i], err));
        OV_TRY(ovi_unnest_lists(&v[i], &w->scratch, &l[i], err));
        none = none && l[i].none;
    }
    if (none && !node->unnest.outer)
        return OV_OK;
    if (none && alone)
        v[0] = ov_vec_null(node->fields[u->inputs].type, b->rows);
    if ((l[0].plain || none) && alone)
        return push_plain(u, w, b, &v[0], err);
    if (u->weights && !u->reads_element)
        return push_counts(u, w, b, l, err);
    return push_rows(u, w, b, l, err);
}

static bool unnest_done(const ovi_sink *s)
{
    return ovi_done(((const unnest *)s)->next);
}

static void unnest_used(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    const unnest *u = (const unnest *)s;
    for (uint32_t c = 0; c < u->inputs; c++)
        if (ov_bits_test(u->wanted, c))
            ov_bits_set(columns, c);
    for (uint32_t i = 0; i < u->node->unnest.list_count; i++)
        ov_expr_columns(u->node->unnest.lists[i], columns, count);
}

static bool unnest_weights(const ovi_sink *s)
{
    const unnest *u = (const unnest *)s;
    for (uint32_t i = 0; i < u->node->unnest.list_count; i++)
        if (!u->node->unnest.lists[i]->deterministic)
            return false;
    return u->weights;
}

static bool unnest_best(const ovi_sink *s, const ovi_worker *w, ovi_best *out)
{
    const unnest *u = (const unnest *)s;
    bool wants = ovi_wants_best(u->next, w, out) && out->column < u->inputs;
    if (!wants)
        return false;
    out->has_next = out->has_next && out->next_column < u->inputs;
    out->keep = 0;
    return true;
}

static uint32_t unnest_wishes(const ovi_sink *s, ovi_key_wish *list)
{
    const unnest *u = (const unnest *)s;
    uint32_t count = ovi_wishes(u->next, list), n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (list[i].column < u->inputs)
            list[n++] = list[i];
    return n;
}

static ov_status make_share(unnest *u, unsigned number, ov_error *err)
{
    share *s = &u->shares[number];
    ov_arena *arena = &u->exec->arena;
    size_t bytes = u->exec->batch_rows * sizeof(uint32_t);
    OV_TRY(ovi_extra_worker(u->exec, number, &s->picks.down, err));
    OV_TRY(ov_arena_alloc(arena, bytes, &s->row, err));
    OV_TRY(ov_arena_alloc(arena, bytes, &s->picks.elem, err));
    return ov_arena_alloc(arena, bytes, &s->place, err);
}

ov_status ovi_run_unnest(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    unnest u = {.base = {.push = unnest_push,
                         .done = unnest_done,
                         .used = unnest_used,
                         .weights = unnest_weights,
                         .best = unnest_best,
                         .wishes = unnest_wishes,
                         .ordered = sink->ordered,
                         .unordered = sink->unordered,
                         .through = sink},
                .exec = x,
                .node = node,
                .next = sink,
                .inputs = node->inputs[0]->field_count,
                .weights = !x->cx->options.general_only && sink->weights && sink->weights(sink)};
    OV_TRY(ov_arena_zalloc(&x->arena, (ov_words(node->field_count) + (size_t)1) * 8, &u.wanted, err));
    OV_TRY(ov_arena_zalloc(&x->arena, x->worker_count * sizeof(*u.shares), &u.shares, err));
    sink->used(sink, u.wanted, node->field_count);
    u.reads_element = ov_bits_next(u.wanted, node->field_count, u.inputs) < node->field_count;
    for (unsigned w = 0; w < x->worker_count; w++)
        OV_TRY(make_share(&u, w, err));
    OV_TRY(ovi_run(x, node->inputs[0], &u.base, err));
    x->ordinal *= PLACES;
    return OV_OK;
}
