/*
 * Building the timeline: sort segments into chunks, then sweep over all chunk borders with a heap that holds
 * the chunks open at the sweep's place, greatest version on top.
 */
#include <stdlib.h>
#include "storage/catalog/timeline.h"

static int cmp_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_chunk_of(const ov_timeline_item *a, const ov_timeline_item *b)
{
    int c = cmp_i64(a->span.start, b->span.start);
    if (!c)
        c = cmp_i64(a->span.end, b->span.end);
    return c ? c : ov_slice_cmp(a->version, b->version);
}

static int cmp_item_ref(const void *pa, const void *pb, void *items_arg)
{
    const ov_timeline_item *items = items_arg;
    uint32_t ia = *(const uint32_t *)pa, ib = *(const uint32_t *)pb;
    int c = cmp_chunk_of(&items[ia], &items[ib]);
    if (!c)
        c = cmp_i64(items[ia].partition, items[ib].partition);
    return c ? c : cmp_i64(ia, ib);
}

/* Partitions ascend; are 0 .. core-1 all there? */
static bool core_complete(const ov_timeline_item *items, const ov_timeline_chunk *chunk)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < chunk->item_count && next < chunk->core; i++)
        if (items[chunk->items[i]].partition == next)
            next++;
    return next >= chunk->core;
}

static ov_status make_chunks(const ov_timeline_item *items, uint32_t count, ov_arena *out,
                             ov_timeline *tl, ov_error *err)
{
    uint32_t *order;
    OV_TRY(ov_arena_alloc(out, count * sizeof(*order), &order, err));
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof(*order), cmp_item_ref, (void *)(uintptr_t)items);
    uint32_t chunks = 0;
    for (uint32_t i = 0; i < count; i++)
        chunks += i == 0 || cmp_chunk_of(&items[order[i - 1]], &items[order[i]]) != 0;
    OV_TRY(ov_arena_zalloc(out, chunks * sizeof(*tl->chunks), &tl->chunks, err));
    for (uint32_t i = 0; i < count; i++) {
        const ov_timeline_item *item = &items[order[i]];
        if (i == 0 || cmp_chunk_of(&items[order[i - 1]], item) != 0)
            tl->chunks[tl->chunk_count++] =
                (ov_timeline_chunk){.span = item->span, .version = item->version, .items = order + i};
        ov_timeline_chunk *chunk = &tl->chunks[tl->chunk_count - 1];
        chunk->item_count++;
        chunk->core = OV_MAX(chunk->core, item->core);
    }
    for (uint32_t i = 0; i < tl->chunk_count; i++)
        tl->chunks[i].complete = core_complete(items, &tl->chunks[i]);
    return OV_OK;
}

/* ---- the sweep ---- */

typedef struct heap {
    const ov_timeline_chunk *chunks;
    uint32_t *at;
    uint32_t n;
} heap;

/* Does chunk a answer before chunk b? Equal versions over different intervals do not come out of a commit;
 * the later start, then the shorter one wins so that the order is total. */
static bool wins(const heap *h, uint32_t a, uint32_t b)
{
    const ov_timeline_chunk *x = &h->chunks[a], *y = &h->chunks[b];
    int c = ov_slice_cmp(x->version, y->version);
    if (!c)
        c = cmp_i64(x->span.start, y->span.start);
    if (!c)
        c = cmp_i64(y->span.end, x->span.end);
    return c > 0;
}

static void heap_push(heap *h, uint32_t chunk)
{
    uint32_t i = h->n++;
    while (i > 0 && wins(h, chunk, h->at[(i - 1) / 2])) {
        h->at[i] = h->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->at[i] = chunk;
}

static void heap_pop(heap *h)
{
    uint32_t last = h->at[--h->n], i = 0;
    while (2 * i + 1 < h->n) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < h->n && wins(h, h->at[child + 1], h->at[child]))
            child++;
        if (!wins(h, h->at[child], last))
            break;
        h->at[i] = h->at[child];
        i = child;
    }
    h->at[i] = last;
}

static int cmp_border(const void *a, const void *b)
{
    return cmp_i64(*(const int64_t *)a, *(const int64_t *)b);
}

static void add_piece(ov_timeline *tl, ov_interval span, uint32_t chunk)
{
    ov_timeline_piece *last = tl->piece_count ? &tl->pieces[tl->piece_count - 1] : NULL;
    if (last && last->chunk == chunk && last->span.end == span.start)
        last->span.end = span.end;
    else
        tl->pieces[tl->piece_count++] = (ov_timeline_piece){span, chunk};
}

static ov_status sweep(ov_arena *out, ov_timeline *tl, ov_error *err)
{
    uint32_t chunks = tl->chunk_count, borders = 0, next = 0;
    int64_t *border;
    heap h = {.chunks = tl->chunks};
    OV_TRY(ov_arena_alloc(out, 2 * (size_t)chunks * sizeof(*border), &border, err));
    OV_TRY(ov_arena_alloc(out, 2 * (size_t)chunks * sizeof(*tl->pieces), &tl->pieces, err));
    OV_TRY(ov_arena_alloc(out, chunks * sizeof(*h.at), &h.at, err));
    for (uint32_t i = 0; i < chunks; i++) {
        border[borders++] = tl->chunks[i].span.start;
        border[borders++] = tl->chunks[i].span.end;
    }
    qsort(border, borders, sizeof(*border), cmp_border);
    for (uint32_t i = 0; i + 1 < borders; i++) {
        ov_interval here = {border[i], border[i + 1]};
        if (here.start == here.end)
            continue;
        for (; next < chunks && tl->chunks[next].span.start <= here.start; next++)
            if (tl->chunks[next].complete)
                heap_push(&h, next);
        while (h.n && tl->chunks[h.at[0]].span.end <= here.start)
            heap_pop(&h);
        if (h.n)
            add_piece(tl, here, h.at[0]);
    }
    return OV_OK;
}

/* Hand every chunk its own pieces, in order. */
static ov_status share_out(ov_arena *out, ov_timeline *tl, ov_error *err)
{
    ov_interval *parts, **fill;
    OV_TRY(ov_arena_alloc(out, tl->piece_count * sizeof(*parts), &parts, err));
    OV_TRY(ov_arena_alloc(out, tl->chunk_count * sizeof(ov_interval *), &fill, err));
    for (uint32_t i = 0; i < tl->piece_count; i++)
        tl->chunks[tl->pieces[i].chunk].part_count++;
    for (uint32_t i = 0; i < tl->chunk_count; i++) {
        tl->chunks[i].parts = fill[i] = parts;
        parts += tl->chunks[i].part_count;
    }
    for (uint32_t i = 0; i < tl->piece_count; i++)
        *fill[tl->pieces[i].chunk]++ = tl->pieces[i].span;
    return OV_OK;
}

ov_status ov_timeline_build(const ov_timeline_item *items, uint32_t count, ov_arena *out,
                            ov_timeline *timeline, ov_error *err)
{
    *timeline = (ov_timeline){0};
    if (count == 0)
        return OV_OK;
    OV_TRY(make_chunks(items, count, out, timeline, err));
    OV_TRY(sweep(out, timeline, err));
    return share_out(out, timeline, err);
}
