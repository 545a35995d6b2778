/*
 * Records of the log:
 *
 *   head of 64 bytes | datasource | batch | per mark: two lengths, key, value | zeros to a multiple of 64 | segment image
 */
#include "base/bytes.h"
#include "base/cursor.h"
#include "ingest/stream/stream_int.h"

enum { VERSION = 1, MAX_MARKS = 1 << 16 };

typedef struct head {
    uint32_t version, meta_bytes; /* meta: everything before the image */
    uint32_t datasource_bytes, batch_bytes;
    uint64_t body_hash, rows, rejected, image_bytes;
    uint32_t mark_count, zero32;
    int64_t at_ms; /* 0 in logs of older programs */
} head;
static_assert(sizeof(head) == OV_WAL_ALIGN, "the head has its size");

static void add_u32(ov_buf *out, uint32_t v)
{
    ov_buf_add(out, &v, sizeof v);
}

ov_status ovi_record_write(const ovi_record *r, ov_buf *out, ov_error *err)
{
    static const char zeros[OV_WAL_ALIGN];
    head h = {.version = VERSION,
              .datasource_bytes = (uint32_t)r->datasource.n,
              .batch_bytes = (uint32_t)r->batch.n,
              .body_hash = r->body_hash,
              .rows = r->rows,
              .rejected = r->rejected,
              .image_bytes = r->image.n,
              .mark_count = r->mark_count,
              .at_ms = r->at_ms};
    ov_buf_add(out, &h, sizeof h);
    ov_buf_add_slice(out, r->datasource);
    ov_buf_add_slice(out, r->batch);
    for (uint32_t i = 0; i < r->mark_count; i++) {
        add_u32(out, (uint32_t)r->marks[i].key.n);
        add_u32(out, (uint32_t)r->marks[i].value.n);
        ov_buf_add_slice(out, r->marks[i].key);
        ov_buf_add_slice(out, r->marks[i].value);
    }
    ov_buf_add(out, zeros, -out->n & (OV_WAL_ALIGN - 1));
    OV_TRY(ov_buf_check(out, err));
    if (out->n > UINT32_MAX)
        return ov_fail(err, OV_LIMIT, "the places in the source have %zu bytes", out->n);
    h.meta_bytes = (uint32_t)out->n;
    memcpy(out->p, &h, sizeof h);
    return OV_OK;
}

static ov_status read_marks(ov_cursor *in, uint32_t n, ov_arena *a, ovi_record *out, ov_error *err)
{
    ov_stream_mark *marks;
    OV_CHECK_DATA(n <= MAX_MARKS && n <= ov_cursor_left(in) / 8, err, "a record names %u places of sources", n);
    OV_TRY(ov_arena_alloc(a, (n + 1u) * sizeof *marks, &marks, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key, value;
        OV_TRY(ov_cursor_u32(in, &key, err));
        OV_TRY(ov_cursor_u32(in, &value, err));
        OV_TRY(ov_cursor_bytes(in, key, &marks[i].key, err));
        OV_TRY(ov_cursor_bytes(in, value, &marks[i].value, err));
    }
    out->marks = marks;
    out->mark_count = n;
    return OV_OK;
}

ov_status ovi_record_read(ov_slice payload, ov_arena *a, ovi_record *out, ov_error *err)
{
    head h;
    ov_cursor in;
    *out = (ovi_record){0};
    OV_CHECK_DATA(payload.n >= sizeof h, err, "a record of %zu bytes holds no rows", payload.n);
    memcpy(&h, payload.p, sizeof h);
    if (h.version != VERSION)
        return ov_fail(err, OV_UNSUPPORTED, "a record has version %u, and this Ovate reads version %u", h.version, VERSION);
    OV_CHECK_DATA(h.meta_bytes >= sizeof h && h.meta_bytes <= payload.n && h.meta_bytes % OV_WAL_ALIGN == 0 &&
                      h.image_bytes == payload.n - h.meta_bytes,
                  err, "the lengths in a record do not agree with its own (%zu bytes)", payload.n);
    in = ov_cursor_make(ov_slice_make(payload.p + sizeof h, h.meta_bytes - sizeof h), "record of the log");
    OV_TRY(ov_cursor_bytes(&in, h.datasource_bytes, &out->datasource, err));
    OV_TRY(ov_cursor_bytes(&in, h.batch_bytes, &out->batch, err));
    OV_TRY(read_marks(&in, h.mark_count, a, out, err));
    out->body_hash = h.body_hash;
    out->rows = h.rows;
    out->rejected = h.rejected;
    out->at_ms = h.at_ms;
    out->image = ov_slice_make(payload.p + h.meta_bytes, h.image_bytes);
    return OV_OK;
}
