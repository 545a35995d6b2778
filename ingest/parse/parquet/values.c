#include "ingest/parse/parquet/values.h"

#include "base/bytes.h"

enum { STEP = 256, MOST_TEXT_BYTES = 256 << 20 };

void ovi_pq_values_init(ovi_pq_values *v, const ovi_pq_node *node)
{
    *v = (ovi_pq_values){.node = node};
    ov_buf_init(&v->last);
    ov_arena_init(&v->made, "Parquet texts", NULL);
}

void ovi_pq_values_fini(ovi_pq_values *v)
{
    ov_buf_fini(&v->last);
    ov_arena_fini(&v->made);
}

static ov_status damaged(const char *what, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "a page is damaged: %s", what);
}

/* Bytes of a plain value; 0: they differ, or are bits. */
static size_t plain_bytes(const ovi_pq_node *n)
{
    static const uint8_t bytes[] = {[OVI_PQ_INT32] = 4, [OVI_PQ_INT64] = 8, [OVI_PQ_INT96] = 12, [OVI_PQ_FLOAT] = 4,
                                    [OVI_PQ_DOUBLE] = 8, [OVI_PQ_BYTES] = 0};
    return n->physical == OVI_PQ_FIXED ? (size_t)n->width : bytes[n->physical];
}

/* ---- a page begins ---- */

static ov_status start_codes(ovi_pq_values *v, ov_slice bytes, ov_error *err)
{
    if (!v->dictionary)
        return damaged("it has codes, and there is no dictionary", err);
    unsigned width = bytes.n ? (uint8_t)bytes.p[0] : 0;
    if (width > 32)
        return damaged("its codes are wider than 32 bits", err);
    ovi_pq_rle_init(&v->codes, bytes.n ? ov_slice_make(bytes.p + 1, bytes.n - 1) : bytes, width);
    return OV_OK;
}

static ov_status start_truths(ovi_pq_values *v, ov_slice bytes, ov_error *err)
{
    if (v->node->physical != OVI_PQ_BOOLEAN)
        return ov_fail(err, OV_UNSUPPORTED, "runs of values that are not truths are not supported");
    if (bytes.n < 4 || ov_load_u32(bytes.p) > bytes.n - 4)
        return damaged("it ends early", err);
    ovi_pq_rle_init(&v->codes, ov_slice_make(bytes.p + 4, ov_load_u32(bytes.p)), 1);
    return OV_OK;
}

static ov_status start_lengths(ovi_pq_values *v, ov_slice bytes, ov_error *err)
{
    ov_slice texts;
    if (!ovi_pq_delta_init(&v->lengths, bytes))
        return damaged("its lengths cannot be read", err);
    ovi_pq_delta ahead = v->lengths;
    if (!ovi_pq_delta_end(&ahead, &texts))
        return damaged("its lengths end early", err);
    v->at = texts.p;
    v->end = texts.p + texts.n;
    return OV_OK;
}

static ov_status start_shared(ovi_pq_values *v, ov_slice bytes, ov_error *err)
{
    ov_slice rest;
    if (!ovi_pq_delta_init(&v->numbers, bytes))
        return damaged("its prefixes cannot be read", err);
    ovi_pq_delta ahead = v->numbers;
    if (!ovi_pq_delta_end(&ahead, &rest))
        return damaged("its prefixes end early", err);
    ov_buf_clear(&v->last);
    return start_lengths(v, rest, err);
}

static bool is_bytes(const ovi_pq_node *n)
{
    return n->physical >= OVI_PQ_BYTES;
}

static bool is_whole(const ovi_pq_node *n)
{
    return n->physical == OVI_PQ_INT32 || n->physical == OVI_PQ_INT64;
}

ov_status ovi_pq_values_start(ovi_pq_values *v, uint32_t encoding, ov_slice bytes, uint64_t most, ov_error *err)
{
    size_t width = plain_bytes(v->node);
    v->encoding = (uint8_t)encoding;
    v->at = bytes.p;
    v->end = bytes.p + bytes.n;
    v->index = 0;
    switch (encoding) {
    case OVI_PQ_ENC_PLAIN:
        return OV_OK;
    case OVI_PQ_ENC_PLAIN_DICTIONARY:
    case OVI_PQ_ENC_RLE_DICTIONARY:
        v->encoding = OVI_PQ_ENC_RLE_DICTIONARY;
        return start_codes(v, bytes, err);
    case OVI_PQ_ENC_RLE:
        return start_truths(v, bytes, err);
    case OVI_PQ_ENC_DELTA:
        if (!is_whole(v->node) || !ovi_pq_delta_init(&v->numbers, bytes))
            return damaged("its differences cannot be read", err);
        return OV_OK;
    case OVI_PQ_ENC_DELTA_LENGTH:
        return is_bytes(v->node) ? start_lengths(v, bytes, err) : damaged("it has lengths of numbers", err);
    case OVI_PQ_ENC_DELTA_BYTES:
        return is_bytes(v->node) ? start_shared(v, bytes, err) : damaged("it has prefixes of numbers", err);
    case OVI_PQ_ENC_SPLIT:
        v->count = width ? bytes.n / width : 0;
        if (!width || v->count * width != bytes.n || v->count > most)
            return damaged("its streams of bytes have no common length", err);
        return OV_OK;
    default:
        return ov_fail(err, OV_UNSUPPORTED, "the encoding %u of Parquet's list is not supported", encoding);
    }
}

/* ---- values ---- */

/* A value of fixed size from its bytes. */
static ovi_pq_value fixed_value(const ovi_pq_node *n, const char *p)
{
    enum { JULIAN_1970 = 2440588 };
    ovi_pq_value v;
    switch ((ovi_pq_physical)n->physical) {
    case OVI_PQ_INT32:
        v.i = ov_load_i32(p);
        break;
    case OVI_PQ_INT64:
        v.i = ov_load_i64(p);
        break;
    case OVI_PQ_INT96:
        v.i = ((int64_t)ov_load_u32(p + 8) - JULIAN_1970) * 86400000 + ov_load_i64(p) / 1000000;
        break;
    case OVI_PQ_FLOAT:
        v.f = (double)ov_load_f32(p);
        break;
    case OVI_PQ_DOUBLE:
        v.f = ov_load_f64(p);
        break;
    default:
        v.s = ov_slice_make(p, (size_t)n->width);
    }
    return v;
}

static ov_status get_truths(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    if ((v->index + n + 7) / 8 > (uint64_t)(v->end - v->at))
        return damaged("it ends early", err);
    for (uint32_t i = 0; i < n; i++, v->index++)
        out[i].i = (uint8_t)v->at[v->index / 8] >> v->index % 8 & 1;
    return OV_OK;
}

static ov_status get_plain(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    size_t width = plain_bytes(v->node);
    if (v->node->physical == OVI_PQ_BOOLEAN)
        return get_truths(v, n, out, err);
    if (width) {
        if (n > (size_t)(v->end - v->at) / width)
            return damaged("it ends early", err);
        for (uint32_t i = 0; i < n; i++, v->at += width)
            out[i] = fixed_value(v->node, v->at);
        return OV_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t left = (size_t)(v->end - v->at);
        if (left < 4 || ov_load_u32(v->at) > left - 4)
            return damaged("it ends early", err);
        out[i].s = ov_slice_make(v->at + 4, ov_load_u32(v->at));
        v->at += 4 + out[i].s.n;
    }
    return OV_OK;
}

static ov_status get_codes(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    uint32_t codes[STEP];
    if (!ovi_pq_rle_get(&v->codes, n, codes))
        return damaged("it ends early", err);
    for (uint32_t i = 0; i < n; i++) {
        if (v->encoding == OVI_PQ_ENC_RLE) {
            out[i].i = codes[i];
            continue;
        }
        if (codes[i] >= v->dictionary_count)
            return damaged("a code lies outside of its dictionary", err);
        out[i] = v->dictionary[codes[i]];
    }
    return OV_OK;
}

static ov_status get_numbers(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    int64_t numbers[STEP];
    if (!ovi_pq_delta_get(&v->numbers, n, numbers))
        return damaged("it ends early", err);
    for (uint32_t i = 0; i < n; i++) /* differences of 32-bit numbers wrap around at 32 bits */
        out[i].i = v->node->physical == OVI_PQ_INT32 ? (int32_t)(uint32_t)(uint64_t)numbers[i] : numbers[i];
    return OV_OK;
}

static ov_status next_text(ovi_pq_values *v, int64_t length, ov_slice *out, ov_error *err)
{
    if (length < 0 || length > v->end - v->at)
        return damaged("a text is longer than what is left", err);
    *out = ov_slice_make(v->at, (size_t)length);
    v->at += length;
    return v->node->physical == OVI_PQ_FIXED && v->encoding == OVI_PQ_ENC_DELTA_LENGTH && length != v->node->width
               ? damaged("a value has not the length that the schema says", err)
               : OV_OK;
}

static ov_status get_texts(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    int64_t lengths[STEP];
    if (!ovi_pq_delta_get(&v->lengths, n, lengths))
        return damaged("it ends early", err);
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(next_text(v, lengths[i], &out[i].s, err));
    return OV_OK;
}

static ov_status get_shared(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    int64_t lengths[STEP], shared[STEP];
    if (!ovi_pq_delta_get(&v->lengths, n, lengths) || !ovi_pq_delta_get(&v->numbers, n, shared))
        return damaged("it ends early", err);
    for (uint32_t i = 0; i < n; i++) {
        ov_slice end;
        OV_TRY(next_text(v, lengths[i], &end, err));
        if (shared[i] < 0 || (uint64_t)shared[i] > v->last.n)
            return damaged("a text shares more than the text before it has", err);
        v->last.n = (size_t)shared[i];
        ov_buf_add_slice(&v->last, end);
        OV_TRY(ov_buf_check(&v->last, err));
        if (v->node->physical == OVI_PQ_FIXED && v->last.n != (size_t)v->node->width)
            return damaged("a value has not the length that the schema says", err);
        v->made_bytes += v->last.n;
        if (v->made_bytes > MOST_TEXT_BYTES)
            return ov_fail(err, OV_LIMIT, "texts of %zu bytes, many of them in a row, take too much memory", v->last.n);
        OV_TRY(ov_arena_copy(&v->made, ov_buf_slice(&v->last), &out[i].s, err));
    }
    return OV_OK;
}

static ov_status get_split(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    size_t width = plain_bytes(v->node);
    if (n > v->count - v->index)
        return damaged("it ends early", err);
    for (uint32_t i = 0; i < n; i++, v->index++) {
        char *bytes;
        OV_TRY(ov_arena_alloc(&v->made, width, &bytes, err));
        for (size_t b = 0; b < width; b++)
            bytes[b] = v->at[b * v->count + v->index];
        out[i] = fixed_value(v->node, bytes);
    }
    return OV_OK;
}

static ov_status get_some(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    switch ((ovi_pq_encoding)v->encoding) {
    case OVI_PQ_ENC_PLAIN:
        return get_plain(v, n, out, err);
    case OVI_PQ_ENC_RLE:
    case OVI_PQ_ENC_RLE_DICTIONARY:
        return get_codes(v, n, out, err);
    case OVI_PQ_ENC_DELTA:
        return get_numbers(v, n, out, err);
    case OVI_PQ_ENC_DELTA_LENGTH:
        return get_texts(v, n, out, err);
    case OVI_PQ_ENC_DELTA_BYTES:
        return get_shared(v, n, out, err);
    case OVI_PQ_ENC_SPLIT:
        return get_split(v, n, out, err);
    case OVI_PQ_ENC_PLAIN_DICTIONARY:
    case OVI_PQ_ENC_BIT_PACKED:
        break;
    }
    return damaged("it was not begun", err);
}

ov_status ovi_pq_values_get(ovi_pq_values *v, uint32_t n, ovi_pq_value *out, ov_error *err)
{
    ov_arena_reset(&v->made);
    v->made_bytes = 0;
    for (uint32_t done = 0; done < n; done += STEP)
        OV_TRY(get_some(v, OV_MIN(n - done, (uint32_t)STEP), out + done, err));
    return OV_OK;
}
