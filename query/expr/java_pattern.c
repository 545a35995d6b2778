/*
 * Java's regular expressions in PCRE2's spelling: classes by name, quoting, brackets.
 */
#include "query/expr/java_pattern.h"

/* Java's POSIX-like properties, ASCII only. */
static const char *posix_class(ov_slice name)
{
    static const char *const names[][2] = {
        {"Lower", "a-z"},           {"Upper", "A-Z"},        {"ASCII", "\\x00-\\x7F"},
        {"Alpha", "a-zA-Z"},        {"Digit", "0-9"},        {"Alnum", "a-zA-Z0-9"},
        {"Punct", "!-/:-@\\[-`{-~"}, {"Graph", "!-~"},        {"Print", " -~"},
        {"Blank", " \\t"},          {"Cntrl", "\\x00-\\x1F\\x7F"}, {"XDigit", "0-9a-fA-F"},
        {"Space", " \\t\\n\\x0B\\f\\r"}};
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_eq(name, ov_slice_cstr(names[i][0])))
            return names[i][1];
    return NULL;
}

/* \p{...} at `at` (which points behind the p); false when Java knows it and we do not. */
static bool property(const char **at, const char *end, bool negate, bool in_class, ov_buf *out)
{
    const char *close = *at < end && **at == '{' ? memchr(*at, '}', (size_t)(end - *at)) : NULL;
    if (!close) { /* \pL */
        ov_buf_add_str(out, negate ? "\\P" : "\\p");
        return true;
    }
    ov_slice name = {*at + 1, (size_t)(close - *at) - 1};
    *at = close + 1;
    const char *set = posix_class(name);
    if (set) {
        if (in_class && negate)
            return false;
        ov_buf_addf(out, in_class ? "%s%s" : "[%s%s]", negate ? "^" : "", set);
        return true;
    }
    if (ov_slice_eq(name, OV_SLICE_LIT("IsAlphabetic")))
        name = OV_SLICE_LIT("L");
    else if (ov_slice_eq(name, OV_SLICE_LIT("IsLetter")))
        name = OV_SLICE_LIT("L");
    else if (ov_slice_eq(name, OV_SLICE_LIT("IsDigit")))
        name = OV_SLICE_LIT("Nd");
    else if (ov_slice_eq(name, OV_SLICE_LIT("IsLowercase")))
        name = OV_SLICE_LIT("Ll");
    else if (ov_slice_eq(name, OV_SLICE_LIT("IsUppercase")))
        name = OV_SLICE_LIT("Lu");
    else if (ov_slice_eq(name, OV_SLICE_LIT("IsPunctuation")))
        name = OV_SLICE_LIT("P");
    else if (ov_slice_starts(name, OV_SLICE_LIT("Is")))
        name = ov_slice_make(name.p + 2, name.n - 2);
    else if (ov_slice_starts(name, OV_SLICE_LIT("In")) || ov_slice_starts(name, OV_SLICE_LIT("java")))
        return false;
    ov_buf_addf(out, "\\%c{" OV_SLICE_FMT "}", negate ? 'P' : 'p', OV_SLICE_WHOLE(name));
    return true;
}

const char *ovi_java_pattern(ov_slice p, ov_buf *out)
{
    const char *at = p.p, *end = p.p + p.n;
    int depth = 0; /* of [ ] */
    while (at < end) {
        char c = *at++;
        if (c == '\\' && at < end && (*at == 'p' || *at == 'P')) {
            bool negate = *at++ == 'P';
            if (!property(&at, end, negate, depth > 0, out))
                return "this \\p{...} class";
            continue;
        }
        if (c == '\\' && at < end && *at == 'Q') { /* quoted up to \E */
            const char *stop = memmem(at, (size_t)(end - at), "\\E", 2);
            const char *next = stop ? stop + 2 : end;
            ov_buf_add_char(out, c);
            ov_buf_add(out, at, (size_t)(next - at));
            at = next;
            continue;
        }
        if (c == '\\' && at < end && (*at == 'C' || *at == 'K'))
            return "\\C and \\K";
        if (depth > 0 && c == '&' && at < end && *at == '&')
            return "the intersection of character classes (&&)";
        if (depth > 0 && c == '[') {
            if (at < end && *at != ':')
                return "a character class inside another";
            ov_buf_add_str(out, "\\["); /* Java has no [:alpha:] */
            continue;
        }
        ov_buf_add_char(out, c);
        if (c == '\\' && at < end)
            ov_buf_add_char(out, *at++);
        else if (c == '[') {
            depth++;
            if (at < end && *at == '^')
                ov_buf_add_char(out, *at++);
            if (at < end && *at == ']') { /* a literal ] comes first */
                ov_buf_add_str(out, "\\]");
                at++;
            }
        } else if (c == ']' && depth > 0) {
            depth--;
        }
    }
    return NULL;
}
