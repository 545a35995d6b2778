/* Tuple sketches behind the table of functions of sketch/ops.h. */
#include "sketch/ops.h"
#include "sketch/tuple.h"

enum { NOMINAL, WIDTH };

static ov_tuple *begin(void *head, const ov_sketch_args *p)
{
    ov_tuple *s = head;
    if (!s->lg_k)
        ov_tuple_init(s, ov_theta_lg_of((uint64_t)p->at[NOMINAL]), (unsigned)p->at[WIDTH]);
    return s;
}

/* A number that is missing is 0, as in Druid. */
static ov_status add(void *head, const ov_sketch_args *p, const ov_sketch_value *v, uint32_t n, const ov_sketch_mem *mem,
                     ov_error *err)
{
    double numbers[OV_TUPLE_MOST_WIDTH] = {0};
    ov_hash128 h;
    ov_tuple *s = begin(head, p);
    if (n == 0 || !ov_sketch_hash(v, false, &h))
        return OV_OK;
    for (uint32_t i = 1; i < n && i <= s->width; i++)
        if (!ov_sketch_number(&v[i], &numbers[i - 1]))
            numbers[i - 1] = 0;
    return ov_tuple_add(s, ov_theta_hash(h), numbers, mem, err);
}

static ov_status put(void *head, const ov_sketch_args *p, ov_slice image, bool several, const ov_sketch_mem *mem,
                     ov_arena *scratch, ov_error *err)
{
    ov_tuple_set one;
    ov_tuple *s = begin(head, p);
    (void)several;
    OV_TRY(ov_tuple_read(image, scratch, &one, err));
    if (!s->seen && one.width) /* sketches bring their own width */
        s->width = (uint8_t)one.width;
    return ov_tuple_merge_set(s, &one, mem, err);
}

static ov_status merge(void *head, const ov_sketch_args *p, const void *from, const ov_sketch_mem *mem, ov_error *err)
{
    ov_tuple *s = begin(head, p);
    if (!s->seen)
        s->width = ((const ov_tuple *)from)->width;
    return ov_tuple_merge(s, from, mem, err);
}

static ov_status write(const void *head, const ov_sketch_args *p, bool result, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_tuple s = *(const ov_tuple *)head;
    ov_tuple_set set;
    (void)result;
    begin(&s, p);
    OV_TRY(ov_tuple_finish(&s, scratch, &set, err));
    ov_tuple_write(&set, out);
    return ov_buf_check(out, err);
}

static ov_status check(const ov_sketch_args *p, ov_error *err)
{
    return ov_theta_size_ok((int64_t)p->at[NOMINAL]) ? OV_OK : ov_fail(err, OV_INVALID, "'nominalEntries' must be a power of two");
}

static const ov_sketch_param params[] = {
    {.name = "nominalEntries", .least = 1 << OV_THETA_LEAST_LG_K, .most = 1 << OV_THETA_MOST_LG_K, .dflt = 1 << OV_THETA_DEFAULT_LG_K, .whole = true},
    {.name = "numberOfValues", .least = 1, .most = OV_TUPLE_MOST_WIDTH, .dflt = 1, .whole = true},
};

const ov_sketch_ops ov_tuple_ops = {
    .name = "arrayOfDoublesSketch",
    .head_bytes = sizeof(ov_tuple),
    .takes = OV_SKETCH_OF_TUPLES,
    .params = params,
    .param_count = OV_COUNT_OF(params),
    .check = check,
    .add = add,
    .put = put,
    .merge = merge,
    .write = write,
};
