#include "base/base64.h"

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool ov_base64_decode(ov_slice s, ov_buf *out)
{
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    uint32_t bits = 0, have = 0;
    for (size_t i = 0; i < s.n; i++) {
        int v = sextet(s.p[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            ov_buf_add_char(out, (char)(bits >> have & 0xFF));
        }
    }
    return s.n % 4 != 1;
}

void ov_base64_encode(ov_slice bytes, ov_buf *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!ov_buf_reserve(out, (bytes.n + 2) / 3 * 4))
        return;
    const uint8_t *p = (const uint8_t *)bytes.p;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = OV_MIN(bytes.n - i, (size_t)3);
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        char *to = out->p + out->n;
        for (size_t k = 0; k < 4; k++)
            to[k] = k <= left ? letters[v >> (18 - 6 * k) & 63] : '=';
        out->n += 4;
    }
}
