/*
 * What grammar actions call to build nodes. Everything is allocated from the parse arena; a node's
 * depth and span follow from its kids, and passing OV_SQL_MAX_DEPTH is the one thing that can fail
 * besides memory.
 */
#include "query/sql/sql_int.h"

#include <stdio.h>

void ovi_sql_parse_fail(ovi_sql_parser *p, ov_status code, uint32_t pos, uint32_t end_pos,
                        const char *fmt, ...)
{
    if (p->st != OV_OK)
        return;
    va_list args;
    char sentence[512];
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    p->st = ovi_sql_fail(p->text, pos, end_pos, code, p->err, "%s", sentence);
}

static void *alloc(ovi_sql_parser *p, size_t bytes)
{
    void *out = NULL;
    if (p->st == OV_OK)
        p->st = ov_arena_zalloc(p->arena, bytes, &out, p->err);
    return p->st == OV_OK ? out : NULL;
}

/* The node now has this kid below it: depth and span follow. */
static void adopt(ovi_sql_parser *p, ov_ast *node, const ov_ast *kid)
{
    if (!kid)
        return;
    if (kid->depth >= node->depth) {
        if (kid->depth >= OV_SQL_MAX_DEPTH) {
            ovi_sql_parse_fail(p, OV_LIMIT, kid->pos, kid->end_pos,
                               "The statement is nested more than %d levels deep",
                               OV_SQL_MAX_DEPTH);
            return;
        }
        node->depth = (uint16_t)(kid->depth + 1);
    }
    if (node->end_pos == 0) {
        node->pos = kid->pos;
        node->end_pos = kid->end_pos;
        return;
    }
    node->pos = OV_MIN(node->pos, kid->pos);
    node->end_pos = OV_MAX(node->end_pos, kid->end_pos);
}

static ov_ast *node_new(ovi_sql_parser *p, ov_ast_kind kind, uint32_t capacity)
{
    ov_ast *node = alloc(p, sizeof *node);
    if (!node)
        return NULL;
    node->kind = (uint8_t)kind;
    node->depth = 1;
    if (capacity > 0) {
        node->kids = alloc(p, capacity * sizeof *node->kids);
        node->number = capacity;
    }
    return p->st == OV_OK ? node : NULL;
}

ov_ast *ovi_sql_node(ovi_sql_parser *p, ov_ast_kind kind, uint32_t count, ...)
{
    ov_ast *node = node_new(p, kind, count);
    if (!node)
        return NULL;
    node->kid_count = count;
    va_list args;
    va_start(args, count);
    for (uint32_t i = 0; i < count; i++) {
        node->kids[i] = va_arg(args, ov_ast *);
        adopt(p, node, node->kids[i]);
    }
    va_end(args);
    return node;
}

ov_ast *ovi_sql_set_kid(ovi_sql_parser *p, ov_ast *node, uint32_t i, ov_ast *kid)
{
    if (p->st != OV_OK || !node)
        return NULL;
    node->kids[i] = kid;
    adopt(p, node, kid);
    return node;
}

ov_ast *ovi_sql_span(ov_ast *node, const ovi_sql_token *first, const ovi_sql_token *last)
{
    if (!node)
        return NULL;
    if (first) {
        node->pos = first->pos;
        node->end_pos = OV_MAX(node->end_pos, first->end_pos);
    }
    if (last)
        node->end_pos = last->end_pos;
    return node;
}

ov_ast *ovi_sql_op(ov_ast *node, uint8_t op)
{
    if (node)
        node->op = op;
    return node;
}

ov_ast *ovi_sql_flag(ov_ast *node, uint16_t flags)
{
    if (node)
        node->flags = (uint16_t)(node->flags | flags);
    return node;
}

ov_ast *ovi_sql_kind(ov_ast *node, ov_ast_kind kind)
{
    if (node)
        node->kind = (uint8_t)kind;
    return node;
}

ov_ast *ovi_sql_leaf(ovi_sql_parser *p, ov_ast_kind kind, const ovi_sql_token *token)
{
    ov_ast *node = ovi_sql_span(node_new(p, kind, 0), token, token);
    if (!node)
        return NULL;
    if (kind == OV_AST_PARAM)
        node->number = p->param_count++;
    else if (kind != OV_AST_NULL && kind != OV_AST_BOOLEAN)
        node->text = token->text;
    return node;
}

/* The text with every doubled `quote` made single. */
static ov_slice undouble(ovi_sql_parser *p, ov_slice text, char quote)
{
    if (!text.n || !memchr(text.p, quote, text.n))
        return text;
    char *out = alloc(p, text.n);
    size_t n = 0;
    for (size_t i = 0; out && i < text.n; i++) {
        out[n++] = text.p[i];
        if (text.p[i] == quote)
            i++;
    }
    return ov_slice_make(out, n);
}

ov_ast *ovi_sql_name(ovi_sql_parser *p, const ovi_sql_token *token, bool quoted)
{
    ov_ast *node = ovi_sql_leaf(p, OV_AST_NAME, token);
    if (node && quoted) {
        node->text = undouble(p, node->text, '"');
        node->flags = OV_AST_QUOTED;
    }
    return node;
}

ov_ast *ovi_sql_word(ovi_sql_parser *p, const char *word)
{
    ov_ast *node = node_new(p, OV_AST_NAME, 0);
    if (node)
        node->text = ov_slice_cstr(word);
    return node;
}

ov_ast *ovi_sql_path(ovi_sql_parser *p, ov_ast *path, ov_ast *name)
{
    if (path && path->kind == OV_AST_PATH)
        return ovi_sql_append(p, path, name);
    return ovi_sql_append(p, ovi_sql_list(p, OV_AST_PATH, path), name);
}

ov_ast *ovi_sql_string(ovi_sql_parser *p, const ovi_sql_token *token)
{
    ov_ast *node = ovi_sql_leaf(p, OV_AST_STRING, token);
    if (node)
        node->text = undouble(p, node->text, '\'');
    return node;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ov_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(c | (0xf00u >> n & 0xff));
    return n;
}

/* `digits` hexadecimal digits at text[at]; false when they are not there. */
static bool hex_number(ov_slice text, size_t at, size_t digits, uint32_t *value)
{
    *value = 0;
    if (at + digits > text.n)
        return false;
    for (size_t i = 0; i < digits; i++) {
        int d = hex_digit(text.p[at + i]);
        if (d < 0)
            return false;
        *value = *value << 4 | (uint32_t)d;
    }
    return true;
}

/* U&'d\0061t\+000061': 4 or 6 hexadecimal digits behind the escape; UTF-16 pairs become one
 * character. */
ov_ast *ovi_sql_unicode_string(ovi_sql_parser *p, const ovi_sql_token *token,
                               const ovi_sql_token *escape)
{
    ov_ast *node = ovi_sql_string(p, token);
    char mark = '\\';
    if (escape && escape->text.n == 1)
        mark = escape->text.p[0];
    else if (escape)
        ovi_sql_parse_fail(p, OV_INVALID, escape->pos, escape->end_pos,
                           "UESCAPE takes exactly one character");
    char *out = node ? alloc(p, node->text.n + 4) : NULL;
    if (!out)
        return NULL;
    ov_slice text = node->text;
    size_t n = 0;
    uint32_t high = 0;
    for (size_t i = 0; i < text.n;) {
        if (text.p[i] != mark) {
            out[n++] = text.p[i++];
            high = 0;
            continue;
        }
        if (i + 1 < text.n && text.p[i + 1] == mark) {
            out[n++] = mark;
            i += 2;
            continue;
        }
        bool six = i + 1 < text.n && text.p[i + 1] == '+';
        uint32_t c;
        if (!hex_number(text, i + 1 + six, six ? 6 : 4, &c) || c > 0x10ffff) {
            ovi_sql_parse_fail(
                p, OV_INVALID, token->pos, token->end_pos,
                "Unicode escape sequence starting at character %zu is not exactly four hex digits",
                i);
            return NULL;
        }
        i += six ? 8 : 5;
        if (high && c >= 0xdc00 && c < 0xe000) {
            n -= 3;
            c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
        }
        high = c >= 0xd800 && c < 0xdc00 ? c : 0;
        n += put_utf8(out + n, c);
    }
    node->text = ov_slice_make(out, n);
    return ovi_sql_span(node, NULL, escape);
}

ov_ast *ovi_sql_one(ovi_sql_parser *p, const ovi_sql_token *first, const ovi_sql_token *last)
{
    ov_ast *node = ovi_sql_span(node_new(p, OV_AST_INTEGER, 0), first, last);
    if (node)
        node->text = OV_SLICE_LIT("1");
    return node;
}

ov_ast *ovi_sql_list(ovi_sql_parser *p, ov_ast_kind kind, ov_ast *first)
{
    return ovi_sql_append(p, node_new(p, kind, 4), first);
}

ov_ast *ovi_sql_append(ovi_sql_parser *p, ov_ast *list, ov_ast *kid)
{
    if (p->st != OV_OK || !list)
        return NULL;
    p->st = ov_arena_room(p->arena, &list->kids, list->kid_count, &list->number, 1, sizeof *list->kids, p->err);
    if (p->st != OV_OK)
        return NULL;
    list->kids[list->kid_count++] = kid;
    adopt(p, list, kid);
    return list;
}

ov_ast *ovi_sql_chain(ovi_sql_parser *p, ov_ast_kind kind, ov_ast *left, ov_ast *right)
{
    if (left && left->kind == kind)
        return ovi_sql_append(p, left, right);
    return ovi_sql_append(p, ovi_sql_list(p, kind, left), right);
}

ov_ast *ovi_sql_unwrap(ov_ast *query)
{
    for (uint32_t i = 0; query && i < OV_QUERY_KIDS; i++)
        if (i != OV_QUERY_BODY && query->kids[i])
            return query;
    return query ? query->kids[OV_QUERY_BODY] : NULL;
}

ov_ast *ovi_sql_set_op(ovi_sql_parser *p, uint8_t op, bool all, ov_ast *left, ov_ast *right)
{
    uint16_t flags = all ? OV_AST_ALL : 0;
    if (left && left->kind == OV_AST_SET_OP && left->op == op && left->flags == flags)
        return ovi_sql_append(p, left, right);
    ov_ast *node = ovi_sql_append(p, ovi_sql_list(p, OV_AST_SET_OP, left), right);
    return ovi_sql_flag(ovi_sql_op(node, op), flags);
}

ov_ast *ovi_sql_binary(ovi_sql_parser *p, uint8_t op, ov_ast *left, ov_ast *right)
{
    return ovi_sql_op(ovi_sql_node(p, OV_AST_BINARY, 2, left, right), op);
}

ov_ast *ovi_sql_is(ovi_sql_parser *p, ov_ast *value, uint8_t op, uint16_t flags,
                   const ovi_sql_token *last)
{
    return ovi_sql_flag(
        ovi_sql_op(ovi_sql_span(ovi_sql_node(p, OV_AST_IS, 1, value), NULL, last), op), flags);
}

ov_ast *ovi_sql_quantified(ovi_sql_parser *p, uint8_t op, uint16_t all, ov_ast *left, ov_ast *query)
{
    if (op == (all ? OV_AST_OP_NE : OV_AST_OP_EQ))
        return ovi_sql_flag(ovi_sql_node(p, OV_AST_IN_QUERY, 2, left, query), all ? OV_AST_NEGATED : 0);
    return ovi_sql_flag(ovi_sql_op(ovi_sql_node(p, OV_AST_QUANTIFIED, 2, left, query), op), all);
}

ov_ast *ovi_sql_row(ovi_sql_parser *p, ov_ast *first, ov_ast *rest)
{
    if (p->st != OV_OK || !rest)
        return NULL;
    ov_ast *row = node_new(p, OV_AST_ROW, rest->kid_count + (first ? 1 : 0));
    if (first)
        row = ovi_sql_append(p, row, first);
    for (uint32_t i = 0; i < rest->kid_count; i++)
        row = ovi_sql_append(p, row, rest->kids[i]);
    return row;
}

ov_ast *ovi_sql_type(ovi_sql_parser *p, ov_ast *words, ov_ast *args, ov_ast *more_words)
{
    ov_ast *lists[2] = {words, more_words};
    size_t bytes = 0;
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; lists[k] && i < lists[k]->kid_count; i++)
            bytes += lists[k]->kids[i]->text.n + 1;
    char *text = alloc(p, bytes);
    ov_ast *node = node_new(p, OV_AST_TYPE, args ? args->kid_count : 0);
    if (!text || !node)
        return NULL;
    size_t n = 0;
    for (int k = 0; k < 2; k++) {
        for (uint32_t i = 0; lists[k] && i < lists[k]->kid_count; i++) {
            ov_slice word = lists[k]->kids[i]->text;
            if (n)
                text[n++] = ' ';
            for (size_t j = 0; j < word.n; j++)
                text[n++] =
                    (char)(word.p[j] >= 'a' && word.p[j] <= 'z' ? word.p[j] - 32 : word.p[j]);
        }
        adopt(p, node, lists[k]);
    }
    node->text = ov_slice_make(text, n);
    for (uint32_t i = 0; args && i < args->kid_count; i++) {
        const ov_ast *arg = args->kids[i];
        if (arg->kind != OV_AST_INTEGER && arg->kind != OV_AST_STRING)
            ovi_sql_parse_fail(p, OV_INVALID, arg->pos, arg->end_pos,
                               "A type takes numbers in its parentheses");
        ovi_sql_append(p, node, args->kids[i]);
    }
    /* words behind the parentheses, as in VARCHAR(10) ARRAY, print in front of them: keep the
     * difference */
    if (more_words)
        node->op = (uint8_t)OV_MIN(words->kid_count, 255u);
    return node;
}

ov_ast *ovi_sql_interval(ovi_sql_parser *p, const ovi_sql_token *first, const ovi_sql_token *text,
                         ov_ast *unit, ov_ast *to_unit)
{
    ov_ast *node = ovi_sql_span(ovi_sql_node(p, OV_AST_INTERVAL, 2, unit, to_unit), first, NULL);
    if (node)
        node->text = undouble(p, text->text, '\'');
    return node;
}

ov_ast *ovi_sql_jdbc_literal(ovi_sql_parser *p, ov_ast *word, const ovi_sql_token *text,
                             const ovi_sql_token *first, const ovi_sql_token *last)
{
    ov_ast *node = ovi_sql_span(ovi_sql_string(p, text), first, last);
    if (!node || !word)
        return NULL;
    if (ov_slice_ieq(word->text, OV_SLICE_LIT("ts")))
        return ovi_sql_kind(node, OV_AST_TIMESTAMP);
    if (ov_slice_ieq(word->text, OV_SLICE_LIT("d")))
        return ovi_sql_kind(node, OV_AST_DATE);
    if (ov_slice_ieq(word->text, OV_SLICE_LIT("t")))
        return ovi_sql_kind(node, OV_AST_TIME);
    ovi_sql_parse_fail(p, OV_INVALID, word->pos, word->end_pos,
                       "'{" OV_SLICE_FMT "' is no JDBC escape; use d, t, ts or fn",
                       OV_SLICE_ARG(word->text));
    return NULL;
}

ov_ast *ovi_sql_jdbc_call(ovi_sql_parser *p, ov_ast *word, ov_ast *call, const ovi_sql_token *first,
                          const ovi_sql_token *last)
{
    if (word && !ov_slice_ieq(word->text, OV_SLICE_LIT("fn")))
        ovi_sql_parse_fail(p, OV_INVALID, word->pos, word->end_pos,
                           "'{" OV_SLICE_FMT "' is no JDBC escape; use d, t, ts or fn",
                           OV_SLICE_ARG(word->text));
    return ovi_sql_span(call, first, last);
}

ov_ast *ovi_sql_bound(ovi_sql_parser *p, uint8_t op, ov_ast *distance, const ovi_sql_token *first,
                      const ovi_sql_token *last)
{
    return ovi_sql_op(ovi_sql_span(ovi_sql_node(p, OV_AST_BOUND, 1, distance), first, last), op);
}

ov_ast *ovi_sql_alias_table(ovi_sql_parser *p, ov_ast *table, ov_ast *alias)
{
    return ovi_sql_set_kid(p, alias, 0, table);
}

ov_ast *ovi_sql_select_all(ovi_sql_parser *p, const ovi_sql_token *first, ov_ast *table)
{
    ov_ast *star = ovi_sql_span(ovi_sql_node(p, OV_AST_STAR, 1, NULL), first, first);
    ov_ast *items = ovi_sql_list(p, OV_AST_LIST, star);
    return ovi_sql_span(
        ovi_sql_node(p, OV_AST_SELECT, OV_SELECT_KIDS, items, table, NULL, NULL, NULL, NULL, NULL), first,
        NULL);
}

ov_ast *ovi_sql_call(ovi_sql_parser *p, ov_ast *name, const ovi_sql_token *open, ovi_call_args args,
                     const ovi_sql_token *close, ovi_call_suffix suffix)
{
    if (name && args.list && !name->flags && ov_slice_ieq(name->text, OV_SLICE_LIT("row")))
        return ovi_sql_row(p, NULL, ovi_sql_span(args.list, open, close));
    ov_ast *list = args.list ? args.list : node_new(p, OV_AST_LIST, 0);
    ov_ast *node = ovi_sql_node(p, OV_AST_CALL, OV_CALL_KIDS, list, NULL, args.order, NULL);
    if (!node || !name)
        return NULL;
    if (!args.list)
        ovi_sql_span(list, open, close);
    node->pos = name->pos;
    node->text = name->text;
    node->flags = (uint16_t)(args.flags | (name->flags & OV_AST_QUOTED));
    node->op = args.form;
    return ovi_sql_call_tail(p, ovi_sql_span(node, NULL, close), suffix);
}

ov_ast *ovi_sql_plain_call(ovi_sql_parser *p, const ovi_sql_token *name, ov_ast *args,
                           const ovi_sql_token *close)
{
    ovi_call_args list = {.list = args};
    return ovi_sql_call(p, ovi_sql_name(p, name, false), name, list, close,
                        (ovi_call_suffix){0});
}

ov_ast *ovi_sql_special(ovi_sql_parser *p, const ovi_sql_token *name, uint8_t form,
                        const ovi_sql_token *close, ov_ast *a, ov_ast *b, ov_ast *c)
{
    ov_ast *args = ovi_sql_append(p, ovi_sql_list(p, OV_AST_LIST, a), b);
    if (c)
        args = ovi_sql_append(p, args, c);
    return ovi_sql_op(ovi_sql_plain_call(p, name, args, close), form);
}

ov_ast *ovi_sql_call_tail(ovi_sql_parser *p, ov_ast *call, ovi_call_suffix suffix)
{
    if (call && call->kind != OV_AST_CALL)
        return call; /* ROW(...) */
    if (suffix.filter)
        call = ovi_sql_set_kid(p, call, OV_CALL_FILTER, suffix.filter);
    if (suffix.over)
        call = ovi_sql_set_kid(p, call, OV_CALL_OVER, suffix.over);
    if (suffix.order)
        call = ovi_sql_set_kid(p, call, OV_CALL_ORDER, suffix.order);
    return ovi_sql_flag(call, suffix.flags);
}
