/*
 * Druid's own sketches, bloom filters and tuples, a command a line; Both.java answers the same commands with the libraries of Druid, Hive and
 * DataSketches. KIND is hyper, bloom, approx, fixed or tuple; SIZE its size; values are v0 .. v(n-1), or number(0) .. number(n-1).
 *
 *   build KIND SIZE N          the image
 *   read KIND SIZE IMAGE       an answer, and the image written again
 *   merge KIND SIZE IMAGE IMAGE   the same of both together
 */
#include "tests/sketch/tool.h"

#include "sketch/bloom.h"
#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/hyperunique.h"
#include "sketch/murmur.h"
#include "sketch/tuple.h"

static float number(int64_t i)
{
    return (float)((double)(i * 7919 % 10007) / 16.0);
}

static ov_slice name_of(int64_t i, char text[24])
{
    return ov_slice_make(text, (size_t)snprintf(text, 24, "v%lld", (long long)i));
}

static unsigned lg_of(int64_t size)
{
    unsigned lg = 0;
    while (((int64_t)1 << lg) < size)
        lg++;
    return lg;
}

/* ---- hyperUnique ---- */

static ov_status hyper(const char *verb, int64_t size, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_hyper s = {0}, other = {0};
    char text[24];
    ov_buf out;
    (void)size;
    if (!strcmp(verb, "build")) {
        for (int64_t i = 0, n = tool_i64(); i < n; i++)
            OV_TRY(ov_hyper_add(&s, name_of(i, text), mem, err));
    } else {
        OV_TRY(ov_hyper_read(tool_image(a), &s, mem, err));
        if (!strcmp(verb, "merge")) {
            OV_TRY(ov_hyper_read(tool_image(a), &other, mem, err));
            OV_TRY(ov_hyper_merge(&s, &other, mem, err));
        }
        printf("%.15g ", ov_hyper_estimate(&s));
    }
    ov_buf_init(&out);
    ov_hyper_write(&s, &out);
    tool_print_hex(&out);
    ov_buf_fini(&out);
    return OV_OK;
}

/* ---- bloom ---- */

static ov_status bloom(const char *verb, int64_t size, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_bloom s = {0}, other = {0};
    char text[24];
    ov_buf out;
    if (!strcmp(verb, "build")) {
        OV_TRY(ov_bloom_init(&s, (uint64_t)size, mem, err));
        for (int64_t i = 0, n = tool_i64(); i < n; i++) {
            ov_bloom_add(&s, ov_bloom_hash_bytes(name_of(i, text)));
            ov_bloom_add(&s, ov_bloom_hash_i64(i));
            ov_bloom_add(&s, ov_bloom_hash_f64((double)i + 0.5));
        }
    } else {
        int found = 0;
        OV_TRY(ov_bloom_read(tool_image(a), &s, mem, err));
        if (!strcmp(verb, "merge")) {
            OV_TRY(ov_bloom_read(tool_image(a), &other, mem, err));
            OV_TRY(ov_bloom_merge(&s, &other, err));
        }
        for (int64_t i = 0; i < 1000; i++)
            found += ov_bloom_test(&s, ov_bloom_hash_bytes(name_of(i, text)));
        printf("%d ", found);
    }
    ov_buf_init(&out);
    ov_bloom_write(&s, &out);
    tool_print_hex(&out);
    ov_buf_fini(&out);
    return OV_OK;
}

/* ---- histograms ---- */

static ov_status approx(const char *verb, int64_t size, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_histogram s = {0}, other = {0};
    ov_buf out;
    if (!strcmp(verb, "build")) {
        ov_histogram_init(&s, (uint32_t)size, -INFINITY, INFINITY);
        for (int64_t i = 0, n = tool_i64(); i < n; i++)
            OV_TRY(ov_histogram_add(&s, number(i), mem, err));
    } else {
        OV_TRY(ov_histogram_read(tool_image(a), &s, mem, err));
        if (!strcmp(verb, "merge")) {
            OV_TRY(ov_histogram_read(tool_image(a), &other, mem, err));
            OV_TRY(ov_histogram_merge(&s, &other, mem, err));
        }
        printf("%.9g ", (double)ov_histogram_quantile(&s, 0.25));
    }
    ov_buf_init(&out);
    ov_histogram_write(&s, &out);
    tool_print_hex(&out);
    ov_buf_fini(&out);
    return OV_OK;
}

static ov_status fixed(const char *verb, int64_t size, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_buckets s = {0}, other = {0};
    ov_buf out;
    if (!strcmp(verb, "build")) {
        OV_TRY(ov_buckets_init(&s, 100, 500, (uint32_t)size, OV_BUCKETS_OVERFLOW, mem, err));
        for (int64_t i = 0, n = tool_i64(); i < n; i++)
            ov_buckets_add(&s, (double)number(i));
    } else {
        OV_TRY(ov_buckets_read(tool_image(a), &s, mem, err));
        if (!strcmp(verb, "merge")) {
            OV_TRY(ov_buckets_read(tool_image(a), &other, mem, err));
            ov_buckets_merge(&s, &other);
        }
        printf("%.9g ", (double)ov_buckets_quantile(&s, 0.3));
    }
    ov_buf_init(&out);
    ov_buckets_write(&s, &out);
    tool_print_hex(&out);
    ov_buf_fini(&out);
    return OV_OK;
}

/* ---- tuples ---- */

static ov_status tuple(const char *verb, int64_t size, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_tuple s;
    ov_tuple_set set;
    char text[24];
    ov_buf out;
    ov_tuple_init(&s, lg_of(size), 1);
    if (!strcmp(verb, "build")) {
        for (int64_t i = 0, n = tool_i64(); i < n; i++) {
            double value = (double)i;
            OV_TRY(ov_tuple_add(&s, ov_theta_hash(ov_murmur3(name_of(i, text), OV_SKETCH_SEED)), &value, mem, err));
        }
        OV_TRY(ov_tuple_finish(&s, a, &set, err));
    } else {
        OV_TRY(ov_tuple_read(tool_image(a), a, &set, err));
        if (!strcmp(verb, "merge")) {
            OV_TRY(ov_tuple_merge_set(&s, &set, mem, err));
            OV_TRY(ov_tuple_read(tool_image(a), a, &set, err));
            OV_TRY(ov_tuple_merge_set(&s, &set, mem, err));
            OV_TRY(ov_tuple_finish(&s, a, &set, err));
        }
        ov_theta_set hashes = ov_tuple_hashes(&set);
        printf("%.15g ", ov_theta_estimate(&hashes));
    }
    ov_buf_init(&out);
    ov_tuple_write(&set, &out);
    tool_print_hex(&out);
    ov_buf_fini(&out);
    return OV_OK;
}

ov_status tool_run(const char *verb, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    static const struct {
        const char *name;
        ov_status (*run)(const char *verb, int64_t size, const ov_sketch_mem *mem, ov_arena *a, ov_error *err);
    } kinds[] = {{"hyper", hyper}, {"bloom", bloom}, {"approx", approx}, {"fixed", fixed}, {"tuple", tuple}};
    const char *name = tool_word();
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (name && !strcmp(name, kinds[i].name))
            return kinds[i].run(verb, tool_i64(), mem, a, err);
    return ov_fail(err, OV_INVALID, "no sketch '%s'", name ? name : "");
}
