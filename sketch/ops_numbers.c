/*
 * Sketches of numbers behind the table of functions (ops.h): KLL, t-digests, moments sketches. Results of KLL are sorted where Druid sorts when it is asked, so
 * that they do not depend on the order of rows while they are exact.
 */
#include "sketch/kll.h"
#include "sketch/ops.h"
#include "sketch/powers.h"
#include "sketch/tdigest.h"

/* ---- KLL ---- */

static ov_kll *begin_kll(void *head, const ov_sketch_args *p, bool floats)
{
    ov_kll *s = head;
    if (!s->k)
        ov_kll_init(s, (unsigned)p->at[0], floats);
    return s;
}

static ov_status add_kll(ov_kll *s, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem, ov_error *err)
{
    double x;
    return n && ov_sketch_number(v, &x) ? ov_kll_add(s, x, mem, err) : OV_OK;
}

static ov_status put_kll(ov_kll *s, ov_slice image, const ov_sketch_mem *mem, ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_kll one;
    OV_TRY(ov_kll_read(image, s->floats, &one, &trial, err));
    return ov_kll_merge(s, &one, mem, err);
}

static ov_status write_kll(ov_kll s, const ov_sketch_args *p, bool floats, bool result, ov_buf *out, ov_error *err)
{
    begin_kll(&s, p, floats);
    if (result) /* in place: the order of level 0 means nothing */
        ov_kll_sort(&s);
    return ov_kll_write(&s, out, err);
}

static ov_status add_doubles(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                             const ov_sketch_mem *mem, ov_error *err)
{
    return add_kll(begin_kll(head, p, false), v, n, mem, err);
}

static ov_status put_doubles(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                             ov_arena *scratch, ov_error *err)
{
    (void)several; /* numbers count as often as they come: rows with a weight are none of these sketches' */
    return put_kll(begin_kll(head, p, false), image, mem, scratch, err);
}

static ov_status merge_doubles(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_kll_merge(begin_kll(head, p, false), from, mem, err);
}

static ov_status write_doubles(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                               ov_error *err)
{
    (void)scratch;
    return write_kll(*(const ov_kll *)head, p, false, result, out, err);
}

static ov_status add_floats(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                            const ov_sketch_mem *mem, ov_error *err)
{
    return add_kll(begin_kll(head, p, true), v, n, mem, err);
}

static ov_status put_floats(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                            ov_arena *scratch, ov_error *err)
{
    (void)several;
    return put_kll(begin_kll(head, p, true), image, mem, scratch, err);
}

static ov_status merge_floats(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_kll_merge(begin_kll(head, p, true), from, mem, err);
}

static ov_status write_floats(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                              ov_error *err)
{
    (void)scratch;
    return write_kll(*(const ov_kll *)head, p, true, result, out, err);
}

static const ov_sketch_param kll_params[] = {
    {.name = "k", .least = OV_KLL_LEAST_K, .most = OV_KLL_MOST_K, .dflt = OV_KLL_DEFAULT_K, .whole = true},
};

const ov_sketch_ops ov_kll_doubles_ops = {
    .name = "KllDoublesSketch",
    .head_bytes = sizeof(ov_kll),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = kll_params,
    .param_count = OV_COUNT_OF(kll_params),
    .add = add_doubles,
    .put = put_doubles,
    .merge = merge_doubles,
    .write = write_doubles,
};

const ov_sketch_ops ov_kll_floats_ops = {
    .name = "KllFloatsSketch",
    .head_bytes = sizeof(ov_kll),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = kll_params,
    .param_count = OV_COUNT_OF(kll_params),
    .add = add_floats,
    .put = put_floats,
    .merge = merge_floats,
    .write = write_floats,
};

/* ---- t-digests ---- */

static ov_tdigest *begin_tdigest(void *head, const ov_sketch_args *p)
{
    ov_tdigest *s = head;
    if (s->compression == 0)
        ov_tdigest_init(s, p->at[0]);
    return s;
}

static ov_status add_tdigest(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                             const ov_sketch_mem *mem, ov_error *err)
{
    double x;
    return n && ov_sketch_number(v, &x) ? ov_tdigest_add(begin_tdigest(head, p), x, mem, err) : OV_OK;
}

static ov_status put_tdigest(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                             ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_tdigest one;
    (void)several;
    OV_TRY(ov_tdigest_read(image, &one, &trial, err));
    return ov_tdigest_merge(begin_tdigest(head, p), &one, mem, err);
}

static ov_status merge_tdigest(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_tdigest_merge(begin_tdigest(head, p), from, mem, err);
}

static ov_status write_tdigest(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                               ov_error *err)
{
    ov_tdigest s = *(const ov_tdigest *)head, settled;
    (void)result;
    begin_tdigest(&s, p);
    OV_TRY(ov_tdigest_settled(&s, scratch, &settled, err));
    return ov_tdigest_write(&settled, out, err);
}

static const ov_sketch_param tdigest_params[] = {
    {.name = "compression",
     .least = OV_TDIGEST_LEAST_COMPRESSION,
     .most = OV_TDIGEST_MOST_COMPRESSION,
     .dflt = OV_TDIGEST_DEFAULT_COMPRESSION,
     .whole = true},
};

const ov_sketch_ops ov_tdigest_ops = {
    .name = "tDigestSketch",
    .head_bytes = sizeof(ov_tdigest),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = tdigest_params,
    .param_count = OV_COUNT_OF(tdigest_params),
    .add = add_tdigest,
    .put = put_tdigest,
    .merge = merge_tdigest,
    .write = write_tdigest,
};

/* ---- moments sketches ---- */

static ov_powers *begin_powers(void *head, const ov_sketch_args *p)
{
    ov_powers *s = head;
    if (!s->k)
        ov_powers_init(s, (unsigned)p->at[0], p->at[1] != 0);
    return s;
}

static ov_status add_powers(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n,
                            const ov_sketch_mem *mem, ov_error *err)
{
    double x;
    return n && ov_sketch_number(v, &x) ? ov_powers_add(begin_powers(head, p), x, mem, err) : OV_OK;
}

static ov_status put_powers(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                            ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem trial = ov_sketch_mem_arena(scratch);
    ov_powers one;
    (void)several;
    if (image.n == 0)
        return OV_OK;
    OV_TRY(ov_powers_read(image, &one, &trial, err));
    return ov_powers_merge(begin_powers(head, p), &one, mem, err);
}

static ov_status merge_powers(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_powers_merge(begin_powers(head, p), from, mem, err);
}

static ov_status write_powers(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out,
                              ov_error *err)
{
    ov_powers s = *(const ov_powers *)head;
    (void)result, (void)scratch;
    begin_powers(&s, p);
    return ov_powers_write(&s, out, err);
}

static const char *const no_yes[] = {"false", "true", NULL};

static const ov_sketch_param powers_params[] = {
    {.name = "k", .least = OV_POWERS_LEAST_K, .most = OV_POWERS_MOST_K, .dflt = OV_POWERS_DEFAULT_K, .whole = true},
    {.name = "compress", .dflt = 1, .words = no_yes},
};

const ov_sketch_ops ov_powers_ops = {
    .name = "momentSketch",
    .head_bytes = sizeof(ov_powers),
    .takes = OV_SKETCH_OF_NUMBERS,
    .params = powers_params,
    .param_count = OV_COUNT_OF(powers_params),
    .add = add_powers,
    .put = put_powers,
    .merge = merge_powers,
    .write = write_powers,
};
