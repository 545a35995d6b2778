/* Ranks and values of other rows, over a partition on disk. */
#include "query/exec/window_run.h"

struct win_flow_value {
    win_run *run;
    const win_call *c;
    win_peers first, end;
    uint64_t group; /* of the row at hand, from 1 */
    /* values */
    win_frame frame;
    win_tally low, high, found; /* rows that count, before the ends of what is looked through; and the one looked for */
    win_reader values, defaults;
    uint64_t *from, *to; /* of a batch */
    ov_slice text;       /* the last one copied to the batch, that of */
    uint64_t text_row;
};

static bool is_rank(const win_call *c)
{
    return c->call->fn < OV_WINDOW_LAG;
}

static bool by_frame(const win_call *c)
{
    return !is_rank(c) && c->call->fn != OV_WINDOW_LAG && c->call->fn != OV_WINDOW_LEAD;
}

/* ---- life ---- */

static OV_CHECKED ov_status open_tally(win_flow_value *f, win_tally *t, ov_error *err)
{
    t->all = !f->c->call->ignore_nulls;
    return t->all ? OV_OK : ovi_win_reader_open(&t->r, f->run, f->c->args[0], WINDOW_NONE, err);
}

static OV_CHECKED ov_status open_value(win_flow_value *f, ov_error *err)
{
    const win_call *c = f->c;
    OV_TRY(open_tally(f, &f->low, err));
    OV_TRY(open_tally(f, &f->high, err));
    OV_TRY(open_tally(f, &f->found, err));
    if (c->argc > 1)
        OV_TRY(ovi_win_reader_open(&f->defaults, f->run, c->args[1], WINDOW_NONE, err));
    OV_TRY(ovi_win_reader_open(&f->values, f->run, c->args[0], WINDOW_NONE, err));
    return by_frame(c) ? ovi_win_frame_open(&f->frame, f->run, &c->call->frame, err) : OV_OK;
}

ov_status ovi_win_flow_value_open(win_run *run, const win_call *c, ov_arena *arena, win_flow_value **out, ov_error *err)
{
    win_flow_value *f;
    if (c->call->fn == OV_WINDOW_COMPARE)
        return ov_fail(err, OV_LIMIT, "results whose order is an expression ('compare') must fit into the query's memory; raise --query-memory or "
                                      "maxMemoryBytes, or make fewer groups");
    OV_TRY(ov_arena_zalloc(arena, sizeof *f, &f, err));
    f->run = run;
    f->c = c;
    f->group = run->before_groups;
    *out = f;
    if (!is_rank(c)) {
        OV_TRY(ov_arena_alloc(arena, (OV_BATCH_ROWS + 1) * sizeof *f->from, &f->from, err));
        OV_TRY(ov_arena_alloc(arena, (OV_BATCH_ROWS + 1) * sizeof *f->to, &f->to, err));
        return open_value(f, err);
    }
    OV_TRY(ovi_win_reader_open(&f->first.marks, run, run->marks, WINDOW_NONE, err));
    return ovi_win_reader_open(&f->end.marks, run, run->marks, WINDOW_NONE, err);
}

void ovi_win_flow_value_close(win_flow_value *f)
{
    if (!f)
        return;
    win_reader *readers[] = {&f->first.marks, &f->end.marks, &f->low.r,     &f->high.r,
                             &f->found.r,     &f->values,    &f->defaults};
    for (size_t i = 0; i < OV_COUNT_OF(readers); i++)
        ovi_win_reader_close(readers[i]);
    ovi_win_frame_close(&f->frame);
}

/* ---- ranks ---- */

static OV_CHECKED ov_status rank_row(win_flow_value *f, uint64_t row, int64_t *number, double *real, ov_error *err)
{
    uint64_t rows = f->run->blocks.rows, before = f->run->before_rows, first, end;
    switch ((ov_window_fn)f->c->call->fn) {
    case OV_WINDOW_ROW_NUMBER:
        *number = (int64_t)(before + row + 1);
        return OV_OK;
    case OV_WINDOW_NTILE:
        *number = ovi_win_ntile((int64_t)rows, (int64_t)row, f->c->call->n);
        return OV_OK;
    case OV_WINDOW_CUME_DIST:
        OV_TRY(ovi_win_peers_end(&f->end, row, &end, err));
        *real = (double)end / (double)rows;
        return OV_OK;
    default:
        OV_TRY(ovi_win_peers_first(&f->first, row, &first, err));
        break;
    }
    if (f->c->call->fn == OV_WINDOW_PERCENT_RANK)
        *real = rows < 2 ? 0 : (double)first / (double)(rows - 1);
    f->group += first == row;
    if (f->c->call->fn != OV_WINDOW_PERCENT_RANK)
        *number = (int64_t)(f->c->call->fn == OV_WINDOW_RANK ? before + first + 1 : f->group);
    return OV_OK;
}

static OV_CHECKED ov_status emit_ranks(win_flow_value *f, uint64_t at, uint32_t n, ov_arena *out, ov_vec *vec,
                                       ov_error *err)
{
    int64_t *numbers;
    double *reals;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * 8, &numbers, err));
    reals = (double *)(void *)numbers;
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(rank_row(f, at + i, &numbers[i], &reals[i], err));
    *vec = ov_vec_flat(f->c->call->type, numbers, NULL, n);
    return OV_OK;
}

/* ---- values of other rows ---- */

/* The n-th (from 0) of the rows that count in [from, to); negative: from the end. Both ends ascend from call to call, and
 * so does what is found. */
static OV_CHECKED ov_status nth(win_flow_value *f, uint64_t from, uint64_t to, int64_t n, uint64_t *row, ov_error *err)
{
    *row = WINDOW_NO_ROW;
    OV_TRY(ovi_win_tally_to(&f->low, from, err));
    OV_TRY(ovi_win_tally_to(&f->high, to, err));
    uint64_t first = f->low.count, end = f->high.count, far = n < 0 ? -(uint64_t)n : (uint64_t)n + 1;
    if (far > end - first)
        return OV_OK;
    uint64_t at = n < 0 ? end - far : first + far - 1;
    if (f->found.all) {
        *row = at;
        return OV_OK;
    }
    return ovi_win_tally_find(&f->found, at + 1, row, err);
}

static OV_CHECKED ov_status other_row(win_flow_value *f, uint64_t row, uint32_t i, uint64_t *out, ov_error *err)
{
    int64_t n = f->c->call->n;
    switch ((ov_window_fn)f->c->call->fn) {
    case OV_WINDOW_LAG:
        *out = row;
        return n ? nth(f, 0, row, -n, out, err) : OV_OK;
    case OV_WINDOW_LEAD:
        *out = row;
        return n ? nth(f, row + 1, f->run->blocks.rows, n - 1, out, err) : OV_OK;
    case OV_WINDOW_LAST_VALUE:
        return nth(f, f->from[i], f->to[i], -1, out, err);
    default:
        return nth(f, f->from[i], f->to[i], f->c->call->fn == OV_WINDOW_NTH_VALUE ? n - 1 : 0, out, err);
    }
}

/* What stands in a row of r, which the batch must own. */
static OV_CHECKED ov_status copy_value(win_flow_value *f, win_reader *r, uint64_t row, size_t width, ov_arena *out,
                                       char *to, bool *found, ov_error *err)
{
    *found = false;
    if (!r->open)
        return OV_OK;
    OV_TRY(ovi_win_read(r, row, err));
    const void *value = ovi_win_value(r, row);
    *found = value != NULL;
    if (!value)
        return OV_OK;
    memcpy(to, value, width);
    if (width == 8)
        return OV_OK;
    if (r != &f->values || row != f->text_row)
        OV_TRY(ov_arena_copy(out, *(const ov_slice *)value, &f->text, err));
    f->text_row = r == &f->values ? row : WINDOW_NO_ROW;
    memcpy(to, &f->text, width);
    return OV_OK;
}

static OV_CHECKED ov_status emit_values(win_flow_value *f, uint64_t at, uint32_t n, ov_arena *out, ov_vec *vec,
                                        ov_error *err)
{
    ov_type type = f->c->call->type;
    size_t width = ov_type_is_int(type) || ov_type_is_real(type) ? 8 : sizeof(ov_slice);
    uint64_t *valid;
    char *data;
    f->text_row = WINDOW_NO_ROW;
    if (type.id == OV_TYPE_NULL) {
        *vec = ov_vec_null(type, n);
        return OV_OK;
    }
    if (by_frame(f->c))
        OV_TRY(ovi_win_frame_rows(&f->frame, at, n, f->from, f->to, err));
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * width, &data, err));
    OV_TRY(ov_arena_lanes(out, (ov_words(n) + 1) * 8, &valid, err));
    memset(data, 0, n * width);
    ov_bits_fill(valid, n, false);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t row;
        bool found;
        OV_TRY(other_row(f, at + i, i, &row, err));
        bool other = row != WINDOW_NO_ROW;
        OV_TRY(copy_value(f, other ? &f->values : &f->defaults, other ? row : at + i, width, out, data + i * width,
                          &found, err));
        ov_bits_put(valid, i, found);
    }
    *vec = ov_vec_flat(type, data, valid, n);
    return OV_OK;
}

ov_status ovi_win_flow_value_emit(win_flow_value *f, uint64_t first, uint32_t n, ov_arena *out, ov_vec *vec,
                                  ov_error *err)
{
    return (is_rank(f->c) ? emit_ranks : emit_values)(f, first, n, out, vec, err);
}
