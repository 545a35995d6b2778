#include "ingest/load/partition.h"

#include <stdlib.h>
#include "base/bits.h"

enum { SAMPLES = 4096, SAMPLES_OF_MANY = 256, MANY = 256, MOST_BUCKETS = 10000 };

void ovi_partitioner_init(ovi_partitioner *p, const ov_gran *gran)
{
    *p = (ovi_partitioner){.gran = *gran, .random = 0x9E3779B97F4A7C15ull};
    ov_arena_init(&p->arena, "partitions", NULL);
}

void ovi_partitioner_fini(ovi_partitioner *p)
{
    ov_free(p->chunks);
    ov_arena_fini(&p->arena);
}

ov_status ovi_partitioner_choose(ovi_partitioner *p, const ov_spec *spec, const ov_gran *gran, const ov_build_column *columns,
                                 uint32_t count, bool *found, ov_error *err)
{
    uint32_t *numbers;
    *found = false;
    if (spec->partitions == OV_SHARD_NUMBERED)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&p->arena, spec->partition_count * sizeof *numbers, &numbers, err));
    for (uint32_t i = 0; i < spec->partition_count; i++) {
        uint32_t c = 0;
        while (c < count && !ov_slice_eq(columns[c].name, spec->partition_dimensions[i]))
            c++;
        if (c == count || columns[c].type.id != OV_TYPE_STRING)
            return OV_OK;
        numbers[i] = c;
    }
    p->kind = (ov_shard_kind)spec->partitions;
    p->gran = *gran;
    p->columns = numbers;
    p->column_count = spec->partition_count;
    p->names = spec->partition_dimensions;
    p->target_rows = spec->max_rows_per_segment;
    p->fixed_buckets = spec->num_shards;
    *found = true;
    return OV_OK;
}

/* ---- keys ---- */

bool ovi_partitioner_key(const ovi_partitioner *p, const ov_rows *rows, uint32_t row, ov_slice *key)
{
    for (uint32_t i = 0; i < p->column_count; i++) {
        const ovi_rows_col *c = &rows->col[p->columns[i]];
        if (c->listed)
            return false;
        uint32_t code = c->code[row], from = c->dict.offsets[code];
        key[i] = code ? ov_slice_make(c->dict.bytes + from, c->dict.offsets[code + 1] - from) : (ov_slice){0};
        if (code && !key[i].p)
            key[i].p = "";
    }
    return true;
}

ov_status ovi_partitioner_open(const ovi_partitioner *p, const ov_batch *batch, ov_arena *out, ov_vec **opened, ov_error *err)
{
    OV_TRY(ov_arena_alloc(out, p->column_count * sizeof **opened, opened, err));
    for (uint32_t i = 0; i < p->column_count; i++)
        OV_TRY(ov_vec_flatten(&batch->col[p->columns[i]], out, &(*opened)[i], err));
    return OV_OK;
}

bool ovi_partitioner_opened_key(const ovi_partitioner *p, const ov_vec *opened, uint32_t row, ov_slice *key)
{
    for (uint32_t i = 0; i < p->column_count; i++) {
        const ov_vec *v = &opened[i];
        if (ov_type_is_list(v->type)) {
            uint32_t first, end;
            v = ov_vec_list(v, row, &first, &end);
            if (end - first > 1)
                return false;
            key[i] = end == first || ov_vec_is_null(v, first) ? (ov_slice){0} : ov_vec_str(v, first);
        } else {
            key[i] = ov_vec_is_null(v, row) ? (ov_slice){0} : ov_vec_str(v, row);
        }
        if (!key[i].p && key[i].n == 0 && !(ov_type_is_list(opened[i].type)) && !ov_vec_is_null(&opened[i], row))
            key[i].p = "";
    }
    return true;
}

static int cmp_value(ov_slice a, ov_slice b)
{
    if (!a.p || !b.p)
        return (a.p != NULL) - (b.p != NULL);
    return ov_slice_cmp(a, b);
}

static int cmp_key(const ov_slice *a, const ov_slice *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int c = cmp_value(a[i], b[i]);
        if (c)
            return c;
    }
    return 0;
}

/* ---- the first pass ---- */

static uint32_t chunk_after(const ovi_partitioner *p, int64_t start)
{
    uint32_t lo = 0, hi = p->chunk_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (p->chunks[mid].start <= start)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const ovi_part_chunk *ovi_partitioner_chunk(const ovi_partitioner *p, int64_t start)
{
    uint32_t at = chunk_after(p, start);
    return at > 0 && p->chunks[at - 1].start == start ? &p->chunks[at - 1] : NULL;
}

static ov_status chunk_of(ovi_partitioner *p, int64_t start, ovi_part_chunk **out, ov_error *err)
{
    if (p->last < p->chunk_count && p->chunks[p->last].start == start) {
        *out = &p->chunks[p->last];
        return OV_OK;
    }
    uint32_t at = chunk_after(p, start);
    if (at > 0 && p->chunks[at - 1].start == start) {
        p->last = at - 1;
    } else {
        OV_TRY(ov_list_room(NULL, &p->chunks, p->chunk_count, &p->chunk_cap, 1, sizeof *p->chunks, err));
        memmove(p->chunks + at + 1, p->chunks + at, (p->chunk_count - at) * sizeof *p->chunks);
        p->chunks[at] = (ovi_part_chunk){.start = start};
        p->chunk_count++;
        p->last = at;
    }
    *out = &p->chunks[p->last];
    return OV_OK;
}

static uint64_t below(ovi_partitioner *p, uint64_t n)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random % n;
}

/* Every row of the chunk ends up in the samples with the same chance. */
static ov_status sample(ovi_partitioner *p, ovi_part_chunk *c, const ov_slice *key, ov_error *err)
{
    uint32_t most = p->chunk_count > MANY ? SAMPLES_OF_MANY : SAMPLES;
    uint64_t at = c->sample_count < most ? c->sample_count : below(p, c->rows);
    if (!c->samples) /* `most` only ever becomes less */
        OV_TRY(ov_arena_zalloc(&p->arena, (size_t)most * p->column_count * sizeof *c->samples, &c->samples, err));
    if (at >= most)
        return OV_OK;
    c->sample_count += at == c->sample_count;
    for (uint32_t i = 0; i < p->column_count; i++) {
        ov_slice *to = &c->samples[at * p->column_count + i];
        *to = key[i];
        if (key[i].p)
            OV_TRY(ov_arena_copy(&p->arena, key[i], to, err));
    }
    return OV_OK;
}

/* key NULL: the row has none. */
static ov_status see_row(ovi_partitioner *p, ov_interval *bucket, ovi_part_chunk **c, int64_t ms, const ov_slice *key, ov_error *err)
{
    if (!*c || !ov_interval_has(*bucket, ms)) {
        *bucket = ov_gran_bucket(&p->gran, ms);
        OV_TRY(chunk_of(p, bucket->start, c, err));
    }
    (*c)->rows++;
    return key ? sample(p, *c, key, err) : OV_OK;
}

ov_status ovi_partitioner_see(ovi_partitioner *p, const ov_rows *rows, ov_error *err)
{
    ov_slice key[OV_SHARD_MOST_DIMENSIONS];
    ov_interval bucket = {0, 0};
    ovi_part_chunk *c = NULL;
    for (uint32_t i = 0; i < rows->rows; i++) {
        bool has_key = p->kind == OV_SHARD_RANGE && ovi_partitioner_key(p, rows, i, key);
        OV_TRY(see_row(p, &bucket, &c, rows->col[0].i64[i], has_key ? key : NULL, err));
    }
    return OV_OK;
}

ov_status ovi_partitioner_see_batch(ovi_partitioner *p, const ov_batch *batch, ov_arena *scratch, ov_error *err)
{
    ov_slice key[OV_SHARD_MOST_DIMENSIONS];
    ov_interval bucket = {0, 0};
    ovi_part_chunk *c = NULL;
    ov_vec time, *opened;
    OV_TRY(ov_vec_flatten(&batch->col[0], scratch, &time, err));
    OV_TRY(ovi_partitioner_open(p, batch, scratch, &opened, err));
    for (uint32_t i = 0; i < batch->rows; i++) {
        if (batch->sel && !ov_bits_test(batch->sel, i))
            continue;
        bool has_key = p->kind == OV_SHARD_RANGE && ovi_partitioner_opened_key(p, opened, i, key);
        OV_TRY(see_row(p, &bucket, &c, ((const int64_t *)time.data)[i], has_key ? key : NULL, err));
    }
    return OV_OK;
}

/* ---- between the passes ---- */

static int cmp_samples(const void *a, const void *b, void *width)
{
    return cmp_key(a, b, *(const uint32_t *)width);
}

/* Equal parts of the sorted samples; keys that repeat make fewer. */
static ov_status cut_ranges(ovi_partitioner *p, ovi_part_chunk *c, ov_error *err)
{
    uint32_t width = p->column_count, want = c->buckets, n = 0;
    ov_slice *bounds;
    OV_TRY(ov_arena_alloc(&p->arena, (size_t)want * width * sizeof *bounds, &bounds, err));
    if (c->sample_count)
        qsort_r(c->samples, c->sample_count, width * sizeof *c->samples, cmp_samples, &width);
    for (uint32_t b = 1; b < want && c->sample_count; b++) {
        const ov_slice *key = &c->samples[(size_t)b * c->sample_count / want * width];
        const ov_slice *before = n ? &bounds[(size_t)(n - 1) * width] : c->samples;
        if (cmp_key(key, before, width) <= 0)
            continue;
        memcpy(&bounds[(size_t)n++ * width], key, width * sizeof *key);
    }
    c->bounds = bounds;
    c->buckets = n + 1;
    return OV_OK;
}

ov_status ovi_partitioner_settle(ovi_partitioner *p, ov_error *err)
{
    for (uint32_t i = 0; i < p->chunk_count; i++) {
        ovi_part_chunk *c = &p->chunks[i];
        uint64_t wanted = (c->rows + p->target_rows - 1) / p->target_rows;
        c->buckets = p->fixed_buckets ? p->fixed_buckets : (uint32_t)OV_MIN(OV_MAX(wanted, 1), (uint64_t)MOST_BUCKETS);
        if (p->kind == OV_SHARD_RANGE)
            OV_TRY(cut_ranges(p, c, err));
    }
    return OV_OK;
}

/* ---- the load ---- */

uint32_t ovi_partitioner_bucket(const ovi_partitioner *p, const ovi_part_chunk *c, const ov_slice *key, ov_buf *scratch)
{
    if (p->kind == OV_SHARD_HASHED)
        return ov_shard_bucket(key, p->column_count, c->buckets, scratch);
    uint32_t lo = 0, hi = c->buckets - 1; /* the first bound past the key */
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (cmp_key(&c->bounds[(size_t)mid * p->column_count], key, p->column_count) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

ov_shard ovi_partitioner_shard(const ovi_partitioner *p, int64_t start, uint32_t bucket)
{
    const ovi_part_chunk *c = ovi_partitioner_chunk(p, start);
    ov_shard s = {0};
    if (p->vague || !c || c->buckets < 2)
        return s;
    s = (ov_shard){.kind = (uint8_t)p->kind, .dimension_count = p->column_count, .dimensions = p->names};
    if (p->kind == OV_SHARD_HASHED) {
        s.bucket = bucket;
        s.buckets = c->buckets;
        return s;
    }
    if (bucket > 0)
        s.start = &c->bounds[(size_t)(bucket - 1) * p->column_count];
    if (bucket + 1 < c->buckets)
        s.end = &c->bounds[(size_t)bucket * p->column_count];
    return s;
}
