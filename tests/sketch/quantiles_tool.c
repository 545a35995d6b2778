/*
 * Quantiles sketches on the command line, for the tests that compare with DataSketches' own libraries (prove_quantiles.py).
 *
 * One command a line on standard input, one answer a line. Images are hexadecimal.
 *
 *   quantiles K COMPACT N SEED         the image of N pseudo-random numbers (tool_value)
 *   quantiles-read IMAGE R...          n, least, greatest, then quantiles of the ranks R, and the compact image written again
 *   quantiles-ranks IMAGE V...         ranks of the values
 *   quantiles-merge K IMAGE IMAGE      the compact image of both
 *   quantiles-text IMAGE               what is in it, lines joined by |
 *   quantiles-error K COUNT            the largest error of ranks over COUNT values, and seconds it took to build
 */
#include "tests/sketch/tool.h"

#include "sketch/quantiles.h"

static ov_status print_image(const ov_quantiles *s, bool compact, ov_error *err)
{
    ov_buf image;
    ov_buf_init(&image);
    ov_status st = ov_quantiles_write(s, compact, &image, err);
    tool_print_hex(&image);
    ov_buf_fini(&image);
    return st;
}

static ov_status build(const ov_sketch_mem *mem, ov_error *err)
{
    ov_quantiles s;
    unsigned k = (unsigned)tool_i64(), compact = (unsigned)tool_i64(), n = (unsigned)tool_i64(), seed = (unsigned)tool_i64();
    ov_quantiles_init(&s, k);
    for (unsigned i = 0; i < n; i++)
        OV_TRY(ov_quantiles_add(&s, tool_value(i, seed), mem, err));
    return print_image(&s, compact, err);
}

static ov_status ask(bool ranks, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s;
    ov_ranks r;
    OV_TRY(ov_quantiles_read(tool_image(a), &s, mem, err));
    OV_TRY(ov_quantiles_ranks(&s, &r, a, err));
    if (!ranks)
        printf("%llu %.17g %.17g ", (unsigned long long)s.n, s.min, s.max);
    for (char *word; (word = tool_word());)
        printf("%.17g ", ranks ? ov_ranks_rank(&r, atof(word)) : ov_ranks_quantile(&r, atof(word)));
    return ranks ? OV_OK : print_image(&s, true, err);
}

static ov_status merge(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s, one;
    ov_quantiles_init(&s, (unsigned)tool_i64());
    for (int i = 0; i < 2; i++) {
        OV_TRY(ov_quantiles_read(tool_image(a), &one, mem, err));
        OV_TRY(ov_quantiles_merge(&s, &one, mem, err));
    }
    return print_image(&s, true, err);
}

static ov_status describe(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s;
    ov_buf text;
    OV_TRY(ov_quantiles_read(tool_image(a), &s, mem, err));
    ov_buf_init(&text);
    ov_quantiles_describe(&s, &text);
    for (size_t i = 0; i < text.n; i++)
        putchar(text.p[i] == '\n' ? '|' : text.p[i]);
    ov_buf_fini(&text);
    return OV_OK;
}

/* i * odd modulo a power of two visits every number once: the rank of v is (v + 1) / size. */
static ov_status measure(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s;
    ov_ranks r;
    unsigned k = (unsigned)tool_i64(), n = (unsigned)tool_i64(), size = 1;
    double worst = 0;
    while (size < n)
        size *= 2;
    ov_quantiles_init(&s, k);
    double start = tool_seconds();
    for (unsigned i = 0; i < size; i++)
        OV_TRY(ov_quantiles_add(&s, (double)((i * 2654435761u) & (size - 1)), mem, err));
    double took = tool_seconds() - start;
    OV_TRY(ov_quantiles_ranks(&s, &r, a, err));
    for (unsigned i = 0; i < 100000; i++) {
        double v = floor((double)size / 100000 * i);
        worst = fmax(worst, fabs(ov_ranks_rank(&r, v) - (v + 1) / size));
    }
    printf("%u values: %.6f of %.6f, %.3f s", size, worst, ov_quantiles_error(k, false), took);
    return OV_OK;
}

ov_status tool_run(const char *verb, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    if (!strcmp(verb, "quantiles"))
        return build(mem, err);
    if (!strcmp(verb, "quantiles-read") || !strcmp(verb, "quantiles-ranks"))
        return ask(verb[11] == 'a', mem, a, err);
    if (!strcmp(verb, "quantiles-merge"))
        return merge(mem, a, err);
    if (!strcmp(verb, "quantiles-text"))
        return describe(mem, a, err);
    if (!strcmp(verb, "quantiles-error"))
        return measure(mem, a, err);
    return ov_fail(err, OV_INVALID, "no command '%s'", verb);
}
