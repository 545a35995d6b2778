#include "sketch/ops.h"

#include "sketch/hll.h"
#include "sketch/quantiles.h"
#include "sketch/theta.h"

void ov_sketch_defaults(const ov_sketch_ops *ops, ov_sketch_args *out)
{
    *out = (ov_sketch_args){0};
    for (uint32_t i = 0; i < ops->param_count; i++)
        out->at[i] = ops->params[i].dflt;
}

bool ov_sketch_is_begun(const ov_sketch_ops *ops, const void *head)
{
    for (uint32_t i = 0; i < ops->head_bytes; i++)
        if (((const char *)head)[i])
            return true;
    return false;
}

bool ov_sketch_hash(const ov_sketch_value *v, bool utf16, ov_hash128 *out)
{
    if (v->kind == OV_SKETCH_TEXT) {
        if (utf16)
            return ov_sketch_hash_utf16(v->s, out);
        *out = ov_murmur3(v->s, OV_SKETCH_SEED);
        return v->s.n > 0;
    }
    *out = v->kind == OV_SKETCH_INT ? ov_murmur3_u64((uint64_t)v->i, OV_SKETCH_SEED) : ov_murmur3_f64(v->f, OV_SKETCH_SEED);
    return true;
}

bool ov_sketch_number(const ov_sketch_value *v, double *out)
{
    *out = v->kind == OV_SKETCH_INT ? (double)v->i : v->f;
    return v->kind != OV_SKETCH_TEXT;
}

/* ---- HLL ---- */

static ov_hll *begin_hll(void *head, const ov_sketch_args *p)
{
    ov_hll *s = head;
    if (!s->lg_k)
        ov_hll_init(s, (unsigned)p->at[0], (ov_hll_type)p->at[1]);
    return s;
}

static ov_status add_hll(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem,
                         ov_error *err)
{
    ov_hash128 h;
    if (n == 0 || !ov_sketch_hash(v, p->at[OV_HLL_TEXT_PARAM] == 0, &h))
        return OV_OK;
    return ov_hll_add(begin_hll(head, p), ov_hll_coupon(h), mem, err);
}

/* A sketch that stands for several rows was merged with itself. */
static ov_status put_hll(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                         ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_hll one, *s = begin_hll(head, p);
    OV_TRY(ov_hll_read(image, &one, &trial, err));
    OV_TRY(ov_hll_merge(s, &one, mem, err));
    s->merged |= several && !ov_hll_is_empty(&one);
    return OV_OK;
}

static ov_status merge_hll(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_hll_merge(begin_hll(head, p), from, mem, err);
}

static ov_status write_hll(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                           ov_error *err)
{
    ov_hll s = *(const ov_hll *)head;
    (void)scratch;
    begin_hll(&s, p);
    return ov_hll_write(&s, result ? (ov_hll_type)p->at[1] : OV_HLL_8, true, out, err);
}

static const char *const hll_types[] = {"HLL_4", "HLL_6", "HLL_8", NULL};
static const char *const hll_texts[] = {"utf16le", "utf8", NULL};

static const ov_sketch_param hll_params[] = {
    {.name = "lgK", .least = OV_HLL_LEAST_LG_K, .most = OV_HLL_MOST_LG_K, .dflt = OV_HLL_DEFAULT_LG_K, .whole = true},
    {.name = "tgtHllType", .dflt = OV_HLL_4, .words = hll_types},
    [OV_HLL_TEXT_PARAM] = {.name = "stringEncoding", .words = hll_texts},
};

const ov_sketch_ops ov_hll_ops = {
    .name = "HLLSketch",
    .head_bytes = sizeof(ov_hll),
    .takes = OV_SKETCH_OF_ANY,
    .params = hll_params,
    .param_count = OV_COUNT_OF(hll_params),
    .add = add_hll,
    .put = put_hll,
    .merge = merge_hll,
    .write = write_hll,
};

/* ---- theta ---- */

static ov_theta *begin_theta(void *head, const ov_sketch_args *p)
{
    ov_theta *s = head;
    if (!s->lg_k)
        ov_theta_init(s, ov_theta_lg_of((uint64_t)p->at[0]));
    return s;
}

static ov_status add_theta(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                           const ov_sketch_mem *mem, ov_error *err)
{
    ov_hash128 h;
    if (n == 0 || !ov_sketch_hash(v, false, &h))
        return OV_OK;
    return ov_theta_add(begin_theta(head, p), ov_theta_hash(h), mem, err);
}

static ov_status put_theta(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                           ov_arena *scratch, ov_error *err)
{
    ov_theta_set one;
    (void)several; /* a value is there or not */
    OV_TRY(ov_theta_read(image, scratch, &one, err));
    return ov_theta_merge_set(begin_theta(head, p), &one, mem, err);
}

static ov_status merge_theta(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_theta_merge(begin_theta(head, p), from, mem, err);
}

static ov_status write_theta(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                             ov_error *err)
{
    ov_theta s = *(const ov_theta *)head;
    ov_theta_set set;
    (void)result;
    begin_theta(&s, p);
    OV_TRY(ov_theta_finish(&s, scratch, &set, err));
    return ov_theta_write(&set, out, err);
}

static ov_status check_theta(const ov_sketch_args *p, ov_error *err)
{
    return ov_theta_size_ok((int64_t)p->at[0]) ? OV_OK : ov_fail(err, OV_INVALID, "'size' must be a power of two");
}

static const ov_sketch_param theta_params[] = {
    {.name = "size", .least = 1 << OV_THETA_LEAST_LG_K, .most = 1 << OV_THETA_MOST_LG_K, .dflt = 1 << OV_THETA_DEFAULT_LG_K, .whole = true},
};

const ov_sketch_ops ov_theta_ops = {
    .name = "thetaSketch",
    .head_bytes = sizeof(ov_theta),
    .takes = OV_SKETCH_OF_ANY,
    .params = theta_params,
    .param_count = OV_COUNT_OF(theta_params),
    .check = check_theta,
    .add = add_theta,
    .put = put_theta,
    .merge = merge_theta,
    .write = write_theta,
};

/* ---- classic quantiles ---- */

static ov_quantiles *begin_quantiles(void *head, const ov_sketch_args *p)
{
    ov_quantiles *s = head;
    if (!s->k)
        ov_quantiles_init(s, (unsigned)p->at[0]);
    return s;
}

static ov_status check_quantiles(const ov_sketch_args *p, ov_error *err)
{
    return ov_quantiles_k_ok((int64_t)p->at[0]) ? OV_OK : ov_fail(err, OV_INVALID, "'k' must be a power of two");
}

static ov_status add_quantiles(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                               const ov_sketch_mem *mem, ov_error *err)
{
    double x;
    if (n == 0 || !ov_sketch_number(v, &x))
        return OV_OK;
    return ov_quantiles_add(begin_quantiles(head, p), x, mem, err);
}

static ov_status put_quantiles(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                               ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_quantiles one;
    (void)several; /* numbers count as often as they come: rows with a weight are none of this sketch's */
    OV_TRY(ov_quantiles_read(image, &one, &trial, err));
    return ov_quantiles_merge(begin_quantiles(head, p), &one, mem, err);
}

static ov_status merge_quantiles(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem,
                                 ov_error *err)
{
    return ov_quantiles_merge(begin_quantiles(head, p), from, mem, err);
}

static ov_status write_quantiles(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                                 ov_error *err)
{
    ov_quantiles s = *(const ov_quantiles *)head;
    (void)result, (void)scratch;
    begin_quantiles(&s, p);
    return ov_quantiles_write(&s, true, out, err);
}

static const ov_sketch_param quantiles_params[] = {
    {.name = "k", .least = OV_QUANTILES_LEAST_K, .most = OV_QUANTILES_MOST_K, .dflt = OV_QUANTILES_DEFAULT_K, .whole = true},
};

const ov_sketch_ops ov_quantiles_ops = {
    .name = "quantilesDoublesSketch",
    .head_bytes = sizeof(ov_quantiles),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = quantiles_params,
    .param_count = OV_COUNT_OF(quantiles_params),
    .check = check_quantiles,
    .add = add_quantiles,
    .put = put_quantiles,
    .merge = merge_quantiles,
    .write = write_quantiles,
};
