/*
 * Conditions over distinct values: the truth of each code of a dictionary, at best as one range of codes, and masks from it.
 */
#include "query/expr/code_truth.h"
#include "query/expr/map_int.h"

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

/* `<>` over a sorted dictionary: all but one. */
static bool is_all_but_one(const ov_expr *e, uint32_t column, const ov_domain *d)
{
    return e->kind == OV_EXPR_CALL && e->fn->op == OV_OP_NE && is_column(e->args[0], column) && d->sorted &&
           d->type.id == OV_TYPE_STRING && !ov_type_is_list(d->type) && ovi_is_const(e->args[1]) && !ovi_is_null(e->args[1]);
}

static bool all_but_one(const ov_expr *e, uint32_t column, const ov_domain *d, uint8_t *truth)
{
    bool exact;
    if (!is_all_but_one(e, column, d))
        return false;
    uint32_t at = ov_domain_lower_bound(d, e->args[1]->constant.s, &exact);
    memset(truth, 1, d->count);
    if (d->count > 0 && ov_domain_is_null(d, 0))
        truth[0] = 2;
    if (exact)
        truth[at] = 0;
    return true;
}

/* IN over a sorted dictionary with few items: look the items up instead of the values. */
static bool is_set_lookup(const ov_expr *e, uint32_t column, const ov_domain *d)
{
    return e->kind == OV_EXPR_IN && is_column(e->args[0], column) && e->set->str && d->sorted && !ov_type_is_list(d->type) &&
           e->set->count <= d->count / 8;
}

static bool set_lookup(const ov_expr *e, uint32_t column, const ov_domain *d, uint8_t *truth)
{
    if (!is_set_lookup(e, column, d))
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

bool ov_eval_codes_is_cheap(const ov_expr *e, uint32_t column, const ov_domain *domain)
{
    uint32_t first, end;
    return is_all_but_one(e, column, domain) || is_set_lookup(e, column, domain) ||
           ov_eval_code_range(e, column, domain, &first, &end);
}

static ov_status truth_of_values(ov_eval *ev, const ov_expr *e, uint32_t column, const ov_domain *d,
                                 uint8_t *truth, ov_error *err)
{
    if (all_but_one(e, column, d, truth) || set_lookup(e, column, d, truth))
        return OV_OK;
    for (uint32_t first = 0; first < d->count; first += OV_BATCH_ROWS) {
        uint32_t n = OV_MIN(d->count - first, (uint32_t)OV_BATCH_ROWS);
        ov_arena_mark mark = ov_arena_mark_get(&ev->mem);
        ov_vec values;
        ov_batch batch;
        ovi_truth t;
        OV_TRY(ovi_map_some(ev, d, first, n, &values, err));
        OV_TRY(ovi_map_batch(ev, column, &values, &batch, err));
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
    uint32_t trues = ov_truth_count(k->truth, count, 1), unknown = ov_truth_count(k->truth, count, 2);
    k->first = trues ? ov_truth_next(k->truth, 0, count) : 0;
    k->end = trues ? (uint32_t)((const uint8_t *)memrchr(k->truth, 1, count) - k->truth) + 1 : 0;
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
    if (truth_of_values(ev, e, column, d, truth, &local) != OV_OK)
        return ovi_map_give_up(ev, mark, k, &local, err);
    k->truth = truth;
    find_range(k, d->count);
    return OV_OK;
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
    OV_TRY(ovi_map_known(ev, d->id, e->id, &k, err));
    if (!k->is_range && !k->truth && !k->failed) {
        if (ov_eval_code_range(e, (uint32_t)e->only_column, d, &k->first, &k->end)) {
            k->is_range = true;
            k->has_unknown = e->fn->op != OV_OP_IS_NULL && e->fn->op != OV_OP_IS_NOT_NULL &&
                             d->count > 0 && ov_domain_is_null(d, 0);
        } else if (ovi_map_pays(ev, k, d, batch, 1)) {
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
    OV_TRY(ovi_map_batch(ev, (uint32_t)e->only_column, v->child, &runs, err));
    OV_TRY(ovi_map_runs(ev, v, batch, &runs, err));
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

ov_status ovi_map_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                       bool *done, ov_error *err)
{
    const ov_vec *v = &batch->col[e->only_column];
    *done = false;
    if (ovi_map_is_constant(v) && batch->rows > 1) {
        ov_batch one;
        uint64_t yes = 0, maybe = 0;
        OV_TRY(ovi_map_one(ev, e, v, &one, err));
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
    OV_TRY(ovi_map_known(ev, domain->id, e->id, &k, err));
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
    find_range(k, domain->count);
    *truth = table;
    return OV_OK;
}

ov_status ov_eval_teach(ov_eval *ev, const ov_expr *e, const ov_domain *domain, const uint8_t *truth, ov_error *err)
{
    ovi_known *k;
    OV_TRY(ovi_map_known(ev, domain->id, e->id, &k, err));
    if (k->truth || k->is_range)
        return OV_OK;
    k->truth = truth;
    find_range(k, domain->count);
    return OV_OK;
}
