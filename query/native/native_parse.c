/*
 * Text of Druid's expression language to a tree: a lexer of one character class at a time and operator precedence by
 * climbing. Source: Expr.g4 of Druid: unary operators bind tightest, ^ is right-associative, && and || have one
 * precedence.
 */
#include "query/native/native_int.h"

#include "base/jsonr.h"
#include "base/numparse.h"

enum { MAX_DEPTH = 300, MAX_HEIGHT = 1000, MAX_ARGS = 10000, POWER_LEVEL = 5, UNARY_LEVEL = 6 };

typedef struct parser {
    ov_slice text;
    size_t at;
    unsigned depth;
    ov_arena *out;
    ov_error *err;
} parser;

static ov_status expression(parser *p, int least, const ov_native **out);

static ov_status fail(parser *p, size_t from, const char *wanted)
{
    size_t end = OV_MIN(from + 1, p->text.n);
    if (from >= p->text.n)
        return ov_fail_at(p->err, OV_INVALID, (uint32_t)from, (uint32_t)from,
                          "expected %s at the end of the expression", wanted);
    while (end < p->text.n && ((unsigned char)p->text.p[end] & 0xC0) == 0x80)
        end++; /* the whole character */
    return ov_fail_at(p->err, OV_INVALID, (uint32_t)from, (uint32_t)end,
                      "expected %s at character %zu, found '%.*s'", wanted, from + 1, (int)(end - from),
                      p->text.p + from);
}

static char peek(parser *p)
{
    while (p->at < p->text.n && strchr(" \t\r\n", p->text.p[p->at]) && p->text.p[p->at])
        p->at++;
    return p->at < p->text.n ? p->text.p[p->at] : 0;
}

static bool take(parser *p, char c)
{
    if (peek(p) != c || p->at >= p->text.n)
        return false;
    p->at++;
    return true;
}

static ov_status need(parser *p, char c, const char *wanted)
{
    return take(p, c) ? OV_OK : fail(p, p->at, wanted);
}

static ov_status make(parser *p, ov_native_kind kind, size_t pos, ov_native **out)
{
    OV_TRY(ov_arena_zalloc(p->out, sizeof **out, out, p->err));
    (*out)->kind = kind;
    (*out)->pos = (uint32_t)pos;
    (*out)->end_pos = (uint32_t)p->at;
    return OV_OK;
}

/* The node's children; whoever walks the tree recurses, so its height is bounded here. */
static ov_status adopt(parser *p, ov_native *n, const ov_native **args, uint32_t argc)
{
    n->args = args;
    n->argc = argc;
    for (uint32_t i = 0; i < argc; i++)
        n->height = OV_MAX(n->height, args[i]->height + 1);
    if (n->height <= MAX_HEIGHT)
        return OV_OK;
    return ov_fail_at(p->err, OV_LIMIT, n->pos, n->end_pos, "the expression is nested more than %d levels deep",
                      MAX_HEIGHT);
}

static ov_status with_args(parser *p, ov_native *n, const ov_native *const *args, uint32_t argc)
{
    const ov_native **list;
    OV_TRY(ov_arena_alloc(p->out, argc * sizeof *list, &list, p->err));
    memcpy(list, args, argc * sizeof *args);
    return adopt(p, n, list, argc);
}

/* ---- tokens ---- */

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static ov_slice word(parser *p)
{
    size_t from = p->at;
    while (p->at < p->text.n && (is_word_start(p->text.p[p->at]) || is_digit(p->text.p[p->at])))
        p->at++;
    return ov_slice_make(p->text.p + from, p->at - from);
}

/* 'text' or "name", with escapes as in Java. */
static ov_status quoted(parser *p, char quote, ov_slice *out)
{
    size_t from = p->at++;
    ov_buf raw;
    ov_buf_init(&raw);
    while (p->at < p->text.n && p->text.p[p->at] != quote) {
        char c = p->text.p[p->at++];
        if (c != '\\') {
            ov_buf_add_char(&raw, c);
            continue;
        }
        if (p->at == p->text.n)
            break;
        c = p->text.p[p->at++];
        if (c == 'u') {
            size_t digits = 0;
            while (digits < 4 && p->at + digits < p->text.n &&
                   strchr("0123456789abcdefABCDEF", p->text.p[p->at + digits]) && p->text.p[p->at + digits])
                digits++;
            if (digits < 4) {
                ov_buf_fini(&raw);
                return fail(p, p->at + digits, "four hexadecimal digits");
            }
            /* two in a row may be one character, so both go together */
            size_t n = 6;
            if (p->text.n - p->at >= 10 && p->text.p[p->at + 4] == '\\' && p->text.p[p->at + 5] == 'u') {
                n = 12;
                for (size_t i = 6; i < 10; i++)
                    if (!strchr("0123456789abcdefABCDEF", p->text.p[p->at + i]) || !p->text.p[p->at + i])
                        n = 6;
            }
            ov_jsonr_unescape(ov_slice_make(p->text.p + p->at - 2, n), &raw);
            p->at += n - 2;
            continue;
        }
        const char *plain = "bfnrt", *code = "\b\f\n\r\t", *which = strchr(plain, c);
        ov_buf_add_char(&raw, which && c ? code[which - plain] : c);
    }
    ov_status st = ov_buf_check(&raw, p->err);
    if (st == OV_OK)
        st = ov_arena_copy(p->out, ov_buf_slice(&raw), out, p->err);
    ov_buf_fini(&raw);
    OV_TRY(st);
    if (p->at >= p->text.n)
        return ov_fail_at(p->err, OV_INVALID, (uint32_t)from, (uint32_t)p->text.n,
                          "the %s that starts at character %zu is not closed", quote == '"' ? "name" : "text",
                          from + 1);
    p->at++;
    return OV_OK;
}

static ov_status number(parser *p, const ov_native **out)
{
    size_t from = p->at;
    bool real = false;
    while (p->at < p->text.n && is_digit(p->text.p[p->at]))
        p->at++;
    if (p->at < p->text.n && p->text.p[p->at] == '.') {
        real = true;
        p->at++;
        while (p->at < p->text.n && is_digit(p->text.p[p->at]))
            p->at++;
    }
    if (p->at < p->text.n && (p->text.p[p->at] | 32) == 'e') {
        size_t digits = p->at + 1;
        if (digits < p->text.n && (p->text.p[digits] == '-' || p->text.p[digits] == '+'))
            digits++;
        if (digits >= p->text.n || !is_digit(p->text.p[digits]))
            return fail(p, digits, "digits of an exponent");
        real = true;
        for (p->at = digits; p->at < p->text.n && is_digit(p->text.p[p->at]);)
            p->at++;
    }
    ov_native *n;
    ov_slice text = ov_slice_make(p->text.p + from, p->at - from);
    OV_TRY(make(p, real ? OV_NATIVE_DOUBLE : OV_NATIVE_LONG, from, &n));
    *out = n;
    if (real ? ov_parse_double(text, &n->f) : ov_parse_i64(text, &n->i))
        return OV_OK;
    return ov_fail_at(p->err, OV_INVALID, n->pos, n->end_pos, "the number " OV_SLICE_FMT " does not fit a LONG",
                      OV_SLICE_ARG(text));
}

/* ---- lists ---- */

/* Expressions up to `close`, the opening bracket being behind us. */
static ov_status items(parser *p, char close, const char *wanted, const ov_native ***out, uint32_t *count)
{
    uint32_t cap = 4;
    const ov_native **list;
    *count = 0;
    OV_TRY(ov_arena_alloc(p->out, cap * sizeof *list, &list, p->err));
    while (*count > 0 ? take(p, ',') : peek(p) != close) {
        if (*count == MAX_ARGS)
            return ov_fail_at(p->err, OV_LIMIT, (uint32_t)p->at, (uint32_t)p->at, "a list has more than %d items",
                              MAX_ARGS);
        OV_TRY(ov_arena_room(p->out, &list, *count, &cap, 1, sizeof *list, p->err));
        OV_TRY(expression(p, 0, &list[*count]));
        ++*count;
    }
    *out = list;
    return need(p, close, wanted);
}

static ov_status array(parser *p, size_t from, ov_slice type, const ov_native **out)
{
    ov_native *n;
    const ov_native **list;
    uint32_t count;
    OV_TRY(need(p, '[', "'['"));
    OV_TRY(items(p, ']', "',' or ']'", &list, &count));
    OV_TRY(make(p, OV_NATIVE_ARRAY, from, &n));
    *out = n;
    OV_TRY(ov_arena_copy(p->out, type, &n->text, p->err));
    return adopt(p, n, list, count);
}

/* ARRAY<LONG>[..] behind the word, or <LONG>[..] at the sign. */
static ov_status typed_array(parser *p, size_t from, const ov_native **out)
{
    OV_TRY(need(p, '<', "'<'"));
    peek(p);
    ov_slice type = word(p);
    if (type.n == 0)
        return fail(p, p->at, "the type of the elements");
    OV_TRY(need(p, '>', "'>'"));
    return array(p, from, type, out);
}

/* ---- lambdas ---- */

/* With `at` behind the parameters. */
static ov_status lambda(parser *p, size_t from, const ov_native *const *names, uint32_t count, const ov_native **out)
{
    ov_native *n;
    p->at += 2;
    const ov_native **args;
    OV_TRY(ov_arena_alloc(p->out, (count + (size_t)1) * sizeof *args, &args, p->err));
    if (count)
        memcpy(args, names, count * sizeof *args);
    OV_TRY(expression(p, 0, &args[count]));
    OV_TRY(make(p, OV_NATIVE_LAMBDA, from, &n));
    *out = n;
    return adopt(p, n, args, count + 1);
}

static bool at_arrow(parser *p)
{
    return peek(p) == '-' && p->at + 1 < p->text.n && p->text.p[p->at + 1] == '>';
}

/* (x), or the parameters of a lambda: (a, b) -> ... */
static ov_status parenthesis(parser *p, const ov_native **out)
{
    size_t from = p->at++;
    const ov_native **list;
    uint32_t count;
    OV_TRY(items(p, ')', "')'", &list, &count));
    bool names = true;
    for (uint32_t i = 0; i < count; i++)
        names = names && list[i]->kind == OV_NATIVE_NAME;
    if (names && at_arrow(p))
        return lambda(p, from, list, count, out);
    if (count != 1)
        return fail(p, p->at, count ? "'->' behind a list of names" : "an expression between the parentheses");
    *out = list[0];
    return OV_OK;
}

/* ---- the rest ---- */

static ov_status named(parser *p, const ov_native **out)
{
    size_t from = p->at;
    ov_native *n;
    bool quotes = p->text.p[p->at] == '"';
    ov_slice name;
    if (quotes) {
        OV_TRY(quoted(p, '"', &name));
    } else {
        name = word(p);
        if (ov_slice_eq(name, OV_SLICE_LIT("null"))) {
            OV_TRY(make(p, OV_NATIVE_NULL, from, &n));
            *out = n;
            return OV_OK;
        }
        if (ov_slice_eq(name, OV_SLICE_LIT("NaN")) || ov_slice_eq(name, OV_SLICE_LIT("Infinity"))) {
            OV_TRY(make(p, OV_NATIVE_DOUBLE, from, &n));
            n->f = name.p[0] == 'N' ? (double)__builtin_nan("") : (double)__builtin_inf();
            *out = n;
            return OV_OK;
        }
        if (ov_slice_eq(name, OV_SLICE_LIT("ARRAY")) && peek(p) == '<')
            return typed_array(p, from, out);
        OV_TRY(ov_arena_copy(p->out, name, &name, p->err));
    }
    if (!quotes && take(p, '(')) {
        const ov_native **list;
        uint32_t count;
        OV_TRY(items(p, ')', "',' or ')'", &list, &count));
        OV_TRY(make(p, OV_NATIVE_CALL, from, &n));
        OV_TRY(adopt(p, n, list, count));
    } else {
        OV_TRY(make(p, OV_NATIVE_NAME, from, &n));
    }
    n->text = name;
    *out = n;
    return n->kind == OV_NATIVE_NAME && at_arrow(p) ? lambda(p, from, &(const ov_native *){n}, 1, out) : OV_OK;
}

static ov_status unary(parser *p, const ov_native **out)
{
    size_t from = p->at++;
    const ov_native *inner;
    ov_native *n;
    OV_TRY(expression(p, UNARY_LEVEL, &inner));
    OV_TRY(make(p, OV_NATIVE_UNARY, from, &n));
    n->text = ov_slice_make(p->text.p[from] == '-' ? "-" : "!", 1);
    *out = n;
    return with_args(p, n, &inner, 1);
}

static ov_status primary(parser *p, const ov_native **out)
{
    char c = peek(p);
    ov_native *n;
    size_t from = p->at;
    if (p->at >= p->text.n)
        return fail(p, p->at, "an expression");
    switch (c) {
    case '-':
    case '!':
        return unary(p, out);
    case '(':
        return parenthesis(p, out);
    case '[':
        return array(p, from, (ov_slice){"", 0}, out);
    case '<':
        return typed_array(p, from, out);
    case '"':
        return named(p, out);
    case '\'': {
        ov_slice text;
        OV_TRY(quoted(p, '\'', &text));
        OV_TRY(make(p, OV_NATIVE_STRING, from, &n));
        n->text = text;
        *out = n;
        return OV_OK;
    }
    default:
        break;
    }
    if (is_digit(c))
        return number(p, out);
    if (is_word_start(c))
        return named(p, out);
    return fail(p, p->at, "an expression");
}

/* Operators, the two-character ones first. */
static const struct {
    const char *text;
    int level;
} operators[] = {
    {"&&", 1}, {"||", 1}, {"<=", 2}, {">=", 2}, {"==", 2}, {"!=", 2}, {"<", 2}, {">", 2},
    {"+", 3},  {"-", 3},  {"*", 4},  {"/", 4},  {"%", 4},  {"^", 5},
};

static int operator_at(parser *p)
{
    peek(p);
    ov_slice rest = ov_slice_make(p->text.p + p->at, p->text.n - p->at);
    for (int i = 0; i < (int)OV_COUNT_OF(operators); i++)
        if (ov_slice_starts(rest, ov_slice_cstr(operators[i].text)))
            return i;
    return -1;
}

static ov_status climb(parser *p, int least, const ov_native **out)
{
    size_t from = p->at;
    OV_TRY(primary(p, out));
    for (int op; (op = operator_at(p)) >= 0 && operators[op].level >= least;) {
        const ov_native *sides[2] = {*out, NULL};
        ov_native *n;
        bool right = operators[op].level == POWER_LEVEL;
        p->at += strlen(operators[op].text);
        OV_TRY(expression(p, operators[op].level + !right, &sides[1]));
        OV_TRY(make(p, OV_NATIVE_BINARY, from, &n));
        n->text = ov_slice_cstr(operators[op].text);
        OV_TRY(with_args(p, n, sides, 2));
        *out = n;
    }
    return OV_OK;
}

static ov_status expression(parser *p, int least, const ov_native **out)
{
    if (p->depth == MAX_DEPTH)
        return ov_fail_at(p->err, OV_LIMIT, (uint32_t)p->at, (uint32_t)p->at,
                          "the expression is nested more than %d levels deep", MAX_DEPTH);
    p->depth++;
    peek(p);
    ov_status st = climb(p, least, out);
    p->depth--;
    return st;
}

ov_status ov_native_parse(ov_slice text, ov_arena *out, const ov_native **tree, ov_error *err)
{
    parser p = {.text = text, .out = out, .err = err};
    if (text.n > OVI_NATIVE_BYTES)
        return ov_fail(err, OV_LIMIT, "the expression has more than %d bytes", OVI_NATIVE_BYTES);
    OV_TRY(expression(&p, 0, tree));
    peek(&p);
    return p.at < text.n ? fail(&p, p.at, "an operator or the end") : OV_OK;
}

ov_status ov_native_walk(const ov_native *tree, ov_status (*fn)(void *ctx, const ov_native *node, ov_error *err),
                         void *ctx, ov_error *err)
{
    OV_TRY(fn(ctx, tree, err));
    for (uint32_t i = 0; i < tree->argc; i++)
        OV_TRY(ov_native_walk(tree->args[i], fn, ctx, err));
    return OV_OK;
}
