/*
 * Folds as states (fold.h). The n-th rows of all groups of a batch are folded at once: as many evaluations as the largest group has
 * rows in it. A fold that only puts elements behind a list (ov_fold.tail) is evaluated once a batch, and a list grows where it lies.
 */
#include "query/agg/fold.h"

#include "base/bytes.h"
#include "query/agg/acc.h"
#include "query/agg/agg_int.h"

/* A group's value. */
typedef struct fold_head {
    bool begun, is_null;
    uint64_t seen; /* the batch it had rows in last */
    uint32_t turn; /* how many */
    union {
        int64_t i;
        double f;
        size_t n; /* of `text` */
    };
    char *text;
    size_t cap;
} fold_head;

typedef struct fold_shared {
    ov_eval *eval;
    ov_arena round; /* columns of one evaluation */
    uint64_t batch;
} fold_shared;

typedef enum value_kind {
    AS_LONG,
    AS_REAL,
    AS_TEXT,
} value_kind;

static const ov_fold *fold_of(const ov_object *o)
{
    return o->call->prepared;
}

static value_kind kind_of(const ov_object *o)
{
    ov_type t = fold_of(o)->initial->type;
    return ov_type_is_int(t) ? AS_LONG : ov_type_is_real(t) ? AS_REAL : AS_TEXT;
}

static ov_status open_fold(ov_object *o, ov_error *err)
{
    ov_eval_options options = {.general_only = o->general};
    fold_shared *s;
    OV_TRY(ov_array_grow(o->budget, &o->shared, 0, sizeof *s, err));
    s = o->shared;
    *s = (fold_shared){0};
    ov_arena_init(&s->round, "fold", o->budget);
    return ov_eval_create(o->budget, &options, &s->eval, err);
}

static void close_fold(ov_object *o)
{
    fold_shared *s = o->shared;
    if (!s)
        return;
    ov_eval_destroy(s->eval);
    ov_arena_fini(&s->round);
    ov_array_free(o->budget, &o->shared, sizeof *s);
}

/* ---- values in and out of states ---- */

static ov_status check_size(const ov_object *o, size_t n, ov_error *err)
{
    return n <= fold_of(o)->most_bytes
               ? OV_OK
               : ov_fail(err, OV_INVALID, "the value of an expression aggregator has %zu bytes, more than maxSizeBytes (%llu) allows", n,
                         (unsigned long long)fold_of(o)->most_bytes);
}

static ov_status keep_text(ov_object *o, fold_head *h, ov_slice text, ov_error *err)
{
    char *fresh = NULL;
    size_t cap = 0;
    OV_TRY(check_size(o, text.n, err));
    if (text.n > h->cap) { /* text may be a part of what is there */
        OV_TRY(ov_object_grow(o, &fresh, &cap, text.n, err));
        memcpy(fresh, text.p, text.n);
        ov_object_free(o, &h->text, h->cap);
        h->text = fresh;
        h->cap = cap;
    } else if (text.n) {
        memmove(h->text, text.p, text.n);
    }
    h->n = text.n;
    return OV_OK;
}

static ov_status take(ov_object *o, fold_head *h, const ov_vec *v, uint32_t row, ov_error *err)
{
    h->begun = true;
    h->is_null = ov_vec_is_null(v, row);
    if (h->is_null)
        return OV_OK;
    switch (kind_of(o)) {
    case AS_LONG:
        h->i = ov_vec_i64(v, row);
        return OV_OK;
    case AS_REAL:
        h->f = ov_vec_f64(v, row);
        return OV_OK;
    case AS_TEXT:
        break;
    }
    return keep_text(o, h, ov_vec_str(v, row), err);
}

static ov_vec initial_of(const ov_object *o)
{
    const ov_expr *e = fold_of(o)->initial;
    if (e->constant.is_null)
        return ov_vec_null(e->type, 1);
    switch (kind_of(o)) {
    case AS_LONG:
        return ov_vec_const_i64(e->type, e->constant.i, 1);
    case AS_REAL:
        return ov_vec_const_f64(e->type, e->constant.f, 1);
    case AS_TEXT:
        break;
    }
    return ov_vec_const_str(e->type, e->constant.s, 1);
}

/* The values of groups as a column of plain lanes. */
static ov_status values_of(const ov_object *o, const uint32_t *group, uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err)
{
    const ov_expr *initial = fold_of(o)->initial;
    bool no_value = !fold_of(o)->initial_of_nothing || initial->constant.is_null; /* of a group without rows */
    value_kind kind = kind_of(o);
    size_t bytes = (ov_words(n) * 64 + 64) * (kind == AS_TEXT ? sizeof(ov_slice) : 8);
    uint64_t *valid;
    union {
        void *any;
        int64_t *i;
        double *f;
        ov_slice *s;
    } lanes;
    OV_TRY(ov_arena_lanes(out, bytes, &lanes.any, err));
    memset(lanes.any, 0, bytes);
    OV_TRY(ov_arena_zalloc(out, (ov_words(n) + 1) * 8, &valid, err));
    for (uint32_t i = 0; i < n; i++) {
        const fold_head *h = ov_object_at(o, group[i]);
        if (h->begun ? h->is_null : no_value)
            continue;
        ov_bits_set(valid, i);
        if (kind == AS_LONG)
            lanes.i[i] = h->begun ? h->i : initial->constant.i;
        else if (kind == AS_REAL)
            lanes.f[i] = h->begun ? h->f : initial->constant.f;
        else
            lanes.s[i] = h->begun ? ov_slice_make(h->text, h->n) : initial->constant.s;
    }
    *vec = ov_vec_flat(fold_of(o)->initial->type, lanes.any, ov_bits_all(valid, n) ? NULL : valid, n);
    return OV_OK;
}

/* ---- rows ---- */

static ov_status evaluate(ov_object *o, const ov_expr *e, ov_vec *columns, uint32_t count, uint32_t rows, ov_vec *out,
                          ov_error *err)
{
    fold_shared *s = o->shared;
    ov_batch b = {.rows = rows, .cols = count, .col = columns, .sel_rows = rows};
    ov_eval_next_batch(s->eval);
    return ov_eval_expr(s->eval, e, &b, out, err);
}

/* One row of each of n different groups. */
static ov_status fold_rows(ov_object *o, const ov_vec *args, const uint32_t *row, const uint32_t *group, uint32_t n, ov_error *err)
{
    fold_shared *s = o->shared;
    uint32_t argc = o->call->argc;
    ov_vec *columns, value;
    ov_arena_reset(&s->round);
    OV_TRY(ov_arena_alloc(&s->round, (argc + 1) * sizeof *columns, &columns, err));
    OV_TRY(values_of(o, group, n, &s->round, &columns[0], err));
    for (uint32_t k = 0; k < argc; k++)
        OV_TRY(ov_vec_gather(&args[k], row, n, &s->round, &columns[1 + k], err));
    OV_TRY(evaluate(o, fold_of(o)->fold, columns, argc + 1, n, &value, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(take(o, ov_object_at(o, group[i]), &value, i, err));
    return OV_OK;
}

/* Rows by the turn they have in their group. */
typedef struct turns {
    uint32_t *row, *group; /* those of turn t at [first[t], first[t + 1]) */
    uint32_t *first;
    uint32_t count;
} turns;

static ov_status sort_by_turn(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, ov_arena *scratch, turns *out,
                              ov_error *err)
{
    fold_shared *s = o->shared;
    uint32_t *row, *group, *turn, n = 0;
    size_t room = (rows->rows + (size_t)2) * sizeof(uint32_t);
    OV_TRY(ov_arena_alloc(scratch, room, &row, err));
    OV_TRY(ov_arena_alloc(scratch, room, &group, err));
    OV_TRY(ov_arena_alloc(scratch, room, &turn, err));
    OV_TRY(ov_arena_alloc(scratch, room, &out->row, err));
    OV_TRY(ov_arena_alloc(scratch, room, &out->group, err));
    OV_TRY(ov_arena_zalloc(scratch, room, &out->first, err));
    s->batch++;
    out->count = 0;
    OV_AGG_EACH(rows, mask, p, i) {
        fold_head *h = ov_object_at(o, ov_agg_group(rows, p, i));
        if (h->seen != s->batch)
            h->turn = 0;
        h->seen = s->batch;
        row[n] = i;
        group[n] = ov_agg_group(rows, p, i);
        turn[n++] = h->turn++;
        out->first[h->turn]++;
        out->count = OV_MAX(out->count, h->turn);
    }
    for (uint32_t t = 0; t < out->count; t++)
        out->first[t + 1] += out->first[t];
    for (uint32_t i = n; i-- > 0;) { /* from behind: ends become beginnings */
        uint32_t at = --out->first[turn[i] + 1];
        out->row[at] = row[i];
        out->group[at] = group[i];
    }
    memmove(out->first, out->first + 1, out->count * sizeof(uint32_t));
    out->first[out->count] = n;
    return OV_OK;
}

/* The tail takes the place of the list's end. */
static ov_status put_behind(ov_object *o, fold_head *h, ov_slice tail, ov_error *err)
{
    if (h->is_null)
        return OV_OK; /* and stays so */
    size_t n = h->n - 1 + tail.n;
    if (!fold_of(o)->settle) /* or once it is a set again */
        OV_TRY(check_size(o, n, err));
    OV_TRY(ov_object_grow(o, &h->text, &h->cap, n, err));
    memcpy(h->text + h->n - 1, tail.p, tail.n);
    h->n = n;
    return OV_OK;
}

static ov_status begin(ov_object *o, fold_head *h, ov_error *err)
{
    ov_vec initial = initial_of(o);
    return h->begun ? OV_OK : take(o, h, &initial, 0, err);
}

/* Each of the groups once more. */
static ov_status settle(ov_object *o, const uint32_t *group, uint32_t n, ov_error *err)
{
    fold_shared *s = o->shared;
    ov_vec sets, value;
    ov_arena_reset(&s->round);
    OV_TRY(values_of(o, group, n, &s->round, &sets, err));
    OV_TRY(evaluate(o, fold_of(o)->settle, &sets, 1, n, &value, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(take(o, ov_object_at(o, group[i]), &value, i, err));
    return OV_OK;
}

static ov_status add_tails(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *args, ov_arena *scratch,
                           ov_error *err)
{
    fold_shared *s = o->shared;
    uint32_t *row, *group, argc = o->call->argc, n = 0;
    ov_vec *columns, tails;
    OV_TRY(ov_arena_alloc(scratch, (rows->rows + (size_t)1) * sizeof *row, &row, err));
    OV_TRY(ov_arena_alloc(scratch, (rows->rows + (size_t)1) * sizeof *group, &group, err));
    OV_AGG_EACH(rows, mask, p, i) {
        row[n] = i;
        group[n++] = ov_agg_group(rows, p, i);
    }
    if (n == 0)
        return OV_OK;
    ov_arena_reset(&s->round);
    OV_TRY(ov_arena_alloc(&s->round, (argc + (size_t)1) * sizeof *columns, &columns, err));
    columns[0] = ov_vec_null(fold_of(o)->initial->type, n);
    for (uint32_t k = 0; k < argc; k++)
        OV_TRY(ov_vec_gather(&args[k], row, n, &s->round, &columns[1 + k], err));
    OV_TRY(evaluate(o, fold_of(o)->tail, columns, argc + 1, n, &tails, err));
    uint32_t touched = 0;
    s->batch++;
    for (uint32_t i = 0; i < n; i++) {
        fold_head *h = ov_object_at(o, group[i]);
        OV_TRY(begin(o, h, err));
        if (!ov_vec_is_null(&tails, i))
            OV_TRY(put_behind(o, h, ov_vec_str(&tails, i), err));
        if (h->seen != s->batch)
            group[touched++] = group[i]; /* touched <= i */
        h->seen = s->batch;
    }
    return fold_of(o)->settle ? settle(o, group, touched, err) : OV_OK;
}

static ov_status add_fold(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args, ov_arena *scratch,
                          ov_error *err)
{
    ov_vec *flat;
    turns t;
    OV_TRY(ov_arena_alloc(scratch, (o->call->argc + (size_t)1) * sizeof *flat, &flat, err));
    for (uint32_t k = 0; k < o->call->argc; k++) {
        if (fold_of(o)->skip_nulls)
            OV_TRY(ovi_present(args[k], rows, mask, scratch, &mask, err));
        OV_TRY(ov_vec_flatten(args[k], scratch, &flat[k], err));
    }
    if (fold_of(o)->tail)
        return add_tails(o, rows, mask, flat, scratch, err);
    OV_TRY(sort_by_turn(o, rows, mask, scratch, &t, err));
    for (uint32_t i = 0; t.count && i < t.first[1]; i++)
        OV_TRY(begin(o, ov_object_at(o, t.group[i]), err));
    for (uint32_t k = 0; k < t.count; k++)
        OV_TRY(fold_rows(o, flat, t.row + t.first[k], t.group + t.first[k], t.first[k + 1] - t.first[k], err));
    return OV_OK;
}

/* ---- merging, results, bytes ---- */

static ov_status merge_fold(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n, ov_error *err)
{
    fold_shared *s = dst->shared;
    for (size_t i = 0; i < n; i++) {
        fold_head *h = ov_object_at(dst, to[i]);
        ov_vec columns[2], value;
        if (!((const fold_head *)ov_object_at(src, from[i]))->begun)
            continue;
        ov_arena_reset(&s->round);
        OV_TRY(values_of(src, &from[i], 1, &s->round, &columns[1], err));
        value = columns[1];
        if (h->begun) {
            OV_TRY(values_of(dst, &to[i], 1, &s->round, &columns[0], err));
            OV_TRY(evaluate(dst, fold_of(dst)->combine, columns, 2, 1, &value, err));
        }
        OV_TRY(take(dst, h, &value, 0, err));
    }
    return OV_OK;
}

static ov_status emit_fold(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                           ov_vec *vec, ov_error *err)
{
    (void)call;
    return values_of(o, order, n, out, vec, err);
}

static ov_status write_fold(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err)
{
    const fold_head *h = ov_object_at(o, group);
    char bytes[8];
    ov_buf_add_char(out, (char)(h->begun | h->is_null << 1));
    if (!h->begun || h->is_null)
        return ov_buf_check(out, err);
    ov_store_u64(bytes, (uint64_t)h->i); /* a number's bits, or a length */
    ov_buf_add(out, bytes, sizeof bytes);
    if (kind_of(o) == AS_TEXT && h->n)
        ov_buf_add(out, h->text, h->n);
    return ov_buf_check(out, err);
}

/* What was written is a value like any other: behind what the group holds. */
static ov_status read_fold(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    fold_head *h = ov_object_at(o, group);
    ov_type type = fold_of(o)->initial->type;
    fold_shared *s = o->shared;
    ov_vec columns[2], value;
    uint8_t flags;
    uint64_t bits;
    OV_TRY(ov_cursor_u8(in, &flags, err));
    if (!(flags & 1))
        return OV_OK;
    columns[1] = ov_vec_null(type, 1);
    if (!(flags & 2)) {
        double real;
        ov_slice text;
        OV_TRY(ov_cursor_u64(in, &bits, err));
        memcpy(&real, &bits, sizeof real);
        if (kind_of(o) == AS_LONG)
            columns[1] = ov_vec_const_i64(type, (int64_t)bits, 1);
        if (kind_of(o) == AS_REAL)
            columns[1] = ov_vec_const_f64(type, real, 1);
        if (kind_of(o) == AS_TEXT) {
            OV_TRY(ov_cursor_bytes(in, (size_t)bits, &text, err));
            columns[1] = ov_vec_const_str(type, text, 1);
        }
    }
    value = columns[1];
    if (h->begun) {
        ov_arena_reset(&s->round);
        OV_TRY(values_of(o, &group, 1, &s->round, &columns[0], err));
        OV_TRY(evaluate(o, fold_of(o)->combine, columns, 2, 1, &value, err));
    }
    return take(o, h, &value, 0, err);
}

static const ov_object_ops fold_ops = {
    .name = "expression",
    .state_bytes = sizeof(fold_head),
    .by_order = true,
    .in_turn = true,
    .open = open_fold,
    .close = close_fold,
    .add = add_fold,
    .merge = merge_fold,
    .emit = emit_fold,
    .write = write_fold,
    .read = read_fold,
};

static const ov_aggregate fold_fn = {.name = "expression",
                                     .kind = OV_AGG_OBJECT,
                                     .values = OV_AGG_ANY_ARGS,
                                     .max_args = OV_AGG_ANY_ARGS,
                                     .ops = &fold_ops,
                                     .signatures = "expression(expr, ...)"};

ov_status ov_fold_bind(ov_expr_ctx *cx, const ov_fold *fold, const ov_expr *const *args, uint32_t argc, const ov_expr *filter,
                       ov_agg_call *out, ov_error *err)
{
    enum { PARAMS = 5 }; /* what tells two folds apart */
    const ov_expr **own;
    OV_TRY(ov_arena_alloc(cx->arena, (argc + (size_t)PARAMS) * sizeof *own, &own, err));
    if (argc)
        memcpy(own, args, argc * sizeof *own);
    const ov_expr **params = own + argc;
    params[0] = fold->initial;
    params[1] = fold->fold;
    params[2] = fold->combine;
    OV_TRY(ov_expr_i64(cx, OV_SQL_BIGINT, fold->skip_nulls | fold->initial_of_nothing << 1, &params[3], err));
    OV_TRY(ov_expr_i64(cx, OV_SQL_BIGINT, (int64_t)fold->most_bytes, &params[4], err));
    *out = (ov_agg_call){.fn = &fold_fn,
                         .args = own,
                         .argc = argc,
                         .params = params,
                         .param_count = PARAMS,
                         .prepared = fold,
                         .filter = filter,
                         .nullable = true};
    ovi_agg_result(out, fold->initial->type, (ov_sqltype)fold->initial->sql);
    return OV_OK;
}
