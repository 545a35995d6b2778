/*
 * Sketches of Druid's own and tuple sketches as aggregates: BLOOM_FILTER, APPROX_QUANTILE, APPROX_QUANTILE_FIXED_BUCKETS, DS_TUPLE_DOUBLES; distinct
 * counts over columns of hyperUnique sketches, variances over columns of variances.
 *
 * Unlike sketches of numbers alone these are told of values of any type, of several values a row, and of rows without one.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/bloom.h"
#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/hyperunique.h"
#include "sketch/moments.h"
#include "sketch/tuple.h"

typedef struct sketch_params {
    ov_image_params head;
    double rank;     /* of the answer */
    bool population; /* variance */
    bool root;
} sketch_params;

/* ---- values ---- */

/* Row i of a flat vector; false: NULL. */
static bool value_at(const ov_vec *x, uint32_t i, ov_sketch_value *v)
{
    if (ov_vec_is_null(x, i))
        return false;
    if (ov_type_is_int(x->type)) {
        v->kind = OV_SKETCH_INT;
        v->i = ((const int64_t *)x->data)[i];
    } else if (ov_type_is_real(x->type)) {
        v->kind = x->type.id == OV_TYPE_FLOAT ? OV_SKETCH_FLOAT : OV_SKETCH_REAL;
        v->f = ((const double *)x->data)[i];
    } else {
        v->kind = OV_SKETCH_TEXT;
        v->s = ((const ov_slice *)x->data)[i];
    }
    return true;
}

typedef struct feeding {
    ov_object *o;
    const ov_image_params *p;
    ov_sketch_mem mem;
    ov_sketch_value v[256]; /* of one row */
    uint32_t n;
} feeding;

static ov_status feed(feeding *f, uint32_t group, bool present, ov_error *err)
{
    return f->p->kind->sketch->add(ov_object_at(f->o, group), &f->p->args, f->v, present ? f->n : 0, &f->mem, err);
}

static ov_status feed_list(feeding *f, uint32_t group, const ov_vec *x, uint32_t row, ov_arena *scratch, ov_error *err)
{
    uint32_t first, end;
    ov_vec items;
    if (ov_vec_is_null(x, row))
        return feed(f, group, false, err);
    const ov_vec *list = ov_vec_list(x, row, &first, &end);
    OV_TRY(ov_vec_flatten(list, scratch, &items, err));
    for (uint32_t k = first; k < end; k++) {
        bool present = value_at(&items, k, &f->v[0]);
        OV_TRY(feed(f, group, present, err));
    }
    return first == end ? feed(f, group, false, err) : OV_OK;
}

static ov_status add(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args, ov_arena *scratch,
                     ov_error *err)
{
    const ov_image_params *params = o->call->prepared;
    feeding f = {.o = o, .p = params, .mem = ov_object_mem(o), .n = o->call->argc};
    ov_vec *flat;
    if (params->of_images)
        return ov_images_add(o, rows, mask, args[0], scratch, err);
    OV_TRY(ov_arena_alloc(scratch, f.n * sizeof(*flat), &flat, err));
    for (uint32_t i = 0; i < f.n; i++) {
        ov_vec none = ov_vec_null(OV_T(OV_TYPE_DOUBLE), args[i]->rows);
        OV_TRY(ov_vec_flatten(args[i]->type.id == OV_TYPE_NULL ? &none : args[i], scratch, &flat[i], err));
    }
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t group = ov_agg_group(rows, p, i);
        for (uint32_t k = 1; k < f.n; k++)
            if (!value_at(&flat[k], i, &f.v[k]))
                f.v[k] = (ov_sketch_value){.kind = OV_SKETCH_REAL};
        if (ov_type_is_list(flat[0].type)) {
            ov_arena_mark mark = ov_arena_mark_get(scratch);
            OV_TRY(feed_list(&f, group, &flat[0], i, scratch, err));
            ov_arena_rewind(scratch, mark);
        } else {
            bool present = value_at(&flat[0], i, &f.v[0]);
            OV_TRY(feed(&f, group, present, err));
        }
    }
    return OV_OK;
}

/* ---- answers ---- */

static ov_status hyper_answer(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    (void)call, (void)scratch, (void)err;
    *out = ov_hyper_estimate(head);
    return OV_OK;
}

static ov_status histogram_answer(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    const sketch_params *p = call->prepared;
    (void)scratch, (void)err;
    *out = (double)ov_histogram_quantile(head, p->rank);
    return OV_OK;
}

static ov_status buckets_answer(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    const sketch_params *p = call->prepared;
    (void)scratch, (void)err;
    *out = (double)ov_buckets_quantile(head, p->rank);
    return OV_OK;
}

static ov_status moments_answer(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    const sketch_params *p = call->prepared;
    (void)scratch, (void)err;
    *out = ov_moments_variance(head, p->population);
    *out = p->root ? sqrt(*out) : *out;
    return OV_OK;
}

/* Over no values a variance is NULL. */
static ov_status emit_moments(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                              ov_vec *vec, ov_error *err)
{
    uint64_t *valid;
    OV_TRY(ov_image_emit(o, call, order, n, out, vec, err));
    OV_TRY(ov_arena_lanes(out, (ov_words(n) + 1) * sizeof(*valid), &valid, err));
    memset(valid, 0, (ov_words(n) + 1) * sizeof(*valid));
    for (uint32_t i = 0; i < n; i++)
        if (((const ov_moments *)ov_object_at(o, order[i]))->n)
            ov_bits_set(valid, i);
    *vec = ov_vec_flat(call->type, vec->data, valid, n);
    return OV_OK;
}

static const ov_image_kind hyper_kind = {OV_COMPLEX_HYPER_UNIQUE, &ov_hyper_ops, NULL, hyper_answer};
static const ov_image_kind bloom_kind = {OV_COMPLEX_BLOOM, &ov_bloom_ops, NULL, NULL};
static const ov_image_kind histogram_kind = {OV_COMPLEX_APPROX_HISTOGRAM, &ov_histogram_ops, NULL, histogram_answer};
static const ov_image_kind buckets_kind = {OV_COMPLEX_FIXED_HISTOGRAM, &ov_buckets_ops, NULL, buckets_answer};
static const ov_image_kind moments_kind = {OV_COMPLEX_VARIANCE, &ov_moments_ops, NULL, moments_answer};
static const ov_image_kind tuple_kind = {OV_COMPLEX_TUPLE, &ov_tuple_ops, NULL, NULL};

#define OPS(its_name, bytes, set, its_emit)                                                        \
    {.name = (its_name), .state_bytes = (bytes), .by_weight = (set), .is_set = (set), .add = add,  \
     .merge = ov_image_merge, .emit = (its_emit), .write = ov_image_write, .read = ov_image_read}
const ov_object_ops ovi_hyper_ops = OPS("HYPER_UNIQUE", sizeof(ov_hyper), true, ov_image_emit);
const ov_object_ops ovi_bloom_ops = OPS("BLOOM_FILTER", sizeof(ov_bloom), true, ov_image_emit);
const ov_object_ops ovi_histogram_ops = OPS("APPROX_HISTOGRAM", sizeof(ov_histogram), false, ov_image_emit);
const ov_object_ops ovi_buckets_ops = OPS("FIXED_HISTOGRAM", sizeof(ov_buckets), false, ov_image_emit);
const ov_object_ops ovi_moments_ops = OPS("VARIANCE", sizeof(ov_moments), false, emit_moments);
const ov_object_ops ovi_tuple_ops = OPS("DS_TUPLE_DOUBLES", sizeof(ov_tuple), false, ov_image_emit);

/* ---- binding ---- */

ov_status ovi_bind_approx_histogram(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    return ov_image_bind_numbers(b, &histogram_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

ov_status ovi_bind_fixed_histogram(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    return ov_image_bind_numbers(b, &buckets_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

/* (values, rank [, resolution]): the rank lies strictly between 0 and 1 */
ov_status ovi_bind_approx_quantile(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    OV_TRY(ov_image_bind_numbers(b, &histogram_kind, OV_SQL_DOUBLE, 1, sizeof(*p), &p, err));
    OV_TRY(ovi_agg_fraction(b, 0, &p->rank, err));
    if (p->rank > 0 && p->rank < 1)
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, b->call->params[0]->pos, b->call->params[0]->end_pos,
                      "the rank of %s must be above 0 and below 1; MIN and MAX give the ends", b->call->fn->name);
}

/* (values, rank, buckets, lower limit, upper limit [, outliers]) */
ov_status ovi_bind_approx_quantile_fixed(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    OV_TRY(ov_image_bind_numbers(b, &buckets_kind, OV_SQL_DOUBLE, 1, sizeof(*p), &p, err));
    return ovi_agg_fraction(b, 0, &p->rank, err);
}

/* (values, size) */
ov_status ovi_bind_bloom_filter(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    return ov_image_bind(b, &bloom_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

/* (sketches): merged */
ov_status ovi_bind_hyper_unique(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    OV_TRY(ov_image_bind(b, &hyper_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err));
    return p->head.of_images ? OV_OK : ovi_agg_wrong_types(b, err);
}

static const ov_aggregate hyper_count = {.name = "APPROX_COUNT_DISTINCT",
                                         .kind = OV_AGG_OBJECT,
                                         .values = 1,
                                         .ops = &ovi_hyper_ops,
                                         .signatures = "APPROX_COUNT_DISTINCT(<COMPLEX<hyperUnique>>)"};

ov_status ovi_bind_hyper_count(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    b->call->fn = &hyper_count;
    b->call->distinct = false;
    b->call->param_count = 0;
    return ov_image_bind(b, &hyper_kind, OV_SQL_BIGINT, 0, sizeof(*p), &p, err);
}

/* VAR_POP and its kin over a column of variances. */
static const ov_aggregate moments_of[] = {
    {.name = "VAR_POP", .kind = OV_AGG_OBJECT, .values = 1, .ops = &ovi_moments_ops, .signatures = ""},
    {.name = "VAR_SAMP", .kind = OV_AGG_OBJECT, .values = 1, .ops = &ovi_moments_ops, .signatures = ""},
    {.name = "STDDEV_POP", .kind = OV_AGG_OBJECT, .values = 1, .ops = &ovi_moments_ops, .signatures = ""},
    {.name = "STDDEV_SAMP", .kind = OV_AGG_OBJECT, .values = 1, .ops = &ovi_moments_ops, .signatures = ""},
};

ov_status ovi_bind_variance_column(ov_agg_binding *b, ov_error *err)
{
    sketch_params *p;
    uint8_t kind = b->call->fn->kind;
    bool root = kind == OV_AGG_STDDEV_POP || kind == OV_AGG_STDDEV_SAMP;
    bool population = kind == OV_AGG_VAR_POP || kind == OV_AGG_STDDEV_POP;
    b->call->fn = &moments_of[(root ? 2 : 0) + (population ? 0 : 1)];
    OV_TRY(ov_image_bind_numbers(b, &moments_kind, OV_SQL_DOUBLE, 0, sizeof(*p), &p, err));
    b->call->nullable = true;
    p->root = root;
    p->population = population;
    return OV_OK;
}

/* ---- DS_TUPLE_DOUBLES(sketches [, size]) and (key, number, ... [, size]) ---- */

/* A whole number behind the values is the size. */
static ov_status take_size(ov_agg_binding *b, uint32_t least, sketch_params *p, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr *last = call->args[call->argc - 1];
    if (call->argc <= least || last->kind != OV_EXPR_CONST || !ov_type_is_int(last->type))
        return OV_OK;
    const ov_sketch_param *size = &p->head.kind->sketch->params[0];
    call->argc--;
    call->params = call->args + call->argc;
    call->param_count = 1;
    if (last->constant.is_null || (double)last->constant.i < size->least || (double)last->constant.i > size->most)
        return ov_fail_at(err, OV_INVALID, last->pos, last->end_pos, "%s of %s must be a whole number from %.17g to %.17g",
                          size->name, call->fn->name, size->least, size->most);
    p->head.args.at[0] = (double)last->constant.i;
    return OV_OK;
}

ov_status ovi_bind_tuple_doubles(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    sketch_params *p;
    OV_TRY(ov_image_bind(b, &tuple_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err));
    const ov_sketch_param *width = &tuple_kind.sketch->params[1];
    OV_TRY(take_size(b, p->head.of_images ? 1 : 2, p, err));
    if (p->head.of_images ? call->argc != 1 : call->argc < 2)
        return ovi_agg_wrong_types(b, err);
    if (call->argc - 1 > (uint32_t)width->most)
        return ov_fail_at(err, OV_LIMIT, call->pos, call->end_pos, "%s takes at most %d numbers", call->fn->name,
                          (int)width->most);
    for (uint32_t i = 1; i < call->argc; i++) {
        const ov_expr **x = &call->args[i];
        if (ov_type_is_list((*x)->type) || (*x)->type.id == OV_TYPE_COMPLEX)
            return ovi_agg_wrong_types(b, err);
        OV_TRY(ov_expr_cast(b->cx, *x, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), (*x)->pos, (*x)->end_pos, x, err));
    }
    if (!p->head.of_images)
        p->head.args.at[1] = call->argc - 1;
    return OV_OK;
}
