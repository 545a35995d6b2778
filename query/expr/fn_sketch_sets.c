/*
 * Set operations over sketches that keep hashes, theta and tuples: ([size,] sketch, ...). THETA_SKETCH_UNION, ..._INTERSECT, ..._NOT and their
 * kin of DS_TUPLE_DOUBLES; NULL is the empty sketch.
 */
#include "query/expr/sketch_int.h"
#include "sketch/theta.h"
#include "sketch/tuple.h"

typedef union finished {
    ov_theta_set theta;
    ov_tuple_set tuple;
} finished;

typedef union growing {
    ov_theta theta;
    ov_tuple tuple;
} growing;

/* What sets of one kind can do. A zeroed `growing` has taken in nothing. */
typedef struct kind {
    ov_complex_id sketch;
    const char *size; /* what the first argument is called */
    ov_status (*read)(ov_slice image, ov_arena *a, finished *out, ov_error *err); /* p NULL: the empty sketch */
    ov_status (*intersect)(const finished *x, const finished *y, ov_arena *a, finished *out, ov_error *err);
    ov_status (*subtract)(const finished *x, const finished *y, ov_arena *a, finished *out, ov_error *err);
    ov_status (*take)(growing *all, unsigned lg_k, const finished *one, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*finish)(growing *all, unsigned lg_k, ov_arena *a, finished *out, ov_error *err);
    ov_status (*write)(finished *s, ov_buf *out, ov_error *err);
} kind;

/* ---- theta ---- */

static ov_status theta_read(ov_slice image, ov_arena *a, finished *out, ov_error *err)
{
    out->theta = (ov_theta_set){.theta = OV_THETA_ALL};
    return image.p ? ov_theta_read(image, a, &out->theta, err) : OV_OK;
}

static ov_status theta_intersect(const finished *x, const finished *y, ov_arena *a, finished *out, ov_error *err)
{
    return ov_theta_intersect(&x->theta, &y->theta, a, &out->theta, err);
}

static ov_status theta_subtract(const finished *x, const finished *y, ov_arena *a, finished *out, ov_error *err)
{
    return ov_theta_subtract(&x->theta, &y->theta, a, &out->theta, err);
}

static ov_status theta_take(growing *all, unsigned lg_k, const finished *one, const ov_sketch_mem *mem, ov_error *err)
{
    if (!all->theta.lg_k)
        ov_theta_init(&all->theta, lg_k);
    return ov_theta_merge_set(&all->theta, &one->theta, mem, err);
}

static ov_status theta_finish(growing *all, unsigned lg_k, ov_arena *a, finished *out, ov_error *err)
{
    if (!all->theta.lg_k)
        ov_theta_init(&all->theta, lg_k);
    return ov_theta_finish(&all->theta, a, &out->theta, err);
}

static ov_status theta_write(finished *s, ov_buf *out, ov_error *err)
{
    return ov_theta_write(&s->theta, out, err);
}

/* ---- tuples: as wide as the first that has any ---- */

static ov_status tuple_read(ov_slice image, ov_arena *a, finished *out, ov_error *err)
{
    return ov_tuple_read(image, a, &out->tuple, err);
}

static ov_status tuple_intersect(const finished *x, const finished *y, ov_arena *a, finished *out, ov_error *err)
{
    return ov_tuple_intersect(&x->tuple, &y->tuple, a, &out->tuple, err);
}

static ov_status tuple_subtract(const finished *x, const finished *y, ov_arena *a, finished *out, ov_error *err)
{
    return ov_tuple_subtract(&x->tuple, &y->tuple, a, &out->tuple, err);
}

static ov_status tuple_take(growing *all, unsigned lg_k, const finished *one, const ov_sketch_mem *mem, ov_error *err)
{
    if (!one->tuple.width)
        return OV_OK;
    if (!all->tuple.lg_k)
        ov_tuple_init(&all->tuple, lg_k, one->tuple.width);
    return ov_tuple_merge_set(&all->tuple, &one->tuple, mem, err);
}

static ov_status tuple_finish(growing *all, unsigned lg_k, ov_arena *a, finished *out, ov_error *err)
{
    if (!all->tuple.lg_k)
        ov_tuple_init(&all->tuple, lg_k, 1);
    return ov_tuple_finish(&all->tuple, a, &out->tuple, err);
}

static ov_status tuple_write(finished *s, ov_buf *out, ov_error *err)
{
    (void)err;
    s->tuple.width = OV_MAX(s->tuple.width, 1);
    ov_tuple_write(&s->tuple, out);
    return OV_OK;
}

static const kind theta = {OV_COMPLEX_THETA, "the size",   theta_read, theta_intersect, theta_subtract,
                           theta_take,       theta_finish, theta_write};
static const kind tuple = {OV_COMPLEX_TUPLE, "the number of nominal entries", tuple_read, tuple_intersect, tuple_subtract,
                           tuple_take,       tuple_finish, tuple_write};

/* ---- calls ---- */

typedef struct set_params {
    const kind *kind;
    uint32_t first; /* argument that is a sketch */
    uint8_t lg_k;
} set_params;

static ov_status bind_set(ovi_bind *b, const kind *k, ov_error *err)
{
    set_params *p;
    int64_t size = INT64_C(1) << OV_THETA_DEFAULT_LG_K;
    OV_TRY(ovi_prepare(b, sizeof(*p), &p, err));
    p->kind = k;
    if (ov_type_is_int(b->args[0]->type))
        OV_TRY(ovi_const_within(b, p->first++, INT64_C(1) << OV_THETA_LEAST_LG_K, INT64_C(1) << OV_THETA_MOST_LG_K, k->size, &size, err));
    if (!ov_theta_size_ok(size))
        return ov_fail_at(err, OV_INVALID, b->args[0]->pos, b->args[0]->end_pos, "%s must be a power of two", k->size);
    OV_TRY(ovi_want_sketches(b, p->first, k->sketch, err));
    p->lg_k = (uint8_t)ov_theta_lg_of((uint64_t)size);
    b->nullable = false;
    ovi_sketch_result(b, k->sketch);
    return OV_OK;
}

ov_status ovi_bind_theta_sketch_set(ovi_bind *b, ov_error *err)
{
    return bind_set(b, &theta, err);
}

ov_status ovi_bind_tuple_set(ovi_bind *b, ov_error *err)
{
    return bind_set(b, &tuple, err);
}

static ov_status read_arg(const ovi_call *c, uint32_t i, uint32_t row, ov_arena *scratch, finished *s, ov_error *err)
{
    const set_params *p = c->e->prepared;
    ov_slice none = {NULL, 0};
    return p->kind->read(ovi_arg_null(&c->arg[i], row) ? none : ovi_str(&c->arg[i], row), scratch, s, err);
}

static ov_status union_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const set_params *p = c->e->prepared;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    growing all;
    finished one;
    memset(&all, 0, sizeof all);
    for (uint32_t i = p->first; i < c->argc; i++) {
        OV_TRY(read_arg(c, i, row, scratch, &one, err));
        OV_TRY(p->kind->take(&all, p->lg_k, &one, &mem, err));
    }
    OV_TRY(p->kind->finish(&all, p->lg_k, scratch, &one, err));
    return p->kind->write(&one, out, err);
}

ov_status ovi_eval_sketch_union(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, union_row, out, err);
}

static ov_status fold_row(ovi_call *c, uint32_t row, bool intersect, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const set_params *p = c->e->prepared;
    finished all, one, next;
    OV_TRY(read_arg(c, p->first, row, scratch, &all, err));
    for (uint32_t i = p->first + 1; i < c->argc; i++) {
        OV_TRY(read_arg(c, i, row, scratch, &one, err));
        OV_TRY((intersect ? p->kind->intersect : p->kind->subtract)(&all, &one, scratch, &next, err));
        all = next;
    }
    return p->kind->write(&all, out, err);
}

static ov_status intersect_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return fold_row(c, row, true, scratch, out, err);
}

ov_status ovi_eval_sketch_intersect(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, intersect_row, out, err);
}

static ov_status not_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return fold_row(c, row, false, scratch, out, err);
}

ov_status ovi_eval_sketch_not(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, not_row, out, err);
}
