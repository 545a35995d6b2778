#include "base/buf.h"

#include <stdio.h>

#include "base/bytes.h"

void ov_buf_init(ov_buf *b)
{
    memset(b, 0, sizeof *b);
}

void ov_buf_fini(ov_buf *b)
{
    ov_free(b->p);
    memset(b, 0, sizeof *b);
}

void ov_buf_clear(ov_buf *b)
{
    b->n = 0;
    b->failed = false;
}

void ov_buf_fail(ov_buf *b, const ov_error *why)
{
    if (!b->failed)
        b->err = *why;
    b->failed = true;
}

bool ov_buf_reserve(ov_buf *b, size_t more)
{
    if (OV_UNLIKELY(b->failed))
        return false;
    if (OV_LIKELY(more <= b->cap - b->n))
        return true;
    size_t need = b->n + more;
    if (need < b->n || (b->limit && need > b->limit)) {
        b->failed = true;
        ov_fail(&b->err, OV_LIMIT, "%zu bytes are more than the limit of %zu", need, b->limit);
        return false;
    }
    size_t cap = b->cap + b->cap / 2;
    if (cap < need)
        cap = need;
    if (cap < 64)
        cap = 64;
    if (b->limit && cap > b->limit)
        cap = b->limit; /* need <= limit: the test above then sees every step past it */
    char *p = ov_realloc(b->p, cap);
    if (!p) {
        b->failed = true;
        ov_fail_nomem(&b->err, cap);
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void ov_buf_add(ov_buf *b, const void *bytes, size_t n)
{
    if (n == 0 || !ov_buf_reserve(b, n))
        return;
    memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

void ov_buf_add_slice(ov_buf *b, ov_slice s)
{
    ov_buf_add(b, s.p, s.n);
}

void ov_buf_add_str(ov_buf *b, const char *text)
{
    ov_buf_add(b, text, strlen(text));
}

void ov_buf_add_char(ov_buf *b, char c)
{
    if (ov_buf_reserve(b, 1))
        b->p[b->n++] = c;
}

void ov_buf_addf(ov_buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0 && ov_buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void ov_buf_add_raw32(ov_buf *b, uint32_t v)
{
    char bytes[4];
    ov_store_u32(bytes, v);
    ov_buf_add(b, bytes, sizeof bytes);
}

void ov_buf_add_raw64(ov_buf *b, uint64_t v)
{
    char bytes[8];
    ov_store_u64(bytes, v);
    ov_buf_add(b, bytes, sizeof bytes);
}

void ov_buf_add_u64(ov_buf *b, uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536"
                                "37383940414243444546474849505152535455565758596061626364656667686970717273"
                                "7475767778798081828384858687888990919293949596979899";
    char text[20];
    size_t at = sizeof text;
    while (v >= 100) {
        at -= 2;
        memcpy(text + at, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        at -= 2;
        memcpy(text + at, pairs + 2 * v, 2);
    } else {
        text[--at] = (char)('0' + v);
    }
    ov_buf_add(b, text + at, sizeof text - at);
}

void ov_buf_add_i64(ov_buf *b, int64_t v)
{
    if (v < 0)
        ov_buf_add_char(b, '-');
    ov_buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

ov_status ov_buf_check(const ov_buf *b, ov_error *err)
{
    if (!b->failed)
        return OV_OK;
    *err = b->err;
    return err->code;
}

const char *ov_buf_cstr(ov_buf *b)
{
    if (!ov_buf_reserve(b, 1))
        return NULL;
    b->p[b->n] = '\0';
    return b->p;
}
