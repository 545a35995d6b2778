/*
 * The aggregator `expression`: an initial value, an expression that takes in a row, one that puts two values together, one for the end.
 *
 * Names in `fold` are the accumulator (`__acc`) and what `fields` lists; in `combine` the accumulator and the aggregator itself; in
 * `finalize` it is `o`. An accumulator that begins whole becomes a DOUBLE when fold makes DOUBLEs. Arrays are kept as bytes ($PACK_LIST),
 * since states are plain values.
 */
#include "base/bits.h"
#include "query/agg/fold.h"
#include "query/native/native_agg_int.h"

enum { DEFAULT_MOST_BYTES = 1024, LEAST_MOST_BYTES = 10 };

/* What names mean in one of the expressions: column i of its batch. */
typedef struct fold_scope {
    uint32_t count;
    const ov_slice *names;
    const ov_expr **columns;
    bool constant; /* there are no names */
} fold_scope;

static ov_status find_column(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    const fold_scope *s = ctx;
    (void)cx;
    *out = NULL;
    if (s->constant)
        return ov_fail(err, OV_INVALID, "expected a constant, found the name '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
    for (uint32_t i = 0; i < s->count && !*out; i++)
        if (ov_slice_eq(s->names[i], name))
            *out = s->columns[i];
    return OV_OK;
}

typedef struct fold_binder {
    ovi_nagg_binder *b;
    const ov_json *json;
    ov_slice accumulator;
    ov_slice *fields;     /* names; [0] is the accumulator's */
    const ov_expr **args; /* of fields 1 .. */
    uint32_t field_count; /* the accumulator counted */
    const ov_native *fold;
    const ov_expr *like; /* a NULL of the accumulator's type */
} fold_binder;

/* The member's tree; *out NULL when there is none and none is needed. */
static ov_status parse(fold_binder *f, const char *member, bool needed, const ov_native **out)
{
    ov_error *err = f->b->err;
    ov_slice text;
    *out = NULL;
    OV_TRY(ov_json_str(f->json, member, (ov_slice){"", 0}, &text, err));
    if (text.n == 0 && !needed)
        return OV_OK;
    OV_TRY(ov_json_need_str(f->json, member, &text, err));
    ov_status st = ov_native_parse(text, f->b->s->p->arena, out, err);
    if (st == OV_OK)
        st = ov_native_check(*out, err);
    return ovi_nfail_at(ov_json_get(f->json, member), st, err);
}

static ov_status bind(fold_binder *f, const char *member, const ov_native *tree, const fold_scope *names, const ov_expr **out)
{
    ov_native_scope scope = {.ctx = (void *)(uintptr_t)names, .column = find_column};
    ov_status st = ov_native_bind(tree, &scope, f->b->s->p->cx, out, f->b->err);
    return ovi_nfail_at(ov_json_get(f->json, member), st, f->b->err);
}

static ov_status kept(fold_binder *f, const char *member, const ov_expr *e, const ov_expr **out)
{
    return ovi_nfail_at(ov_json_get(f->json, member), ovi_native_keep(f->b->s->p->cx, f->like, e, out, f->b->err), f->b->err);
}

/* ---- the parts ---- */

static ov_status read_fields(fold_binder *f)
{
    ovi_nagg_binder *b = f->b;
    const ov_json *list;
    OV_TRY(ov_json_arr(f->json, "fields", &list, b->err));
    size_t room = (list ? list->count : 0) + (size_t)1;
    OV_TRY(ov_arena_alloc(b->s->p->arena, room * sizeof *f->fields, &f->fields, b->err));
    OV_TRY(ov_arena_alloc(b->s->p->arena, room * sizeof *f->args, &f->args, b->err));
    f->fields[0] = f->accumulator;
    f->field_count = 1;
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next) {
        ov_slice name;
        OV_TRY(ov_json_as_str(v, &name, b->err));
        f->fields[f->field_count] = name;
        OV_TRY(ovi_nscope_value(b->s, name, &f->args[f->field_count], b->err));
        if (f->args[f->field_count]->type.id == OV_TYPE_NULL)
            OV_TRY(ov_expr_null(b->s->p->cx, OV_SQL_VARCHAR, &f->args[f->field_count], b->err));
        f->field_count++;
    }
    return OV_OK;
}

/* The initial value, which must be a constant; *out as it is kept. */
static ov_status bind_initial(fold_binder *f, const char *member, const ov_expr **out)
{
    fold_scope nothing = {.constant = true};
    const ov_native *tree;
    OV_TRY(parse(f, member, true, &tree));
    OV_TRY(bind(f, member, tree, &nothing, out));
    if ((*out)->kind != OV_EXPR_CONST)
        return ov_json_fail(ov_json_get(f->json, member), f->b->err, OV_INVALID, "expected a constant");
    return OV_OK;
}

/* `fold` over the accumulator at column 0 and the fields behind it. */
static ov_status fold_step(void *self, const ov_expr *like, const ov_expr **out, ov_error *err)
{
    fold_binder *f = self;
    ov_expr_ctx *cx = f->b->s->p->cx;
    const ov_expr **columns;
    OV_TRY(ov_arena_alloc(f->b->s->p->arena, f->field_count * sizeof *columns, &columns, err));
    OV_TRY(ovi_native_accumulator(cx, like, 0, &columns[0], err));
    for (uint32_t i = 1; i < f->field_count; i++) {
        const ov_expr *x = f->args[i];
        if (x->type.id == OV_TYPE_ARRAY)
            OV_TRY(ov_expr_array_column(cx, i, x->type, (ov_sqltype)x->elem_sql, true, &columns[i], err));
        else
            OV_TRY(ov_expr_column(cx, i, x->type, (ov_sqltype)x->sql, true, &columns[i], err));
    }
    fold_scope names = {.count = f->field_count, .names = f->fields, .columns = columns};
    return bind(f, "fold", f->fold, &names, out);
}

/* Absent: fold, with the one field's name for the aggregator's own. */
static ov_status bind_combine(fold_binder *f, ov_slice name, const ov_expr **out)
{
    const ov_native *tree;
    const ov_expr *columns[2];
    bool given = ov_json_find(f->json, "combine") != NULL;
    if (!given && f->field_count != 2)
        return ov_json_fail(f->json, f->b->err, OV_INVALID, "'combine' is missing; only with one field it may be left out");
    OV_TRY(parse(f, "combine", given, &tree));
    ov_slice list[2] = {f->accumulator, given ? name : f->fields[1]};
    fold_scope names = {.count = 2, .names = list, .columns = columns};
    for (uint32_t i = 0; i < 2; i++)
        OV_TRY(ovi_native_accumulator(f->b->s->p->cx, f->like, i, &columns[i], f->b->err));
    OV_TRY(bind(f, given ? "combine" : "fold", given ? tree : f->fold, &names, out));
    return kept(f, given ? "combine" : "fold", *out, out);
}

static bool calls(const ov_expr *e, const char *name)
{
    return strcmp(ov_expr_function(e), name) == 0;
}

/* What array_append(accumulator, x) or array_concat puts behind the accumulator, as an array of its own; *out NULL: it is none of
 * these, or looks at the accumulator. */
static ov_status find_behind(fold_binder *f, const ov_expr *e, const ov_expr **out)
{
    ov_expr_ctx *cx = f->b->s->p->cx;
    uint64_t *reads;
    *out = NULL;
    if (!calls(e, "ARRAY_APPEND") && !calls(e, "ARRAY_CONCAT"))
        return OV_OK;
    const ov_expr *list = e->args[0], *behind = e->args[1];
    if (!calls(list, "$UNPACK_LIST") || list->args[0]->kind != OV_EXPR_COLUMN || list->args[0]->column != 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(cx->arena, ov_words(f->field_count) * 8, &reads, f->b->err));
    ov_expr_columns(behind, reads, f->field_count);
    if (ov_bits_test(reads, 0))
        return OV_OK;
    if (calls(e, "ARRAY_APPEND"))
        OV_TRY(ov_expr_call(cx, OV_SLICE_LIT("ARRAY"), &behind, 1, e->pos, e->end_pos, &behind, f->b->err));
    if (ov_type_eq(behind->type, e->type))
        *out = behind;
    return OV_OK;
}

/* A fold that only puts elements behind an array, or into a set. */
static ov_status find_tail(fold_binder *f, ov_fold *fold)
{
    ov_expr_ctx *cx = f->b->s->p->cx;
    const ov_expr *e = fold->fold, *behind;
    if (!calls(e, "$PACK_LIST"))
        return OV_OK;
    bool set = calls(e->args[0], "$ARRAY_SET");
    const ov_expr *grown = set ? e->args[0]->args[0] : e->args[0], *list = grown->argc ? grown->args[0] : NULL;
    OV_TRY(find_behind(f, grown, &behind));
    if (!behind)
        return OV_OK;
    OV_TRY(ov_expr_call(cx, OV_SLICE_LIT("$PACK_LIST"), &behind, 1, e->pos, e->end_pos, &fold->tail, f->b->err));
    if (!set)
        return OV_OK;
    OV_TRY(ov_expr_call(cx, OV_SLICE_LIT("$ARRAY_SET"), &list, 1, e->pos, e->end_pos, &list, f->b->err));
    return ov_expr_call(cx, OV_SLICE_LIT("$PACK_LIST"), &list, 1, e->pos, e->end_pos, &fold->settle, f->b->err);
}

ov_status ovi_nagg_fold(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    fold_binder f = {.b = b, .json = json};
    const ov_expr *initial, *ignored;
    ov_fold *fold;
    ov_agg_call *call;
    int64_t most;
    bool nulls, of_nothing;
    (void)k;
    OV_TRY(ov_json_str(json, "accumulatorIdentifier", OV_SLICE_LIT("__acc"), &f.accumulator, b->err));
    OV_TRY(ov_json_i64_in(json, "maxSizeBytes", DEFAULT_MOST_BYTES, LEAST_MOST_BYTES, INT32_MAX, &most, b->err));
    OV_TRY(ov_json_bool(json, "shouldAggregateNullInputs", true, &nulls, b->err));
    OV_TRY(ov_json_bool(json, "isNullUnlessAggregated", true, &of_nothing, b->err));
    OV_TRY(parse(&f, "compare", false, &b->agg->compare));
    OV_TRY(read_fields(&f));
    OV_TRY(bind_initial(&f, "initialValue", &initial));
    if (ov_json_find(json, "initialCombineValue"))
        OV_TRY(bind_initial(&f, "initialCombineValue", &ignored));
    OV_TRY(parse(&f, "fold", true, &f.fold));
    OV_TRY(ov_arena_zalloc(b->s->p->arena, sizeof *fold, &fold, b->err));
    OV_TRY(ovi_nfail_at(ov_json_get(json, "fold"),
                        ovi_native_settle(b->s->p->cx, initial, fold_step, &f, &f.like, &fold->fold, b->err), b->err));
    OV_TRY(find_tail(&f, fold));
    OV_TRY(kept(&f, "initialValue", initial, &fold->initial));
    OV_TRY(bind_combine(&f, b->agg->name, &fold->combine));
    OV_TRY(parse(&f, "finalize", false, &b->agg->final));
    if (!b->finalize)
        b->agg->final = NULL;
    b->agg->folded = f.like;
    fold->skip_nulls = !nulls;
    fold->initial_of_nothing = !of_nothing;
    fold->most_bytes = (uint64_t)most;
    OV_TRY(ovi_nagg_room(b, &call));
    b->agg->call = b->aggs->call_count;
    OV_TRY(ov_fold_bind(b->s->p->cx, fold, f.args + 1, f.field_count - 1, b->filter, call, b->err));
    b->aggs->call_count++;
    return OV_OK;
}

void ovi_nagg_orders(ovi_naggs *aggs, ov_slice name)
{
    for (uint32_t i = 0; i < aggs->count; i++) {
        ovi_nagg *agg = &aggs->list[i];
        if (!agg->compare || agg->orders || !ov_slice_eq(agg->name, name))
            continue;
        agg->orders = true;
        aggs->order_count++;
    }
}

ov_status ovi_nagg_compare(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr **out, ov_error *err)
{
    static const ov_slice names[2] = {OV_SLICE_LIT("o1"), OV_SLICE_LIT("o2")};
    const ov_expr *columns[2];
    fold_scope both = {.count = 2, .names = names, .columns = columns};
    ov_native_scope scope = {.ctx = &both, .column = find_column};
    for (uint32_t i = 0; i < 2; i++)
        OV_TRY(ovi_native_accumulator(p->cx, agg->folded, i, &columns[i], err));
    ov_status st = ov_native_bind(agg->compare, &scope, p->cx, out, err);
    if (st == OV_OK && ov_type_is_list((*out)->type))
        st = ov_fail(err, OV_INVALID, "expected a number: below zero, zero or above it");
    if (st == OV_OK)
        st = ovi_ncast(p, *out, OV_SQL_BIGINT, out, err);
    const ov_json *json = agg->json; /* a `filtered` one holds it */
    while (!ov_json_find(json, "compare") && ov_json_find(json, "aggregator"))
        json = ov_json_find(json, "aggregator");
    return ovi_nfail_at(ov_json_get(json, "compare"), st, err);
}

ov_status ovi_nagg_fold_result(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr **value, ov_error *err)
{
    static const ov_slice o = OV_SLICE_LIT("o");
    if (agg->folded->type.id == OV_TYPE_ARRAY)
        OV_TRY(ov_plan_unpacked(p->cx, *value, agg->folded, value, err));
    if (!agg->final)
        return OV_OK;
    fold_scope names = {.count = 1, .names = &o, .columns = value};
    ov_native_scope scope = {.ctx = &names, .column = find_column};
    return ovi_nfail_at(ov_json_get(agg->json, "finalize"), ov_native_bind(agg->final, &scope, p->cx, value, err), err);
}
