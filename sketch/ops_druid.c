/* Druid's own sketches behind the table of functions of sketch/ops.h. */
#include "sketch/bloom.h"
#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/hyperunique.h"
#include "sketch/moments.h"
#include "sketch/ops.h"

/* ---- hyperUnique ---- */

static ov_status add_hyper(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem,
                           ov_error *err)
{
    (void)p;
    return n == 0 || v->kind != OV_SKETCH_TEXT ? OV_OK : ov_hyper_add(head, v->s, mem, err);
}

static ov_status put_hyper(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                           ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_hyper one;
    (void)p, (void)several;
    OV_TRY(ov_hyper_read(image, &one, &trial, err));
    return ov_hyper_merge(head, &one, mem, err);
}

static ov_status merge_hyper(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    (void)p;
    return ov_hyper_merge(head, from, mem, err);
}

static ov_status write_hyper(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                             ov_error *err)
{
    (void)p, (void)result, (void)scratch;
    ov_hyper_write(head, out);
    return ov_buf_check(out, err);
}

const ov_sketch_ops ov_hyper_ops = {
    .name = "hyperUnique",
    .head_bytes = sizeof(ov_hyper),
    .takes = OV_SKETCH_OF_TEXTS,
    .add = add_hyper,
    .put = put_hyper,
    .merge = merge_hyper,
    .write = write_hyper,
};

/* ---- bloom filters ---- */

static ov_status begin_bloom(ov_bloom *s, const ov_sketch_args *p, const ov_sketch_mem *mem, ov_error *err)
{
    return s->words ? OV_OK : ov_bloom_init(s, (uint64_t)p->at[0], mem, err);
}

uint64_t ov_sketch_bloom_hash(const ov_sketch_value *v)
{
    switch ((ov_sketch_value_kind)v->kind) {
    case OV_SKETCH_INT:
        return ov_bloom_hash_i64(v->i);
    case OV_SKETCH_REAL:
        return ov_bloom_hash_f64(v->f);
    case OV_SKETCH_FLOAT:
        return ov_bloom_hash_f32((float)v->f);
    case OV_SKETCH_TEXT:
        break;
    }
    return ov_bloom_hash_bytes(v->s);
}

/* A row without a value is a value of its own. */
static ov_status add_bloom(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem,
                           ov_error *err)
{
    OV_TRY(begin_bloom(head, p, mem, err));
    ov_bloom_add(head, n ? ov_sketch_bloom_hash(v) : OV_BLOOM_HASH_NULL);
    return OV_OK;
}

static ov_status put_bloom(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                           ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_bloom one;
    (void)several;
    (void)p;
    if (!((ov_bloom *)head)->words) /* filters bring their own size */
        return ov_bloom_read(image, head, mem, err);
    OV_TRY(ov_bloom_read(image, &one, &trial, err));
    return ov_bloom_merge(head, &one, err);
}

static ov_status merge_bloom(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    ov_bloom *s = head;
    const ov_bloom *other = from;
    (void)p;
    if (!s->words) {
        *s = (ov_bloom){.count = other->count, .k = other->k};
        OV_TRY(mem->grow(mem->owner, &s->words, &s->cap, other->count * sizeof(uint64_t), err));
        memset(s->words, 0, other->count * sizeof(uint64_t));
    }
    return ov_bloom_merge(s, other, err);
}

static ov_status write_bloom(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                             ov_error *err)
{
    ov_bloom s = *(const ov_bloom *)head;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    (void)result;
    OV_TRY(begin_bloom(&s, p, &mem, err));
    ov_bloom_write(&s, out);
    return ov_buf_check(out, err);
}

static const ov_sketch_param bloom_params[] = {
    {.name = "maxNumEntries", .least = 1, .most = OV_BLOOM_MOST_VALUES, .dflt = 1500, .whole = true},
};

const ov_sketch_ops ov_bloom_ops = {
    .name = "bloom",
    .head_bytes = sizeof(ov_bloom),
    .takes = OV_SKETCH_OF_ANY,
    .params = bloom_params,
    .param_count = OV_COUNT_OF(bloom_params),
    .add = add_bloom,
    .put = put_bloom,
    .merge = merge_bloom,
    .write = write_bloom,
};

/* ---- approximate histograms ---- */

static ov_histogram *begin_histogram(void *head, const ov_sketch_args *p)
{
    ov_histogram *s = head;
    if (!s->size)
        ov_histogram_init(s, (uint32_t)p->at[0], (float)p->at[1], (float)p->at[2]);
    return s;
}

static ov_status add_histogram(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                               const ov_sketch_mem *mem, ov_error *err)
{
    double x;
    if (n == 0 || !ov_sketch_number(v, &x))
        return OV_OK;
    return ov_histogram_add(begin_histogram(head, p), (float)x, mem, err);
}

static ov_status put_histogram(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                               ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_histogram one;
    (void)several;
    OV_TRY(ov_histogram_read(image, &one, &trial, err));
    return ov_histogram_merge(begin_histogram(head, p), &one, mem, err);
}

static ov_status merge_histogram(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_histogram_merge(begin_histogram(head, p), from, mem, err);
}

static ov_status write_histogram(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                                 ov_error *err)
{
    ov_histogram s = *(const ov_histogram *)head;
    (void)result, (void)scratch;
    begin_histogram(&s, p);
    ov_histogram_write(&s, out);
    return ov_buf_check(out, err);
}

static const ov_sketch_param histogram_params[] = {
    {.name = "resolution", .least = 4, .most = OV_HISTOGRAM_MOST_SIZE, .dflt = OV_HISTOGRAM_DEFAULT_SIZE, .whole = true},
    {.name = "lowerLimit", .least = -INFINITY, .most = INFINITY, .dflt = -INFINITY},
    {.name = "upperLimit", .least = -INFINITY, .most = INFINITY, .dflt = INFINITY},
};

const ov_sketch_ops ov_histogram_ops = {
    .name = "approximateHistogram",
    .head_bytes = sizeof(ov_histogram),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = histogram_params,
    .param_count = OV_COUNT_OF(histogram_params),
    .add = add_histogram,
    .put = put_histogram,
    .merge = merge_histogram,
    .write = write_histogram,
};

/* ---- fixed buckets histograms: buckets, lower and upper limit, outliers ---- */

static ov_status begin_buckets(ov_buckets *s, const ov_sketch_args *p, const ov_sketch_mem *mem, ov_error *err)
{
    if (s->count)
        return OV_OK;
    return ov_buckets_init(s, p->at[1], p->at[2], (uint32_t)p->at[0], (ov_buckets_outliers)p->at[3], mem, err);
}

static ov_status check_buckets(const ov_sketch_args *p, ov_error *err)
{
    if (p->at[2] > p->at[1] && isfinite(p->at[2] - p->at[1]))
        return OV_OK;
    return ov_fail(err, OV_INVALID, "the upper limit (%g) must be above the lower limit (%g)", p->at[2], p->at[1]);
}

static ov_status add_buckets(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                             const ov_sketch_mem *mem, ov_error *err)
{
    ov_buckets *s = head;
    double x;
    OV_TRY(begin_buckets(s, p, mem, err));
    if (n == 0)
        s->missing++;
    else if (ov_sketch_number(v, &x))
        ov_buckets_add(s, x);
    return OV_OK;
}

static ov_status put_buckets(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                             ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_buckets one;
    (void)several;
    OV_TRY(begin_buckets(head, p, mem, err));
    if (image.n == 0)
        return OV_OK;
    OV_TRY(ov_buckets_read(image, &one, &trial, err));
    ov_buckets_merge(head, &one);
    return OV_OK;
}

static ov_status merge_buckets(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    OV_TRY(begin_buckets(head, p, mem, err));
    ov_buckets_merge(head, from);
    return OV_OK;
}

static ov_status write_buckets(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                               ov_error *err)
{
    ov_buckets s = *(const ov_buckets *)head;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    (void)result;
    OV_TRY(begin_buckets(&s, p, &mem, err));
    ov_buckets_write(&s, out);
    return ov_buf_check(out, err);
}

static const char *const outlier_words[] = {"ignore", "overflow", "clip", NULL};

static const ov_sketch_param buckets_params[] = {
    {.name = "numBuckets", .least = 1, .most = OV_BUCKETS_MOST, .dflt = 10, .whole = true},
    {.name = "lowerLimit", .least = -1e300, .most = 1e300, .needed = true},
    {.name = "upperLimit", .least = -1e300, .most = 1e300, .dflt = 1, .needed = true},
    {.name = "outlierHandlingMode", .dflt = OV_BUCKETS_IGNORE, .words = outlier_words},
};

const ov_sketch_ops ov_buckets_ops = {
    .name = "fixedBucketsHistogram",
    .head_bytes = sizeof(ov_buckets),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = buckets_params,
    .param_count = OV_COUNT_OF(buckets_params),
    .check = check_buckets,
    .add = add_buckets,
    .put = put_buckets,
    .merge = merge_buckets,
    .write = write_buckets,
};

/* ---- variance ---- */

static ov_status add_moments(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                             const ov_sketch_mem *mem, ov_error *err)
{
    double x;
    (void)p, (void)mem, (void)err;
    if (n && ov_sketch_number(v, &x))
        ov_moments_add(head, x);
    return OV_OK;
}

static ov_status put_moments(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                             ov_arena *scratch, ov_error *err)
{
    ov_moments one;
    (void)p, (void)several, (void)mem, (void)scratch;
    OV_TRY(ov_moments_read(image, &one, err));
    ov_moments_merge(head, &one);
    return OV_OK;
}

static ov_status merge_moments(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    (void)p, (void)mem, (void)err;
    ov_moments_merge(head, from);
    return OV_OK;
}

static ov_status write_moments(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                               ov_error *err)
{
    const ov_moments *s = head;
    char image[OV_MOMENTS_BYTES];
    (void)p, (void)result, (void)scratch;
    ov_store_be_u64(image, (uint64_t)s->n);
    ov_store_be_u64(image + 8, ov_f64_bits(s->sum));
    ov_store_be_u64(image + 16, ov_f64_bits(s->m2));
    ov_buf_add(out, image, sizeof(image));
    return ov_buf_check(out, err);
}

ov_status ov_moments_read(ov_slice image, ov_moments *s, ov_error *err)
{
    *s = (ov_moments){0};
    if (image.n == 0)
        return OV_OK;
    if (image.n != OV_MOMENTS_BYTES)
        return ov_fail(err, OV_CORRUPT, "a variance has %d bytes, not %zu", OV_MOMENTS_BYTES, image.n);
    s->n = (int64_t)ov_load_be_u64(image.p);
    s->sum = ov_f64_from_bits(ov_load_be_u64(image.p + 8));
    s->m2 = ov_f64_from_bits(ov_load_be_u64(image.p + 16));
    return s->n >= 0 && s->n <= OV_SKETCH_MOST_COUNT ? OV_OK : ov_fail(err, OV_CORRUPT, "a variance of %lld values", (long long)s->n);
}

const ov_sketch_ops ov_moments_ops = {
    .name = "variance",
    .head_bytes = sizeof(ov_moments),
    .takes = OV_SKETCH_OF_NUMBERS,
    .add = add_moments,
    .put = put_moments,
    .merge = merge_moments,
    .write = write_moments,
};
