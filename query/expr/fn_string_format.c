/*
 * STRING_FORMAT: Java's format strings over longs, doubles and text. As in Druid a format without arguments is returned as
 * it is, and one that does not fit its arguments yields the format followed by the arguments, joined by "; ".
 */
#include "query/expr/decimal.h"
#include "query/expr/expr_int.h"

#include <math.h>
#include "base/bytes.h"
#include "base/numfmt.h"
#include "base/utf8.h"

enum { MAX_WIDTH = 10000 };

typedef struct spec {
    uint32_t arg; /* 1-based */
    bool left, plus, space, zero, comma, paren, alternate;
    int width, precision; /* -1: not given */
    char conversion;
    bool upper;
} spec;

ov_status ovi_bind_string_format(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_text(b, 0, err));
    for (uint32_t i = 1; i < b->argc; i++) {
        ov_type t = b->args[i]->type;
        if (b->args[i]->sql == OV_SQL_NULL)
            OV_TRY(ovi_want(b, i, OV_SQL_VARCHAR, err));
        else if (ov_type_is_list(t) || t.id == OV_TYPE_COMPLEX)
            OV_TRY(ovi_want_text(b, i, err)); /* says why not */
    }
    b->nullable = b->args[0]->nullable;
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

/* ---- reading a specifier ---- */

static int read_number(const char **at, const char *end)
{
    int n = 0;
    while (*at < end && **at >= '0' && **at <= '9' && n <= MAX_WIDTH)
        n = n * 10 + (*(*at)++ - '0');
    return n;
}

/* Does the conversion take these flags and a precision? java.util.Formatter's table. */
static bool is_legal(const spec *s)
{
    bool sign = s->plus || s->space || s->paren, number = sign || s->zero || s->comma;
    switch (s->conversion) {
    case 's':
    case 'b':
    case 'h':
        return !number && !s->alternate;
    case 'c':
        return !number && !s->alternate && s->precision < 0;
    case 'd':
        return !s->alternate && s->precision < 0;
    case 'x':
    case 'o':
        return !sign && !s->comma && s->precision < 0;
    case 'e':
        return !s->comma;
    case 'g':
        return !s->alternate;
    case '%':
        return !number && !s->alternate && s->precision < 0;
    case 'n':
        return !number && !s->alternate && !s->left && s->width < 0 && s->precision < 0;
    default:
        return true;
    }
}

/* After the %; false when it is none. */
static bool read_spec(const char **at, const char *end, uint32_t *next, spec *s)
{
    *s = (spec){.width = -1, .precision = -1};
    const char *start = *at;
    int index = read_number(at, end);
    if (*at < end && **at == '$' && index > 0) {
        s->arg = (uint32_t)index;
        ++*at;
    } else {
        *at = start;
    }
    for (; *at < end && strchr("-+ 0,(#", **at); ++*at) {
        s->left = s->left || **at == '-';
        s->plus = s->plus || **at == '+';
        s->space = s->space || **at == ' ';
        s->zero = s->zero || **at == '0';
        s->comma = s->comma || **at == ',';
        s->paren = s->paren || **at == '(';
        s->alternate = s->alternate || **at == '#';
    }
    if (*at < end && **at >= '1' && **at <= '9')
        s->width = read_number(at, end);
    if (*at < end && **at == '.') {
        ++*at;
        if (*at >= end || **at < '0' || **at > '9')
            return false;
        s->precision = read_number(at, end);
    }
    if (*at >= end || s->width > MAX_WIDTH || s->precision > MAX_WIDTH)
        return false;
    s->conversion = *(*at)++;
    s->upper = strchr("XSBEGCH", s->conversion) && s->conversion;
    if (s->upper)
        s->conversion = (char)(s->conversion | 32);
    if (((s->left || s->zero) && s->width < 0) || (s->left && s->zero) || (s->plus && s->space) || !is_legal(s))
        return false;
    if (s->conversion != '%' && s->conversion != 'n' && s->arg == 0)
        s->arg = ++*next;
    return true;
}

/* ---- writing one ---- */

static void add_grouped(ov_buf *out, ov_slice digits, bool comma)
{
    const char *point = digits.n ? memchr(digits.p, '.', digits.n) : NULL;
    size_t whole = point ? (size_t)(point - digits.p) : digits.n;
    for (size_t i = 0; i < digits.n; i++) {
        if (comma && i && i < whole && (whole - i) % 3 == 0)
            ov_buf_add_char(out, ',');
        ov_buf_add_char(out, digits.p[i]);
    }
}

/* Sign, zeros and digits of a number whose magnitude stands in `digits`. */
static void add_number(ov_buf *out, const spec *s, bool negative, ov_slice digits)
{
    ov_buf body;
    ov_buf_init(&body);
    add_grouped(&body, digits, s->comma);
    const char *sign = negative ? (s->paren ? "(" : "-") : s->plus ? "+" : s->space ? " " : "";
    size_t tail = negative && s->paren;
    ov_buf_add_str(out, sign);
    for (size_t n = strlen(sign) + tail + body.n; s->zero && (int)n < s->width; n++)
        ov_buf_add_char(out, '0');
    ov_buf_add_slice(out, ov_buf_slice(&body));
    if (tail)
        ov_buf_add_char(out, ')');
    ov_buf_fini(&body);
}

/* The point that # asks for, behind the only digits or in front of the exponent. */
static void add_point(ov_buf *digits)
{
    const char *exponent = digits->n ? memchr(digits->p, 'e', digits->n) : NULL;
    size_t at = exponent ? (size_t)(exponent - digits->p) : digits->n;
    ov_buf_add_char(digits, '.');
    if (digits->failed)
        return;
    memmove(digits->p + at + 1, digits->p + at, digits->n - at - 1);
    digits->p[at] = '.';
}

static bool add_real(ov_buf *out, const spec *s, double v)
{
    spec plain = *s;
    if (isnan(v) || isinf(v)) {
        plain.zero = plain.comma = false;
        add_number(out, &plain, v < 0, isnan(v) ? OV_SLICE_LIT("NaN") : OV_SLICE_LIT("Infinity"));
        return true;
    }
    int precision = s->precision < 0 ? 6 : s->precision;
    double size = fabs(v);
    ov_buf digits;
    ov_buf_init(&digits);
    if (s->conversion == 'f') {
        ovi_add_fixed(&digits, size, precision);
    } else if (s->conversion == 'e') {
        ovi_add_scientific(&digits, size, precision);
        plain.comma = false;
    } else { /* g: as many digits as the precision, fixed between 10^-4 and 10^precision */
        precision = precision == 0 ? 1 : precision;
        double rounded = size;
        if (size != 0) {
            int leading = (int)floor(log10(size));
            rounded = ovi_round_decimal(size, precision - 1 - leading, OVI_HALF_UP);
        }
        if (rounded == 0) {
            ovi_add_fixed(&digits, 0, precision - 1);
        } else if (rounded >= 1e-4 && rounded < pow(10, precision)) {
            int leading = (int)floor(log10(rounded));
            ovi_add_fixed(&digits, rounded, OV_MAX(precision - leading - 1, 0));
        } else {
            ovi_add_scientific(&digits, size, precision - 1);
            plain.comma = false;
        }
    }
    if (s->alternate && precision == 0)
        add_point(&digits);
    add_number(out, &plain, signbit(v), ov_buf_slice(&digits));
    ov_buf_fini(&digits);
    return true;
}

static bool add_long(ov_buf *out, const spec *s, int64_t v)
{
    char text[32];
    size_t n = 0;
    if (s->conversion == 'd') {
        n = ov_fmt_u64(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, text);
        add_number(out, s, v < 0, ov_slice_make(text, n));
        return true;
    }
    unsigned shift = s->conversion == 'x' ? 4 : 3;
    uint64_t left = (uint64_t)v;
    do {
        text[sizeof text - ++n] = "0123456789abcdef"[left & ((1u << shift) - 1)];
        left >>= shift;
    } while (left);
    spec plain = *s;
    plain.comma = plain.plus = plain.space = plain.paren = false;
    if (s->alternate)
        ov_buf_add_str(out, s->conversion == 'x' ? "0x" : "0");
    add_number(out, &plain, false, ov_slice_make(text + sizeof text - n, n));
    return true;
}

static void add_plain(ov_buf *out, const ovi_arg *a, size_t row)
{
    if (ovi_arg_null(a, row))
        ov_buf_add_str(out, "null");
    else if (ov_type_is_int(a->vec.type))
        ov_buf_add_i64(out, ovi_i64(a, row));
    else if (ov_type_is_real(a->vec.type))
        ov_buf_add_double(out, ovi_f64(a, row));
    else
        ov_buf_add_slice(out, ovi_str(a, row));
}

/* What Java's hashCode says of a Long, a Double or a String. */
static uint32_t java_hash(const ovi_arg *a, size_t row)
{
    if (ov_type_is_int(a->vec.type) || ov_type_is_real(a->vec.type)) {
        uint64_t bits = ov_type_is_int(a->vec.type) ? (uint64_t)ovi_i64(a, row) : ov_f64_bits(ovi_f64(a, row));
        return (uint32_t)(bits ^ bits >> 32);
    }
    ov_slice text = ovi_str(a, row);
    const char *at = text.p, *end = text.p + text.n;
    uint32_t hash = 0;
    while (at < end) {
        uint32_t c = ov_utf8_next(&at, end);
        if (c >= 0x10000) {
            hash = hash * 31 + 0xD800 + ((c - 0x10000) >> 10);
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        hash = hash * 31 + c;
    }
    return hash;
}

/* The value without padding; false when the conversion does not take it. */
static bool add_value(ov_buf *out, const spec *s, const ovi_arg *a, size_t row)
{
    bool is_null = ovi_arg_null(a, row);
    bool whole = ov_type_is_int(a->vec.type), real = ov_type_is_real(a->vec.type);
    switch (s->conversion) {
    case 's':
        add_plain(out, a, row);
        break;
    case 'b':
        ov_buf_add_str(out, is_null ? "false" : "true");
        break;
    case 'h':
        if (is_null)
            ov_buf_add_str(out, "null");
        else
            ov_buf_addf(out, "%x", java_hash(a, row));
        break;
    case 'd':
    case 'x':
    case 'o':
        if (!is_null)
            return whole && s->precision < 0 && add_long(out, s, ovi_i64(a, row));
        ov_buf_add_str(out, "null");
        return true;
    case 'f':
    case 'e':
    case 'g':
        if (!is_null)
            return real && add_real(out, s, ovi_f64(a, row));
        ov_buf_add_str(out, "null");
        return true;
    default: /* c takes characters, which Druid never passes; t is not for data */
        return false;
    }
    if (s->precision >= 0)
        out->n = ov_utf16_offset(ov_buf_slice(out), (size_t)s->precision);
    return true;
}

static bool add_spec(ov_buf *out, const spec *s, const ovi_call *c, size_t row)
{
    ov_buf value;
    ov_buf_init(&value);
    bool ok = true;
    if (s->conversion == '%')
        ov_buf_add_char(&value, '%');
    else if (s->conversion == 'n')
        ov_buf_add_char(&value, '\n');
    else
        ok = s->arg < c->argc && add_value(&value, s, &c->arg[s->arg], row);
    if (ok && s->upper) {
        ov_buf large;
        ov_buf_init(&large);
        ov_utf8_upper(ov_buf_slice(&value), &large);
        ov_buf_clear(&value);
        ov_buf_add_slice(&value, ov_buf_slice(&large));
        ov_buf_fini(&large);
    }
    int pad = s->width - (int)ov_utf16_count(ov_buf_slice(&value));
    for (int i = 0; i < pad && !s->left; i++)
        ov_buf_add_char(out, ' ');
    ov_buf_add_slice(out, ov_buf_slice(&value));
    for (int i = 0; i < pad && s->left; i++)
        ov_buf_add_char(out, ' ');
    ov_buf_fini(&value);
    return ok;
}

static bool format_row(ov_buf *out, const ovi_call *c, size_t row)
{
    ov_slice f = ovi_str(&c->arg[0], row);
    const char *at = f.p, *end = f.p + f.n;
    uint32_t next = 0;
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        ov_buf_add(out, at, (size_t)((percent ? percent : end) - at));
        if (!percent)
            break;
        spec s;
        at = percent + 1;
        if (!read_spec(&at, end, &next, &s) || !add_spec(out, &s, c, row))
            return false;
    }
    return true;
}

static ov_status string_format(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    t->is_null = ovi_arg_null(&c->arg[0], row);
    if (!t->is_null && c->argc == 1) {
        ov_buf_add_slice(&t->made, ovi_str(&c->arg[0], row));
    } else if (!t->is_null && !format_row(&t->made, c, row)) {
        ov_buf_clear(&t->made);
        for (uint32_t i = 0; i < c->argc; i++) {
            ov_buf_add_str(&t->made, i ? "; " : "");
            add_plain(&t->made, &c->arg[i], row);
        }
    }
    return OV_OK;
}

ov_status ovi_eval_string_format(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, string_format, out, err);
}
