/* Fuzz target: request heads and chunked bodies of any bytes, in pieces of any size. */
#include <stdint.h>
#include <stdlib.h>

#include "server/http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_http_head head;
    ov_http_refusal bad;
    size_t scan = 0, used = 0;
    ov_slice bytes = ov_slice_make(data, size);
    size_t half = size / 2;
    ov_http_step step = ov_http_parse_head(ov_slice_make(data, half), &scan, &head, &used, &bad);
    if (step == OV_HTTP_MORE)
        step = ov_http_parse_head(bytes, &scan, &head, &used, &bad);
    if (step == OV_HTTP_DONE) {
        char path[OV_HTTP_MAX_TARGET_BYTES];
        size_t n;
        ov_http_percent_decode(head.path, false, path, &n);
    }
    ov_http_head chunked = {.chunked = true};
    ov_http_body b;
    ov_buf body;
    ov_buf_init(&body);
    ov_http_body_init(&b, &chunked, 1 << 16);
    size_t at = 0, piece = size ? (size_t)data[0] + 1 : 1;
    for (step = OV_HTTP_MORE; step == OV_HTTP_MORE && at < size;) {
        size_t n = piece < size - at ? piece : size - at;
        step = ov_http_body_feed(&b, ov_slice_make(data + at, n), &used, &body, &bad);
        if (used == 0)
            piece = size - at > piece ? piece * 2 : piece + 1;
        if (used == 0 && n == size - at)
            break;
        at += used;
    }
    if (body.n > 1 << 16)
        abort();
    ov_buf_fini(&body);
    return 0;
}
