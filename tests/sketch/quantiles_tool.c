/*
 * Sketches of numbers on the command line, for the tests that compare with their makers' own libraries (prove_quantiles.py and others).
 *
 * MAKE is classic, updatable (classic, written to go on in place), kll-doubles, kll-floats, tdigest, moments or moments-plain (not compressed);
 * SIZE is k or the compression.
 *
 *   build MAKE SIZE N SEED          the image of N pseudo-random numbers (tool_value)
 *   read MAKE IMAGE R...            n, least, greatest, then quantiles of the ranks R, and the image written again
 *   ranks MAKE IMAGE V...           ranks of the values; not of digests and moments
 *   merge MAKE SIZE IMAGE IMAGE     the image of both
 *   text MAKE IMAGE                 what is in it, lines joined by |
 *   error MAKE SIZE COUNT           the largest error of ranks over COUNT values or more, what is published, and seconds it took to build
 */
#include "sketch/kll.h"
#include "sketch/powers.h"
#include "sketch/quantiles.h"
#include "sketch/tdigest.h"

#include "tests/sketch/tool.h"

typedef union any_sketch {
    ov_quantiles classic;
    ov_kll kll;
    ov_tdigest tdigest;
    ov_powers powers;
} any_sketch;

/* What quantiles come from. */
typedef struct answers {
    double n, min, max;
    ov_ranks ranks;
    ov_tdigest tdigest;
    ov_powers_solved solved;
    double (*quantile)(const struct answers *a, double rank);
} answers;

typedef struct make {
    const char *name;
    void (*init)(any_sketch *s, unsigned size);
    ov_status (*add)(any_sketch *s, double x, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*merge)(any_sketch *s, const any_sketch *from, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*read)(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*write)(const any_sketch *s, ov_buf *out, ov_error *err);
    ov_status (*answer)(const any_sketch *s, answers *out, ov_arena *a, ov_error *err);
    void (*describe)(const any_sketch *s, ov_buf *out);
    double (*error)(unsigned size, bool of_difference);
} make;

static double quantile_of_ranks(const answers *a, double rank)
{
    return ov_ranks_quantile(&a->ranks, rank);
}

static void by_ranks(answers *a)
{
    a->n = (double)a->ranks.n;
    a->min = a->ranks.min;
    a->max = a->ranks.max;
    a->quantile = quantile_of_ranks;
}

/* ---- classic ---- */

static void classic_init(any_sketch *s, unsigned size)
{
    ov_quantiles_init(&s->classic, size);
}

static ov_status classic_add(any_sketch *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_quantiles_add(&s->classic, x, mem, err);
}

static ov_status classic_merge(any_sketch *s, const any_sketch *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_quantiles_merge(&s->classic, &from->classic, mem, err);
}

static ov_status classic_read(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_quantiles_read(image, &s->classic, mem, err);
}

static ov_status classic_write(const any_sketch *s, ov_buf *out, ov_error *err)
{
    return ov_quantiles_write(&s->classic, true, out, err);
}

static ov_status updatable_write(const any_sketch *s, ov_buf *out, ov_error *err)
{
    return ov_quantiles_write(&s->classic, false, out, err);
}

static ov_status classic_answer(const any_sketch *s, answers *out, ov_arena *a, ov_error *err)
{
    OV_TRY(ov_quantiles_ranks(&s->classic, &out->ranks, a, err));
    by_ranks(out);
    return OV_OK;
}

static void classic_describe(const any_sketch *s, ov_buf *out)
{
    ov_quantiles_describe(&s->classic, out);
}

/* ---- KLL ---- */

static void doubles_init(any_sketch *s, unsigned size)
{
    ov_kll_init(&s->kll, size, false);
}

static void floats_init(any_sketch *s, unsigned size)
{
    ov_kll_init(&s->kll, size, true);
}

static ov_status kll_add(any_sketch *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_kll_add(&s->kll, x, mem, err);
}

static ov_status kll_merge(any_sketch *s, const any_sketch *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_kll_merge(&s->kll, &from->kll, mem, err);
}

static ov_status doubles_read(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_kll_read(image, false, &s->kll, mem, err);
}

static ov_status floats_read(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_kll_read(image, true, &s->kll, mem, err);
}

static ov_status kll_write(const any_sketch *s, ov_buf *out, ov_error *err)
{
    return ov_kll_write(&s->kll, out, err);
}

static ov_status kll_answer(const any_sketch *s, answers *out, ov_arena *a, ov_error *err)
{
    OV_TRY(ov_kll_ranks(&s->kll, &out->ranks, a, err));
    by_ranks(out);
    return OV_OK;
}

static void kll_describe(const any_sketch *s, ov_buf *out)
{
    ov_kll_describe(&s->kll, out);
}

/* ---- t-digests ---- */

static void tdigest_init(any_sketch *s, unsigned size)
{
    ov_tdigest_init(&s->tdigest, size);
}

static ov_status tdigest_add(any_sketch *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_tdigest_add(&s->tdigest, x, mem, err);
}

static ov_status tdigest_merge(any_sketch *s, const any_sketch *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_tdigest_merge(&s->tdigest, &from->tdigest, mem, err);
}

static ov_status tdigest_read(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_tdigest_read(image, &s->tdigest, mem, err);
}

static ov_status tdigest_write(const any_sketch *s, ov_buf *out, ov_error *err)
{
    ov_tdigest settled;
    ov_arena a;
    ov_arena_init(&a, "tool", NULL);
    ov_status st = ov_tdigest_settled(&s->tdigest, &a, &settled, err);
    if (st == OV_OK)
        st = ov_tdigest_write(&settled, out, err);
    ov_arena_fini(&a);
    return st;
}

static double tdigest_quantile(const answers *a, double rank)
{
    return ov_tdigest_quantile(&a->tdigest, rank);
}

static ov_status tdigest_answer(const any_sketch *s, answers *out, ov_arena *a, ov_error *err)
{
    OV_TRY(ov_tdigest_settled(&s->tdigest, a, &out->tdigest, err));
    out->n = ov_tdigest_count(&out->tdigest);
    out->min = out->tdigest.min;
    out->max = out->tdigest.max;
    out->quantile = tdigest_quantile;
    return OV_OK;
}

/* ---- moments ---- */

static void moments_init(any_sketch *s, unsigned size)
{
    ov_powers_init(&s->powers, size, true);
}

static void plain_init(any_sketch *s, unsigned size)
{
    ov_powers_init(&s->powers, size, false);
}

static ov_status moments_add(any_sketch *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_powers_add(&s->powers, x, mem, err);
}

static ov_status moments_merge(any_sketch *s, const any_sketch *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_powers_merge(&s->powers, &from->powers, mem, err);
}

static ov_status moments_read(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_powers_read(image, &s->powers, mem, err);
}

static ov_status moments_write(const any_sketch *s, ov_buf *out, ov_error *err)
{
    return ov_powers_write(&s->powers, out, err);
}

static double moments_quantile(const answers *a, double rank)
{
    return ov_powers_quantile(&a->solved, rank);
}

static ov_status moments_answer(const any_sketch *s, answers *out, ov_arena *a, ov_error *err)
{
    OV_TRY(ov_powers_solve(&s->powers, &out->solved, a, err));
    out->n = ov_powers_count(&s->powers);
    out->min = ov_powers_min(&s->powers);
    out->max = ov_powers_max(&s->powers);
    out->quantile = moments_quantile;
    return OV_OK;
}

/* Druid's documentation says so of 13 sums. */
static double moments_error(unsigned size, bool of_difference)
{
    (void)size, (void)of_difference;
    return 0.01;
}

/* Makes that have no words for themselves. */
static void no_words(const any_sketch *s, ov_buf *out)
{
    (void)s, (void)out;
}

static const make makes[] = {
    {"classic", classic_init, classic_add, classic_merge, classic_read, classic_write, classic_answer, classic_describe,
     ov_quantiles_error},
    {"updatable", classic_init, classic_add, classic_merge, classic_read, updatable_write, classic_answer, classic_describe,
     ov_quantiles_error},
    {"kll-doubles", doubles_init, kll_add, kll_merge, doubles_read, kll_write, kll_answer, kll_describe, ov_kll_error},
    {"kll-floats", floats_init, kll_add, kll_merge, floats_read, kll_write, kll_answer, kll_describe, ov_kll_error},
    {"tdigest", tdigest_init, tdigest_add, tdigest_merge, tdigest_read, tdigest_write, tdigest_answer, no_words,
     ov_tdigest_error},
    {"moments", moments_init, moments_add, moments_merge, moments_read, moments_write, moments_answer, no_words,
     moments_error},
    {"moments-plain", plain_init, moments_add, moments_merge, moments_read, moments_write, moments_answer, no_words,
     moments_error},
};

/* ---- commands ---- */

static ov_status print_image(const make *m, const any_sketch *s, ov_error *err)
{
    ov_buf image;
    ov_buf_init(&image);
    ov_status st = m->write(s, &image, err);
    tool_print_hex(&image);
    ov_buf_fini(&image);
    return st;
}

static ov_status build(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    (void)a;
    m->init(&s, (unsigned)tool_i64());
    int64_t n = tool_i64(), seed = tool_i64();
    for (int64_t i = 0; i < n; i++)
        OV_TRY(m->add(&s, tool_value((uint64_t)i, (uint64_t)seed), mem, err));
    return print_image(m, &s, err);
}

static ov_status read_answers(const make *m, any_sketch *s, answers *out, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    *out = (answers){0};
    OV_TRY(m->read(tool_image(a), s, mem, err));
    return m->answer(s, out, a, err);
}

static ov_status ask_quantiles(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    answers r;
    OV_TRY(read_answers(m, &s, &r, mem, a, err));
    printf("%.0f %.17g %.17g ", r.n, r.min, r.max);
    for (char *word; (word = tool_word());)
        printf("%.17g ", r.quantile(&r, atof(word)));
    return print_image(m, &s, err);
}

static ov_status ask_ranks(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    answers r;
    OV_TRY(read_answers(m, &s, &r, mem, a, err));
    for (char *word; (word = tool_word());)
        printf("%.17g ", ov_ranks_rank(&r.ranks, atof(word)));
    return OV_OK;
}

static ov_status merge(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s, one;
    m->init(&s, (unsigned)tool_i64());
    for (int i = 0; i < 2; i++) {
        OV_TRY(m->read(tool_image(a), &one, mem, err));
        OV_TRY(m->merge(&s, &one, mem, err));
    }
    return print_image(m, &s, err);
}

static ov_status describe(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    ov_buf text;
    OV_TRY(m->read(tool_image(a), &s, mem, err));
    ov_buf_init(&text);
    m->describe(&s, &text);
    for (size_t i = 0; i < text.n; i++)
        putchar(text.p[i] == '\n' ? '|' : text.p[i]);
    ov_buf_fini(&text);
    return OV_OK;
}

/* i * odd modulo a power of two visits every number once: the rank of v is (v + 1) / size. Errors are those of quantiles, in ranks. */
static ov_status measure(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    answers r = {0};
    unsigned k = (unsigned)tool_i64(), n = (unsigned)tool_i64(), size = 1;
    double worst = 0;
    while (size < n)
        size *= 2;
    m->init(&s, k);
    double start = tool_seconds();
    for (unsigned i = 0; i < size; i++)
        OV_TRY(m->add(&s, (double)((i * 2654435761u) & (size - 1)), mem, err));
    double took = tool_seconds() - start;
    OV_TRY(m->answer(&s, &r, a, err));
    for (unsigned i = 0; i < 10000; i++) {
        double rank = i / 10000.0;
        worst = fmax(worst, fabs((r.quantile(&r, rank) + 1) / size - rank));
    }
    printf("%u values: %.6f of %.6f, %.3f s", size, worst, m->error(k, false), took);
    return OV_OK;
}

ov_status tool_run(const char *verb, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    static const struct {
        const char *verb;
        ov_status (*run)(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err);
    } verbs[] = {{"build", build}, {"read", ask_quantiles}, {"ranks", ask_ranks}, {"merge", merge}, {"text", describe}, {"error", measure}};
    const char *name = tool_word();
    for (size_t v = 0; v < OV_COUNT_OF(verbs); v++)
        for (size_t i = 0; i < OV_COUNT_OF(makes); i++)
            if (name && !strcmp(verb, verbs[v].verb) && !strcmp(name, makes[i].name))
                return verbs[v].run(&makes[i], mem, a, err);
    return ov_fail(err, OV_INVALID, "no command '%s %s'", verb, name ? name : "");
}
