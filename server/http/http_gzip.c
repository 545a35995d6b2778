/*
 * Answers as gzip, for clients that offer it (RFC 9110, section 12.5.3). Whole bodies are compressed at once, streams
 * piece by piece, each of which the client can read when it has it. The work is the handler's thread's, at the level that
 * costs least; on the loop, where all others wait, only what is quick. What is too small to gain is sent as it is.
 */
#include "server/http/http_int.h"

#include <ctype.h>

enum {
    LEAST_BYTES = 1024,           /* smaller bodies fit into one packet either way */
    MOST_ON_LOOP = 16 * 1024,     /* a tenth of a millisecond */
    WHOLE = 1000,                 /* q=1 */
    UNSAID = -1,
};

/* The weight behind "q=" in thousandths; what cannot be read counts as whole. */
static int weight(ov_slice params)
{
    while (params.n) {
        const char *semi = memchr(params.p, ';', params.n);
        size_t n = semi ? (size_t)(semi - params.p) : params.n;
        ov_slice param = ov_http_trim(ov_slice_make(params.p, n));
        size_t skip = n + (semi ? 1 : 0);
        params = ov_slice_make(params.p + skip, params.n - skip);
        if (param.n < 3 || (param.p[0] | 0x20) != 'q' || param.p[1] != '=')
            continue;
        int q = param.p[2] == '1' ? WHOLE : 0, digit = 100;
        for (size_t i = 4; i < param.n && i < 7 && isdigit((unsigned char)param.p[i]); i++, digit /= 10)
            q += (param.p[i] - '0') * digit;
        return OV_MIN(q, (int)WHOLE);
    }
    return WHOLE;
}

bool ov_http_takes_gzip(const ov_http_head *head)
{
    bool found;
    int gzip = UNSAID, any = UNSAID, plain = UNSAID;
    ov_slice rest = ov_http_header_get(head, "Accept-Encoding", &found);
    while (rest.n) {
        const char *comma = memchr(rest.p, ',', rest.n);
        size_t n = comma ? (size_t)(comma - rest.p) : rest.n;
        const char *semi = memchr(rest.p, ';', n);
        size_t name_n = semi ? (size_t)(semi - rest.p) : n;
        ov_slice name = ov_http_trim(ov_slice_make(rest.p, name_n));
        int q = semi ? weight(ov_slice_make(semi + 1, n - name_n - 1)) : WHOLE;
        if (ov_slice_ieq(name, OV_SLICE_LIT("gzip")) || ov_slice_ieq(name, OV_SLICE_LIT("x-gzip")))
            gzip = OV_MAX(gzip, q);
        else if (ov_slice_eq(name, OV_SLICE_LIT("*")))
            any = q;
        else if (ov_slice_ieq(name, OV_SLICE_LIT("identity")))
            plain = q;
        size_t skip = n + (comma ? 1 : 0);
        rest = ov_slice_make(rest.p + skip, rest.n - skip);
    }
    if (gzip == UNSAID)
        gzip = any;
    return gzip > 0 && gzip >= plain;
}

bool ov_request_takes_gzip(const ov_request *rq)
{
    return rq->http->opt.gzip_level > 0 && ov_http_takes_gzip(&rq->head);
}

/* The headers of an answer that may come either way. */
static bool say(ov_request *rq)
{
    if (rq->http->opt.gzip_level == 0)
        return false;
    ov_respond_header(rq, "Vary", OV_SLICE_LIT("Accept-Encoding"));
    return ov_http_takes_gzip(&rq->head);
}

bool ovi_gzip_whole(ov_request *rq, ov_slice body, ov_buf *out)
{
    ov_error none = OV_ERROR_INIT;
    if (body.n < LEAST_BYTES || !say(rq) || (rq->on_loop && body.n > MOST_ON_LOOP))
        return false;
    if (ov_gzip_all(body, rq->http->opt.gzip_level, out, &none) != OV_OK)
        return false; /* no memory for that: it goes as it is */
    ov_respond_header(rq, "Content-Encoding", OV_SLICE_LIT("gzip"));
    return true;
}

void ovi_gzip_begin(ov_request *rq)
{
    ov_error none = OV_ERROR_INIT;
    if (!say(rq) || rq->on_loop || ov_gzip_open(rq->http->opt.gzip_level, &rq->gzip, &none) != OV_OK)
        return;
    ov_respond_header(rq, "Content-Encoding", OV_SLICE_LIT("gzip"));
}

void ovi_gzip_piece(ov_request *rq, ov_buf *bytes, bool end)
{
    ov_error none = OV_ERROR_INIT;
    ov_buf packed;
    ov_buf_init(&packed);
    if (bytes->failed || ov_gzip_add(rq->gzip, ov_buf_slice(bytes), end, &packed, &none) != OV_OK)
        packed.failed = true;
    ov_buf_fini(bytes);
    *bytes = packed;
}
