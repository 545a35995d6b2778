#include "query/exec/lots.h"

enum {
    LEAST_PIECE = 1 << 20,
    MOST_PIECE = 32 << 20,
    LEAST_ROWS = 64, /* of a chunk, */
    MOST_ROWS = 4096,
    LINE = 64,
};

/* What lies in front of a piece. */
typedef struct piece {
    struct piece *next;
    size_t bytes;
} piece;

void ovi_lots_init(ovi_lots *l, uint32_t cols, ov_budget *budget)
{
    *l = (ovi_lots){.budget = budget, .cols = cols};
    ov_arena_init(&l->arena, "lots", budget);
}

void ovi_lots_fini(ovi_lots *l)
{
    for (piece *p = l->pieces, *next; p; p = next) {
        next = p->next;
        ov_array_free(l->budget, &p, p->bytes);
    }
    ov_arena_fini(&l->arena);
    *l = (ovi_lots){.budget = l->budget, .cols = l->cols};
}

/* ---- layouts ---- */

static uint64_t most_of(uint8_t lane)
{
    return lane >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * lane) - 1;
}

static bool fits(const ovi_lot_column *c, const ovi_lot_input *in, uint32_t n)
{
    uint64_t any = 0, most = most_of(c->lane);
    if (c->lane == 8)
        return true;
    if (in->stride == 0)
        return in->at[0] - c->base <= most;
    for (size_t i = 0; i < n; i++) /* powers of two: no bit above is set in any of them */
        any |= in->at[i * in->stride] - c->base;
    return any <= most;
}

/* The narrowest lane for values of a column that the old one does not hold. Room is left on both sides where there is some. */
static ovi_lot_column widen(const ovi_lot_column *old, const ovi_lot_input *in, uint32_t n)
{
    int64_t low = (int64_t)in->at[0], high = low;
    if (old) {
        low = OV_MIN(low, (int64_t)old->base);
        high = OV_MAX(high, (int64_t)(old->base + most_of(old->lane)));
    }
    for (size_t i = 0; in->stride && i < n; i++) {
        int64_t v = (int64_t)in->at[i * in->stride];
        low = OV_MIN(low, v);
        high = OV_MAX(high, v);
    }
    uint64_t range = (uint64_t)high - (uint64_t)low;
    for (uint8_t lane = range ? 1 : 0; lane < 8; lane = lane ? (uint8_t)(lane * 2) : 1) {
        uint64_t most = most_of(lane);
        if (range > most)
            continue;
        if (lane == 0)
            return (ovi_lot_column){.base = (uint64_t)low};
        if (low >= 0 && (uint64_t)high <= most)
            return (ovi_lot_column){.lane = lane};
        return (ovi_lot_column){.lane = lane, .base = (uint64_t)low - (most - range) / 2};
    }
    return (ovi_lot_column){.lane = 8};
}

static ov_status fit(ovi_lots *l, const ovi_lot_input *in, uint32_t n, ov_error *err)
{
    ovi_lot_layout *layout;
    bool all = l->layout != NULL;
    for (uint32_t c = 0; all && c < l->cols; c++)
        all = fits(&l->layout->col[c], &in[c], n);
    if (all)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&l->arena, sizeof(*layout), &layout, err));
    OV_TRY(ov_arena_alloc(&l->arena, (l->cols + (size_t)1) * sizeof(*layout->col), &layout->col, err));
    layout->row_bytes = 0;
    for (uint32_t c = 0; c < l->cols; c++) {
        const ovi_lot_column *old = l->layout ? &l->layout->col[c] : NULL;
        layout->col[c] = old && fits(old, &in[c], n) ? *old : widen(old, &in[c], n);
        layout->col[c].before = layout->row_bytes;
        layout->row_bytes += layout->col[c].lane;
    }
    l->layout = layout;
    return OV_OK;
}

/* ---- room ---- */

static size_t piece_bytes(const ovi_lots *l, size_t need)
{
    size_t bytes = OV_MIN(OV_MAX(l->bytes / 2, (size_t)LEAST_PIECE), (size_t)MOST_PIECE);
    return OV_MAX(bytes, need + sizeof(piece) + 2 * LINE);
}

static ov_status take(ovi_lots *l, size_t bytes, char **out, ov_error *err)
{
    bytes = (bytes + LINE - 1) / LINE * LINE;
    if ((size_t)(l->end - l->at) < bytes) {
        piece *p = NULL;
        size_t size = piece_bytes(l, bytes);
        OV_TRY(ov_array_grow(l->budget, &p, 0, size, err));
        *p = (piece){.next = l->pieces, .bytes = size};
        l->pieces = p;
        l->bytes += size;
        l->at = (char *)(((uintptr_t)(p + 1) + LINE - 1) / LINE * LINE);
        l->end = (char *)p + size;
    }
    *out = l->at;
    l->at += bytes;
    return OV_OK;
}

/* The newest chunk of the lot has room for n rows of the layout. */
static ov_status room(ovi_lots *l, uint32_t lot, uint32_t n, ov_error *err)
{
    ovi_lot_chunk *c = l->lot[lot];
    char *at;
    if (c && c->layout == l->layout && c->cap - c->rows >= n)
        return OV_OK;
    uint32_t cap = OV_MAX(n, OV_MIN(OV_MAX(l->lot_rows[lot] / 4, (uint32_t)LEAST_ROWS), (uint32_t)MOST_ROWS));
    OV_TRY(take(l, LINE + (size_t)cap * l->layout->row_bytes, &at, err));
    static_assert(sizeof(ovi_lot_chunk) <= LINE, "rows begin a line behind it");
    c = (ovi_lot_chunk *)(void *)at;
    *c = (ovi_lot_chunk){.next = l->lot[lot], .layout = l->layout, .cap = cap, .data = at + LINE};
    l->lot[lot] = c;
    return OV_OK;
}

size_t ovi_lots_growth(const ovi_lots *l, size_t n)
{
    size_t row = l->layout ? l->layout->row_bytes : l->cols * (size_t)8;
    return n * row + (l->layout ? 0 : OVI_LOTS * (LINE + LEAST_ROWS * row)) + piece_bytes(l, 0);
}

/* ---- rows ---- */

/* lane is a constant at the calls. */
OV_INLINE void put_lanes(const ovi_lot_input *in, size_t n, uint64_t base, char *const *row, size_t before, uint8_t lane)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = in->at[i * in->stride] - base;
        memcpy(row[i] + before, &v, lane); /* little-endian */
    }
}

static void put_column(const ovi_lot_column *c, ovi_lot_input in, size_t from, size_t n, char *const *row)
{
    in.at += from * in.stride;
    switch (c->lane) {
    case 0:
        break;
    case 1:
        put_lanes(&in, n, c->base, row, c->before, 1);
        break;
    case 2:
        put_lanes(&in, n, c->base, row, c->before, 2);
        break;
    case 4:
        put_lanes(&in, n, c->base, row, c->before, 4);
        break;
    default:
        put_lanes(&in, n, c->base, row, c->before, 8);
        break;
    }
}

/* Some rows at a time, all their columns: what they lie in stays in the nearest cache. */
static void put_rows(const ovi_lot_layout *layout, uint32_t cols, const uint16_t *lot, size_t n, const ovi_lot_input *in, char **at)
{
    enum { SOME = 512 };
    char *row[SOME];
    for (size_t from = 0; from < n; from += SOME) {
        size_t some = OV_MIN(n - from, (size_t)SOME);
        for (size_t i = 0; i < some; i++) {
            row[i] = at[lot[from + i]];
            __builtin_prefetch(row[i], 1); /* the next line of each lot is in no cache */
            at[lot[from + i]] = row[i] + layout->row_bytes;
        }
        for (uint32_t c = 0; c < cols; c++)
            put_column(&layout->col[c], in[c], from, some, row);
    }
}

ov_status ovi_lots_add(ovi_lots *l, const uint16_t *lot, uint32_t n, const ovi_lot_input *in, ov_error *err)
{
    uint16_t count[OVI_LOTS] = {0};
    char *at[OVI_LOTS];
    if (n == 0)
        return OV_OK;
    OV_TRY(fit(l, in, n, err));
    for (uint32_t i = 0; i < n; i++)
        count[lot[i]]++;
    for (uint32_t p = 0; p < OVI_LOTS; p++) {
        if (count[p] == 0)
            continue;
        OV_TRY(room(l, p, count[p], err));
        at[p] = l->lot[p]->data + (size_t)l->lot[p]->rows * l->layout->row_bytes;
    }
    put_rows(l->layout, l->cols, lot, n, in, at);
    for (uint32_t p = 0; p < OVI_LOTS; p++)
        if (count[p]) {
            l->lot[p]->rows += count[p];
            l->lot_rows[p] += count[p];
        }
    l->rows += n;
    return OV_OK;
}

OV_INLINE void read_lanes(const char *at, size_t n, size_t step, uint64_t base, uint8_t lane, uint64_t *out, size_t stride)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = 0;
        memcpy(&v, at + i * step, lane);
        out[i * stride] = base + v;
    }
}

void ovi_lot_read(const ovi_lot_chunk *chunk, uint32_t from, uint32_t n, uint32_t c, uint64_t *out, uint32_t stride)
{
    const ovi_lot_column *col = &chunk->layout->col[c];
    size_t step = chunk->layout->row_bytes;
    const char *at = chunk->data + from * step + col->before;
    switch (col->lane) {
    case 0:
        read_lanes(at, n, 0, col->base, 0, out, stride);
        break;
    case 1:
        read_lanes(at, n, step, col->base, 1, out, stride);
        break;
    case 2:
        read_lanes(at, n, step, col->base, 2, out, stride);
        break;
    case 4:
        read_lanes(at, n, step, col->base, 4, out, stride);
        break;
    default:
        read_lanes(at, n, step, col->base, 8, out, stride);
        break;
    }
}
