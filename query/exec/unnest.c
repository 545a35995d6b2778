/*
 * UNNEST: a row for each element of a list, beside the columns of its row. A stage: it looks at a batch's lists once, lists pairs (row,
 * element) and sends them on a batch at a time. Nothing is decoded: elements of a dictionary of lists stay codes of the elements'
 * dictionary, and the columns of the input are gathered in the encoding they have.
 *
 * Two batches go on without a gather: one whose lists are plain values (one element each), and, when nobody reads the element
 * and rows may have weights, any batch at all: its rows weigh as many times more as they have elements.
 *
 * A missing list of an outer UNNEST is element NULL. A dictionary of elements that has no NULL gets one: the same texts behind codes that
 * are one higher, made once a dictionary.
 */
#include "query/exec/exec_int.h"

#include "base/bits.h"

/* Rows come in the order of the input when ties of a sort are broken: row i's elements are at i * PLACES and on. */
enum { PLACES = 1024 };

static const uint32_t MISSING = UINT32_MAX;

typedef struct wider_domain {
    uint64_t of;
    ov_domain domain;
    struct wider_domain *next;
} wider_domain;

/* One worker's share. */
typedef struct share {
    ovi_worker *down;       /* makes the batches that go on */
    wider_domain *wider;    /* dictionaries with a NULL in front */
    uint32_t *row, *elem;   /* the pairs so far; elem MISSING: there is no element */
    uint32_t *place;        /* from 1 */
    uint32_t count;
    bool missing;           /* some of them are */
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
    bool reads_element;
    share *shares;
} unnest;

/* The lists of a batch, whatever their encoding. */
typedef struct lists {
    const ov_vec *child;
    const uint32_t *offsets; /* list i is elements [offsets[i], offsets[i + 1]) */
    const uint32_t *codes;   /* row r has list codes[r]; NULL: list r */
    const uint64_t *valid;   /* of the lists */
    bool null_is_code_0;
    bool one;                /* all rows have the list 0 */
    bool plain;              /* rows are their own element */
    bool none;               /* all are NULL */
    uint32_t one_list[2];
} lists;

/* ---- lists ---- */

static ov_status lists_of_domain(const ov_vec *v, ov_arena *scratch, lists *out, bool *done, ov_error *err)
{
    const ov_vec *all = v->dict->offsets ? NULL : v->dict->values;
    *done = all && all->enc == OV_ENC_LIST;
    if (!*done)
        return OV_OK;
    out->child = all->child;
    out->offsets = all->offsets;
    out->valid = all->valid;
    out->null_is_code_0 = v->dict->has_null;
    return ov_vec_codes32(v, scratch, &out->codes, err);
}

static ov_status find_lists(const ov_vec *v, ov_arena *scratch, lists *out, ov_error *err)
{
    bool done = false;
    ov_vec *flat;
    *out = (lists){0};
    if (v->type.id == OV_TYPE_NULL || (v->enc == OV_ENC_CONST && v->is_null)) {
        out->none = true;
        return OV_OK;
    }
    if (!ov_type_is_list(v->type)) {
        out->plain = true;
        out->child = v;
        return OV_OK;
    }
    if (v->enc == OV_ENC_CONST) {
        out->one = true;
        out->child = v->c.list;
        out->one_list[1] = v->c.list->rows;
        out->offsets = out->one_list;
        return OV_OK;
    }
    if (v->enc == OV_ENC_DICT)
        OV_TRY(lists_of_domain(v, scratch, out, &done, err));
    if (done)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, sizeof(*flat), &flat, err));
    OV_TRY(ov_vec_flatten(v, scratch, flat, err));
    if (flat->enc != OV_ENC_LIST) {
        out->none = true; /* the only flat form of a list type is all NULL */
        return OV_OK;
    }
    out->child = flat->child;
    out->offsets = flat->offsets;
    out->valid = flat->valid;
    return OV_OK;
}

/* The elements of row r. */
OV_INLINE void list_at(const lists *l, uint32_t r, uint32_t *first, uint32_t *end)
{
    uint32_t i = l->one ? 0 : l->codes ? l->codes[r] : r;
    *first = *end = 0;
    if (l->plain) {
        *first = r;
        *end = r + 1;
        return;
    }
    if (l->none || (l->null_is_code_0 && i == 0) || (l->valid && !ov_bits_test(l->valid, i)))
        return;
    *first = l->offsets[i];
    *end = l->offsets[i + 1];
}

/* ---- the element's column ---- */

/* The text dictionary with NULL as code 0 in front of its own codes. */
static ov_status widen_domain(share *s, const ov_domain *d, const ov_domain **out, ov_error *err)
{
    ov_arena *keep = &s->down->kept;
    uint32_t *offsets;
    wider_domain *w;
    for (w = s->wider; w; w = w->next)
        if (w->of == d->id) {
            *out = &w->domain;
            return OV_OK;
        }
    OV_TRY(ov_arena_alloc(keep, sizeof(*w), &w, err));
    OV_TRY(ov_arena_alloc(keep, ((size_t)d->count + 2) * sizeof(*offsets), &offsets, err));
    offsets[0] = d->offsets[0];
    memcpy(offsets + 1, d->offsets, ((size_t)d->count + 1) * sizeof(*offsets));
    *w = (wider_domain){.of = d->id, .domain = *d, .next = s->wider};
    w->domain.id = ov_domain_next_id();
    w->domain.count = d->count + 1;
    w->domain.has_null = true;
    w->domain.offsets = offsets;
    w->domain.row_counts = NULL;
    s->wider = w;
    *out = &w->domain;
    return OV_OK;
}

/* The code of element i of a DICT vector. */
OV_INLINE uint32_t code_at(const ov_vec *v, uint32_t i)
{
    uint32_t base = (uint32_t)v->base;
    if (v->lane == 1)
        return base + ((const uint8_t *)v->data)[i];
    return base + (v->lane == 2 ? ((const uint16_t *)v->data)[i] : ((const uint32_t *)v->data)[i]);
}

/* Codes of elements; `shift` behind a NULL that missing ones have. */
static ov_status gather_codes(const share *s, const ov_vec *child, const ov_domain *d, uint32_t shift, ov_vec *out,
                              ov_error *err)
{
    uint32_t n = s->count, *codes;
    OV_TRY(ov_arena_lanes(&s->down->scratch, (ov_words(n) * 64 + (size_t)1) * sizeof(*codes), &codes, err));
    memset(codes + n, 0, (ov_words(n) * 64 - n) * sizeof(*codes));
    for (uint32_t i = 0; i < n; i++)
        codes[i] = s->elem[i] == MISSING ? 0 : code_at(child, s->elem[i]) + shift;
    *out = (ov_vec){.type = child->type, .enc = OV_ENC_DICT, .lane = 4, .rows = n, .divisor = 1, .data = codes,
                    .dict = d};
    return OV_OK;
}

/* With missing ones, of elements that have no dictionary: NULL where they are. */
static ov_status gather_flat(const share *s, const ov_vec *child, ov_vec *out, ov_error *err)
{
    uint32_t n = s->count, *idx;
    ov_arena *scratch = &s->down->scratch;
    ov_vec picked;
    uint64_t *valid;
    if (!child || !child->rows) {
        *out = ov_vec_null(child ? child->type : OV_T(OV_TYPE_NULL), n);
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * sizeof(*idx), &idx, err));
    for (uint32_t i = 0; i < n; i++)
        idx[i] = s->elem[i] == MISSING ? 0 : s->elem[i];
    OV_TRY(ov_vec_gather(child, idx, n, scratch, &picked, err));
    OV_TRY(ov_vec_flatten(&picked, scratch, out, err));
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(n) + (size_t)1) * 8, &valid, err));
    for (uint32_t i = 0; i < n; i++)
        ov_bits_put(valid, i, s->elem[i] != MISSING && (!out->valid || ov_bits_test(out->valid, i)));
    out->valid = valid;
    return OV_OK;
}

static ov_status element_column(share *s, const lists *l, ov_type type, ov_vec *out, ov_error *err)
{
    const ov_vec *child = l->child;
    if (!s->missing)
        OV_TRY(ov_vec_gather(child, s->elem, s->count, &s->down->scratch, out, err));
    else if (child && child->enc == OV_ENC_DICT && child->dict->has_null)
        OV_TRY(gather_codes(s, child, child->dict, 0, out, err));
    else if (child && child->enc == OV_ENC_DICT && child->dict->offsets) {
        const ov_domain *wider;
        OV_TRY(widen_domain(s, child->dict, &wider, err));
        OV_TRY(gather_codes(s, child, wider, 1, out, err));
    } else
        OV_TRY(gather_flat(s, child, out, err));
    out->type = type;
    return OV_OK;
}

/* ---- pairs ---- */

static ov_status weights_of(const share *s, const ov_batch *b, ov_batch *out, ov_error *err)
{
    int64_t *weight;
    if (!b->weight)
        return OV_OK;
    OV_TRY(ov_arena_lanes(&s->down->scratch, (ov_words(s->count) * 64 + (size_t)1) * 8, &weight, err));
    for (uint32_t i = 0; i < s->count; i++)
        weight[i] = b->weight[s->row[i]];
    out->weight = weight;
    return OV_OK;
}

static ov_status places_of(const share *s, const ov_plan *node, ov_vec *out, ov_error *err)
{
    uint32_t n = s->count;
    int64_t *values;
    uint64_t *valid;
    OV_TRY(ov_arena_lanes(&s->down->scratch, (ov_words(n) * 64 + (size_t)1) * 8, &values, err));
    OV_TRY(ov_arena_zalloc(&s->down->scratch, (ov_words(n) + (size_t)1) * 8, &valid, err));
    for (uint32_t i = 0; i < n; i++) {
        values[i] = s->place[i];
        ov_bits_put(valid, i, s->elem[i] != MISSING);
    }
    *out = ov_vec_flat(node->fields[node->field_count - 1].type, values, valid, n);
    return OV_OK;
}

static ov_status flush(unnest *u, share *s, const ov_batch *b, const lists *l, ov_error *err)
{
    ovi_worker *down = s->down;
    const ov_plan *node = u->node;
    ov_batch out = {.rows = s->count, .cols = node->field_count, .sel_rows = s->count};
    if (!s->count)
        return OV_OK;
    OV_TRY(ovi_next_batch(down, err));
    OV_TRY(ov_arena_alloc(&down->scratch, out.cols * sizeof(ov_vec), &out.col, err));
    for (uint32_t c = 0; c < out.cols; c++) {
        if (!ov_bits_test(u->wanted, c))
            out.col[c] = ov_vec_null(node->fields[c].type, s->count);
        else if (c < u->inputs)
            OV_TRY(ov_vec_gather(&b->col[c], s->row, s->count, &down->scratch, &out.col[c], err));
        else if (c == u->inputs)
            OV_TRY(element_column(s, l, node->fields[c].type, &out.col[c], err));
        else
            OV_TRY(places_of(s, node, &out.col[c], err));
    }
    OV_TRY(weights_of(s, b, &out, err));
    down->ordinal = s->base + s->made;
    s->made += s->count;
    s->count = 0;
    s->missing = false;
    ovi_count_rows(u->exec, node, &out);
    return u->next->push(u->next, down, &out, err);
}

static ov_status push_pairs(unnest *u, share *s, ovi_worker *w, const ov_batch *b, const lists *l, ov_error *err)
{
    s->down->slot = w->slot;
    s->base = w->ordinal * PLACES;
    s->made = 0;
    for (uint32_t r = 0; r < b->rows; r++) {
        uint32_t first, end;
        if (b->sel && !ov_bits_test(b->sel, r))
            continue;
        list_at(l, r, &first, &end);
        bool missing = first == end;
        if (missing && !u->node->unnest.outer)
            continue;
        for (uint32_t i = first; i < end + missing; i++) {
            s->row[s->count] = r;
            s->place[s->count] = i - first + 1;
            s->elem[s->count++] = missing ? MISSING : i;
            s->missing |= missing;
            if (s->count < u->exec->batch_rows)
                continue;
            OV_TRY(flush(u, s, b, l, err));
            if (ovi_done(u->next))
                return OV_OK;
        }
    }
    return flush(u, s, b, l, err);
}

/* ---- batches that go on as they are ---- */

/* Under the same worker as pairs, so that places in the order compare. */
static ov_status push_on(unnest *u, ovi_worker *w, const ov_batch *out, ov_error *err)
{
    ovi_worker *down = u->shares[w->number].down;
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
static ov_status push_counts(unnest *u, ovi_worker *w, const ov_batch *b, const lists *l, ov_error *err)
{
    ov_batch out = *b;
    int64_t *weight;
    uint64_t *sel;
    size_t words = ov_words(b->rows);
    OV_TRY(ov_arena_lanes(&w->scratch, (words * 64 + 1) * 8, &weight, err));
    OV_TRY(ov_arena_zalloc(&w->scratch, (words + 1) * 8, &sel, err));
    memset(weight, 0, words * 64 * 8);
    for (uint32_t r = 0; r < b->rows; r++) {
        uint32_t first, end;
        if (b->sel && !ov_bits_test(b->sel, r))
            continue;
        list_at(l, r, &first, &end);
        weight[r] = (end - first) * (b->weight ? b->weight[r] : 1);
        if (first == end && u->node->unnest.outer)
            weight[r] = b->weight ? b->weight[r] : 1;
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
    ov_vec v;
    lists l;
    OV_TRY(ov_eval_expr(w->eval, node->unnest.list, b, &v, err));
    OV_TRY(find_lists(&v, &w->scratch, &l, err));
    if (l.none && !node->unnest.outer)
        return OV_OK;
    bool places = node->unnest.ordinality;
    if (l.none && !places)
        v = ov_vec_null(node->fields[u->inputs].type, b->rows);
    if ((l.plain || l.none) && !places)
        return push_plain(u, w, b, &v, err);
    if (u->weights && !u->reads_element)
        return push_counts(u, w, b, &l, err);
    return push_pairs(u, &u->shares[w->number], w, b, &l, err);
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
    ov_expr_columns(u->node->unnest.list, columns, count);
}

static bool unnest_weights(const ovi_sink *s)
{
    const unnest *u = (const unnest *)s;
    return u->weights && u->node->unnest.list->deterministic;
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
    OV_TRY(ovi_extra_worker(u->exec, number, &s->down, err));
    OV_TRY(ov_arena_alloc(arena, bytes, &s->row, err));
    OV_TRY(ov_arena_alloc(arena, bytes, &s->elem, err));
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
