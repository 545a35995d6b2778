/* Frames: which rows each row looks at. */
#include "query/exec/window.h"


ov_window_frame ovi_win_effective(const ov_plan *node, const ov_window_frame *frame)
{
    ov_window_frame f = *frame;
    if (f.range && node->window.key_count == 0) {
        if (f.from.kind == OV_EDGE_CURRENT)
            f.from.kind = OV_EDGE_PARTITION;
        if (f.to.kind == OV_EDGE_CURRENT)
            f.to.kind = OV_EDGE_PARTITION;
    }
    return f;
}

/* ---- ROWS ---- */

/* The row `n` behind or before `row`, kept inside the partition. */
static uint32_t step(const win_chunk *k, uint32_t row, const ov_window_edge *edge)
{
    uint32_t first = k->part_first[row], end = k->part_end[row];
    if (edge->kind == OV_EDGE_PRECEDING)
        return edge->n > row - first ? first : row - (uint32_t)edge->n;
    return edge->n > end - row ? end : row + (uint32_t)edge->n;
}

static ov_status rows_from(const win_chunk *k, const ov_window_edge *edge, uint32_t *from, ov_error *err)
{
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        from[i] = edge->kind == OV_EDGE_CURRENT ? i : step(k, i, edge);
    }
    return OV_OK;
}

static ov_status rows_to(const win_chunk *k, const ov_window_edge *edge, uint32_t *to, ov_error *err)
{
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        if (edge->kind == OV_EDGE_CURRENT)
            to[i] = i + 1;
        else if (edge->kind == OV_EDGE_PRECEDING) /* nothing when the row would lie before the partition */
            to[i] = edge->n > i - k->part_first[i] ? k->part_first[i] : i - (uint32_t)edge->n + 1;
        else
            to[i] = OV_MIN(step(k, i, edge) + 1, k->part_end[i]);
    }
    return OV_OK;
}

/* ---- RANGE with a distance ---- */

static int64_t moved(int64_t v, int64_t by, bool down)
{
    int64_t out;
    if (down ? __builtin_sub_overflow(v, by, &out) : __builtin_add_overflow(v, by, &out))
        return down ? INT64_MIN : INT64_MAX;
    return out;
}

typedef struct range_edge {
    const win_chunk *k;
    const ov_window_edge *edge;
    const ov_sort_key *key;
    win_column values;
    bool to; /* the edge behind the frame */
} range_edge;

uint64_t ovi_win_key_bits(const ov_sort_key *key, const ov_window_edge *edge, ov_type type, const void *value)
{
    bool down = edge && (edge->kind == OV_EDGE_PRECEDING) != key->descending;
    uint64_t bits;
    if (ov_type_is_real(type)) {
        double v = *(const double *)value;
        if (edge)
            v = down ? v - edge->real : v + edge->real;
        bits = ovi_order_f64(v);
    } else {
        int64_t v = *(const int64_t *)value;
        bits = ovi_order_i64(edge ? moved(v, edge->n, down) : v);
    }
    return key->descending ? ~bits : bits;
}

/* Of a row's key, or of what lies the edge's distance from it. */
static uint64_t key_bits(const range_edge *e, uint32_t row, bool target)
{
    return ovi_win_key_bits(e->key, target ? e->edge : NULL, e->values.type, (const char *)e->values.data + (size_t)row * 8);
}

/* Both the rows and their targets ascend, so one pass finds all edges. Rows without a key have their peers only. */
static ov_status range_edges(const range_edge *e, uint32_t *out, ov_error *err)
{
    const win_chunk *k = e->k;
    for (uint32_t first = 0, end; first < k->rows; first = end) {
        uint32_t at = first;
        end = k->part_end[first];
        while (at < end && !ovi_win_present(&e->values, at))
            at++;
        for (uint32_t i = first; i < end; i++) {
            OV_TRY(ovi_win_alive_at(k, i, err));
            if (!ovi_win_present(&e->values, i)) {
                out[i] = e->to ? k->peer_end[i] : k->peer_first[i];
                continue;
            }
            uint64_t target = key_bits(e, i, true);
            while (at < end && ovi_win_present(&e->values, at) &&
                   (e->to ? key_bits(e, at, false) <= target : key_bits(e, at, false) < target))
                at++;
            out[i] = at;
        }
    }
    return OV_OK;
}

/* ---- GROUPS with a distance ---- */

static OV_CHECKED ov_status group_edges(const win_chunk *k, const ov_window_edge *edge, bool to, uint32_t *out, ov_error *err)
{
    uint32_t *start, n = 0; /* of each group of peers, and behind the last */
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof *start, &start, err));
    for (uint32_t i = 0; i < k->rows; i++)
        if (k->peer_first[i] == i)
            start[n++] = i;
    start[n] = k->rows;
    int64_t by = edge->kind == OV_EDGE_PRECEDING ? -edge->n : edge->n;
    for (uint32_t i = 0, own = 0; i < k->rows; i++) {
        while (own + 1 < n && start[own + 1] <= i)
            own++;
        int64_t group;
        if (__builtin_add_overflow((int64_t)own + to, by, &group))
            group = by < 0 ? 0 : n;
        uint32_t row = start[OV_MIN(OV_MAX(group, 0), (int64_t)n)];
        out[i] = OV_MIN(OV_MAX(row, k->part_first[i]), k->part_end[i]);
    }
    return OV_OK;
}

/* ---- all ---- */

static OV_CHECKED ov_status edge_rows(const win_chunk *k, const ov_window_frame *f, bool to, uint32_t *out,
                                      ov_error *err)
{
    const ov_window_edge *edge = to ? &f->to : &f->from;
    if (edge->kind == OV_EDGE_PARTITION) {
        memcpy(out, to ? k->part_end : k->part_first, (size_t)k->rows * sizeof *out);
    } else if (!f->range) {
        return (to ? rows_to : rows_from)(k, edge, out, err);
    } else if (edge->kind == OV_EDGE_CURRENT) {
        memcpy(out, to ? k->peer_end : k->peer_first, (size_t)k->rows * sizeof *out);
    } else if (f->groups) {
        OV_TRY(group_edges(k, edge, to, out, err));
    } else {
        range_edge e = {.k = k, .edge = edge, .key = &k->node->window.keys[0], .to = to};
        OV_TRY(ovi_win_column(k, e.key->column, &e.values, err));
        OV_TRY(range_edges(&e, out, err));
    }
    return OV_OK;
}

ov_status ovi_win_frames(const win_chunk *k, const ov_window_frame *frame, uint32_t **from, uint32_t **to,
                         ov_error *err)
{
    ov_window_frame f = ovi_win_effective(k->node, frame);
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof **from, from, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof **to, to, err));
    OV_TRY(edge_rows(k, &f, false, *from, err));
    OV_TRY(edge_rows(k, &f, true, *to, err));
    for (uint32_t i = 0; i < k->rows; i++)
        (*to)[i] = OV_MAX((*from)[i], (*to)[i]);
    return OV_OK;
}
