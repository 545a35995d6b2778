/* Superseded rows; see dead.h. */
#include "storage/catalog/dead.h"

#include <stdatomic.h>
#include "base/bits.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "storage/vec.h"

typedef struct dead_bits {
    _Atomic uint32_t refs;
    uint32_t count;
    uint64_t bits[OV_BATCH_WORDS];
} dead_bits;

/* Rows that came or went at one instant. */
typedef struct layer {
    _Atomic uint32_t refs;
    uint32_t n;
    struct layer *before; /* an earlier one */
    int64_t at;
    uint32_t rows[]; /* ascending */
} layer;

struct ov_dead {
    _Atomic uint32_t refs;
    uint32_t total, count, blocks;
    uint64_t serial;
    layer *deaths, *births; /* newest first */
    bool has_births;
    dead_bits *block[]; /* NULL: none of its rows */
};

static _Atomic uint64_t last_serial;

/* ---- parts ---- */

static void bits_release(dead_bits *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        ov_free(b);
}

/* A chain may be as long as there were commits: no recursion. */
static void layer_release(layer *l)
{
    while (l && atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1) {
        layer *before = l->before;
        ov_free(l);
        l = before;
    }
}

static layer *layer_retain(layer *l)
{
    if (l)
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

/* On top of `*top`, which gives up its reference. */
static ov_status layer_push(layer **top, int64_t at, const uint32_t *rows, uint32_t n, ov_error *err)
{
    layer *l = ov_malloc(sizeof *l + (size_t)n * sizeof l->rows[0]);
    if (!l)
        return ov_fail_nomem(err, (size_t)n * sizeof l->rows[0]);
    atomic_init(&l->refs, 1);
    l->n = n;
    l->at = at;
    l->before = *top;
    memcpy(l->rows, rows, (size_t)n * sizeof l->rows[0]);
    *top = l;
    return OV_OK;
}

ov_dead *ov_dead_retain(ov_dead *d)
{
    if (d)
        atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void ov_dead_release(ov_dead *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t b = 0; b < d->blocks; b++)
        bits_release(d->block[b]);
    layer_release(d->deaths);
    layer_release(d->births);
    ov_free(d);
}

/* A new object with all of base. */
static ov_status copy(const ov_dead *base, uint32_t total, ov_dead **out, ov_error *err)
{
    uint32_t blocks = (total + OV_BATCH_ROWS - 1) / OV_BATCH_ROWS;
    ov_dead *d = ov_calloc(1, sizeof *d + blocks * sizeof(dead_bits *));
    OV_ASSERT(!base || base->total == total);
    if (!d)
        return ov_fail_nomem(err, sizeof *d + blocks * sizeof(dead_bits *));
    atomic_init(&d->refs, 1);
    d->total = total;
    d->blocks = blocks;
    d->serial = atomic_fetch_add(&last_serial, 1) + 1;
    for (uint32_t b = 0; base && b < blocks; b++) {
        d->block[b] = base->block[b];
        if (d->block[b])
            atomic_fetch_add_explicit(&d->block[b]->refs, 1, memory_order_relaxed);
    }
    if (base) {
        d->count = base->count;
        d->deaths = layer_retain(base->deaths);
        d->births = layer_retain(base->births);
        d->has_births = base->has_births;
    }
    *out = d;
    return OV_OK;
}

/* The block as one that only d has. */
static ov_status own_block(ov_dead *d, uint32_t b, ov_error *err)
{
    dead_bits *old = d->block[b];
    if (old && atomic_load_explicit(&old->refs, memory_order_acquire) == 1)
        return OV_OK;
    dead_bits *mine = ov_calloc(1, sizeof *mine);
    if (!mine)
        return ov_fail_nomem(err, sizeof *mine);
    if (old) {
        mine->count = old->count;
        memcpy(mine->bits, old->bits, sizeof mine->bits);
    }
    atomic_init(&mine->refs, 1);
    d->block[b] = mine;
    bits_release(old);
    return OV_OK;
}

static ov_status put(ov_dead *d, uint32_t row, bool on, ov_error *err)
{
    uint32_t b = row / OV_BATCH_ROWS, bit = row % OV_BATCH_ROWS;
    if ((d->block[b] && ov_bits_test(d->block[b]->bits, bit)) == on)
        return OV_OK;
    OV_TRY(own_block(d, b, err));
    ov_bits_put(d->block[b]->bits, bit, on);
    d->block[b]->count += on ? 1 : UINT32_MAX;
    d->count += on ? 1 : UINT32_MAX;
    return OV_OK;
}

/* ---- asking ---- */

uint64_t ov_dead_serial(const ov_dead *d)
{
    return d ? d->serial : 0;
}

uint32_t ov_dead_count(const ov_dead *d)
{
    return d ? d->count : 0;
}

const uint64_t *ov_dead_block(const ov_dead *d, uint32_t b)
{
    return d && b < d->blocks && d->block[b] && d->block[b]->count ? d->block[b]->bits : NULL;
}

bool ov_dead_has(const ov_dead *d, uint32_t row)
{
    const uint64_t *bits = ov_dead_block(d, row / OV_BATCH_ROWS);
    return bits && ov_bits_test(bits, row % OV_BATCH_ROWS);
}

static uint32_t count_first(const uint64_t *bits, uint32_t n)
{
    uint32_t count = (uint32_t)ov_words_count(bits, n / 64);
    return n % 64 ? count + (uint32_t)__builtin_popcountll(bits[n / 64] & ov_low_bits(n % 64)) : count;
}

uint32_t ov_dead_count_in(const ov_dead *d, uint32_t first, uint32_t end)
{
    uint32_t n = 0;
    for (uint32_t b = first / OV_BATCH_ROWS; d && d->count && (uint64_t)b * OV_BATCH_ROWS < end; b++) {
        const uint64_t *bits = ov_dead_block(d, b);
        uint32_t base = b * OV_BATCH_ROWS;
        uint32_t from = first > base ? first - base : 0, to = OV_MIN(end - base, (uint32_t)OV_BATCH_ROWS);
        if (!bits)
            continue;
        if (from == 0 && to == OV_BATCH_ROWS)
            n += d->block[b]->count;
        else
            n += count_first(bits, to) - count_first(bits, from);
    }
    return n;
}

ov_status ov_dead_rowset(const ov_dead *d, ov_rowset *to, ov_error *err)
{
    uint32_t rows[OV_BATCH_ROWS];
    for (uint32_t b = 0; d && b < d->blocks; b++) {
        const uint64_t *bits = ov_dead_block(d, b);
        size_t n = bits ? ov_bits_indices(bits, OV_BATCH_ROWS, rows) : 0;
        for (size_t i = 0; i < n; i++)
            rows[i] += b * OV_BATCH_ROWS;
        if (n)
            OV_TRY(ov_rowset_add_list(to, rows, (uint32_t)n, err));
    }
    return OV_OK;
}

void ov_dead_since(const ov_dead *d, int64_t since, uint32_t first, uint32_t end, uint64_t *words)
{
    for (const layer *l = d ? d->deaths : NULL; l; l = l->before)
        for (uint32_t i = 0; l->at >= since && i < l->n; i++)
            if (l->rows[i] >= first && l->rows[i] < end)
                ov_bits_set(words, l->rows[i] - first);
}

/* ---- making ---- */

static ov_status add_dead(ov_dead *d, int64_t at, const uint32_t *rows, uint32_t n, ov_error *err)
{
    uint32_t *fresh, kept = 0;
    fresh = ov_malloc(((size_t)n + 1) * sizeof *fresh);
    if (!fresh)
        return ov_fail_nomem(err, (size_t)n * sizeof *fresh);
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        if (ov_dead_has(d, rows[i]))
            continue;
        fresh[kept++] = rows[i];
        st = put(d, rows[i], true, err);
    }
    if (st == OV_OK && kept && at != OV_DEAD_LONG_AGO)
        st = layer_push(&d->deaths, at, fresh, kept, err);
    ov_free(fresh);
    return st;
}

static ov_status end_of(ov_dead *d, ov_status st, ov_dead **out)
{
    if (st == OV_OK)
        *out = d;
    else
        ov_dead_release(d);
    return st;
}

ov_status ov_dead_add(const ov_dead *base, uint32_t total, int64_t at, const uint32_t *rows, uint32_t n, ov_dead **out,
                      ov_error *err)
{
    ov_dead *d;
    OV_TRY(copy(base, total, &d, err));
    return end_of(d, add_dead(d, at, rows, n, err), out);
}

ov_status ov_dead_born(const ov_dead *base, uint32_t total, int64_t at, const uint32_t *rows, uint32_t n, ov_dead **out,
                       ov_error *err)
{
    ov_dead *d;
    OV_TRY(copy(base, total, &d, err));
    d->has_births = true;
    return end_of(d, n && at != OV_DEAD_LONG_AGO ? layer_push(&d->births, at, rows, n, err) : OV_OK, out);
}

/* Rows that went later are there again; those that came later are not yet. */
static ov_status turn_back(ov_dead *d, const ov_dead *of, int64_t t, ov_error *err)
{
    for (const layer *l = of->deaths; l; l = l->before)
        for (uint32_t i = 0; l->at > t && i < l->n; i++)
            OV_TRY(put(d, l->rows[i], false, err));
    for (const layer *l = of->births; l; l = l->before)
        for (uint32_t i = 0; l->at > t && i < l->n; i++)
            OV_TRY(put(d, l->rows[i], true, err));
    return OV_OK;
}

ov_status ov_dead_as_of(const ov_dead *d, uint32_t total, int64_t born, int64_t t, ov_dead **out, bool *all, ov_error *err)
{
    ov_dead *then;
    *out = NULL;
    *all = born > t && !(d && d->has_births);
    if (!d || *all)
        return OV_OK;
    OV_TRY(copy(d, total, &then, err));
    layer_release(then->deaths);
    layer_release(then->births);
    then->deaths = then->births = NULL;
    OV_TRY(end_of(then, turn_back(then, d, t, err), out));
    *all = (*out)->count == total;
    if (*all) {
        ov_dead_release(*out);
        *out = NULL;
    }
    return OV_OK;
}

/* ---- history ---- */

bool ov_dead_has_births(const ov_dead *d)
{
    return d && d->has_births;
}

void ov_dead_birth_list(const ov_dead *d, uint32_t total, int64_t born, int64_t *out)
{
    for (uint32_t i = 0; i < total; i++)
        out[i] = d && d->has_births ? OV_DEAD_LONG_AGO : born;
    for (const layer *l = d ? d->births : NULL; l; l = l->before)
        for (uint32_t i = 0; i < l->n; i++)
            out[l->rows[i]] = l->at;
}

void ov_dead_death_list(const ov_dead *d, uint32_t total, int64_t *out)
{
    for (uint32_t i = 0; i < total; i++)
        out[i] = ov_dead_has(d, i) ? OV_DEAD_LONG_AGO : INT64_MAX;
    for (const layer *l = d ? d->deaths : NULL; l; l = l->before)
        for (uint32_t i = 0; i < l->n; i++)
            out[l->rows[i]] = l->at;
}

/* ---- bytes ---- */

/*
 * Per layer: u8 kind, i64 instant, u32 bytes, a portable row set of so many bytes. BORN_AGO has an empty one and says that
 * the segment has births.
 */
enum { DIED = 1, BORN = 2, BORN_AGO = 3, HEAD_BYTES = 13 };

static ov_status write_set(uint8_t kind, int64_t at, const ov_rowset *set, ov_buf *out, ov_error *err)
{
    uint8_t head[HEAD_BYTES] = {kind};
    size_t n = ov_rowset_portable_bytes(set);
    ov_store_i64(head + 1, at);
    ov_store_u32(head + 9, (uint32_t)n);
    ov_buf_add(out, head, sizeof head);
    if (ov_buf_reserve(out, n)) {
        ov_rowset_write_portable(set, out->p + out->n);
        out->n += n;
    }
    return ov_buf_check(out, err);
}

static ov_status write_rows(uint8_t kind, int64_t at, const uint32_t *rows, uint32_t n, ov_buf *out, ov_error *err)
{
    ov_rowset *set;
    if (n == 0) {
        uint8_t head[HEAD_BYTES] = {kind};
        ov_buf_add(out, head, sizeof head);
        return ov_buf_check(out, err);
    }
    OV_TRY(ov_rowset_create(&set, err));
    ov_status st = ov_rowset_add_list(set, rows, n, err);
    if (st == OV_OK)
        st = write_set(kind, at, set, out, err);
    ov_rowset_destroy(set);
    return st;
}

/* Layers of a chain above `end`, the oldest first. */
static ov_status write_chain(uint8_t kind, const layer *top, const layer *end, int64_t horizon, ov_buf *out, ov_error *err)
{
    const layer **list;
    uint32_t n = 0;
    for (const layer *l = top; l != end && l; l = l->before)
        n++;
    list = ov_calloc(n + 1u, sizeof *list);
    if (!list)
        return ov_fail_nomem(err, n * sizeof *list);
    for (const layer *l = top; l != end && l; l = l->before)
        list[--n] = l;
    ov_status st = OV_OK;
    for (; list[n] && st == OV_OK; n++)
        if (list[n]->at >= horizon)
            st = write_rows(kind, list[n]->at, list[n]->rows, list[n]->n, out, err);
    ov_free((void *)list);
    return st;
}

/* All that are superseded; those that a layer named before are passed over when this is read. */
static ov_status write_rest(const ov_dead *d, ov_buf *out, ov_error *err)
{
    ov_rowset *rest;
    OV_TRY(ov_rowset_create(&rest, err));
    ov_status st = ov_dead_rowset(d, rest, err);
    if (st == OV_OK && ov_rowset_count(rest))
        st = write_set(DIED, OV_DEAD_LONG_AGO, rest, out, err);
    ov_rowset_destroy(rest);
    return st;
}

ov_status ov_dead_write(const ov_dead *d, const ov_dead *since, ov_buf *out, ov_error *err)
{
    if (d->has_births && !(since && since->has_births))
        OV_TRY(write_rows(BORN_AGO, 0, NULL, 0, out, err));
    OV_TRY(write_chain(BORN, d->births, since ? since->births : NULL, INT64_MIN, out, err));
    uint32_t known = 0;
    for (const layer *l = d->deaths; l && l != (since ? since->deaths : NULL); l = l->before)
        known += l->n;
    OV_TRY(write_chain(DIED, d->deaths, since ? since->deaths : NULL, INT64_MIN, out, err));
    return known + ov_dead_count(since) == d->count ? OV_OK : write_rest(d, out, err); /* some went without history */
}

ov_status ov_dead_write_all(const ov_dead *d, int64_t died, int64_t born, ov_buf *out, ov_error *err)
{
    if (d->has_births)
        OV_TRY(write_rows(BORN_AGO, 0, NULL, 0, out, err));
    OV_TRY(write_chain(BORN, d->births, NULL, born, out, err));
    OV_TRY(write_chain(DIED, d->deaths, NULL, died, out, err));
    return write_rest(d, out, err);
}

static ov_status apply(ov_dead *d, uint8_t kind, int64_t at, const uint32_t *rows, uint32_t n, ov_error *err)
{
    switch (kind) {
    case DIED:
        return add_dead(d, at, rows, n, err);
    case BORN:
        d->has_births = true;
        return n ? layer_push(&d->births, at, rows, n, err) : OV_OK;
    case BORN_AGO:
        d->has_births = true;
        return OV_OK;
    default:
        return ov_fail(err, OV_CORRUPT, "superseded rows: a layer of kind %u", kind);
    }
}

static ov_status read_layer(ov_dead *d, ov_cursor *in, ov_error *err)
{
    ov_slice head, body;
    ov_rowset *set;
    OV_TRY(ov_cursor_bytes(in, HEAD_BYTES, &head, err));
    OV_TRY(ov_cursor_bytes(in, ov_load_u32(head.p + 9), &body, err));
    OV_TRY(ov_rowset_create(&set, err));
    ov_status st = body.n ? ov_rowset_add_portable(set, body.p, body.n, d->total, err) : OV_OK;
    uint32_t n = st == OV_OK ? (uint32_t)ov_rowset_count(set) : 0;
    uint32_t *rows = ov_malloc(((size_t)n + 1) * sizeof *rows);
    if (!rows)
        st = ov_fail_nomem(err, n * sizeof *rows);
    if (st == OV_OK) {
        (void)ov_rowset_list(set, 0, rows, n);
        st = apply(d, (uint8_t)head.p[0], ov_load_i64(head.p + 1), rows, n, err);
    }
    ov_free(rows);
    ov_rowset_destroy(set);
    return st;
}

ov_status ov_dead_read(const ov_dead *base, uint32_t total, ov_slice bytes, ov_dead **out, ov_error *err)
{
    ov_dead *d;
    ov_cursor in = ov_cursor_make(bytes, "superseded rows");
    OV_TRY(copy(base, total, &d, err));
    ov_status st = OV_OK;
    while (st == OV_OK && ov_cursor_left(&in) > 0)
        st = read_layer(d, &in, err);
    return end_of(d, st, out);
}
