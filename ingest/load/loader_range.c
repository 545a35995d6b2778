/* What segments cover: ranges of keys, where rows that come in order may be cut, and the buckets of a partitioner. */
#include "ingest/load/loader_int.h"
#include "storage/catalog/shard.h"

static ov_slice value_at(const ov_vec *v, uint32_t row)
{
    ov_slice s = {0};
    if (ov_vec_is_null(v, row))
        return s;
    s = ov_vec_str(v, row);
    return s.p ? s : OV_SLICE_LIT("");
}

static bool same_value(ov_slice a, ov_slice b)
{
    return (a.p == NULL) == (b.p == NULL) && ov_slice_eq(a, b);
}

static bool same_as_key(const ov_slice *key, const ov_vec *cols, uint32_t n, uint32_t row)
{
    for (uint32_t i = 0; i < n; i++)
        if (!same_value(key[i], value_at(&cols[i + 1], row)))
            return false;
    return true;
}

static bool same_rows(const ov_vec *cols, uint32_t n, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < n; i++)
        if (!same_value(value_at(&cols[i + 1], a), value_at(&cols[i + 1], b)))
            return false;
    return true;
}

static ov_status copy_key(ov_loader *l, const ov_vec *cols, uint32_t row, ov_slice **key, ov_error *err)
{
    uint32_t n = l->schema.range_columns;
    OV_TRY(ov_arena_zalloc(&l->keys, n * sizeof **key, key, err));
    for (uint32_t i = 0; i < n; i++) {
        ov_slice v = value_at(&cols[i + 1], row);
        if (v.p)
            OV_TRY(ov_arena_copy(&l->keys, v, &(*key)[i], err));
    }
    return OV_OK;
}

ov_status ovi_range_take(ov_loader *l, const ovi_chunk *c, const ov_vec *cols, const uint64_t *sel, uint32_t at,
                         uint32_t room, uint32_t left, uint32_t *take, ov_error *err)
{
    uint32_t n = l->schema.range_columns, row = at, last = 0;
    (void)err;
    for (*take = 0; *take < left; row++) {
        if (sel && !ov_bits_test(sel, row))
            continue;
        bool again = *take ? same_rows(cols, n, last, row) : c->last_key && same_as_key(c->last_key, cols, n, row);
        if (*take >= room && !again)
            break;
        last = row;
        ++*take;
    }
    return OV_OK;
}

/* The last key is copied once a batch; a builder begins once a segment. */
ov_status ovi_range_note(ov_loader *l, ovi_chunk *c, const ov_vec *cols, uint32_t first, uint32_t last, ov_error *err)
{
    if (!c->first_key) {
        c->torn = c->last_key && same_as_key(c->last_key, cols, l->schema.range_columns, first);
        OV_TRY(copy_key(l, cols, first, &c->first_key, err));
    }
    if (c->last_key && same_as_key(c->last_key, cols, l->schema.range_columns, last))
        return OV_OK;
    return copy_key(l, cols, last, &c->last_key, err);
}

/* Segments [from, end) of one time chunk, by partition. A chunk with a torn key is divided by nothing that could be said. */
static ov_status name_ranges(ov_loader *l, ov_load_segment *list, uint32_t from, uint32_t end, const ov_slice *names,
                             ov_arena *out, ov_error *err)
{
    ov_buf text;
    ov_status st = OV_OK;
    for (uint32_t i = from; i < end; i++) {
        const ovi_sealed *s = &l->sealed[i];
        if (!s->first_key || s->torn)
            return OV_OK;
    }
    ov_buf_init(&text);
    for (uint32_t i = from; i < end && end - from > 1 && st == OV_OK; i++) {
        ov_shard shard = {.kind = OV_SHARD_RANGE, .dimension_count = l->schema.range_columns, .dimensions = names};
        shard.start = i > from ? l->sealed[i].first_key : NULL;
        shard.end = i + 1 < end ? l->sealed[i + 1].first_key : NULL;
        ov_buf_clear(&text);
        ov_shard_add(&text, &shard);
        st = ov_buf_check(&text, err);
        if (st == OV_OK)
            st = ov_arena_copy(out, ov_buf_slice(&text), &list[i].shard, err);
    }
    ov_buf_fini(&text);
    return st;
}

ov_status ovi_range_shards(ov_loader *l, ov_arena *out, ov_load_result *result, ov_error *err)
{
    ov_slice *names;
    uint32_t n = l->schema.range_columns;
    OV_TRY(ov_arena_alloc(out, n * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++)
        names[i] = l->schema.columns[i + 1].name;
    for (uint32_t from = 0, end; from < result->segment_count; from = end) {
        for (end = from; end < result->segment_count &&
                         result->segments[end].info.start_ms == result->segments[from].info.start_ms;)
            end++;
        OV_TRY(name_ranges(l, result->segments, from, end, names, out, err));
    }
    return OV_OK;
}

/* Partitions are numbered through the buckets of a chunk. */
ov_status ovi_bucket_shards(ov_loader *l, ov_arena *out, ov_load_result *result, ov_error *err)
{
    ov_buf text;
    ov_status st = OV_OK;
    ov_buf_init(&text);
    for (uint32_t i = 0, partition = 0; i < result->segment_count && st == OV_OK; i++) {
        ov_load_segment *s = &result->segments[i];
        partition = i > 0 && l->sealed[i - 1].start == l->sealed[i].start ? partition + 1 : 0;
        s->info.partition = partition;
        ov_shard shard = ovi_partitioner_shard(l->schema.partitioner, l->sealed[i].start, l->sealed[i].bucket);
        ov_buf_clear(&text);
        ov_shard_add(&text, &shard);
        st = ov_buf_check(&text, err);
        if (st == OV_OK)
            st = ov_arena_copy(out, ov_buf_slice(&text), &s->shard, err);
    }
    ov_buf_fini(&text);
    return st;
}
