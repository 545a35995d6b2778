/*
 * Images of sketches of numbers of every make from anywhere. Reading ends in a sketch whose answers lie within its bounds and that can be merged,
 * written and read again to the same answers, or in a sentence. Seeds in tests/fuzz/quantiles_corpus.
 */
#include <stdlib.h>

#include "sketch/kll.h"
#include "sketch/powers.h"
#include "sketch/quantiles.h"
#include "sketch/tdigest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_classic(ov_slice image, const ov_sketch_mem *mem, ov_arena *arena)
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

static void try_kll(ov_slice image, bool floats, const ov_sketch_mem *mem, ov_arena *arena)
{
    ov_error err = OV_ERROR_INIT;
    ov_kll s, again, all;
    ov_ranks ranks, ranks_again;
    ov_buf out;
    if (ov_kll_read(image, floats, &s, mem, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    must(ov_kll_ranks(&s, &ranks, arena, &err) == OV_OK);
    must(ranks.n == s.n);
    ov_buf_init(&out);
    ov_kll_describe(&s, &out);
    ov_buf_clear(&out);
    must(ov_kll_write(&s, &out, &err) == OV_OK);
    must(ov_kll_read(ov_buf_slice(&out), floats, &again, mem, &err) == OV_OK);
    must(ov_kll_ranks(&again, &ranks_again, arena, &err) == OV_OK);
    for (int i = 0; s.n && i <= 20; i++) {
        double v = ov_ranks_quantile(&ranks, i / 20.0);
        must(v >= s.min && v <= s.max && v == ov_ranks_quantile(&ranks_again, i / 20.0));
    }
    ov_buf_fini(&out);
    for (unsigned k = 8; k <= 2048; k *= 16) {
        ov_kll_init(&all, k, floats);
        must(ov_kll_merge(&all, &s, mem, &err) == OV_OK);
        must(ov_kll_merge(&again, &all, mem, &err) == OV_OK || s.n > UINT64_C(1) << 58);
        for (int i = 0; i < 40 && s.n < UINT64_C(1) << 58; i++)
            must(ov_kll_add(&all, i, mem, &err) == OV_OK);
        must(all.room <= all.capacity && all.free <= all.room);
    }
}

static void try_tdigest(ov_slice image, const ov_sketch_mem *mem)
{
    ov_error err = OV_ERROR_INIT;
    ov_tdigest s, again, all;
    ov_buf out;
    if (ov_tdigest_read(image, &s, mem, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    ov_buf_init(&out);
    must(ov_tdigest_write(&s, &out, &err) == OV_OK);
    must(ov_tdigest_read(ov_buf_slice(&out), &again, mem, &err) == OV_OK);
    for (int i = 0; s.cells && i <= 20; i++) {
        double v = ov_tdigest_quantile(&s, i / 20.0);
        must(v >= s.min && v <= s.max && v == ov_tdigest_quantile(&again, i / 20.0));
    }
    ov_buf_fini(&out);
    for (unsigned compression = 1; compression <= 1000; compression *= 10) {
        ov_tdigest_init(&all, compression);
        must(ov_tdigest_merge(&all, &s, mem, &err) == OV_OK);
        if (ov_tdigest_merge(&all, &s, mem, &err) != OV_OK)
            continue; /* more than 2^53 */
        for (int i = 0; i < 40; i++)
            must(ov_tdigest_add(&all, i, mem, &err) == OV_OK);
        ov_tdigest_compress(&all);
        must(all.cells > 0 && all.waiting == 0);
    }
}

static void try_powers(ov_slice image, const ov_sketch_mem *mem, ov_arena *arena)
{
    ov_error err = OV_ERROR_INIT;
    ov_powers s, all;
    ov_powers_solved d;
    ov_buf out;
    if (ov_powers_read(image, &s, mem, &err) != OV_OK) {
        must(err.text[0]);
        return;
    }
    must(ov_powers_solve(&s, &d, arena, &err) == OV_OK);
    for (int i = 0; i <= 20; i++)
        (void)ov_powers_quantile(&d, i / 20.0); /* sums that no numbers have give any answer */
    ov_buf_init(&out);
    must(ov_powers_write(&s, &out, &err) == OV_OK);
    ov_buf_fini(&out);
    ov_powers_init(&all, 2, s.compressed);
    must(ov_powers_merge(&all, &s, mem, &err) == OV_OK);
    if (ov_powers_merge(&all, &s, mem, &err) == OV_OK)
        must(ov_powers_count(&all) == 2 * ov_powers_count(&s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_budget budget;
    ov_arena arena;
    ov_budget_init(&budget, "fuzz", 512 << 20, NULL);
    ov_arena_init(&arena, "fuzz", &budget);
    ov_sketch_mem mem = ov_sketch_mem_arena(&arena);
    ov_slice image = ov_slice_make((const char *)data, size);
    try_classic(image, &mem, &arena);
    try_kll(image, false, &mem, &arena);
    try_kll(image, true, &mem, &arena);
    try_tdigest(image, &mem);
    try_powers(image, &mem, &arena);
    ov_arena_fini(&arena);
    must(budget.used == 0);
    return 0;
}
