/*
 * Images of sketches from anywhere: the first byte picks the kind (a to j: those of Druid, tuples, values with times), the rest is the image. Reading ends in a sketch that can be
 * estimated, merged, written and read again to the same estimate, or in a sentence. Seeds in tests/fuzz/sketch_corpus.
 */
#include <stdlib.h>

#include "sketch/hll.h"
#include "sketch/ops.h"
#include "sketch/theta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_hll(ov_slice image, const ov_sketch_mem *mem)
{
    ov_error err = OV_ERROR_INIT;
    ov_hll s, again, all;
    ov_buf out;
    if (ov_hll_read(image, &s, mem, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    double estimate = ov_hll_estimate(&s);
    must(estimate >= 0);
    for (unsigned z = 1; z <= 3; z++)
        must(ov_hll_bound(&s, z, true) >= ov_hll_bound(&s, z, false) || s.mode == OV_HLL_ARRAY);
    ov_hll_init(&all, 12, OV_HLL_4);
    must(ov_hll_merge(&all, &s, mem, &err) == OV_OK);
    must(ov_hll_merge(&all, &s, mem, &err) == OV_OK);
    ov_buf_init(&out);
    ov_hll_describe(&s, &out);
    for (int form = 0; form < 6; form++) {
        ov_buf_clear(&out);
        must(ov_hll_write(&s, (ov_hll_type)(form % 3), form < 3, &out, &err) == OV_OK);
        must(ov_hll_read(ov_buf_slice(&out), &again, mem, &err) == OV_OK);
        must(ov_hll_estimate(&again) == estimate);
    }
    ov_buf_fini(&out);
}

static void try_theta(ov_slice image, ov_arena *a, const ov_sketch_mem *mem)
{
    ov_error err = OV_ERROR_INIT;
    ov_theta_set s, again, other;
    ov_theta all;
    ov_buf out;
    if (ov_theta_read(image, a, &s, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    for (unsigned z = 1; z <= 3; z++)
        must(ov_theta_bound(&s, z, true) >= ov_theta_bound(&s, z, false));
    ov_theta_init(&all, 4);
    must(ov_theta_merge_set(&all, &s, mem, &err) == OV_OK);
    must(ov_theta_finish(&all, a, &other, &err) == OV_OK && other.count <= 16);
    must(ov_theta_intersect(&s, &other, a, &again, &err) == OV_OK && again.count <= s.count);
    must(ov_theta_subtract(&s, &other, a, &again, &err) == OV_OK && again.count <= s.count);
    ov_buf_init(&out);
    must(ov_theta_write(&s, &out, &err) == OV_OK);
    must(ov_theta_read(ov_buf_slice(&out), a, &again, &err) == OV_OK);
    must(ov_theta_estimate(&again) == ov_theta_estimate(&s));
    ov_buf_fini(&out);
}

/* Any kind behind the table of functions: put twice, written, put again; the second image is the first one's. */
static void try_ops(const ov_sketch_ops *ops, ov_slice image, ov_arena *a, const ov_sketch_mem *mem)
{
    ov_error err = OV_ERROR_INIT;
    ov_sketch_args args;
    ov_buf first, second;
    void *head, *again;
    ov_sketch_defaults(ops, &args);
    must(ov_arena_zalloc(a, ops->head_bytes, &head, &err) == OV_OK && ov_arena_zalloc(a, ops->head_bytes, &again, &err) == OV_OK);
    if (ops->put(head, &args, image, false, mem, a, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    ov_buf_init(&first);
    ov_buf_init(&second);
    must(ops->write(head, &args, true, a, &first, &err) == OV_OK);
    must(ops->put(again, &args, ov_buf_slice(&first), false, mem, a, &err) == OV_OK);
    must(ops->write(again, &args, true, a, &second, &err) == OV_OK);
    must(ops->put(head, &args, image, true, mem, a, &err) == OV_OK);
    if (ops->print && image.n) {
        ov_buf_clear(&second);
        ops->print(image, &second);
        must(ov_buf_check(&second, &err) == OV_OK);
    }
    if (ov_sketch_is_begun(ops, again))
        must(ops->merge(head, &args, again, mem, &err) == OV_OK);
    ov_buf_fini(&first);
    ov_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_budget budget;
    ov_arena arena;
    if (size == 0)
        return 0;
    ov_budget_init(&budget, "fuzz", 256 << 20, NULL);
    ov_arena_init(&arena, "fuzz", &budget);
    ov_sketch_mem mem = ov_sketch_mem_arena(&arena);
    ov_slice image = ov_slice_make((const char *)data + 1, size - 1);
    static const ov_sketch_ops *const kinds[] = {&ov_hyper_ops,   &ov_bloom_ops,   &ov_histogram_ops,
                                                 &ov_buckets_ops, &ov_moments_ops, &ov_tuple_ops,
                                                 &ov_long_pair_ops, &ov_float_pair_ops, &ov_double_pair_ops, &ov_text_pair_ops};
    if (data[0] >= 'a' && data[0] < 'a' + OV_COUNT_OF(kinds))
        try_ops(kinds[data[0] - 'a'], image, &arena, &mem);
    else if (data[0] % 2)
        try_theta(image, &arena, &mem);
    else
        try_hll(image, &mem);
    ov_arena_fini(&arena);
    must(budget.used == 0);
    return 0;
}
