/*
 * Sketches of numbers on the command line, for the tests that compare with their makers' own libraries (prove_quantiles.py and others).
 *
 * MAKE is classic, updatable (classic, written to go on in place), kll-doubles or kll-floats; SIZE is k.
 *
 *   build MAKE SIZE N SEED          the image of N pseudo-random numbers (tool_value)
 *   read MAKE IMAGE R...            n, least, greatest, then quantiles of the ranks R, and the image written again
 *   ranks MAKE IMAGE V...           ranks of the values
 *   merge MAKE SIZE IMAGE IMAGE     the image of both
 *   text MAKE IMAGE                 what is in it, lines joined by |
 *   error MAKE SIZE COUNT           the largest error of ranks over COUNT values or more, and seconds it took to build
 */
#include "sketch/kll.h"
#include "sketch/quantiles.h"

#include "tests/sketch/tool.h"

typedef union any_sketch {
    ov_quantiles classic;
    ov_kll kll;
} any_sketch;

typedef struct make {
    const char *name;
    void (*init)(any_sketch *s, unsigned size);
    ov_status (*add)(any_sketch *s, double x, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*merge)(any_sketch *s, const any_sketch *from, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*read)(ov_slice image, any_sketch *s, const ov_sketch_mem *mem, ov_error *err);
    ov_status (*write)(const any_sketch *s, ov_buf *out, ov_error *err);
    ov_status (*ranks)(const any_sketch *s, ov_ranks *out, ov_arena *a, ov_error *err);
    void (*describe)(const any_sketch *s, ov_buf *out);
    double (*error)(unsigned size, bool of_difference);
} make;

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

static ov_status classic_ranks(const any_sketch *s, ov_ranks *out, ov_arena *a, ov_error *err)
{
    return ov_quantiles_ranks(&s->classic, out, a, err);
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

static ov_status kll_ranks(const any_sketch *s, ov_ranks *out, ov_arena *a, ov_error *err)
{
    return ov_kll_ranks(&s->kll, out, a, err);
}

static void kll_describe(const any_sketch *s, ov_buf *out)
{
    ov_kll_describe(&s->kll, out);
}

static const make makes[] = {
    {"classic", classic_init, classic_add, classic_merge, classic_read, classic_write, classic_ranks, classic_describe,
     ov_quantiles_error},
    {"updatable", classic_init, classic_add, classic_merge, classic_read, updatable_write, classic_ranks, classic_describe,
     ov_quantiles_error},
    {"kll-doubles", doubles_init, kll_add, kll_merge, doubles_read, kll_write, kll_ranks, kll_describe, ov_kll_error},
    {"kll-floats", floats_init, kll_add, kll_merge, floats_read, kll_write, kll_ranks, kll_describe, ov_kll_error},
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

static ov_status read_ranks(const make *m, any_sketch *s, ov_ranks *r, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    OV_TRY(m->read(tool_image(a), s, mem, err));
    return m->ranks(s, r, a, err);
}

static ov_status ask_quantiles(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    ov_ranks r;
    OV_TRY(read_ranks(m, &s, &r, mem, a, err));
    printf("%llu %.17g %.17g ", (unsigned long long)r.n, r.min, r.max);
    for (char *word; (word = tool_word());)
        printf("%.17g ", ov_ranks_quantile(&r, atof(word)));
    return print_image(m, &s, err);
}

static ov_status ask_ranks(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    ov_ranks r;
    OV_TRY(read_ranks(m, &s, &r, mem, a, err));
    for (char *word; (word = tool_word());)
        printf("%.17g ", ov_ranks_rank(&r, atof(word)));
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

/* i * odd modulo a power of two visits every number once: the rank of v is (v + 1) / size. */
static ov_status measure(const make *m, const ov_sketch_mem *mem, ov_arena *a, ov_error *err)
{
    any_sketch s;
    ov_ranks r;
    unsigned k = (unsigned)tool_i64(), n = (unsigned)tool_i64(), size = 1;
    double worst = 0;
    while (size < n)
        size *= 2;
    m->init(&s, k);
    double start = tool_seconds();
    for (unsigned i = 0; i < size; i++)
        OV_TRY(m->add(&s, (double)((i * 2654435761u) & (size - 1)), mem, err));
    double took = tool_seconds() - start;
    OV_TRY(m->ranks(&s, &r, a, err));
    for (unsigned i = 0; i < 100000; i++) {
        double v = floor((double)size / 100000 * i);
        worst = fmax(worst, fabs(ov_ranks_rank(&r, v) - (v + 1) / size));
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
