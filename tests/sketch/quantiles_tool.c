/*
 * Quantiles sketches on the command line, for the tests that compare with DataSketches' own libraries (prove_quantiles.py).
 *
 * One command a line on standard input, one answer a line. Images are hexadecimal.
 *
 *   quantiles K COMPACT N SEED         the image of N pseudo-random numbers (value_of)
 *   quantiles-read IMAGE R...          n, least, greatest, then quantiles of the ranks R, and the compact image written again
 *   quantiles-ranks IMAGE V...         ranks of the values
 *   quantiles-merge K IMAGE IMAGE      the compact image of both
 *   quantiles-text IMAGE               what is in it, lines joined by |
 *   quantiles-error K COUNT            the largest error of ranks over COUNT values, and seconds it took to build
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sketch/quantiles.h"

static char line[64 << 20];

static void print_hex(const ov_buf *b)
{
    for (size_t i = 0; i < b->n; i++)
        printf("%02x", (unsigned char)b->p[i]);
}

static ov_slice from_hex(const char *text, ov_arena *a)
{
    ov_error err = OV_ERROR_INIT;
    size_t n = strlen(text) / 2;
    char *out;
    if (ov_arena_alloc(a, n + 1, &out, &err) != OV_OK)
        abort();
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (char)strtoul(pair, NULL, 16);
    }
    return ov_slice_make(out, n);
}

/* The same in Python: whole numbers below 2^20 in a muddled order. */
static double value_of(uint64_t i, uint64_t seed)
{
    return (double)(((i + seed) * UINT64_C(2654435761) + seed) % UINT64_C(1048573));
}

static unsigned number(void)
{
    return (unsigned)strtoul(strtok(NULL, " "), NULL, 10);
}

static ov_status print_image(const ov_quantiles *s, bool compact, ov_error *err)
{
    ov_buf image;
    ov_buf_init(&image);
    ov_status st = ov_quantiles_write(s, compact, &image, err);
    print_hex(&image);
    ov_buf_fini(&image);
    return st;
}

static ov_status build(const ov_sketch_mem *mem, ov_error *err)
{
    ov_quantiles s;
    unsigned k = number(), compact = number(), n = number(), seed = number();
    ov_quantiles_init(&s, k);
    for (unsigned i = 0; i < n; i++)
        OV_TRY(ov_quantiles_add(&s, value_of(i, seed), mem, err));
    return print_image(&s, compact, err);
}

static ov_status ask(bool ranks, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s;
    ov_ranks r;
    OV_TRY(ov_quantiles_read(from_hex(strtok(NULL, " "), a), &s, mem, err));
    OV_TRY(ov_quantiles_ranks(&s, &r, a, err));
    if (!ranks)
        printf("%llu %.17g %.17g ", (unsigned long long)s.n, s.min, s.max);
    for (char *word; (word = strtok(NULL, " "));)
        printf("%.17g ", ranks ? ov_ranks_rank(&r, atof(word)) : ov_ranks_quantile(&r, atof(word)));
    return ranks ? OV_OK : print_image(&s, true, err);
}

static ov_status merge(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s, one;
    ov_quantiles_init(&s, number());
    for (int i = 0; i < 2; i++) {
        OV_TRY(ov_quantiles_read(from_hex(strtok(NULL, " "), a), &one, mem, err));
        OV_TRY(ov_quantiles_merge(&s, &one, mem, err));
    }
    return print_image(&s, true, err);
}

static ov_status describe(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s;
    ov_buf text;
    OV_TRY(ov_quantiles_read(from_hex(strtok(NULL, " "), a), &s, mem, err));
    ov_buf_init(&text);
    ov_quantiles_describe(&s, &text);
    for (size_t i = 0; i < text.n; i++)
        putchar(text.p[i] == '\n' ? '|' : text.p[i]);
    ov_buf_fini(&text);
    return OV_OK;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* i * odd modulo a power of two visits every number once: the rank of v is (v + 1) / size. */
static ov_status measure(const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    ov_quantiles s;
    ov_ranks r;
    unsigned k = number(), n = number(), size = 1;
    double worst = 0;
    while (size < n)
        size *= 2;
    ov_quantiles_init(&s, k);
    double start = seconds();
    for (unsigned i = 0; i < size; i++)
        OV_TRY(ov_quantiles_add(&s, (double)((i * 2654435761u) & (size - 1)), mem, err));
    double took = seconds() - start;
    OV_TRY(ov_quantiles_ranks(&s, &r, a, err));
    for (unsigned i = 0; i < 100000; i++) {
        double v = floor((double)size / 100000 * i);
        worst = fmax(worst, fabs(ov_ranks_rank(&r, v) - (v + 1) / size));
    }
    printf("%u values: %.6f of %.6f, %.3f s", size, worst, ov_quantiles_error(k, false), took);
    return OV_OK;
}

static ov_status run(const char *verb, ov_arena *a, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(a);
    if (!strcmp(verb, "quantiles"))
        return build(&mem, err);
    if (!strcmp(verb, "quantiles-read") || !strcmp(verb, "quantiles-ranks"))
        return ask(verb[11] == 'a', &mem, a, err);
    if (!strcmp(verb, "quantiles-merge"))
        return merge(&mem, a, err);
    if (!strcmp(verb, "quantiles-text"))
        return describe(&mem, a, err);
    if (!strcmp(verb, "quantiles-error"))
        return measure(&mem, a, err);
    return ov_fail(err, OV_INVALID, "no command '%s'", verb);
}

int main(void)
{
    while (fgets(line, sizeof(line), stdin)) {
        ov_arena a;
        ov_error err = OV_ERROR_INIT;
        ov_arena_init(&a, "tool", NULL);
        line[strcspn(line, "\n")] = 0;
        if (run(strtok(line, " "), &a, &err) != OV_OK)
            printf(" error: %s", err.text);
        printf("\n");
        fflush(stdout);
        ov_arena_fini(&a);
    }
    return 0;
}
