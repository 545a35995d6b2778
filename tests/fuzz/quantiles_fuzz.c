/*
 * Images of quantiles sketches from anywhere. Reading ends in a sketch whose answers lie within its bounds and that can be merged,
 * written and read again to the same answers, or in a sentence. Seeds in tests/fuzz/quantiles_corpus.
 */
#include <stdlib.h>

#include "sketch/quantiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_image(ov_slice image, const ov_sketch_mem *mem, ov_arena *arena)
{
    ov_error err = OV_ERROR_INIT;
    ov_quantiles s, again, all;
    ov_ranks ranks, ranks_again;
    ov_buf out;
    if (ov_quantiles_read(image, &s, mem, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    must(ov_quantiles_ranks(&s, &ranks, arena, &err) == OV_OK);
    must(ranks.n == s.n);
    ov_buf_init(&out);
    ov_quantiles_describe(&s, &out);
    for (int compact = 0; compact < 2; compact++) {
        ov_buf_clear(&out);
        must(ov_quantiles_write(&s, compact, &out, &err) == OV_OK);
        must(ov_quantiles_read(ov_buf_slice(&out), &again, mem, &err) == OV_OK);
        must(ov_quantiles_ranks(&again, &ranks_again, arena, &err) == OV_OK);
        for (int i = 0; s.n && i <= 20; i++) {
            double v = ov_ranks_quantile(&ranks, i / 20.0);
            must(v >= s.min && v <= s.max && v == ov_ranks_quantile(&ranks_again, i / 20.0));
        }
    }
    ov_buf_fini(&out);
    for (unsigned k = 2; k <= 2048; k *= 32) {
        ov_quantiles_init(&all, k);
        must(ov_quantiles_merge(&all, &s, mem, &err) == OV_OK);
        if (s.n < UINT64_MAX / 16) {
            must(ov_quantiles_merge(&all, &s, mem, &err) == OV_OK);
            must(all.n == 2 * s.n);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_budget budget;
    ov_arena arena;
    ov_budget_init(&budget, "fuzz", 512 << 20, NULL);
    ov_arena_init(&arena, "fuzz", &budget);
    ov_sketch_mem mem = ov_sketch_mem_arena(&arena);
    try_image(ov_slice_make((const char *)data, size), &mem, &arena);
    ov_arena_fini(&arena);
    must(budget.used == 0);
    return 0;
}
