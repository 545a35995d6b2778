/*
 * Sketches on the command line, for the tests that compare with DataSketches' own libraries (prove.py).
 *
 * One command a line on standard input, one answer a line. Images are hexadecimal.
 *
 *   hll LGK TYPE COMPACT FIRST COUNT STEP    the image of the integers FIRST, FIRST + STEP, ...
 *   hll-text LGK TYPE COMPACT FIRST COUNT    the same of the texts "v<i>", by their UTF-16
 *   hll-read IMAGE                           estimate, the six bounds, and the image written again as HLL_4, 6 and 8
 *   hll-union LGK IMAGE IMAGE                the compact HLL_8 image of both, and its estimate
 *   theta LGK FIRST COUNT STEP               the ordered compact image of integers
 *   theta-read IMAGE                         estimate, the six bounds, and the image written again
 *   theta-set OPERATION LGK IMAGE IMAGE      the image of union, intersect or not
 */
#include "tests/sketch/tool.h"

#include "sketch/hll.h"
#include "sketch/theta.h"

static ov_status print_hll(const ov_hll *s, ov_hll_type type, bool compact, ov_error *err)
{
    ov_buf image;
    ov_buf_init(&image);
    ov_status st = ov_hll_write(s, type, compact, &image, err);
    tool_print_hex(&image);
    ov_buf_fini(&image);
    return st;
}

static ov_status build_hll(bool text, const ov_sketch_mem *mem, ov_error *err)
{
    unsigned lg_k = (unsigned)tool_i64(), type = (unsigned)tool_i64();
    bool compact = tool_i64();
    int64_t first = tool_i64(), count = tool_i64();
    int64_t step = text ? 1 : tool_i64();
    ov_hll s;
    ov_hll_init(&s, lg_k, (ov_hll_type)type);
    for (int64_t i = 0; i < count; i++) {
        char value[32];
        ov_hash128 h = ov_murmur3_u64((uint64_t)(first + i * step), OV_SKETCH_SEED);
        snprintf(value, sizeof(value), "v%lld\xc3\xa9", (long long)(first + i));
        if (text && !ov_sketch_hash_utf16(ov_slice_cstr(value), &h))
            continue;
        OV_TRY(ov_hll_add(&s, ov_hll_coupon(h), mem, err));
    }
    return print_hll(&s, (ov_hll_type)type, compact, err);
}

static ov_status read_hll(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_hll s;
    OV_TRY(ov_hll_read(tool_image(a), &s, mem, err));
    printf("%.17g", ov_hll_estimate(&s));
    for (unsigned z = 1; z <= 3; z++)
        printf(" %.17g %.17g", ov_hll_bound(&s, z, false), ov_hll_bound(&s, z, true));
    for (int type = OV_HLL_4; type <= OV_HLL_8; type++) {
        printf(" ");
        OV_TRY(print_hll(&s, (ov_hll_type)type, true, err));
    }
    return OV_OK;
}

static ov_status union_hll(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_hll s, one;
    ov_hll_init(&s, (unsigned)tool_i64(), OV_HLL_8);
    for (int i = 0; i < 2; i++) {
        OV_TRY(ov_hll_read(tool_image(a), &one, mem, err));
        OV_TRY(ov_hll_merge(&s, &one, mem, err));
    }
    OV_TRY(print_hll(&s, OV_HLL_8, true, err));
    printf(" %.17g", ov_hll_estimate(&s));
    return OV_OK;
}

static ov_status print_theta(const ov_theta_set *s, ov_error *err)
{
    ov_buf image;
    ov_buf_init(&image);
    ov_status st = ov_theta_write(s, &image, err);
    tool_print_hex(&image);
    ov_buf_fini(&image);
    return st;
}

static ov_status build_theta(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_theta s;
    ov_theta_set set;
    ov_theta_init(&s, (unsigned)tool_i64());
    int64_t first = tool_i64(), count = tool_i64(), step = tool_i64();
    for (int64_t i = 0; i < count; i++) {
        uint64_t hash = ov_theta_hash(ov_murmur3_u64((uint64_t)(first + i * step), OV_SKETCH_SEED));
        OV_TRY(ov_theta_add(&s, hash, mem, err));
    }
    OV_TRY(ov_theta_finish(&s, a, &set, err));
    return print_theta(&set, err);
}

static ov_status read_theta(ov_arena *a, ov_error *err)
{
    ov_theta_set s;
    OV_TRY(ov_theta_read(tool_image(a), a, &s, err));
    printf("%.17g", ov_theta_estimate(&s));
    for (unsigned z = 1; z <= 3; z++)
        printf(" %.17g %.17g", ov_theta_bound(&s, z, false), ov_theta_bound(&s, z, true));
    printf(" ");
    return print_theta(&s, err);
}

static ov_status combine_theta(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    const char *operation = tool_word();
    ov_theta all;
    ov_theta_set one, other, result;
    ov_theta_init(&all, (unsigned)tool_i64());
    OV_TRY(ov_theta_read(tool_image(a), a, &one, err));
    OV_TRY(ov_theta_read(tool_image(a), a, &other, err));
    if (operation[0] == 'i') {
        OV_TRY(ov_theta_intersect(&one, &other, a, &result, err));
    } else if (operation[0] == 'n') {
        OV_TRY(ov_theta_subtract(&one, &other, a, &result, err));
    } else {
        OV_TRY(ov_theta_merge_set(&all, &one, mem, err));
        OV_TRY(ov_theta_merge_set(&all, &other, mem, err));
        OV_TRY(ov_theta_finish(&all, a, &result, err));
    }
    return print_theta(&result, err);
}

ov_status tool_run(const char *verb, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    if (!strcmp(verb, "hll") || !strcmp(verb, "hll-text"))
        return build_hll(verb[3] != 0, mem, err);
    if (!strcmp(verb, "hll-read"))
        return read_hll(mem, a, err);
    if (!strcmp(verb, "hll-union"))
        return union_hll(mem, a, err);
    if (!strcmp(verb, "theta"))
        return build_theta(mem, a, err);
    if (!strcmp(verb, "theta-read"))
        return read_theta(a, err);
    if (!strcmp(verb, "theta-set"))
        return combine_theta(mem, a, err);
    return ov_fail(err, OV_INVALID, "no command '%s'", verb);
}
