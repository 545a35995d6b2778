/*
 * Images of sketches from anywhere: the first byte picks the kind, the rest is the image. Reading ends in a sketch that can be
 * estimated, merged, written and read again to the same estimate, or in a sentence. Seeds in tests/fuzz/sketch_corpus.
 */
#include <stdlib.h>

#include "sketch/hll.h"
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
    if (data[0] % 2)
        try_theta(image, &arena, &mem);
    else
        try_hll(image, &mem);
    ov_arena_fini(&arena);
    must(budget.used == 0);
    return 0;
}
