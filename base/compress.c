/* Streaming decompressors over another reader, and the one that looks before it chooses. */
#include "base/compress.h"

#include <inttypes.h>
#include <zlib.h>
#include <zstd.h>
#include "base/mem.h"

enum { INPUT_BYTES = 64 << 10, HEAD_BYTES = 4, ZSTD_WINDOW_LOG = 27 };

/* What every decompressor keeps about its input. */
typedef struct input {
    ov_reader *below;
    char *name;
    unsigned char *bytes;
    size_t at, n;
    uint64_t start; /* offset of bytes[0] in the compressed stream */
    bool ended;
} input;

static ov_status input_open(input *in, ov_reader *below, const char *name, ov_error *err)
{
    in->below = below;
    in->name = ov_strdup(name);
    in->bytes = ov_malloc(INPUT_BYTES);
    return in->name && in->bytes ? OV_OK : ov_fail_nomem(err, INPUT_BYTES);
}

static void input_close(input *in)
{
    ov_reader_close(in->below);
    ov_free(in->name);
    ov_free(in->bytes);
}

/* More bytes when all are used up; in->n stays in->at at the end. */
static ov_status input_more(input *in, ov_error *err)
{
    if (in->at < in->n || in->ended)
        return OV_OK;
    in->start += in->n;
    in->at = in->n = 0;
    OV_TRY(ov_reader_read(in->below, in->bytes, INPUT_BYTES, &in->n, err));
    in->ended = in->n == 0;
    return OV_OK;
}

static uint64_t input_offset(const input *in)
{
    return in->start + in->at;
}

static ov_status damaged(const input *in, const char *format, const char *why, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "%s: %s data is damaged near offset %" PRIu64 " (%s)", in->name,
                   format, input_offset(in), why);
}

static ov_status cut_short(const input *in, const char *format, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "%s: %s data ends too early, after %" PRIu64 " bytes", in->name,
                   format, input_offset(in));
}

/* ---- gzip ---- */

typedef struct gzip_reader {
    ov_reader base;
    input in;
    z_stream z;
    bool z_open;
    bool in_member;
} gzip_reader;

/* Between members: skips padding; false at the end of the stream. */
static ov_status next_member(gzip_reader *g, bool *more, ov_error *err)
{
    *more = false;
    for (;;) {
        OV_TRY(input_more(&g->in, err));
        if (g->in.at == g->in.n)
            return OV_OK;
        if (g->in.bytes[g->in.at] != 0 || input_offset(&g->in) == 0)
            break;
        g->in.at++;
    }
    if (inflateReset(&g->z) != Z_OK)
        return damaged(&g->in, "gzip", "cannot start", err);
    g->in_member = *more = true;
    return OV_OK;
}

static ov_status gzip_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    gzip_reader *g = (gzip_reader *)r;
    cap = OV_MIN(cap, (size_t)1 << 30);
    size_t done = 0;
    while (done == 0) {
        if (!g->in_member) {
            bool more;
            OV_TRY(next_member(g, &more, err));
            if (!more)
                break;
        }
        OV_TRY(input_more(&g->in, err));
        if (g->in.at == g->in.n)
            return cut_short(&g->in, "gzip", err);
        g->z.next_in = g->in.bytes + g->in.at;
        g->z.avail_in = (uInt)(g->in.n - g->in.at);
        g->z.next_out = to;
        g->z.avail_out = (uInt)cap;
        int rc = inflate(&g->z, Z_NO_FLUSH);
        g->in.at = g->in.n - g->z.avail_in;
        done = cap - g->z.avail_out;
        if (rc == Z_STREAM_END)
            g->in_member = false;
        else if (rc == Z_MEM_ERROR)
            return ov_fail_nomem(err, 64 << 10);
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return damaged(&g->in, "gzip", g->z.msg ? g->z.msg : "not gzip", err);
    }
    r->raw_offset = g->in.below->raw_offset;
    *got = done;
    return OV_OK;
}

static void gzip_close(ov_reader *r)
{
    gzip_reader *g = (gzip_reader *)r;
    if (g->z_open)
        inflateEnd(&g->z);
    input_close(&g->in);
    ov_free(g);
}

static const ov_reader_ops gzip_ops = {gzip_read, gzip_close};

ov_status ov_reader_open_gzip(ov_reader *below, const char *name, ov_reader **out, ov_error *err)
{
    gzip_reader *g = ov_calloc(1, sizeof *g);
    if (!g) {
        ov_reader_close(below);
        return ov_fail_nomem(err, sizeof *g);
    }
    g->base.ops = &gzip_ops;
    ov_status st = input_open(&g->in, below, name, err);
    if (st == OV_OK) {
        g->z_open = inflateInit2(&g->z, 15 + 16) == Z_OK; /* 16: gzip only */
        st = g->z_open ? OV_OK : ov_fail_nomem(err, 64 << 10);
    }
    if (st != OV_OK) {
        gzip_close(&g->base);
        return st;
    }
    *out = &g->base;
    return OV_OK;
}

/* ---- zstd ---- */

typedef struct zstd_reader {
    ov_reader base;
    input in;
    ZSTD_DCtx *z;
    bool in_frame;
} zstd_reader;

static ov_status zstd_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    zstd_reader *z = (zstd_reader *)r;
    ZSTD_outBuffer o = {to, cap, 0};
    while (o.pos == 0) {
        OV_TRY(input_more(&z->in, err));
        bool ended = z->in.at == z->in.n;
        if (ended && !z->in_frame)
            break;
        /* also without input: the decoder may still hold output */
        ZSTD_inBuffer i = {z->in.bytes, z->in.n, z->in.at};
        size_t rc = ZSTD_decompressStream(z->z, &o, &i);
        z->in.at = i.pos;
        if (ZSTD_isError(rc))
            return damaged(&z->in, "zstd", ZSTD_getErrorName(rc), err);
        z->in_frame = rc != 0;
        if (ended && o.pos == 0)
            return cut_short(&z->in, "zstd", err);
    }
    r->raw_offset = z->in.below->raw_offset;
    *got = o.pos;
    return OV_OK;
}

static void zstd_close(ov_reader *r)
{
    zstd_reader *z = (zstd_reader *)r;
    ZSTD_freeDCtx(z->z);
    input_close(&z->in);
    ov_free(z);
}

static const ov_reader_ops zstd_ops = {zstd_read, zstd_close};

ov_status ov_reader_open_zstd(ov_reader *below, const char *name, ov_reader **out, ov_error *err)
{
    zstd_reader *z = ov_calloc(1, sizeof *z);
    if (!z) {
        ov_reader_close(below);
        return ov_fail_nomem(err, sizeof *z);
    }
    z->base.ops = &zstd_ops;
    ov_status st = input_open(&z->in, below, name, err);
    if (st == OV_OK) {
        z->z = ZSTD_createDCtx();
        if (!z->z ||
            ZSTD_isError(ZSTD_DCtx_setParameter(z->z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
            st = ov_fail_nomem(err, sizeof *z);
    }
    if (st != OV_OK) {
        zstd_close(&z->base);
        return st;
    }
    *out = &z->base;
    return OV_OK;
}

/* ---- choosing ---- */

ov_compression ov_compression_detect(ov_slice head)
{
    if (ov_slice_starts(head, OV_SLICE_LIT("\x1f\x8b")))
        return OV_COMPRESSION_GZIP;
    if (ov_slice_starts(head, OV_SLICE_LIT("\x28\xb5\x2f\xfd")))
        return OV_COMPRESSION_ZSTD;
    /* a skippable frame in front, as some writers put: 0x184D2A5? */
    if (head.n >= 4 && (head.p[0] & 0xF0) == 0x50 && memcmp(head.p + 1, "\x2a\x4d\x18", 3) == 0)
        return OV_COMPRESSION_ZSTD;
    return OV_COMPRESSION_NONE;
}

/* Hands out the bytes that were looked at, then the rest. */
typedef struct head_reader {
    ov_reader base;
    ov_reader *below;
    char head[HEAD_BYTES];
    size_t at, n;
} head_reader;

static ov_status head_read(ov_reader *r, void *to, size_t cap, size_t *got, ov_error *err)
{
    head_reader *h = (head_reader *)r;
    if (h->at < h->n) {
        *got = OV_MIN(cap, h->n - h->at);
        memcpy(to, h->head + h->at, *got);
        h->at += *got;
    } else {
        OV_TRY(ov_reader_read(h->below, to, cap, got, err));
    }
    r->raw_offset = h->below->raw_offset;
    return OV_OK;
}

static void head_close(ov_reader *r)
{
    ov_reader_close(((head_reader *)r)->below);
    ov_free(r);
}

static const ov_reader_ops head_ops = {head_read, head_close};

ov_status ov_reader_open_auto(ov_reader *below, const char *name, ov_reader **out, ov_error *err)
{
    head_reader *h = ov_calloc(1, sizeof *h);
    if (!h) {
        ov_reader_close(below);
        return ov_fail_nomem(err, sizeof *h);
    }
    h->base.ops = &head_ops;
    h->below = below;
    ov_status st = ov_reader_fill(below, h->head, sizeof h->head, &h->n, err);
    if (st != OV_OK) {
        head_close(&h->base);
        return st;
    }
    switch (ov_compression_detect(ov_slice_make(h->head, h->n))) {
    case OV_COMPRESSION_GZIP:
        return ov_reader_open_gzip(&h->base, name, out, err);
    case OV_COMPRESSION_ZSTD:
        return ov_reader_open_zstd(&h->base, name, out, err);
    case OV_COMPRESSION_NONE:
        break;
    }
    *out = &h->base;
    return OV_OK;
}

ov_status ov_reader_open_path(const char *path, ov_reader **out, ov_error *err)
{
    ov_reader *file;
    OV_TRY(ov_reader_open_file(path, &file, err));
    return ov_reader_open_auto(file, path, out, err);
}

/* ---- writing gzip ---- */

struct ov_gzip {
    z_stream z;
};

ov_status ov_gzip_open(int level, ov_gzip **out, ov_error *err)
{
    enum { STATE_BYTES = 256 << 10, GZIP_FRAME = 15 + 16, MEMORY = 8 };
    ov_gzip *g = ov_calloc(1, sizeof *g);
    if (!g || deflateInit2(&g->z, level, Z_DEFLATED, GZIP_FRAME, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        ov_free(g);
        return ov_fail_nomem(err, STATE_BYTES);
    }
    *out = g;
    return OV_OK;
}

void ov_gzip_close(ov_gzip *g)
{
    if (g)
        deflateEnd(&g->z);
    ov_free(g);
}

/* zlib is through with everything it was given. */
static bool is_written(const ov_gzip *g, size_t left, int rc, bool end)
{
    return end ? rc == Z_STREAM_END : left == 0 && g->z.avail_in == 0 && g->z.avail_out > 0;
}

ov_status ov_gzip_add(ov_gzip *g, ov_slice bytes, bool end, ov_buf *out, ov_error *err)
{
    enum { STEP = 1 << 30, ROOM = 1 << 20, LEAST = 64 };
    int rc = Z_OK;
    do {
        /* zlib counts in 32 bits: feed what it can take */
        uInt step = (uInt)OV_MIN(bytes.n, (size_t)STEP);
        uInt room = (uInt)OV_MIN(deflateBound(&g->z, step) + LEAST, (uLong)ROOM);
        bool last = step == bytes.n;
        if (!ov_buf_reserve(out, room))
            break;
        g->z.next_in = (Bytef *)(uintptr_t)bytes.p;
        g->z.avail_in = step;
        g->z.next_out = (Bytef *)out->p + out->n;
        g->z.avail_out = room;
        rc = deflate(&g->z, !last ? Z_NO_FLUSH : end ? Z_FINISH : Z_SYNC_FLUSH);
        if (rc == Z_BUF_ERROR) /* nothing left to do */
            rc = Z_OK;
        bytes.p += step - g->z.avail_in;
        bytes.n -= step - g->z.avail_in;
        out->n += room - g->z.avail_out;
    } while (rc == Z_OK && !is_written(g, bytes.n, rc, end));
    OV_TRY(ov_buf_check(out, err));
    return rc == Z_OK || rc == Z_STREAM_END ? OV_OK : ov_fail(err, OV_INTERNAL, "gzip failed with code %d", rc);
}

ov_status ov_gzip_all(ov_slice bytes, int level, ov_buf *out, ov_error *err)
{
    ov_gzip *g;
    OV_TRY(ov_gzip_open(level, &g, err));
    ov_status st = ov_gzip_add(g, bytes, true, out, err);
    ov_gzip_close(g);
    return st;
}
