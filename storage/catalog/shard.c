#include "storage/catalog/shard.h"

#include "base/bytes.h"
#include "base/json.h"
#include "base/jsonw.h"

/* ---- text ---- */

static void add_tuple(ov_jsonw *w, const char *key, const ov_slice *tuple, uint32_t count)
{
    if (!tuple) {
        ov_jsonw_null(w, key);
        return;
    }
    ov_jsonw_open_array(w, key);
    for (uint32_t i = 0; i < count; i++) {
        if (tuple[i].p)
            ov_jsonw_str(w, NULL, tuple[i]);
        else
            ov_jsonw_null(w, NULL);
    }
    ov_jsonw_close_array(w);
}

void ov_shard_add(ov_buf *out, const ov_shard *s)
{
    ov_jsonw w;
    if (s->kind == OV_SHARD_NUMBERED)
        return;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "type", s->kind == OV_SHARD_RANGE ? "range" : "hashed");
    add_tuple(&w, s->kind == OV_SHARD_RANGE ? "dimensions" : "partitionDimensions", s->dimensions, s->dimension_count);
    if (s->kind == OV_SHARD_RANGE) {
        add_tuple(&w, "start", s->start, s->dimension_count);
        add_tuple(&w, "end", s->end, s->dimension_count);
    } else {
        ov_jsonw_u64(&w, "bucketId", s->bucket);
        ov_jsonw_u64(&w, "numBuckets", s->buckets);
        ov_jsonw_cstr(&w, "partitionFunction", "murmur3_32_abs");
    }
    ov_jsonw_close_object(&w);
}

static ov_status read_tuple(const ov_json *shard, const char *key, uint32_t want, ov_arena *out, const ov_slice **tuple,
                            uint32_t *count, ov_error *err)
{
    const ov_json *list;
    ov_slice *items;
    OV_TRY(ov_json_arr(shard, key, &list, err));
    *tuple = NULL;
    *count = 0;
    if (!list)
        return OV_OK;
    OV_CHECK_DATA(list->count > 0 && list->count <= OV_SHARD_MOST_DIMENSIONS && (want == 0 || list->count == want), err,
                  "a shard spec has %u values under '%s'", list->count, key);
    OV_TRY(ov_arena_zalloc(out, list->count * sizeof *items, &items, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        OV_CHECK_DATA(v->kind == OV_JSON_STRING || v->kind == OV_JSON_NULL, err, "a shard spec has %s under '%s'",
                      ov_json_kind_name(v->kind), key);
        if (v->kind == OV_JSON_STRING)
            OV_TRY(ov_arena_copy(out, v->s, &items[*count], err));
        ++*count;
    }
    *tuple = items;
    return OV_OK;
}

static ov_status read_shard(const ov_json *doc, ov_arena *out, ov_shard *s, ov_error *err)
{
    ov_slice type;
    uint32_t n;
    int64_t bucket, buckets;
    OV_TRY(ov_json_need_str(doc, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("range"))) {
        s->kind = OV_SHARD_RANGE;
        OV_TRY(read_tuple(doc, "dimensions", 0, out, &s->dimensions, &s->dimension_count, err));
        OV_TRY(read_tuple(doc, "start", s->dimension_count, out, &s->start, &n, err));
        OV_TRY(read_tuple(doc, "end", s->dimension_count, out, &s->end, &n, err));
    } else {
        OV_CHECK_DATA(ov_slice_eq(type, OV_SLICE_LIT("hashed")), err, "a shard spec is of the unknown type '%.*s'",
                      OV_SLICE_ARG(type));
        s->kind = OV_SHARD_HASHED;
        OV_TRY(read_tuple(doc, "partitionDimensions", 0, out, &s->dimensions, &s->dimension_count, err));
        OV_TRY(ov_json_i64_in(doc, "bucketId", 0, 0, UINT32_MAX, &bucket, err));
        OV_TRY(ov_json_i64_in(doc, "numBuckets", 1, 1, UINT32_MAX, &buckets, err));
        s->bucket = (uint32_t)bucket;
        s->buckets = (uint32_t)buckets;
        OV_CHECK_DATA(bucket < buckets, err, "a shard spec is bucket %lld of %lld", (long long)bucket, (long long)buckets);
    }
    OV_CHECK_DATA(s->dimension_count > 0, err, "a shard spec names no dimensions");
    return OV_OK;
}

ov_status ov_shard_parse(ov_slice text, ov_arena *out, ov_shard *shard, ov_error *err)
{
    ov_arena a;
    ov_json *doc;
    *shard = (ov_shard){0};
    if (text.n == 0)
        return OV_OK;
    ov_arena_init(&a, "shard", NULL);
    ov_status st = ov_json_parse(text, NULL, &a, &doc, err);
    if (st == OV_OK)
        st = read_shard(doc, out, shard, err);
    ov_arena_fini(&a);
    if (st == OV_INVALID)
        st = err->code = OV_CORRUPT;
    return st;
}

void ov_shard_spec_add(ov_buf *out, ov_slice text, uint32_t partition, uint32_t core)
{
    bool range = ov_slice_starts(text, OV_SLICE_LIT("{\"type\":\"range\""));
    if (text.n < 2) {
        ov_buf_addf(out, "{\"type\":\"numbered\",\"partitionNum\":%u,\"partitions\":%u}", partition, core);
        return;
    }
    ov_buf_add_slice(out, ov_slice_make(text.p, text.n - 1));
    ov_buf_addf(out, ",\"partitionNum\":%u,\"%s\":%u}", partition, range ? "numCorePartitions" : "partitions", core);
}

/* ---- the hash ---- */

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

/* MurmurHash3_x86_32, seed 0, as Guava computes it. */
static uint32_t murmur3_32(const char *p, size_t n)
{
    uint32_t h = 0, k = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        k = ov_load_u32(p + i) * 0xCC9E2D51u;
        h ^= rotate(k, 15) * 0x1B873593u;
        h = rotate(h, 13) * 5 + 0xE6546B64u;
    }
    k = 0;
    for (size_t rest = i; rest < n; rest++)
        k |= (uint32_t)(uint8_t)p[rest] << (8 * (rest - i));
    h ^= rotate(k * 0xCC9E2D51u, 15) * 0x1B873593u;
    h ^= (uint32_t)n;
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

/* Each value as the list Druid's rows give: NULL is an empty one. */
uint32_t ov_shard_bucket(const ov_slice *values, uint32_t count, uint32_t buckets, ov_buf *scratch)
{
    ov_jsonw w;
    ov_buf_clear(scratch);
    ov_jsonw_init(&w, scratch);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < count; i++) {
        ov_jsonw_open_array(&w, NULL);
        if (values[i].p)
            ov_jsonw_str(&w, NULL, values[i]);
        ov_jsonw_close_array(&w);
    }
    ov_jsonw_close_array(&w);
    int64_t hash = (int32_t)murmur3_32(scratch->p, scratch->n);
    int64_t bucket = hash % (int64_t)buckets; /* of the sign of the hash, as Java's */
    return (uint32_t)(bucket < 0 ? -bucket : bucket);
}
