/*
 * S3 and what speaks like it: Signature Version 4 of a GET, and the answer of ListObjectsV2.
 *
 * Signed by hand, so that it does not depend on what some version of libcurl makes of a path or a query. Addresses come canonical
 * already: every byte but A-Z a-z 0-9 - . _ ~ and the slashes of the path is percent-encoded, queries are sorted.
 *
 * Source: AWS, "Create a signed AWS API request"; the example of its documentation is in tests/unit/pull_test.c.
 */
#include "ingest/pull/pull_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/datetime.h"

/* ---- signing ---- */

typedef struct url_parts {
    ov_slice host, path, query;
} url_parts;

static bool split_url(const char *url, url_parts *out)
{
    const char *host = strstr(url, "://");
    if (!host)
        return false;
    host += 3;
    size_t n = strcspn(host, "/?");
    size_t path = strcspn(host + n, "?");
    const char *query = host + n + path;
    out->host = ov_slice_make(host, n);
    out->path = path ? ov_slice_make(host + n, path) : OV_SLICE_LIT("/");
    out->query = *query ? ov_slice_cstr(query + 1) : OV_SLICE_LIT("");
    return n > 0;
}

static void add_hash(ov_buf *out, ov_slice text)
{
    uint8_t digest[OV_SHA256_BYTES];
    char hex[OV_SHA256_HEX + 1];
    ov_sha256_of(text, digest);
    ov_sha256_hex(digest, hex);
    ov_buf_add(out, hex, OV_SHA256_HEX);
}

static const char EMPTY_BODY[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void canonical_request(const ovi_s3_keys *k, const url_parts *u, ov_slice date, ov_buf *out)
{
    ov_buf_add_str(out, "GET\n");
    ov_buf_add_slice(out, u->path);
    ov_buf_add_char(out, '\n');
    ov_buf_add_slice(out, u->query);
    ov_buf_add_str(out, "\nhost:");
    ov_buf_add_slice(out, u->host);
    ov_buf_addf(out, "\nx-amz-content-sha256:%s\nx-amz-date:", EMPTY_BODY);
    ov_buf_add_slice(out, date);
    if (k->session.n) {
        ov_buf_add_str(out, "\nx-amz-security-token:");
        ov_buf_add_slice(out, k->session);
    }
    ov_buf_addf(out, "\n\nhost;x-amz-content-sha256;x-amz-date%s\n%s", k->session.n ? ";x-amz-security-token" : "", EMPTY_BODY);
}

static void signing_key(const ovi_s3_keys *k, ov_slice day, uint8_t key[OV_SHA256_BYTES])
{
    char secret[600];
    int n = snprintf(secret, sizeof secret, "AWS4" OV_SLICE_FMT, OV_SLICE_ARG(k->secret));
    ov_hmac_sha256(ov_slice_make(secret, OV_MIN((size_t)n, sizeof secret - 1)), day, key);
    ov_hmac_sha256(ov_slice_make(key, OV_SHA256_BYTES), k->region, key);
    ov_hmac_sha256(ov_slice_make(key, OV_SHA256_BYTES), OV_SLICE_LIT("s3"), key);
    ov_hmac_sha256(ov_slice_make(key, OV_SHA256_BYTES), OV_SLICE_LIT("aws4_request"), key);
}

ov_status ovi_s3_sign(const ovi_s3_keys *k, const char *url, int64_t now_ms, ov_buf *authorization, ov_buf *date, ov_error *err)
{
    url_parts u;
    ov_civil c;
    uint8_t key[OV_SHA256_BYTES], mac[OV_SHA256_BYTES];
    char hex[OV_SHA256_HEX + 1];
    ov_buf request, text;
    if (!split_url(url, &u))
        return ov_fail(err, OV_INVALID, "'%s' cannot be signed: it is no address", url);
    if (k->secret.n > 500)
        return ov_fail(err, OV_INVALID, "auth.secretKey is longer than 500 bytes");
    ov_civil_from_ms(now_ms, &c);
    ov_buf_addf(date, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
    OV_TRY(ov_buf_check(date, err));
    ov_slice day = ov_slice_make(date->p, 8);
    ov_buf_init(&request);
    ov_buf_init(&text);
    canonical_request(k, &u, ov_buf_slice(date), &request);
    ov_buf_add_str(&text, "AWS4-HMAC-SHA256\n");
    ov_buf_add_slice(&text, ov_buf_slice(date));
    ov_buf_addf(&text, "\n" OV_SLICE_FMT "/" OV_SLICE_FMT "/s3/aws4_request\n", OV_SLICE_ARG(day), OV_SLICE_ARG(k->region));
    add_hash(&text, ov_buf_slice(&request));
    signing_key(k, day, key);
    ov_hmac_sha256(ov_slice_make(key, sizeof key), ov_buf_slice(&text), mac);
    ov_sha256_hex(mac, hex);
    ov_buf_addf(authorization,
                "AWS4-HMAC-SHA256 Credential=" OV_SLICE_FMT "/" OV_SLICE_FMT "/" OV_SLICE_FMT "/s3/aws4_request, SignedHeaders="
                "host;x-amz-content-sha256;x-amz-date%s, Signature=%s",
                OV_SLICE_ARG(k->access), OV_SLICE_ARG(day), OV_SLICE_ARG(k->region), k->session.n ? ";x-amz-security-token" : "", hex);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_buf_check(&request, err);
    if (st == OV_OK)
        st = ov_buf_check(authorization, err);
    ov_buf_fini(&request);
    ov_buf_fini(&text);
    return st;
}

/* ---- the list ---- */

/* What stands between <tag> and </tag> at or after *at; moves *at behind it. */
static bool element(ov_slice xml, const char *tag, size_t *at, ov_slice *inner)
{
    char open[40], close[40];
    int no = snprintf(open, sizeof open, "<%s>", tag), nc = snprintf(close, sizeof close, "</%s>", tag);
    const char *a = *at < xml.n ? memmem(xml.p + *at, xml.n - *at, open, (size_t)no) : NULL;
    if (!a)
        return false;
    a += no;
    const char *b = memmem(a, xml.n - (size_t)(a - xml.p), close, (size_t)nc);
    if (!b)
        return false;
    *inner = ov_slice_make(a, (size_t)(b - a));
    *at = (size_t)(b - xml.p) + (size_t)nc;
    return true;
}

static bool member(ov_slice xml, const char *tag, ov_slice *inner)
{
    size_t at = 0;
    return element(xml, tag, &at, inner);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* &amp; and the like, and %XX when the list was asked for in that form. */
static void decode(ov_slice text, bool percent, ov_buf *out)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {{"&amp;", '&'}, {"&quot;", '"'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}, {"&#34;", '"'}, {"&#39;", '\''}};
    for (size_t i = 0; i < text.n;) {
        size_t skip = 0;
        for (size_t k = 0; k < OV_COUNT_OF(entities) && !skip; k++)
            if (ov_slice_starts(ov_slice_make(text.p + i, text.n - i), ov_slice_cstr(entities[k].name))) {
                ov_buf_add_char(out, entities[k].c);
                skip = strlen(entities[k].name);
            }
        if (!skip && percent && text.p[i] == '%' && i + 2 < text.n && hex_digit(text.p[i + 1]) >= 0 && hex_digit(text.p[i + 2]) >= 0) {
            ov_buf_add_char(out, (char)(hex_digit(text.p[i + 1]) * 16 + hex_digit(text.p[i + 2])));
            skip = 3;
        } else if (!skip) {
            ov_buf_add_char(out, percent && text.p[i] == '+' ? ' ' : text.p[i]);
            skip = 1;
        }
        i += skip;
    }
}

static ov_status decoded(ov_slice text, bool percent, ov_arena *out, ov_slice *to, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    decode(text, percent, &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), to, err);
    ov_buf_fini(&b);
    return st;
}

static ov_status add_object(ov_slice object, bool percent, ov_arena *out, ovi_listed *to, ov_error *err)
{
    ov_slice key, etag = {0}, size = {0};
    if (!member(object, "Key", &key))
        return ov_fail(err, OV_INVALID, "the list of objects has one without a Key");
    if (member(object, "ETag", &etag))
        OV_TRY(decoded(etag, false, out, &to->etag, err));
    if (member(object, "Size", &size) && size.n < 19)
        to->bytes = strtoull(size.p, NULL, 10);
    return decoded(key, percent, out, &to->name, err);
}

ov_status ovi_s3_list_parse(ov_slice xml, ov_arena *out, ovi_listed **list, uint32_t *count, uint32_t *cap, ov_slice *token,
                            ov_error *err)
{
    ov_slice object, text;
    size_t at = 0;
    *token = (ov_slice){0};
    if (!memmem(xml.p ? xml.p : "", xml.n, "<ListBucketResult", 17) || !memmem(xml.p, xml.n, "</ListBucketResult>", 19))
        return ov_fail(err, OV_INVALID, "the answer is no (whole) list of objects; it starts with '%.*s'", (int)OV_MIN(xml.n, (size_t)80),
                       xml.p ? xml.p : "");
    bool percent = member(xml, "EncodingType", &text) && ov_slice_eq(text, OV_SLICE_LIT("url"));
    while (element(xml, "Contents", &at, &object)) {
        OV_TRY(ov_arena_room(out, list, *count, cap, 1, sizeof **list, err));
        ovi_listed *to = &(*list)[*count];
        *to = (ovi_listed){0};
        OV_TRY(add_object(object, percent, out, to, err));
        *count += to->name.n > 0 && to->name.p[to->name.n - 1] != '/'; /* a folder's marker is no file */
    }
    if (member(xml, "IsTruncated", &text) && ov_slice_eq(text, OV_SLICE_LIT("true"))) {
        if (!member(xml, "NextContinuationToken", &text) || text.n == 0)
            return ov_fail(err, OV_INVALID, "the list of objects is cut and does not say how it goes on");
        OV_TRY(decoded(text, false, out, token, err));
    }
    return OV_OK;
}
