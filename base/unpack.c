#include "base/unpack.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

static ov_status bad(const char *format, ov_error *err)
{
    return ov_fail(err, OV_CORRUPT, "%s data is damaged, or not of the size that was announced", format);
}

static ov_status unpack_gzip(ov_slice bytes, void *to, size_t n, ov_error *err)
{
    enum { ANY_FRAME = 15 + 32 };
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes.p, .avail_in = (uInt)bytes.n, .next_out = to, .avail_out = (uInt)n};
    if (bytes.n > UINT_MAX || n > UINT_MAX || inflateInit2(&z, ANY_FRAME) != Z_OK)
        return bad("gzip", err);
    int done = inflate(&z, Z_FINISH);
    bool whole = done == Z_STREAM_END && z.avail_out == 0;
    inflateEnd(&z);
    return whole ? OV_OK : bad("gzip", err);
}

ov_status ov_unpack(ov_packing packing, ov_slice bytes, void *to, size_t n, ov_error *err)
{
    size_t size = n;
    switch (packing) {
    case OV_PACKING_NONE:
        if (bytes.n != n)
            return ov_fail(err, OV_CORRUPT, "a block of %zu bytes is not of the size that was announced, %zu", bytes.n, n);
        if (n)
            memcpy(to, bytes.p, n);
        return OV_OK;
    case OV_PACKING_SNAPPY:
        if (snappy_uncompress(bytes.p, bytes.n, to, &size) != SNAPPY_OK || size != n)
            return bad("snappy", err);
        return OV_OK;
    case OV_PACKING_GZIP:
        return unpack_gzip(bytes, to, n, err);
    case OV_PACKING_ZSTD:
        return ZSTD_decompress(to, n, bytes.p, bytes.n) == n ? OV_OK : bad("zstd", err);
    case OV_PACKING_LZ4:
        if (bytes.n > INT_MAX || n > INT_MAX || LZ4_decompress_safe(bytes.p, to, (int)bytes.n, (int)n) != (int)n)
            return bad("lz4", err);
        return OV_OK;
    }
    return bad("unknown", err);
}
