/*
 * CASE, COALESCE, NULLIF, IF, GREATEST, LEAST: each row takes its value from one of the arguments. Arguments are evaluated
 * only for the rows that get that far.
 */
#include "query/expr/list_int.h"

/* CASE whose branches are text constants yields codes into this domain instead of text. */
typedef struct case_labels {
    ov_domain domain;
    ov_vec values;
    uint8_t *code; /* per branch, the ELSE last */
} case_labels;

/* ---- binding ---- */

static ov_status cast_branch(ovi_bind *b, uint32_t i, ov_sqltype to, ov_error *err)
{
    if (to == OV_SQL_OTHER) { /* complex values: all of one type, b->type */
        if (b->args[i]->sql == OV_SQL_NULL) {
            ov_expr *null;
            OV_TRY(ovi_node(b->cx, OV_EXPR_CONST, to, b->type, &null, err));
            null->nullable = null->constant.is_null = true;
            b->args[i] = null;
        }
        if (ov_type_eq(b->args[i]->type, b->type))
            return OV_OK;
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                          "%s does not mix complex types", b->fn->name);
    }
    if (to == OV_SQL_ARRAY) {
        if (ovi_is_null(b->args[i]))
            return ovi_null_of(b->cx, to, b->type, &b->args[i], err);
        return ovi_want_list_of(b, i, b->elem_sql, err);
    }
    if (b->args[i]->type.multi && ov_sqltype_is_text(to))
        return OV_OK;
    return ovi_want(b, i, to, err);
}

/* The type that the elements of arrays meet in. */
static ov_status meet_elements(ovi_bind *b, const ov_expr *const *items, uint32_t n, ov_error *err)
{
    ov_sqltype to = OV_SQL_NULL;
    ov_type elem = OV_T(OV_TYPE_NULL);
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->type.id != OV_TYPE_ARRAY)
            continue;
        ov_type t = ovi_elem_type(items[i]);
        ov_sqltype u = ovi_elem_sql(items[i]);
        bool numbers = ov_sqltype_is_number(to) && ov_sqltype_is_number(u);
        bool texts = t.id == OV_TYPE_STRING || elem.id == OV_TYPE_STRING; /* numbers beside texts are texts */
        if (elem.id != OV_TYPE_NULL && texts && t.id <= OV_TYPE_STRING && elem.id <= OV_TYPE_STRING) {
            to = OV_SQL_VARCHAR;
            elem = OV_T(OV_TYPE_STRING);
            continue;
        }
        if (elem.id != OV_TYPE_NULL && !ov_type_eq(elem, t) && !numbers)
            return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "Illegal mixing of types in %s: arrays of %s and of %s have no common type", b->fn->name,
                              ov_sqltype_name(to), ov_sqltype_name(u));
        to = to == OV_SQL_NULL ? u : numbers ? ovi_meet_numbers(to, u) : to;
        elem = numbers ? ov_sqltype_native(to) : t;
    }
    ovi_result_array(b, elem, to);
    return OV_OK;
}

/* The result's type; complex ones have the name of the first that has one. */
static ov_status set_type(ovi_bind *b, const ov_expr *const *items, uint32_t n, ov_sqltype to, ov_error *err)
{
    if (to == OV_SQL_ARRAY)
        return meet_elements(b, items, n, err);
    ovi_result(b, to);
    for (uint32_t i = n; i-- > 0;) {
        if (to == OV_SQL_OTHER && items[i]->type.id == OV_TYPE_COMPLEX)
            b->type = items[i]->type;
        if (ov_sqltype_is_text(to) && items[i]->type.multi) /* plain texts beside are lists of one */
            b->type.multi = 1;
    }
    return OV_OK;
}

static int label_order(const ov_expr *a, const ov_expr *b)
{
    if (ovi_is_null(a) || ovi_is_null(b))
        return (int)ovi_is_null(b) - (int)ovi_is_null(a);
    return ov_slice_cmp(a->constant.s, b->constant.s);
}

/* Distinct labels in value order, NULL first, and each branch's place among them. */
ov_status ovi_case_labels(ov_expr_ctx *cx, const ov_expr *const *args, uint32_t argc, ov_sqltype sql,
                          const void **out, ov_error *err)
{
    uint32_t branches = argc / 2 + 1, n = 0;
    const ov_expr *label[256], *sorted[256];
    *out = NULL;
    if (branches > 255 || !ov_sqltype_is_text(sql))
        return OV_OK;
    for (uint32_t k = 0; k < branches; k++) {
        label[k] = args[k + 1 < branches ? 2 * k + 1 : argc - 1];
        if (!ovi_is_const(label[k]) || label[k]->type.multi)
            return OV_OK;
        uint32_t at = 0;
        while (at < n && label_order(sorted[at], label[k]) < 0)
            at++;
        if (at < n && label_order(sorted[at], label[k]) == 0)
            continue;
        memmove(sorted + at + 1, sorted + at, (n - at) * sizeof *sorted);
        sorted[at] = label[k];
        n++;
    }
    case_labels *l;
    ov_slice *text;
    OV_TRY(ov_arena_zalloc(cx->arena, sizeof *l, &l, err));
    OV_TRY(ov_arena_zalloc(cx->arena, branches, &l->code, err));
    OV_TRY(ov_arena_lanes(cx->arena, (n + 64) * sizeof *text, &text, err));
    for (uint32_t i = 0; i < n; i++)
        text[i] = ovi_is_null(sorted[i]) ? (ov_slice){0} : sorted[i]->constant.s;
    for (uint32_t k = 0; k < branches; k++)
        while (label_order(sorted[l->code[k]], label[k]) != 0)
            l->code[k]++;
    l->values = ov_vec_flat(OV_T(OV_TYPE_STRING), text, NULL, n);
    l->domain = (ov_domain){.id = ov_domain_next_id(),
                            .count = n,
                            .type = OV_T(OV_TYPE_STRING),
                            .sorted = true,
                            .unique = true,
                            .has_null = ovi_is_null(sorted[0]),
                            .values = &l->values};
    *out = l;
    return OV_OK;
}

/* args: when, then, ..., [else] */
ov_status ovi_bind_case(ovi_bind *b, ov_error *err)
{
    const ov_expr **values;
    uint32_t n = 0;
    if (b->argc % 2 == 0) /* room for one more is always there */
        OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &b->args[b->argc++], err));
    OV_TRY(ov_arena_alloc(b->cx->arena, b->argc * sizeof *values, &values, err));
    for (uint32_t i = 0; i + 1 < b->argc; i += 2) {
        OV_TRY(ovi_want_bool(b, i, err));
        values[n++] = b->args[i + 1];
    }
    values[n++] = b->args[b->argc - 1];
    ov_sqltype to;
    OV_TRY(ovi_meet(b, values, n, &to, err));
    if (to == OV_SQL_NULL)
        return ov_expr_null(b->cx, OV_SQL_NULL, &b->replace, err);
    OV_TRY(set_type(b, values, n, to, err));
    b->nullable = false;
    for (uint32_t i = 1; i < b->argc; i += 2) {
        OV_TRY(cast_branch(b, i, to, err));
        b->nullable = b->nullable || b->args[i]->nullable;
    }
    OV_TRY(cast_branch(b, b->argc - 1, to, err));
    b->nullable = b->nullable || b->args[b->argc - 1]->nullable;
    return ovi_case_labels(b->cx, b->args, b->argc, to, &b->prepared, err);
}

ov_status ovi_bind_if(ovi_bind *b, ov_error *err)
{
    return ovi_call_fn(b->cx, "CASE", b->args, b->argc, b->pos, b->end_pos, &b->replace, err);
}

ov_status ovi_bind_coalesce(ovi_bind *b, ov_error *err)
{
    ov_sqltype to;
    OV_TRY(ovi_meet(b, b->args, b->argc, &to, err));
    if (to == OV_SQL_NULL)
        return ov_expr_null(b->cx, OV_SQL_NULL, &b->replace, err);
    OV_TRY(set_type(b, b->args, b->argc, to, err));
    b->nullable = true;
    for (uint32_t i = 0; i < b->argc; i++) {
        OV_TRY(cast_branch(b, i, to, err));
        b->nullable = b->nullable && b->args[i]->nullable;
    }
    b->fn = ovi_function_find(OV_SLICE_LIT("COALESCE")); /* NVL and IFNULL are other names */
    return OV_OK;
}

ov_status ovi_bind_nullif(ovi_bind *b, ov_error *err)
{
    const ov_expr *same, *null, *x = b->args[0];
    if (x->sql == OV_SQL_NULL) {
        b->replace = x;
        return OV_OK;
    }
    OV_TRY(ovi_call_fn(b->cx, "=", b->args, 2, b->pos, b->end_pos, &same, err));
    OV_TRY(ovi_null_of(b->cx, (ov_sqltype)x->sql, x->type, &null, err));
    return ovi_call_fn(b->cx, "CASE", (const ov_expr *[]){same, null, x}, 3, b->pos, b->end_pos,
                       &b->replace, err);
}

/* Numbers meet in BIGINT or DOUBLE; anything beside text is compared as text. */
ov_status ovi_bind_extreme(ovi_bind *b, ov_error *err)
{
    bool text = false, wide = false, real = false;
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < b->argc; i++) {
        const ov_expr *e = b->args[i];
        text = text || ov_sqltype_is_text((ov_sqltype)e->sql);
        wide = wide || e->sql == OV_SQL_VARCHAR;
        real = real || ov_type_is_real(e->type);
        nulls += e->sql == OV_SQL_NULL;
    }
    if (nulls == b->argc)
        return ov_expr_null(b->cx, OV_SQL_NULL, &b->replace, err);
    b->nullable = true;
    for (uint32_t i = 0; i < b->argc; i++) {
        if (text)
            OV_TRY(ovi_want_text(b, i, err));
        else if (real)
            OV_TRY(ovi_want_double(b, i, err));
        else
            OV_TRY(ovi_want_long(b, i, err));
        b->nullable = b->nullable && b->args[i]->nullable;
    }
    ovi_result(b, text ? (wide ? OV_SQL_VARCHAR : OV_SQL_CHAR) : real ? OV_SQL_DOUBLE : OV_SQL_BIGINT);
    return OV_OK;
}

/* ---- evaluation ---- */

typedef struct scatter {
    union {
        int64_t *i;
        ov_slice *s;
        ovi_items *items;
    };
    bool text, list;
    const ov_expr *e;
    uint64_t *valid;
    ov_type type;
    uint32_t rows;
} scatter;

static ov_status scatter_init(ov_eval *ev, const ov_expr *e, uint32_t rows, scatter *s, ov_error *err)
{
    *s = (scatter){.text = !ov_type_is_int(e->type) && !ov_type_is_real(e->type),
                   .type = e->type,
                   .rows = rows};
    s->list = ov_type_is_list(e->type);
    s->e = e;
    size_t width = s->list ? sizeof(ovi_items) : s->text ? sizeof(ov_slice) : 8;
    size_t bytes = OV_MAX(ov_words(rows), (size_t)1) * 64 * width;
    OV_TRY(ov_arena_lanes(&ev->mem, bytes, &s->i, err));
    if (s->text)
        memset(s->s, 0, bytes);
    return ovi_words(&ev->mem, rows, &s->valid, err);
}

/* Rows of `take` get v's values. */
static ov_status scatter_add(ov_eval *ev, scatter *s, const ov_vec *v, const uint64_t *take,
                             ov_error *err)
{
    ovi_arg a, *kept;
    size_t rows = s->rows;
    OV_TRY(ovi_arg_of(ev, v, &a, err));
    if (a.all_null)
        return OV_OK;
    if (!a.step)
        a.i = &a.vec.c.i;
    uint64_t *present;
    OV_TRY(ovi_words(&ev->mem, rows, &present, err));
    ov_bits_copy(present, take, rows);
    if (a.valid)
        ov_bits_and(present, a.valid, rows);
    ov_bits_or(s->valid, present, rows);
    if (s->list) { /* the elements stay where they are */
        OV_TRY(ov_arena_alloc(&ev->mem, sizeof *kept, &kept, err));
        *kept = a;
        for (size_t r = ov_bits_next(present, rows, 0); r < rows; r = ov_bits_next(present, rows, r + 1))
            s->items[r] = ovi_items_of(kept, (uint32_t)r);
        return OV_OK;
    }
    if (!s->text) { /* doubles have the same width */
        ev->k->blend_i64(present, a.i, a.step, rows, s->i);
        return OV_OK;
    }
    for (size_t r = ov_bits_next(present, rows, 0); r < rows; r = ov_bits_next(present, rows, r + 1))
        s->s[r] = ovi_str(&a, r);
    return OV_OK;
}

static ov_status scatter_lists(ov_eval *ev, const scatter *s, ov_vec *out, ov_error *err)
{
    ovi_call c = {.ev = ev, .e = s->e, .mem = &ev->mem, .rows = s->rows};
    ovi_list l;
    OV_TRY(ovi_list_init(&l, &c, ovi_elem_type(s->e), err));
    for (size_t r = ov_bits_next(s->valid, s->rows, 0); r < s->rows; r = ov_bits_next(s->valid, s->rows, r + 1)) {
        ovi_list_row(&l, (uint32_t)r);
        OV_TRY(ovi_list_put_all(&l, &s->items[r], err));
    }
    return ovi_list_finish(&l, out, err);
}

static ov_status scatter_finish(ov_eval *ev, const scatter *s, ov_vec *out, ov_error *err)
{
    if (s->list)
        return scatter_lists(ev, s, out, err);
    *out = ov_vec_flat(s->type, s->i, ov_bits_all(s->valid, s->rows) ? NULL : s->valid, s->rows);
    return OV_OK;
}

/* Rows of `todo` for which arg i holds; they leave `todo`. */
static ov_status take_branch(ov_eval *ev, const ov_expr *when, const ov_batch *batch, uint64_t *todo,
                             uint64_t *take, ov_error *err)
{
    ov_batch narrow = ovi_narrow(batch, todo);
    OV_TRY(ovi_test(ev, when, &narrow, &(ovi_truth){take, NULL}, err));
    ov_bits_andnot(todo, take, batch->rows);
    return OV_OK;
}

static ov_status eval_labels(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                             ov_error *err)
{
    const case_labels *l = e->prepared;
    uint8_t *codes;
    uint64_t *todo, *take;
    size_t rows = batch->rows, padded = OV_MAX(ov_words(rows), (size_t)1) * 64;
    OV_TRY(ov_arena_lanes(&ev->mem, padded, &codes, err));
    OV_TRY(ovi_fill(ev, batch, &todo, err));
    OV_TRY(ovi_words(&ev->mem, rows, &take, err));
    uint32_t branches = e->argc / 2 + 1;
    memset(codes, l->code[branches - 1], padded);
    for (uint32_t k = 0; k + 1 < branches && ov_bits_any(todo, rows); k++) {
        OV_TRY(take_branch(ev, e->args[2 * k], batch, todo, take, err));
        ev->k->blend_u8(take, l->code[k], rows, codes);
    }
    *out = (ov_vec){.type = e->type,
                    .enc = OV_ENC_DICT,
                    .lane = 1,
                    .rows = batch->rows,
                    .divisor = 1,
                    .data = codes,
                    .dict = &l->domain};
    return OV_OK;
}

ov_status ovi_eval_case(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                        ov_error *err)
{
    if (e->prepared && !ev->general_only)
        return eval_labels(ev, e, batch, out, err);
    scatter s;
    uint64_t *todo, *take;
    ov_vec v;
    OV_TRY(scatter_init(ev, e, batch->rows, &s, err));
    OV_TRY(ovi_fill(ev, batch, &todo, err));
    OV_TRY(ovi_words(&ev->mem, batch->rows, &take, err));
    for (uint32_t i = 0; i + 1 < e->argc && ov_bits_any(todo, batch->rows); i += 2) {
        OV_TRY(take_branch(ev, e->args[i], batch, todo, take, err));
        if (!ov_bits_any(take, batch->rows))
            continue;
        ov_batch narrow = ovi_narrow(batch, take);
        OV_TRY(ovi_eval(ev, e->args[i + 1], &narrow, &v, err));
        OV_TRY(scatter_add(ev, &s, &v, take, err));
    }
    if (ov_bits_any(todo, batch->rows)) {
        ov_batch narrow = ovi_narrow(batch, todo);
        OV_TRY(ovi_eval(ev, e->args[e->argc - 1], &narrow, &v, err));
        OV_TRY(scatter_add(ev, &s, &v, todo, err));
    }
    return scatter_finish(ev, &s, out, err);
}

ov_status ovi_eval_coalesce(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                            ov_error *err)
{
    scatter s;
    uint64_t *todo;
    OV_TRY(scatter_init(ev, e, batch->rows, &s, err));
    OV_TRY(ovi_fill(ev, batch, &todo, err));
    for (uint32_t i = 0; i < e->argc && ov_bits_any(todo, batch->rows); i++) {
        ov_vec v;
        ov_batch narrow = ovi_narrow(batch, todo);
        OV_TRY(ovi_eval(ev, e->args[i], &narrow, &v, err));
        OV_TRY(scatter_add(ev, &s, &v, todo, err));
        ov_bits_andnot(todo, s.valid, batch->rows);
    }
    return scatter_finish(ev, &s, out, err);
}

static bool beats(const ovi_call *c, const ovi_arg *a, const ovi_arg *b, size_t r, bool greatest)
{
    int order;
    if (c->e->type.id == OV_TYPE_STRING) {
        order = ov_slice_cmp(ovi_str(a, r), ovi_str(b, r));
    } else if (ov_type_is_real(c->e->type)) {
        double x = ovi_f64(a, r), y = ovi_f64(b, r);
        bool less = !(x >= y) && x == x, more = !(y >= x) && y == y; /* NaN is the greatest */
        order = (int)more - (int)less;
    } else {
        int64_t x = ovi_i64(a, r), y = ovi_i64(b, r);
        order = (x > y) - (x < y);
    }
    return greatest ? order > 0 : order < 0;
}

/* NULL arguments do not count; all NULL is NULL. */
ov_status ovi_eval_extreme(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    bool greatest = c->e->fn->name[0] == 'G';
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        const ovi_arg *best = NULL;
        for (uint32_t i = 0; i < c->argc; i++) {
            const ovi_arg *a = &c->arg[i];
            if (!ovi_arg_null(a, r) && (!best || beats(c, a, best, r, greatest)))
                best = a;
        }
        if (!best)
            ovi_null_row(&l, r);
        else if (c->e->type.id == OV_TYPE_STRING)
            l.s[r] = ovi_str(best, r);
        else
            l.i[r] = ovi_i64(best, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- $ONE_ROW(value, rows): the value, of which there must not be several ---- */

ov_status ovi_bind_one_row(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_long(b, 1, err));
    OV_TRY(set_type(b, b->args, 1, (ov_sqltype)b->args[0]->sql, err));
    b->type = b->args[0]->type;
    return OV_OK;
}

ov_status ovi_eval_one_row(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t k = 0; k < n; k++)
        if (ovi_i64(&c->arg[1], rows[k]) > 1)
            return ov_fail(err, OV_INVALID, "singleValue: expected at most one row, found %lld", (long long)ovi_i64(&c->arg[1], rows[k]));
    *out = c->arg[0].vec;
    out->rows = c->rows;
    return OV_OK;
}
