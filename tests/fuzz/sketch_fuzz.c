/*
 * Images of sketches from anywhere: the first byte picks the kind, the rest is the image. Reading ends in a sketch that can be
 * estimated, merged, written and read again to the same estimate, or in a sentence. Seeds in tests/fuzz/sketch_corpus.
 */
#include <stdlib.h>

#include "query/sketch/hll.h"

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
    try_hll(image, &mem);
    ov_arena_fini(&arena);
    must(budget.used == 0);
    return 0;
}
