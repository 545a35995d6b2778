/*
 * $ORDER_KEY(text, order): bytes that compare as Druid's orderings of that name compare texts, so that sorting and bounds
 * need no comparison of their own. The key is for comparing only; it is no text.
 *
 *   alphanumeric  runs of digits compare as numbers and come before other characters; equal numbers by their zeros
 *   version       parts between . and -, and where digits begin or end; numbers as numbers; alpha < beta < milestone <
 *                 rc < snapshot < nothing < sp < other words < numbers
 */
#include "query/expr/expr_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Big-endian, so that bytes compare as numbers do. */
static void add_count(ov_buf *out, size_t count)
{
    uint32_t n = (uint32_t)count;
    char bytes[4] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    ov_buf_add(out, bytes, sizeof bytes);
}

/* The number's length first: longer ones are larger. */
static void add_number(ov_buf *out, ov_slice digits)
{
    add_count(out, digits.n);
    ov_buf_add_slice(out, digits);
}

static void alphanumeric_key(ov_slice s, ov_buf *out)
{
    size_t i = 0;
    while (i < s.n) {
        size_t start = i, zeros = i;
        bool digits = is_digit(s.p[i]);
        while (i < s.n && is_digit(s.p[i]) == digits)
            i++;
        if (!digits) {
            ov_buf_add_char(out, 3);
            ov_buf_add(out, s.p + start, i - start);
            ov_buf_add_char(out, 0);
            continue;
        }
        while (zeros < i && s.p[zeros] == '0')
            zeros++;
        ov_buf_add_char(out, 2);
        add_number(out, ov_slice_make(s.p + zeros, i - zeros));
        add_count(out, zeros - start);
    }
}

enum { VERSION_END = 6, VERSION_WORD = 8, VERSION_NUMBER = 9 };

static char qualifier(ov_slice word)
{
    static const struct {
        const char *name;
        char rank;
    } known[] = {{"a", 1},       {"alpha", 1},    {"b", 2},     {"beta", 2},  {"m", 3},      {"milestone", 3}, {"rc", 4},
                 {"cr", 4},      {"snapshot", 5}, {"ga", 6},    {"final", 6}, {"release", 6}, {"", 6},          {"sp", 7}};
    for (size_t i = 0; i < OV_COUNT_OF(known); i++)
        if (ov_slice_ieq(word, ov_slice_cstr(known[i].name)))
            return known[i].rank;
    return VERSION_WORD;
}

static void version_key(ov_slice s, ov_buf *out)
{
    size_t i = 0, keep = 0; /* parts that say nothing fall off the end */
    while (i < s.n) {
        if (s.p[i] == '.' || s.p[i] == '-') {
            i++;
            continue;
        }
        size_t start = i;
        bool digits = is_digit(s.p[i]);
        while (i < s.n && s.p[i] != '.' && s.p[i] != '-' && is_digit(s.p[i]) == digits)
            i++;
        ov_slice part = ov_slice_make(s.p + start, i - start);
        if (digits) {
            while (part.n && part.p[0] == '0') {
                part.p++;
                part.n--;
            }
            ov_buf_add_char(out, part.n ? VERSION_NUMBER : VERSION_END);
            if (part.n)
                add_number(out, part);
        } else {
            char rank = qualifier(part);
            ov_buf_add_char(out, rank);
            for (size_t k = 0; rank == VERSION_WORD && k < part.n; k++)
                ov_buf_add_char(out, ov_ascii_lower(part.p[k]));
            if (rank == VERSION_WORD)
                ov_buf_add_char(out, 0);
        }
        if (digits ? part.n > 0 : qualifier(part) != VERSION_END)
            keep = out->n;
    }
    if (!out->failed)
        out->n = keep;
    ov_buf_add_char(out, VERSION_END);
}

/* (text, 'alphanumeric' or 'version') */
ov_status ovi_bind_order_key(ovi_bind *b, ov_error *err)
{
    ov_slice name;
    bool is_null, *version;
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_const_text(b, 1, &name, &is_null, err));
    OV_TRY(ovi_prepare(b, sizeof *version, &version, err));
    *version = !is_null && ov_slice_ieq(name, OV_SLICE_LIT("version"));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static ov_status order_key(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    const bool *version = c->e->prepared;
    (void)err;
    (*version ? version_key : alphanumeric_key)(ovi_str(&c->arg[0], row), &t->made);
    return OV_OK;
}

ov_status ovi_eval_order_key(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, order_key, out, err);
}
