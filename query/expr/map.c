/*
 * Distinct-value evaluation (docs/engine.md, section 1): a deterministic expression over one column that is CONST, RUN or
 * DICT is evaluated over the distinct values and the encoding stays. Results over a dictionary are kept per (domain,
 * expression) while the query runs.
 *
 * When does a dictionary pay? Filling the table costs one evaluation per value, rows cost one each. Like the skier who
 * rents until the rent equals the price of skis, rows are evaluated directly until half the domain's size has been
 * seen; then the table is made. So a huge dictionary behind a selective filter is never walked, and the cost is
 * at most about three times the better choice. Nothing more is kept once the results hold a quarter of the budget.
 */
#include "query/expr/time_buckets.h"

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

static ov_status known_of(ov_eval *ev, uint64_t domain, uint32_t expr, ovi_known **out,
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

void ov_eval_trim(ov_eval *ev, size_t keep_bytes)
{
    if (ev->keep.total_bytes <= keep_bytes)
        return;
    if (ev->table)
        memset(ev->table, 0, ev->table_size * sizeof *ev->table);
    ev->table_used = 0;
    ev->buckets = NULL;
    ov_arena_fini(&ev->keep);
}

/* ---- batches of distinct values ---- */

/* A batch in which only `column` is there. */
static ov_status batch_of(ov_eval *ev, uint32_t column, const ov_vec *v, ov_batch *out,
                          ov_error *err)
{
    ov_vec *cols;
    OV_TRY(ov_arena_zalloc(&ev->mem, (column + 1) * sizeof *cols, &cols, err));
    cols[column] = *v;
    *out = (ov_batch){.rows = v->rows, .cols = column + 1, .col = cols, .sel_rows = v->rows};
    return OV_OK;
}

/* Values first .. first + n of a domain, as a FLAT (or LIST) vector. */
static ov_status some_values(ov_eval *ev, const ov_domain *d, uint32_t first, uint32_t n,
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
static ov_status selected_runs(ov_eval *ev, const ov_vec *v, const ov_batch *batch, ov_batch *runs,
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

/* An error that a value, not the machine, causes: rows decide whether it matters. */
static bool is_value_error(ov_status st)
{
    return st == OV_INVALID || st == OV_UNSUPPORTED || st == OV_LIMIT;
}

/* ---- truth over a dictionary ---- */

static bool is_column(const ov_expr *e, uint32_t column)
{
    return e->kind == OV_EXPR_COLUMN && e->column == column;
}

static void compare_range(ov_op op, const ov_domain *d, ov_slice key, uint32_t *first, uint32_t *end)
{
    bool exact;
    uint32_t at = ov_domain_lower_bound(d, key, &exact);
    uint32_t some = d->count > 0 && ov_domain_is_null(d, 0);
    *first = some;
    *end = d->count;
    if (op == OV_OP_EQ || op == OV_OP_GE || op == OV_OP_GT)
        *first = at + (op == OV_OP_GT && exact);
    if (op == OV_OP_EQ || op == OV_OP_LE)
        *end = at + exact;
    if (op == OV_OP_LT)
        *end = at;
}

/* [prefix, the next text that does not start with it) */
static bool prefix_range(const ov_domain *d, const ovi_like *like, uint32_t *first, uint32_t *end)
{
    bool exact, any, found;
    ov_slice prefix = ovi_like_prefix(like, &exact, &any);
    if (!exact && !any)
        return false;
    *first = ov_domain_lower_bound(d, prefix, &found);
    if (exact) {
        *end = *first + found;
        return true;
    }
    uint32_t low = *first, high = d->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (ov_slice_starts(ov_domain_str(d, mid), prefix))
            low = mid + 1;
        else
            high = mid;
    }
    *end = low;
    return true;
}

bool ov_eval_code_range(const ov_expr *e, uint32_t column, const ov_domain *domain, uint32_t *first,
                        uint32_t *end)
{
    if (e->kind != OV_EXPR_CALL || e->argc < 1 || !is_column(e->args[0], column) ||
        ov_type_is_list(domain->type))
        return false;
    ov_op op = (ov_op)e->fn->op;
    if (op == OV_OP_IS_NULL || op == OV_OP_IS_NOT_NULL) {
        if (!domain->sorted)
            return false;
        uint32_t nulls = domain->count > 0 && ov_domain_is_null(domain, 0);
        *first = op == OV_OP_IS_NULL ? 0 : nulls;
        *end = op == OV_OP_IS_NULL ? nulls : domain->count;
        return true;
    }
    if (!domain->sorted || domain->type.id != OV_TYPE_STRING)
        return false;
    if (op == OV_OP_LIKE) {
        const ovi_like *like = ovi_like_of(e);
        return like && prefix_range(domain, like, first, end);
    }
    if (op < OV_OP_EQ || op > OV_OP_GE || op == OV_OP_NE || !ovi_is_const(e->args[1]) ||
        ovi_is_null(e->args[1]))
        return false;
    compare_range(op, domain, e->args[1]->constant.s, first, end);
    if (*first > *end)
        *first = *end;
    return true;
}

/* IN over a sorted dictionary with few items: look the items up instead of the values. */
static bool set_lookup(const ov_expr *e, uint32_t column, const ov_domain *d, uint8_t *truth)
{
    if (e->kind != OV_EXPR_IN || !is_column(e->args[0], column) || !e->set->str || !d->sorted ||
        ov_type_is_list(d->type) || e->set->count > d->count / 8)
        return false;
    memset(truth, e->set->has_null ? 2 : 0, d->count);
    if (d->count > 0 && ov_domain_is_null(d, 0))
        truth[0] = 2;
    for (uint32_t i = 0; i < e->set->count; i++) {
        bool exact;
        uint32_t at = ov_domain_lower_bound(d, e->set->str[i], &exact);
        if (exact)
            truth[at] = 1;
    }
    return true;
}

static ov_status truth_of_values(ov_eval *ev, const ov_expr *e, uint32_t column, const ov_domain *d,
                                 uint8_t *truth, ov_error *err)
{
    if (set_lookup(e, column, d, truth))
        return OV_OK;
    for (uint32_t first = 0; first < d->count; first += OV_BATCH_ROWS) {
        uint32_t n = OV_MIN(d->count - first, (uint32_t)OV_BATCH_ROWS);
        ov_arena_mark mark = ov_arena_mark_get(&ev->mem);
        ov_vec values;
        ov_batch batch;
        ovi_truth t;
        OV_TRY(some_values(ev, d, first, n, &values, err));
        OV_TRY(batch_of(ev, column, &values, &batch, err));
        OV_TRY(ovi_words(&ev->mem, n, &t.is_true, err));
        OV_TRY(ovi_words(&ev->mem, n, &t.is_unknown, err));
        OV_TRY(ovi_test(ev, e, &batch, &t, err));
        for (uint32_t i = 0; i < n; i++)
            truth[first + i] = (uint8_t)(ov_bits_test(t.is_true, i) |
                                         (unsigned)ov_bits_test(t.is_unknown, i) << 1);
        ov_arena_rewind(&ev->mem, mark);
    }
    return OV_OK;
}

/* The true codes may form one stretch; then codes are compared instead of looked up. */
static void find_range(ovi_known *k, uint32_t count)
{
    uint32_t first = count, end = 0, trues = 0, unknown = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (k->truth[i] == 1) {
            first = OV_MIN(first, i);
            end = i + 1;
            trues++;
        }
        unknown += k->truth[i] == 2;
    }
    k->first = trues ? first : 0;
    k->end = end;
    k->has_unknown = unknown > 0;
    k->is_range = trues == k->end - k->first && (unknown == 0 || (unknown == 1 && k->truth[0] == 2));
}

static ov_status learn_truth(ov_eval *ev, const ov_expr *e, uint32_t column, const ov_domain *d,
                             ovi_known *k, ov_error *err)
{
    uint8_t *truth;
    OV_TRY(ov_arena_alloc(&ev->keep, d->count + (size_t)OVI_TABLE_PAD, &truth, err));
    ov_arena_mark mark = ov_arena_mark_get(&ev->mem);
    ov_error local = OV_ERROR_INIT;
    ov_status st = truth_of_values(ev, e, column, d, truth, &local);
    if (st != OV_OK) {
        ov_arena_rewind(&ev->mem, mark);
        if (is_value_error(st)) {
            k->failed = true;
            return OV_OK;
        }
        *err = local;
        return st;
    }
    k->truth = truth;
    find_range(k, d->count);
    return OV_OK;
}

/* bytes: what one value's result takes. */
static bool pays(const ov_eval *ev, ovi_known *k, const ov_domain *d, uint32_t rows, size_t bytes)
{
    k->rows_seen += rows;
    return k->rows_seen >= d->count / 2 && ev->keep.total_bytes + d->count * bytes <= ev->keep_most;
}

/* Codes as if they were numbers, for the range kernels. */
static ov_vec codes_as_numbers(const ov_vec *v)
{
    ov_vec n = *v;
    n.type = OV_T(OV_TYPE_LONG);
    n.enc = OV_ENC_FLAT;
    n.raw = 0;
    n.valid = NULL;
    return n;
}

static ov_status apply_truth(ov_eval *ev, const ovi_known *k, const ov_vec *v,
                             const ov_batch *batch, const ovi_truth *t, ov_error *err)
{
    size_t rows = batch->rows;
    uint64_t *unknown = t->is_unknown;
    if (k->is_range) {
        ov_vec codes = codes_as_numbers(v);
        ovi_cmp range = {.has_const = true, .lo = k->first, .hi = (int64_t)k->end - 1};
        range.never = k->first >= k->end;
        OV_TRY(ovi_range_flat(ev, &codes, &range, t->is_true, err));
        ovi_cmp zero = {.has_const = true, .never = !k->has_unknown};
        if (unknown)
            OV_TRY(ovi_range_flat(ev, &codes, &zero, unknown, err));
    } else {
        if (!unknown)
            OV_TRY(ovi_words(&ev->mem, rows, &unknown, err));
        const uint8_t *truth = k->truth + v->base;
        if (v->lane == 1)
            ev->k->table_u8(v->data, truth, rows, t->is_true, unknown);
        else if (v->lane == 2)
            ev->k->table_u16(v->data, truth, rows, t->is_true, unknown);
        else
            ev->k->table_u32(v->data, truth, rows, t->is_true, unknown);
    }
    if (batch->sel) {
        ov_bits_and(t->is_true, batch->sel, rows);
        if (unknown)
            ov_bits_and(unknown, batch->sel, rows);
    }
    return OV_OK;
}

static ov_status test_dict(ov_eval *ev, const ov_expr *e, const ov_vec *v, const ov_batch *batch,
                           const ovi_truth *t, bool *done, ov_error *err)
{
    const ov_domain *d = v->dict;
    ovi_known *k;
    OV_TRY(known_of(ev, d->id, e->id, &k, err));
    if (!k->is_range && !k->truth && !k->failed) {
        if (ov_eval_code_range(e, (uint32_t)e->only_column, d, &k->first, &k->end)) {
            k->is_range = true;
            k->has_unknown = e->fn->op != OV_OP_IS_NULL && e->fn->op != OV_OP_IS_NOT_NULL &&
                             d->count > 0 && ov_domain_is_null(d, 0);
        } else if (pays(ev, k, d, batch->sel_rows, 1)) {
            OV_TRY(learn_truth(ev, e, (uint32_t)e->only_column, d, k, err));
        }
    }
    *done = k->is_range || k->truth;
    return *done ? apply_truth(ev, k, v, batch, t, err) : OV_OK;
}

static ov_status test_runs(ov_eval *ev, const ov_expr *e, const ov_vec *v, const ov_batch *batch,
                           const ovi_truth *t, ov_error *err)
{
    ov_batch runs;
    ovi_truth r;
    OV_TRY(batch_of(ev, (uint32_t)e->only_column, v->child, &runs, err));
    OV_TRY(selected_runs(ev, v, batch, &runs, err));
    OV_TRY(ovi_words(&ev->mem, v->runs, &r.is_true, err));
    OV_TRY(ovi_words(&ev->mem, v->runs, &r.is_unknown, err));
    OV_TRY(ovi_test(ev, e, &runs, &r, err));
    memset(t->is_true, 0, ov_words(batch->rows) * 8);
    if (t->is_unknown)
        memset(t->is_unknown, 0, ov_words(batch->rows) * 8);
    for (uint32_t i = 0, from = 0; i < v->runs; from = v->run_end[i++]) {
        if (ov_bits_test(r.is_true, i))
            ov_bits_set_range(t->is_true, from, v->run_end[i]);
        else if (t->is_unknown && ov_bits_test(r.is_unknown, i))
            ov_bits_set_range(t->is_unknown, from, v->run_end[i]);
    }
    if (batch->sel) {
        ov_bits_and(t->is_true, batch->sel, batch->rows);
        if (t->is_unknown)
            ov_bits_and(t->is_unknown, batch->sel, batch->rows);
    }
    return OV_OK;
}

/* One row stands for all. */
static ov_status one_row(ov_eval *ev, const ov_expr *e, const ov_vec *v, ov_batch *out, ov_error *err)
{
    ov_vec one = *v;
    one.rows = 1;
    if (v->type.id == OV_TYPE_NULL)
        one = ov_vec_null(e->type, 1);
    return batch_of(ev, (uint32_t)e->only_column, &one, out, err);
}

static bool is_constant(const ov_vec *v)
{
    return v->enc == OV_ENC_CONST || v->type.id == OV_TYPE_NULL;
}

ov_status ovi_map_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                       bool *done, ov_error *err)
{
    const ov_vec *v = &batch->col[e->only_column];
    *done = false;
    if (is_constant(v) && batch->rows > 1) {
        ov_batch one;
        uint64_t yes = 0, maybe = 0;
        OV_TRY(one_row(ev, e, v, &one, err));
        OV_TRY(ovi_test(ev, e, &one, &(ovi_truth){&yes, &maybe}, err));
        memset(t->is_true, 0, ov_words(batch->rows) * 8);
        if (t->is_unknown)
            memset(t->is_unknown, 0, ov_words(batch->rows) * 8);
        uint64_t *to = yes ? t->is_true : maybe ? t->is_unknown : NULL;
        if (to && batch->sel)
            ov_bits_copy(to, batch->sel, batch->rows);
        else if (to)
            ov_bits_fill(to, batch->rows, true);
        *done = true;
        return OV_OK;
    }
    if (v->enc == OV_ENC_DICT)
        return test_dict(ev, e, v, batch, t, done, err);
    if (v->enc == OV_ENC_RUN && v->runs < v->rows) {
        *done = true;
        return test_runs(ev, e, v, batch, t, err);
    }
    return OV_OK;
}

ov_status ov_eval_codes(ov_eval *ev, const ov_expr *e, uint32_t column, const ov_domain *domain,
                        const uint8_t **truth, ov_error *err)
{
    OV_ASSERT(e->only_column == (int32_t)column || e->only_column == OV_EXPR_NO_COLUMN);
    ovi_known *k;
    uint8_t *table;
    OV_TRY(known_of(ev, domain->id, e->id, &k, err));
    if (k->truth) {
        *truth = k->truth;
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(&ev->keep, domain->count + (size_t)OVI_TABLE_PAD, &table, err));
    uint32_t first, end;
    if (ov_eval_code_range(e, column, domain, &first, &end)) {
        bool nulls = e->fn->op != OV_OP_IS_NULL && e->fn->op != OV_OP_IS_NOT_NULL;
        memset(table, 0, domain->count);
        memset(table + first, 1, end - first);
        if (nulls && domain->count > 0 && ov_domain_is_null(domain, 0))
            table[0] = 2;
    } else {
        ov_arena_mark mark = ov_arena_mark_get(&ev->mem);
        ov_status st = truth_of_values(ev, e, column, domain, table, err);
        if (st != OV_OK) {
            ov_arena_rewind(&ev->mem, mark);
            return st;
        }
    }
    k->truth = table;
    *truth = table;
    return OV_OK;
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
        OV_TRY(some_values(ev, d, first, n, &values, err));
        OV_TRY(batch_of(ev, (uint32_t)e->only_column, &values, &batch, err));
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
    ov_status st = map_values(ev, e, d, data, valid, &local);
    if (st != OV_OK) {
        ov_arena_rewind(&ev->mem, mark);
        if (is_value_error(st)) {
            k->failed = true;
            return OV_OK;
        }
        *err = local;
        return st;
    }
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
    OV_TRY(known_of(ev, v->dict->id, e->id, &k, err));
    if (!k->mapped && !k->failed && pays(ev, k, v->dict, batch->sel_rows, sizeof(ov_slice)))
        OV_TRY(learn_values(ev, e, v->dict, k, err));
    *done = k->mapped != NULL;
    if (*done) {
        *out = *v;
        out->type = e->type;
        out->dict = k->mapped;
        out->stats = NULL;
    }
    return OV_OK;
}

static ov_status eval_runs(ov_eval *ev, const ov_expr *e, const ov_vec *v, const ov_batch *batch,
                           ov_vec *out, ov_error *err)
{
    ov_batch runs;
    ov_vec *child;
    OV_TRY(batch_of(ev, (uint32_t)e->only_column, v->child, &runs, err));
    OV_TRY(selected_runs(ev, v, batch, &runs, err));
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
    OV_TRY(one_row(ev, e, v, &one, err));
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
    if (is_constant(v) && batch->rows > 1) {
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
