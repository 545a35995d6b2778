/* Window functions that are no aggregates: ranks, and values of other rows. */
#include "query/exec/window.h"


/* ---- ranks ---- */

static double percent_rank(const win_chunk *k, uint32_t i)
{
    uint32_t rows = k->part_end[i] - k->part_first[i];
    return rows < 2 ? 0 : (double)(k->peer_first[i] - k->part_first[i]) / (double)(rows - 1);
}

static double cume_dist(const win_chunk *k, uint32_t i)
{
    return (double)(k->peer_end[i] - k->part_first[i]) / (double)(k->part_end[i] - k->part_first[i]);
}

static OV_CHECKED ov_status prepare_rank(const win_chunk *k, win_call *c, ov_error *err)
{
    int64_t *ints, dense = 0;
    double *reals;
    OV_TRY(ov_arena_lanes(k->arena, ((size_t)k->rows + 64) * 8, &ints, err));
    reals = (double *)(void *)ints;
    c->how = WIN_RESULTS;
    c->results = ints;
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        bool first_part = k->part_first[i] == 0;
        int64_t before = first_part ? (int64_t)k->before_rows : -(int64_t)k->part_first[i];
        switch ((ov_window_fn)c->call->fn) {
        case OV_WINDOW_ROW_NUMBER:
            ints[i] = before + i + 1;
            break;
        case OV_WINDOW_RANK:
            ints[i] = before + k->peer_first[i] + 1;
            break;
        case OV_WINDOW_DENSE_RANK:
            if (i == k->part_first[i])
                dense = first_part ? (int64_t)k->before_groups : 0;
            dense += i == k->peer_first[i];
            ints[i] = dense;
            break;
        case OV_WINDOW_PERCENT_RANK:
            reals[i] = percent_rank(k, i);
            break;
        case OV_WINDOW_CUME_DIST:
            reals[i] = cume_dist(k, i);
            break;
        default:
            ints[i] = ovi_win_ntile(k->part_end[i] - k->part_first[i], i - k->part_first[i], c->call->n);
            break;
        }
    }
    return OV_OK;
}

/* ---- values of other rows ---- */

/* The rows that count: all, or with IGNORE NULLS those that have a value, numbered in the order of the chunk. */
typedef struct counted {
    uint32_t *before; /* how many such rows lie before row i; NULL: all rows count */
    uint32_t *row;    /* by number */
} counted;

static OV_CHECKED ov_status count_rows(const win_chunk *k, const win_call *c, counted *out, ov_error *err)
{
    uint32_t n = 0;
    *out = (counted){0};
    if (!c->call->ignore_nulls)
        return OV_OK;
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 2) * sizeof *out->before, &out->before, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof *out->row, &out->row, err));
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        out->before[i] = n;
        if (ovi_win_present(&c->values, i))
            out->row[n++] = i;
    }
    out->before[k->rows] = n;
    return OV_OK;
}

/* The n-th (from 0) of the rows that count in [from, to); negative: from the end. */
static uint32_t nth(const counted *rows, uint32_t from, uint32_t to, int64_t n)
{
    uint32_t first = rows->before ? rows->before[from] : from, end = rows->before ? rows->before[to] : to;
    if (n < 0 ? -n > (int64_t)end - first : n >= (int64_t)end - first)
        return WINDOW_NONE;
    uint32_t at = (uint32_t)(n < 0 ? end + n : first + n);
    return rows->before ? rows->row[at] : at;
}

static OV_CHECKED ov_status prepare_shift(const win_chunk *k, win_call *c, const counted *rows, ov_error *err)
{
    int64_t n = c->call->n;
    if (c->argc > 1)
        OV_TRY(ovi_win_column(k, c->args[1], &c->defaults, err));
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        if (n == 0)
            c->rows[i] = i;
        else if (c->call->fn == OV_WINDOW_LAG)
            c->rows[i] = nth(rows, k->part_first[i], i, -n);
        else
            c->rows[i] = nth(rows, i + 1, k->part_end[i], n - 1);
    }
    return OV_OK;
}

static OV_CHECKED ov_status prepare_frame_value(const win_chunk *k, win_call *c, const counted *rows, ov_error *err)
{
    uint32_t *from, *to;
    int64_t n = c->call->fn == OV_WINDOW_LAST_VALUE ? -1 : c->call->fn == OV_WINDOW_NTH_VALUE ? c->call->n - 1 : 0;
    OV_TRY(ovi_win_frames(k, &c->call->frame, &from, &to, err));
    for (uint32_t i = 0; i < k->rows; i++) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        c->rows[i] = nth(rows, from[i], to[i], n);
    }
    return OV_OK;
}

ov_status ovi_win_prepare_value(const win_chunk *k, win_call *c, ov_error *err)
{
    counted rows;
    switch ((ov_window_fn)c->call->fn) {
    case OV_WINDOW_LAG:
    case OV_WINDOW_LEAD:
    case OV_WINDOW_FIRST_VALUE:
    case OV_WINDOW_LAST_VALUE:
    case OV_WINDOW_NTH_VALUE:
        break;
    case OV_WINDOW_COMPARE:
        return ovi_win_prepare_order(k, c, err);
    default:
        return prepare_rank(k, c, err);
    }
    c->how = WIN_ROWS;
    c->defaults = (win_column){0};
    OV_TRY(ovi_win_column(k, c->args[0], &c->values, err));
    OV_TRY(count_rows(k, c, &rows, err));
    OV_TRY(ov_arena_alloc(k->arena, ((size_t)k->rows + 1) * sizeof *c->rows, &c->rows, err));
    if (c->call->fn == OV_WINDOW_LAG || c->call->fn == OV_WINDOW_LEAD)
        return prepare_shift(k, c, &rows, err);
    return prepare_frame_value(k, c, &rows, err);
}

/* ---- handing out ---- */

ov_status ovi_win_emit_value(const win_call *c, uint32_t first, uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err)
{
    ov_type type = c->call->type;
    if (c->how == WIN_RESULTS) {
        *vec = ov_vec_flat(type, (const char *)c->results + (size_t)first * 8, NULL, n);
        return OV_OK;
    }
    size_t width = ov_type_is_int(type) || ov_type_is_real(type) ? 8 : sizeof(ov_slice);
    uint64_t *valid = NULL;
    char *data;
    if (type.id == OV_TYPE_NULL || (!c->values.data && !c->defaults.data)) {
        *vec = ov_vec_null(type, n);
        return OV_OK;
    }
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * width, &data, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = c->rows[first + i];
        const win_column *from = row == WINDOW_NONE ? &c->defaults : &c->values;
        row = row == WINDOW_NONE ? first + i : row;
        if (ovi_win_present(from, row)) {
            memcpy(data + i * width, (const char *)from->data + row * width, width);
            continue;
        }
        memset(data + i * width, 0, width);
        if (!valid) {
            OV_TRY(ov_arena_lanes(out, (ov_words(n) + 1) * 8, &valid, err));
            ov_bits_fill(valid, n, true);
        }
        ov_bits_clear(valid, i);
    }
    *vec = ov_vec_flat(type, data, valid, n);
    return OV_OK;
}
