#include "query/agg/collect.h"

#include "base/alive.h"
#include "base/bytes.h"
#include "base/value_sort.h"

ov_status ov_collect_open(ov_object *o, ov_type value, bool keeps_null, bool opens_lists, uint64_t most_bytes,
                          ov_error *err)
{
    ov_collect_shared *s = NULL;
    OV_TRY(ov_array_grow(o->budget, &s, 0, sizeof(*s), err));
    o->shared = s;
    s->distinct = o->call->distinct;
    s->keeps_null = keeps_null;
    s->opens_lists = opens_lists;
    s->none_is_null = false;
    s->most_bytes = most_bytes;
    return ov_distinct_init(&s->set, value, o->budget, err);
}

void ov_collect_close(ov_object *o)
{
    ov_collect_shared *s = o->shared;
    if (!s)
        return;
    ov_distinct_fini(&s->set);
    ov_array_free(o->budget, &o->shared, sizeof(*s));
}

void ov_collect_reset(ov_object *o)
{
    ov_collect_shared *s = o->shared;
    ov_distinct_reset(&s->set);
}

/* ---- words ---- */

static ov_status room(ov_object *o, ov_collect *c, uint64_t more, ov_error *err)
{
    uint64_t need = c->n + more;
    if (need <= c->cap)
        return OV_OK;
    if (need > INT32_MAX)
        return ov_fail_at(err, OV_LIMIT, o->call->pos, o->call->end_pos,
                          "%s has collected more than %d values in one group", o->call->fn->name, INT32_MAX);
    size_t bytes = (size_t)c->cap * 8, null_bytes = c->nulls ? OV_MAX((size_t)c->cap / 8, (size_t)32) : 0;
    OV_TRY(ov_object_grow(o, &c->words, &bytes, (size_t)need * 8, err));
    c->cap = (uint32_t)(bytes / 8);
    if (c->nulls) {
        size_t old = null_bytes;
        OV_TRY(ov_object_grow(o, &c->nulls, &null_bytes, OV_MAX((size_t)c->cap / 8, (size_t)32), err));
        memset((char *)c->nulls + old, 0, null_bytes - old);
    }
    return OV_OK;
}

static ov_status append(ov_object *o, ov_collect *c, uint64_t word, bool null, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    OV_TRY(room(o, c, 1, err));
    if (null && !c->nulls) {
        size_t bytes = 0, need = OV_MAX((size_t)c->cap / 8, (size_t)32);
        OV_TRY(ov_object_grow(o, &c->nulls, &bytes, need, err));
        memset(c->nulls, 0, bytes);
    }
    if (null)
        ov_bits_set(c->nulls, c->n);
    c->words[c->n++] = word;
    c->bytes += null || !ov_distinct_of_text(&s->set) ? 8 : s->set.strings->text[word].n;
    if (s->most_bytes && c->bytes > s->most_bytes)
        return ov_fail_at(err, OV_LIMIT, o->call->pos, o->call->end_pos,
                          "%s has collected more than the %llu bytes it was given; pass a larger size",
                          o->call->fn->name, (unsigned long long)s->most_bytes);
    return OV_OK;
}

/* What is appended next came from the batch at this place. */
static ov_status mark(ov_object *o, ov_collect *c, uint64_t ordinal, ov_error *err)
{
    if (c->mark_count && c->marks[c->mark_count - 1].ordinal == ordinal)
        return OV_OK;
    if (c->mark_count == c->mark_cap) {
        size_t bytes = (size_t)c->mark_cap * sizeof(*c->marks);
        OV_TRY(ov_object_grow(o, &c->marks, &bytes, ((size_t)c->mark_count + 1) * sizeof(*c->marks), err));
        c->mark_cap = (uint32_t)(bytes / sizeof(*c->marks));
    }
    c->marks[c->mark_count++] = (ov_collect_mark){.ordinal = ordinal, .start = c->n};
    return OV_OK;
}

/* One value of a group, in order or as a member of its set. */
ov_status ov_collect_put(ov_object *o, uint32_t group, uint64_t word, bool null, uint64_t ordinal, ov_error *err)
{
    ov_collect_shared *s = o->shared;
    ov_collect *c = ov_object_at(o, group);
    OV_TRY(ov_budget_alive_by(o->budget, OV_COLLECT_STEPS, err));
    if (!s->distinct) {
        OV_TRY(mark(o, c, ordinal, err));
        return append(o, c, word, null, err);
    }
    bool fresh = !c->has_null;
    if (!null)
        OV_TRY(ov_distinct_put(&s->set, group, word, &fresh, err));
    else
        c->has_null = true;
    return fresh ? append(o, c, word, null, err) : OV_OK;
}

/* ---- adding rows ---- */

/* The words of some values of one vector, whatever its encoding. */
typedef struct reader {
    ov_vec flat;
    const uint32_t *codes; /* of text in a dictionary: the number comes from map, translated at first use */
    uint32_t *map;
    const ov_domain *dict;
} reader;

static ov_status reader_open(ov_object *o, const ov_vec *v, ov_arena *scratch, reader *r, ov_error *err)
{
    ov_collect_shared *s = o->shared;
    *r = (reader){.flat = *v};
    if (v->type.id == OV_TYPE_NULL)
        return OV_OK;
    if (v->enc == OV_ENC_DICT && ov_distinct_of_text(&s->set) && !o->general) {
        r->dict = v->dict;
        OV_TRY(ov_vec_codes32(v, scratch, &r->codes, err));
        return ov_strmap_of(&s->set.map, s->set.strings, v->dict, &r->map, err);
    }
    return ov_vec_flatten(v, scratch, &r->flat, err);
}

static ov_status read_word(ov_object *o, const reader *r, uint32_t i, uint64_t *word, bool *null, ov_error *err)
{
    ov_collect_shared *s = o->shared;
    uint32_t number;
    *word = 0;
    if (r->codes) {
        uint32_t *at = &r->map[r->codes[i]];
        if (!*at)
            OV_TRY(ov_strmap_fill(s->set.strings, r->dict, r->codes[i], at, err));
        *word = *at - 1;
        *null = *word == 0;
        return OV_OK;
    }
    *null = r->flat.type.id == OV_TYPE_NULL || (r->flat.valid && !ov_bits_test(r->flat.valid, i));
    if (*null)
        return OV_OK;
    if (ov_type_is_int(s->set.type)) {
        *word = (uint64_t)((const int64_t *)r->flat.data)[i];
    } else if (ov_type_is_real(s->set.type)) {
        double v = ((const double *)r->flat.data)[i];
        *word = s->distinct ? ov_distinct_real(v) : ov_f64_bits(v);
    } else {
        OV_TRY(ov_strtab_add(s->set.strings, ((const ov_slice *)r->flat.data)[i], true, &number, err));
        *word = number;
    }
    return OV_OK;
}

static ov_status add_value(ov_object *o, const reader *r, uint32_t i, uint32_t group, uint64_t ordinal, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    uint64_t word;
    bool null;
    OV_TRY(read_word(o, r, i, &word, &null, err));
    return null && !s->keeps_null ? OV_OK : ov_collect_put(o, group, word, null, ordinal, err);
}

/* A dictionary column and DISTINCT: a bit per group and code stops what was seen. */
static ov_status add_codes(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const reader *r, ov_error *err)
{
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t g = ov_agg_group(rows, p, i);
        ov_collect *c = ov_object_at(o, g);
        ov_collect_shared *s = o->shared;
        bool seen;
        c->rows = true;
        OV_TRY(ov_distinct_seen(&s->set, o->groups, g, r->dict, r->codes[i], &seen, err));
        if (!seen)
            OV_TRY(add_value(o, r, i, g, 0, err));
    }
    return OV_OK;
}

static ov_status add_plain(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                           ov_arena *scratch, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    reader r;
    OV_TRY(reader_open(o, x, scratch, &r, err));
    if (r.codes && s->distinct)
        return add_codes(o, rows, mask, &r, err);
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t g = ov_agg_group(rows, p, i);
        ((ov_collect *)ov_object_at(o, g))->rows = true;
        OV_TRY(add_value(o, &r, i, g, rows->ordinal, err));
    }
    return OV_OK;
}

static bool is_empty(const ov_vec *lists, uint32_t row)
{
    uint32_t first, end;
    ov_vec_list(lists, row, &first, &end);
    return first == end;
}

/* Elements of lists; an empty list gives nothing, a NULL one neither, unless that is one NULL. */
static ov_status add_lists(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                           ov_arena *scratch, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    reader r = {0};
    const ov_vec *open = NULL;
    ov_vec flat;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t g = ov_agg_group(rows, p, i), first, end;
        bool missing = ov_vec_is_null(&flat, i);
        if (s->none_is_null && (missing || is_empty(&flat, i))) {
            ((ov_collect *)ov_object_at(o, g))->rows = true;
            OV_TRY(ov_collect_put(o, g, 0, true, rows->ordinal, err));
            continue;
        }
        if (missing)
            continue;
        ((ov_collect *)ov_object_at(o, g))->rows = true;
        const ov_vec *items = ov_vec_list(&flat, i, &first, &end);
        if (items != open)
            OV_TRY(reader_open(o, items, scratch, &r, err));
        open = items;
        for (uint32_t k = first; k < end; k++)
            OV_TRY(add_value(o, &r, k, g, rows->ordinal, err));
    }
    return OV_OK;
}

static ov_status add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                     ov_arena *scratch, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    if (s->opens_lists && args[0]->type.id != OV_TYPE_NULL)
        return add_lists(o, rows, mask, args[0], scratch, err);
    return add_plain(o, rows, mask, args[0], scratch, err);
}

ov_status ov_collect_fits(const ov_object *o, ov_status st, ov_error *err)
{
    if (st != OV_LIMIT || err->has_pos)
        return st;
    ov_error_context(err, "%s makes one value of all values of a group, which must fit in memory as a whole", o->call->fn->name);
    err->has_pos = o->call->end_pos > 0;
    err->pos = o->call->pos;
    err->end_pos = o->call->end_pos;
    return st;
}

ov_status ov_collect_add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                         ov_arena *scratch, ov_error *err)
{
    return ov_collect_fits(o, add(o, rows, mask, args, scratch, err), err);
}

/* ---- merging ---- */

static ov_status merge(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n, ov_error *err)
{
    ov_collect_shared *d = dst->shared;
    const ov_collect_shared *s = src->shared;
    uint32_t *number = NULL; /* of src's strings among dst's, plus one; 0: not looked up yet */
    size_t bytes = ov_distinct_of_text(&d->set) ? (size_t)s->set.strings->count * sizeof(*number) : 0;
    ov_status st = OV_OK;
    if (bytes)
        OV_TRY(ov_array_grow(dst->budget, &number, 0, bytes, err));
    for (size_t i = 0; i < n; i++) {
        const ov_collect *c = ov_object_at(src, from[i]);
        ((ov_collect *)ov_object_at(dst, to[i]))->rows |= c->rows;
        for (uint32_t w = 0, m = 0; w < c->n; w++) {
            uint64_t word = c->words[w];
            bool null = ov_collect_is_null(c, w);
            while (m + 1 < c->mark_count && c->marks[m + 1].start <= w)
                m++;
            if (number && !null) {
                uint32_t *at = &number[word];
                if (!*at) {
                    OV_TRY_OUT(st, ov_strtab_add(d->set.strings, s->set.strings->text[word], true, at, err));
                    ++*at;
                }
                word = *at - 1;
            }
            OV_TRY_OUT(st, ov_collect_put(dst, to[i], word, null, c->mark_count ? c->marks[m].ordinal : 0, err));
        }
    }
out:
    ov_array_free(dst->budget, &number, bytes);
    return st;
}

ov_status ov_collect_merge(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                           ov_error *err)
{
    return ov_collect_fits(dst, merge(dst, src, from, to, n, err), err);
}

/* ---- the order of results ---- */

typedef struct run {
    uint64_t ordinal;
    uint32_t start, end;
} run;

static int by_ordinal(const void *a, const void *b)
{
    const run *x = a, *y = b;
    if (x->ordinal != y->ordinal)
        return x->ordinal < y->ordinal ? -1 : 1;
    return x->start < y->start ? -1 : 1;
}

static ov_status order_by_place(const ov_collect *c, ov_arena *out, uint32_t *order, ov_error *err)
{
    run *runs;
    bool sorted = true;
    OV_TRY(ov_arena_alloc(out, ((size_t)c->mark_count + 1) * sizeof(*runs), &runs, err));
    for (uint32_t m = 0; m < c->mark_count; m++) {
        runs[m] = (run){.ordinal = c->marks[m].ordinal,
                        .start = c->marks[m].start,
                        .end = m + 1 < c->mark_count ? c->marks[m + 1].start : c->n};
        sorted = sorted && (m == 0 || runs[m - 1].ordinal <= runs[m].ordinal);
    }
    if (!sorted)
        OV_TRY(ov_sort(out->budget, runs, c->mark_count, sizeof(*runs), by_ordinal, err));
    for (uint32_t m = 0, n = 0; m < c->mark_count; m++) {
        for (uint32_t w = runs[m].start; w < runs[m].end; w++)
            order[n++] = w;
        OV_TRY(ov_budget_alive_by(out->budget, runs[m].end - runs[m].start + 1, err)); /* a batch has one mark */
    }
    return OV_OK;
}

/* A value with what it is sorted by. */
typedef struct item {
    union {
        int64_t i;
        double f;
        ov_slice s;
    } v;
    uint32_t place;
    bool null;
} item;

static int item_ints(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->null || y->null)
        return (int)y->null - (int)x->null;
    return (x->v.i > y->v.i) - (x->v.i < y->v.i);
}

static int item_reals(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->null || y->null)
        return (int)y->null - (int)x->null;
    return (int)ovi_real_above(x->v.f, y->v.f) - (int)ovi_real_above(y->v.f, x->v.f);
}

static int item_texts(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->null || y->null)
        return (int)y->null - (int)x->null;
    return ov_slice_cmp(x->v.s, y->v.s);
}

static ov_status order_by_value(const ov_collect_shared *s, const ov_collect *c, ov_arena *out, uint32_t *order,
                                ov_error *err)
{
    item *items;
    bool ints = ov_type_is_int(s->set.type), reals = ov_type_is_real(s->set.type);
    OV_TRY(ov_arena_zalloc(out, ((size_t)c->n + 1) * sizeof(*items), &items, err));
    for (uint32_t w = 0; w < c->n; w++) {
        OV_TRY(ov_budget_alive_by(out->budget, OV_COLLECT_STEPS / 2, err));
        items[w].place = w;
        items[w].null = ov_collect_is_null(c, w);
        if (ints)
            items[w].v.i = (int64_t)c->words[w];
        else if (reals)
            items[w].v.f = ov_f64_from_bits(c->words[w]);
        else
            items[w].v.s = s->set.strings->text[c->words[w]];
    }
    OV_TRY(ov_sort(out->budget, items, c->n, sizeof(*items), ints ? item_ints : reals ? item_reals : item_texts, err));
    for (uint32_t w = 0; w < c->n; w++)
        order[w] = items[w].place;
    return OV_OK;
}

ov_status ov_collect_order(const ov_object *o, uint32_t group, ov_arena *out, const uint32_t **order, ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    const ov_collect *c = ov_object_at(o, group);
    uint32_t *own;
    OV_TRY(ov_arena_alloc(out, ((size_t)c->n + 1) * sizeof(*own), &own, err));
    *order = own;
    return s->distinct ? order_by_value(s, c, out, own, err) : order_by_place(c, out, own, err);
}
