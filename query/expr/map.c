/*
 * Distinct-value evaluation (docs/engine.md, section 1): a deterministic expression over one column that is CONST, RUN or
 * DICT is evaluated over the distinct values and the encoding stays. Results over a dictionary are kept per (domain,
 * expression) while the query runs.
 *
 * When does a dictionary pay? Filling the table costs one evaluation per value, rows cost one each. Like the skier who
 * rents until the rent equals the price of skis, rows are evaluated directly until half the domain's size has been
 * seen; then the table is made; after a sixteenth where the rows that are to come say that it will pay. So a huge dictionary behind a selective filter is never walked, and the cost is
 * at most about three times the better choice. Nothing more is kept once the results hold a quarter of the budget.
 *
 * Conditions are in map_truth.c.
 */
#include "query/expr/map_int.h"
#include "query/expr/time_buckets.h"

enum { FEW = 16 };

/* ---- the cache ---- */

static uint32_t slot_of(const ov_eval *ev, uint64_t domain, uint32_t expr)
{
    uint64_t h = (domain * 0x9E3779B97F4A7C15u) ^ ((uint64_t)expr * 0xC2B2AE3D27D4EB4Fu);
    return (uint32_t)(h >> 32) & (ev->table_size - 1);
}

static ov_status grow(ov_eval *ev, ov_error *err)
{
    uint32_t size = ev->table_size ? ev->table_size * 2 : 64, old_size = ev->table_size;
    ovi_known **table = ov_calloc(size, sizeof *table), **old = ev->table;
    if (!table)
        return ov_fail_nomem(err, size * sizeof *table);
    ev->table = table;
    ev->table_size = size;
    for (uint32_t i = 0; i < old_size; i++)
        for (ovi_known *k = old[i], *next; k; k = next) {
            next = k->next;
            uint32_t s = slot_of(ev, k->domain_id, k->expr_id);
            k->next = table[s];
            table[s] = k;
        }
    ov_free(old);
    return OV_OK;
}

ov_status ovi_map_known(ov_eval *ev, uint64_t domain, uint32_t expr, ovi_known **out,
                          ov_error *err)
{
    if (ev->table_used >= ev->table_size)
        OV_TRY(grow(ev, err));
    uint32_t s = slot_of(ev, domain, expr);
    for (*out = ev->table[s]; *out; *out = (*out)->next)
        if ((*out)->domain_id == domain && (*out)->expr_id == expr)
            return OV_OK;
    OV_TRY(ov_arena_zalloc(&ev->keep, sizeof **out, out, err));
    (*out)->domain_id = domain;
    (*out)->expr_id = expr;
    (*out)->next = ev->table[s];
    ev->table[s] = *out;
    ev->table_used++;
    return OV_OK;
}

/* ---- batches of distinct values ---- */

/* A batch in which only `column` is there. */
ov_status ovi_map_batch(ov_eval *ev, uint32_t column, const ov_vec *v, ov_batch *out,
                          ov_error *err)
{
    ov_vec *cols;
    OV_TRY(ov_arena_zalloc(&ev->mem, (column + 1) * sizeof *cols, &cols, err));
    cols[column] = *v;
    *out = (ov_batch){.rows = v->rows, .cols = column + 1, .col = cols, .sel_rows = v->rows};
    return OV_OK;
}

/* Values first .. first + n of a domain, as a FLAT (or LIST) vector. */
ov_status ovi_map_some(ov_eval *ev, const ov_domain *d, uint32_t first, uint32_t n,
                             ov_vec *out, ov_error *err)
{
    if (d->offsets) {
        ov_slice *s;
        uint64_t *valid = NULL;
        OV_TRY(ov_arena_lanes(&ev->mem, (ov_words(n) * 64 + 64) * sizeof *s, &s, err));
        for (uint32_t i = 0; i < n; i++)
            s[i] = ov_domain_str(d, first + i);
        if (first == 0 && d->has_null) {
            OV_TRY(ovi_words(&ev->mem, n, &valid, err));
            ov_bits_fill(valid, n, true);
            ov_bits_clear(valid, 0);
        }
        *out = ov_vec_flat(d->type, s, valid, n);
        return OV_OK;
    }
    uint32_t *idx;
    OV_TRY(ov_arena_alloc(&ev->mem, n * sizeof *idx, &idx, err));
    for (uint32_t i = 0; i < n; i++)
        idx[i] = first + i;
    ov_vec picked;
    OV_TRY(ov_vec_gather(d->values, idx, n, &ev->mem, &picked, err));
    OV_TRY(ov_vec_flatten(&picked, &ev->mem, out, err));
    if (first == 0 && d->has_null) {
        uint64_t *valid;
        OV_TRY(ovi_words(&ev->mem, n, &valid, err));
        ov_bits_fill(valid, n, true);
        if (out->valid)
            ov_bits_copy(valid, out->valid, n);
        ov_bits_clear(valid, 0);
        out->valid = valid;
    }
    return OV_OK;
}

/* Runs that hold a selected row. */
ov_status ovi_map_runs(ov_eval *ev, const ov_vec *v, const ov_batch *batch, ov_batch *runs,
                               ov_error *err)
{
    if (!batch->sel)
        return OV_OK;
    uint64_t *sel;
    OV_TRY(ovi_words(&ev->mem, v->runs, &sel, err));
    for (uint32_t r = 0, from = 0; r < v->runs; from = v->run_end[r++])
        if (ov_bits_next(batch->sel, v->run_end[r], from) < v->run_end[r])
            ov_bits_set(sel, r);
    *runs = ovi_narrow(runs, sel);
    return OV_OK;
}

ov_status ovi_map_give_up(ov_eval *ev, ov_arena_mark mark, ovi_known *k, const ov_error *why, ov_error *err)
{
    ov_arena_rewind(&ev->mem, mark);
    k->failed = why->code == OV_INVALID || why->code == OV_UNSUPPORTED || why->code == OV_LIMIT;
    if (k->failed)
        return OV_OK;
    *err = *why;
    return why->code;
}

void ov_eval_expect(ov_eval *ev, uint64_t rows)
{
    ev->expected = rows;
}

/* bytes: what one value's result takes. */
bool ovi_map_pays(const ov_eval *ev, ovi_known *k, const ov_domain *d, const ov_batch *rows, size_t bytes)
{
    k->rows_seen += rows->sel_rows;
    bool many = rows->rows && ev->expected * rows->sel_rows / rows->rows >= d->count;
    return k->rows_seen >= d->count / (many ? FEW : 2) && ev->keep.total_bytes + d->count * bytes <= ev->keep_most;
}

/* One row stands for all. */
ov_status ovi_map_one(ov_eval *ev, const ov_expr *e, const ov_vec *v, ov_batch *out, ov_error *err)
{
    ov_vec one = *v;
    one.rows = 1;
    if (v->type.id == OV_TYPE_NULL)
        one = ov_vec_null(e->type, 1);
    return ovi_map_batch(ev, (uint32_t)e->only_column, &one, out, err);
}

bool ovi_map_is_constant(const ov_vec *v)
{
    return v->enc == OV_ENC_CONST || v->type.id == OV_TYPE_NULL;
}

/* ---- values over a dictionary ---- */

/* A value that outlives the batch. Text inside the dictionary already does. */
static ov_status keep_text(ov_eval *ev, const ov_domain *d, ov_slice *s, ov_error *err)
{
    const char *bytes = d->offsets ? d->bytes : NULL;
    if (s->n == 0 || (bytes && s->p >= bytes && s->p + s->n <= bytes + d->offsets[d->count]))
        return OV_OK;
    return ov_arena_copy(&ev->keep, *s, s, err);
}

static ov_status copy_chunk(ov_eval *ev, const ov_domain *d, const ov_vec *v, void *data,
                            uint64_t *valid, uint32_t first, ov_error *err)
{
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, &ev->mem, &flat, err));
    if (flat.valid)
        ov_bits_copy(valid + first / 64, flat.valid, flat.rows);
    else
        ov_bits_fill(valid + first / 64, flat.rows, true);
    if (flat.type.id != OV_TYPE_STRING && flat.type.id != OV_TYPE_COMPLEX) {
        memcpy((int64_t *)data + first, flat.data, flat.rows * sizeof(int64_t));
        return OV_OK;
    }
    ov_slice *to = (ov_slice *)data + first;
    memcpy(to, flat.data, flat.rows * sizeof *to);
    for (uint32_t i = 0; i < flat.rows; i++) {
        if (!ov_bits_test(valid, first + i))
            to[i] = (ov_slice){0};
        OV_TRY(keep_text(ev, d, &to[i], err));
    }
    return OV_OK;
}

static ov_status map_values(ov_eval *ev, const ov_expr *e, const ov_domain *d, void *data,
                            uint64_t *valid, ov_error *err)
{
    uint32_t most = OV_BATCH_ROWS; /* fewer where their values are too large to be there at once */
    for (uint32_t first = 0, n; first < d->count; first += n) {
        ov_arena_mark mark = ov_arena_mark_get(&ev->mem);
        ov_vec values, result;
        ov_batch batch;
        ov_error local = OV_ERROR_INIT;
        n = OV_MIN(d->count - first, most);
        OV_TRY(ovi_map_some(ev, d, first, n, &values, err));
        OV_TRY(ovi_map_batch(ev, (uint32_t)e->only_column, &values, &batch, err));
        ov_status st = ovi_eval(ev, e, &batch, &result, &local);
        if (st == OV_LIMIT && most > 64) {
            ov_arena_rewind(&ev->mem, mark);
            most /= 8; /* still whole words of `valid` */
            n = 0;
            continue;
        }
        if (st != OV_OK) {
            *err = local;
            return st;
        }
        OV_TRY(copy_chunk(ev, d, &result, data, valid, first, err));
        ov_arena_rewind(&ev->mem, mark);
        if (ev->keep.total_bytes > ev->keep_most)
            return ov_fail(err, OV_LIMIT, "the values of a dictionary are too large to be kept");
    }
    return OV_OK;
}

static ov_status learn_values(ov_eval *ev, const ov_expr *e, const ov_domain *d, ovi_known *k,
                              ov_error *err)
{
    void *data;
    uint64_t *valid;
    size_t width = ov_type_is_int(e->type) || ov_type_is_real(e->type) ? 8 : sizeof(ov_slice);
    OV_TRY(ov_arena_lanes(&ev->keep, (ov_words(d->count) * 64 + 64) * width, &data, err));
    OV_TRY(ovi_words(&ev->keep, d->count, &valid, err));
    ov_arena_mark mark = ov_arena_mark_get(&ev->mem);
    ov_error local = OV_ERROR_INIT;
    if (map_values(ev, e, d, data, valid, &local) != OV_OK)
        return ovi_map_give_up(ev, mark, k, &local, err);
    ov_vec *values;
    ov_domain *mapped;
    OV_TRY(ov_arena_alloc(&ev->keep, sizeof *values, &values, err));
    OV_TRY(ov_arena_zalloc(&ev->keep, sizeof *mapped, &mapped, err));
    bool full = d->count == 0 || ov_bits_all(valid, d->count);
    *values = ov_vec_flat(e->type, data, full ? NULL : valid, d->count);
    *mapped = (ov_domain){.id = ov_domain_next_id(),
                          .count = d->count,
                          .type = e->type,
                          .values = values,
                          .row_counts = d->row_counts};
    k->mapped = mapped;
    return OV_OK;
}

static ov_status eval_dict(ov_eval *ev, const ov_expr *e, const ov_vec *v, const ov_batch *batch,
                           ov_vec *out, bool *done, ov_error *err)
{
    ovi_known *k;
    OV_TRY(ovi_map_known(ev, v->dict->id, e->id, &k, err));
    if (!k->mapped && !k->failed && ovi_map_pays(ev, k, v->dict, batch, sizeof(ov_slice)))
        OV_TRY(learn_values(ev, e, v->dict, k, err));
    *done = k->mapped != NULL;
    if (*done) {
        *out = *v;
        out->type = e->type;
        out->dict = k->mapped;
        out->stats = NULL;
        out->origin = NULL;
    }
    return OV_OK;
}

static ov_status eval_runs(ov_eval *ev, const ov_expr *e, const ov_vec *v, const ov_batch *batch,
                           ov_vec *out, ov_error *err)
{
    ov_batch runs;
    ov_vec *child;
    OV_TRY(ovi_map_batch(ev, (uint32_t)e->only_column, v->child, &runs, err));
    OV_TRY(ovi_map_runs(ev, v, batch, &runs, err));
    OV_TRY(ov_arena_alloc(&ev->mem, sizeof *child, &child, err));
    OV_TRY(ovi_eval(ev, e, &runs, child, err));
    if (child->enc == OV_ENC_CONST) {
        *out = *child;
        out->rows = batch->rows;
        return OV_OK;
    }
    *out = *v;
    out->type = e->type;
    out->child = child;
    out->stats = NULL;
    out->has_bounds = false;
    return OV_OK;
}

/* A column that is one value: the result is one value too. */
static ov_status eval_one(ov_eval *ev, const ov_expr *e, const ov_vec *v, const ov_batch *batch,
                          ov_vec *out, ov_error *err)
{
    ov_batch one;
    ov_vec single;
    if (batch->sel_rows == 0) {
        *out = ov_vec_null(e->type, batch->rows);
        return OV_OK;
    }
    OV_TRY(ovi_map_one(ev, e, v, &one, err));
    OV_TRY(ovi_eval(ev, e, &one, &single, err));
    if (single.enc == OV_ENC_CONST) {
        *out = single;
        out->rows = batch->rows;
    } else if (ov_vec_is_null(&single, 0)) {
        *out = ov_vec_null(e->type, batch->rows);
    } else if (ov_type_is_int(e->type)) {
        *out = ov_vec_const_i64(e->type, ov_vec_i64(&single, 0), batch->rows);
    } else if (ov_type_is_real(e->type)) {
        *out = ov_vec_const_f64(e->type, ov_vec_f64(&single, 0), batch->rows);
    } else {
        *out = ov_vec_const_str(e->type, ov_vec_str(&single, 0), batch->rows);
    }
    return OV_OK;
}

ov_status ovi_map_eval(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, bool *done,
                       ov_error *err)
{
    const ov_vec *v = &batch->col[e->only_column];
    *done = false;
    if (ov_type_is_list(e->type)) /* lists are opened row by row */
        return OV_OK;
    if (ovi_map_is_constant(v) && batch->rows > 1) {
        *done = true;
        return eval_one(ev, e, v, batch, out, err);
    }
    if (v->enc == OV_ENC_DICT)
        return eval_dict(ev, e, v, batch, out, done, err);
    if (v->enc == OV_ENC_RUN && v->runs < v->rows) {
        *done = true;
        return eval_runs(ev, e, v, batch, out, err);
    }
    return ovi_floor_encoded(ev, e, batch, out, done, err);
}
