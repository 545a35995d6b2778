/*
 * Functions that take an expression: $MAP, $FILTER and $FOLD over the elements of lists.
 *
 *     args      how many lists, the lists, FOLD: its beginning, values from outside
 *     prepared  the expression over one element of each list, FOLD: the value so far, the values from outside
 *
 * Several lists mean every combination of their elements, the last list's fastest. A row's combinations stand one behind the other in
 * vectors of elements, so the expression sees whole batches; FOLD sees the n-th ones of all rows at once. A NULL list gives NULL.
 */
#include "query/expr/list_int.h"

enum { FEW_LISTS = 16 };

/* ---- binding ---- */

ov_status ovi_bind_lambda(ovi_bind *b, ov_error *err)
{
    return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "No match found for function signature %s", b->fn->name);
}

ov_status ov_expr_lambda(ov_expr_ctx *cx, const ov_lambda *l, const ov_expr **out, ov_error *err)
{
    static const char *const names[] = {[OV_LAMBDA_MAP] = "$MAP", [OV_LAMBDA_FILTER] = "$FILTER", [OV_LAMBDA_FOLD] = "$FOLD"};
    ovi_bind b = {.cx = cx, .fn = ovi_function_find(ov_slice_cstr(names[l->kind])), .nullable = true, .prepared = l->body};
    if (l->list_count > FEW_LISTS)
        return ov_fail(err, OV_LIMIT, "an expression over more than %d lists", FEW_LISTS);
    if (!l->body->deterministic)
        return ov_fail(err, OV_UNSUPPORTED, "an expression over elements must give the same value each time");
    OV_TRY(ov_arena_alloc(cx->arena, (l->list_count + l->outer_count + (size_t)2) * sizeof *b.args, &b.args, err));
    OV_TRY(ov_expr_i64(cx, OV_SQL_BIGINT, l->list_count, &b.args[b.argc++], err));
    for (uint32_t i = 0; i < l->list_count; i++)
        b.args[b.argc++] = l->lists[i];
    if (l->kind == OV_LAMBDA_FOLD)
        b.args[b.argc++] = l->initial;
    for (uint32_t i = 0; i < l->outer_count; i++)
        b.args[b.argc++] = l->outer[i];
    if (l->kind == OV_LAMBDA_MAP)
        ovi_result_array(&b, l->body->type, (ov_sqltype)l->body->sql);
    else if (l->kind == OV_LAMBDA_FILTER)
        ovi_result_array(&b, ovi_elem_type(l->lists[0]), ovi_elem_sql(l->lists[0]));
    else
        ovi_result(&b, (ov_sqltype)l->body->sql);
    return ovi_bound_call(&b, out, err);
}

/* ---- combinations ---- */

/* Those of row r are first[r] .. first[r + 1]. */
typedef struct combinations {
    uint32_t lists;
    const ov_vec *items[FEW_LISTS]; /* where the elements of a list lie */
    uint32_t *at[FEW_LISTS];        /* of each combination: the list's element */
    uint32_t *row;                  /* ... its row */
    uint32_t *first;
    uint64_t *whole; /* rows in which no list is NULL */
    uint32_t count;
} combinations;

static ov_status count_row(ovi_call *c, combinations *k, uint32_t r, uint64_t *total, ov_error *err)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < k->lists; i++) {
        const ovi_arg *a = &c->arg[1 + i];
        if (ovi_arg_null(a, r))
            return OV_OK;
        ovi_items items = ovi_items_of(a, r);
        k->items[i] = items.vec;
        n *= items.end - items.first;
        if (n > UINT32_MAX / 2)
            break;
    }
    ov_bits_set(k->whole, r);
    *total += n;
    return *total <= UINT32_MAX / 2 ? OV_OK : ov_fail(err, OV_LIMIT, "the combinations of the elements of lists are too many");
}

static void list_row(ovi_call *c, combinations *k, uint32_t r)
{
    ovi_items items[FEW_LISTS];
    uint32_t at[FEW_LISTS], n = k->first[r + 1] - k->first[r];
    for (uint32_t i = 0; i < k->lists; i++) {
        items[i] = ovi_items_of(&c->arg[1 + i], r);
        at[i] = items[i].first;
    }
    for (uint32_t j = k->first[r]; n-- > 0; j++) {
        k->row[j] = r;
        for (uint32_t i = 0; i < k->lists; i++)
            k->at[i][j] = at[i];
        for (uint32_t i = k->lists; i-- > 0 && ++at[i] == items[i].end;)
            at[i] = items[i].first;
    }
}

static ov_status combine(ovi_call *c, combinations *k, ov_error *err)
{
    uint64_t total = 0;
    const uint32_t *rows;
    uint32_t n, next = 0;
    ov_arena *mem = &c->ev->mem;
    *k = (combinations){.lists = (uint32_t)c->arg[0].vec.c.i};
    OV_TRY(ovi_words(mem, c->rows, &k->whole, err));
    OV_TRY(ov_arena_zalloc(mem, (c->rows + (size_t)2) * sizeof(uint32_t), &k->first, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        for (; next <= rows[i]; next++)
            k->first[next] = (uint32_t)total;
        OV_TRY(count_row(c, k, rows[i], &total, err));
    }
    for (; next <= c->rows; next++)
        k->first[next] = (uint32_t)total;
    k->count = (uint32_t)total;
    OV_TRY(ov_arena_alloc(mem, (total + 1) * sizeof(uint32_t), &k->row, err));
    for (uint32_t i = 0; i < k->lists; i++)
        OV_TRY(ov_arena_alloc(mem, (total + 1) * sizeof(uint32_t), &k->at[i], err));
    for (uint32_t i = 0; i < n; i++)
        list_row(c, k, rows[i]);
    return OV_OK;
}

/* ---- the expression over some combinations ---- */

/* picked: which (NULL: those from `from` on); so_far: of FOLD. */
static ov_status evaluate(ovi_call *c, const combinations *k, uint32_t from, const uint32_t *picked, uint32_t n,
                          const ov_vec *so_far, ov_vec *out, ov_error *err)
{
    ov_arena *mem = &c->ev->mem;
    ov_vec *columns;
    uint32_t *idx, count = 0, outer = 1 + k->lists + (so_far != NULL);
    OV_TRY(ov_arena_alloc(mem, c->argc * sizeof *columns, &columns, err));
    OV_TRY(ov_arena_alloc(mem, (n + (size_t)1) * sizeof *idx, &idx, err));
    for (uint32_t i = 0; i < k->lists; i++) {
        for (uint32_t j = 0; j < n; j++)
            idx[j] = k->at[i][picked ? picked[j] : from + j];
        OV_TRY(ov_vec_gather(k->items[i], idx, n, mem, &columns[count++], err));
    }
    if (so_far)
        columns[count++] = *so_far;
    for (uint32_t j = 0; j < n; j++)
        idx[j] = k->row[picked ? picked[j] : from + j];
    for (uint32_t i = outer; i < c->argc; i++) {
        columns[count] = c->arg[i].vec;
        if (columns[count].enc == OV_ENC_CONST)
            columns[count++].rows = n;
        else
            OV_TRY(ov_vec_gather(&c->arg[i].vec, idx, n, mem, &columns[count++], err));
    }
    ov_batch b = {.rows = n, .cols = count, .col = columns, .sel_rows = n};
    return ovi_eval(c->ev, c->e->prepared, &b, out, err);
}

/* ---- MAP, FILTER ---- */

/* A list for each whole row: of the expression's values, or of the elements for which it is above zero. */
static ov_status make_lists(ovi_call *c, bool filter, ov_vec *out, ov_error *err)
{
    combinations k;
    ovi_list l;
    ov_vec v = {0};
    uint32_t from = 0, end = 0;
    OV_TRY(combine(c, &k, err));
    OV_TRY(ovi_list_init(&l, c, ovi_elem_type(c->e), err));
    for (size_t r = ov_bits_next(k.whole, c->rows, 0); r < c->rows; r = ov_bits_next(k.whole, c->rows, r + 1)) {
        bool any = !filter;
        if (!filter)
            ovi_list_row(&l, (uint32_t)r);
        for (uint32_t j = k.first[r]; j < k.first[r + 1]; j++) {
            if (j == end) {
                from = j;
                end = OV_MIN(k.count, from + (uint32_t)OV_BATCH_ROWS);
                OV_TRY(ovi_alive(c->ev, err));
                OV_TRY(evaluate(c, &k, from, NULL, end - from, NULL, &v, err));
            }
            if (filter && (ov_vec_is_null(&v, j - from) || ov_vec_i64(&v, j - from) <= 0))
                continue;
            if (!any) /* without an element the result is NULL */
                ovi_list_row(&l, (uint32_t)r);
            any = true;
            OV_TRY(filter ? ovi_list_put(&l, k.items[0], k.at[0][j], err) : ovi_list_put(&l, &v, j - from, err));
        }
    }
    return ovi_list_finish(&l, out, err);
}

ov_status ovi_eval_lambda_map(ovi_call *c, ov_vec *out, ov_error *err)
{
    return make_lists(c, false, out, err);
}

ov_status ovi_eval_lambda_filter(ovi_call *c, ov_vec *out, ov_error *err)
{
    return make_lists(c, true, out, err);
}

/* ---- FOLD ---- */

/* Value j of v, or nothing, becomes that of row r. */
static void put_value(ovi_result_lanes *l, ov_type type, uint32_t r, const ov_vec *v, uint32_t j)
{
    ov_bits_clear(l->valid, r);
    if (ov_vec_is_null(v, j))
        return;
    ov_bits_set(l->valid, r);
    if (ov_type_is_int(type))
        l->i[r] = ov_vec_i64(v, j);
    else if (ov_type_is_real(type))
        l->f[r] = ov_vec_f64(v, j);
    else
        l->s[r] = ov_vec_str(v, j);
}

ov_status ovi_eval_lambda_fold(ovi_call *c, ov_vec *out, ov_error *err)
{
    ov_type type = c->e->type;
    const ovi_arg *initial;
    combinations k;
    ovi_result_lanes l;
    uint32_t *row, *picked, n = 0;
    OV_TRY(combine(c, &k, err));
    initial = &c->arg[1 + k.lists];
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    OV_TRY(ov_arena_alloc(&c->ev->mem, (c->rows + (size_t)1) * sizeof *row, &row, err));
    OV_TRY(ov_arena_alloc(&c->ev->mem, (c->rows + (size_t)1) * sizeof *picked, &picked, err));
    for (uint32_t r = 0; r < c->rows; r++) {
        ov_bits_clear(l.valid, r);
        if (!ov_bits_test(k.whole, r))
            continue;
        put_value(&l, type, r, &initial->vec, r);
        row[n++] = r;
    }
    for (uint32_t round = 0; n > 0; round++) {
        ov_vec all = ov_vec_flat(type, l.i, l.valid, c->rows), so_far, v;
        uint32_t left = 0;
        for (uint32_t i = 0; i < n; i++)
            if (k.first[row[i]] + round < k.first[row[i] + 1]) {
                picked[left] = k.first[row[i]] + round;
                row[left++] = row[i];
            }
        n = left;
        if (n == 0)
            break;
        OV_TRY(ovi_alive(c->ev, err));
        OV_TRY(ov_vec_gather(&all, row, n, &c->ev->mem, &so_far, err));
        OV_TRY(evaluate(c, &k, 0, picked, n, &so_far, &v, err));
        for (uint32_t i = 0; i < n; i++)
            put_value(&l, type, row[i], &v, i);
    }
    *out = ov_vec_flat(type, l.i, l.valid, c->rows);
    return OV_OK;
}
