/*
 * Drives lexer and grammar, and says what is wrong when they disagree.
 *
 * Words become keywords or names here, by the token behind them (keywords.def). The sentence of a
 * syntax error is Druid's: the token, where it stands, and what could have stood there. Lemon has
 * already reduced by the time it reports an error, so the options are found by a second run up to
 * the token before.
 */
#include "query/sql/hints.h"
#include "query/sql/grammar.h"

#include <stdio.h>

#include "base/suggest.h"

void *ovi_sql_yyAlloc(void *(*alloc)(size_t), ovi_sql_parser *p);
void ovi_sql_yyFree(void *parser, void (*release)(void *));
void ovi_sql_yy(void *parser, int code, ovi_sql_token token);
uint32_t ovi_sql_acceptable(void *parser, ov_arena *scratch, int *tokens, uint32_t capacity);

enum { MAX_OPTIONS = 200, OPTIONS_BYTES = 640 };

typedef struct token_stream {
    ovi_sql_lexer lexer;
    ovi_sql_token token, next, before; /* the current one, the one behind it, the one in front */
    int code, next_code, before_code;
    uint32_t count; /* tokens delivered */
    uint32_t open;  /* parentheses, brackets and CASE not closed yet */
    bool surplus;   /* the current token closes what was not opened */
    ovi_sql_opened opened[OV_SQL_MAX_DEPTH + 1];
} token_stream;

ov_status ovi_sql_fail(ov_slice text, uint32_t pos, uint32_t end_pos, ov_status code, ov_error *err,
                       const char *fmt, ...)
{
    char sentence[OV_ERROR_TEXT_BYTES - 64];
    uint32_t line, column;
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    ov_sql_line_column(text, pos, &line, &column);
    return ov_fail_at(err, code, pos, end_pos, "%s (line [%u], column [%u])", sentence, line,
                      column);
}

static OV_CHECKED ov_status stream_open(token_stream *s, ov_slice text, ov_error *err)
{
    memset(s, 0, offsetof(token_stream, opened));
    s->lexer = (ovi_sql_lexer){text, text.p};
    s->next_code = ovi_sql_lex(&s->lexer, &s->next, err);
    return s->next_code < 0 ? OV_INVALID : OV_OK;
}

/* INTERVAL '1' and INTERVAL -'1'. */
static bool string_follows(const token_stream *s)
{
    if (s->next_code == OVI_TK_STRING)
        return true;
    if (s->code != OVI_TK_INTERVAL || (s->next_code != OVI_TK_DASH && s->next_code != OVI_TK_PLUS))
        return false;
    const char *p = s->lexer.text.p + s->next.end_pos;
    while (*p == ' ')
        p++;
    return *p == '\'';
}

static void classify_word(token_stream *s)
{
    int code = 0;
    ovi_word_use use = ovi_sql_keyword(s->token.text, &code);
    if (use == OVI_WORD_NONE)
        return;
    s->code = code;
    bool keyword = true;
    if (use == OVI_WORD_CALL)
        keyword = s->next_code == OVI_TK_LP;
    else if (use == OVI_WORD_NOCALL)
        keyword = s->next_code != OVI_TK_LP;
    else if (use == OVI_WORD_TEXT)
        keyword = string_follows(s);
    else if (use == OVI_WORD_BRACKET)
        keyword = s->next_code == OVI_TK_LB;
    if (!keyword)
        s->code = OVI_TK_ID;
}

static OV_CHECKED ov_status stream_next(token_stream *s, ov_error *err)
{
    s->before = s->token;
    s->before_code = s->code;
    s->surplus = false;
    s->token = s->next;
    s->code = s->next_code;
    s->count++;
    if (s->code != 0) {
        s->next_code = ovi_sql_lex(&s->lexer, &s->next, err);
        if (s->next_code < 0)
            return OV_INVALID;
    }
    if (s->code == OVI_TK_ID)
        classify_word(s);
    switch (s->code) {
    case OVI_TK_LP:
    case OVI_TK_LB:
    case OVI_TK_LBRACE:
    case OVI_TK_CASE:
        s->opened[s->open] = (ovi_sql_opened){s->token.pos, s->code};
        if (++s->open > OV_SQL_MAX_DEPTH)
            return ovi_sql_fail(s->lexer.text, s->token.pos, s->token.end_pos, OV_LIMIT, err,
                                "The statement is nested more than %d levels deep",
                                OV_SQL_MAX_DEPTH);
        break;
    case OVI_TK_RP:
    case OVI_TK_RB:
    case OVI_TK_RBRACE:
    case OVI_TK_END:
        s->surplus = s->open == 0;
        s->open -= s->open > 0;
        break;
    default:
        break;
    }
    return OV_OK;
}

static const char *keyword_of(int code)
{
    switch (code) {
#define OV_SQL_KEYWORD(word, use)                                                                  \
    case OVI_TK_##word:                                                                            \
        return #word;
#include "query/sql/keywords.def"
#undef OV_SQL_KEYWORD
    default:
        return NULL;
    }
}

/* Druid's name of a token that is not a word; NULL for those it does not list. */
static const char *token_name(int code)
{
    switch (code) {
    case 0:
        return "<EOF>";
    case OVI_TK_ID:
        return "<IDENTIFIER>";
    case OVI_TK_QUOTED:
        return "<QUOTED_IDENTIFIER>";
    case OVI_TK_STRING:
        return "<QUOTED_STRING>";
    case OVI_TK_USTRING:
        return "<UNICODE_STRING_LITERAL>";
    case OVI_TK_INTEGER:
        return "<UNSIGNED_INTEGER_LITERAL>";
    case OVI_TK_DECIMAL:
        return "<DECIMAL_NUMERIC_LITERAL>";
    case OVI_TK_DOUBLE:
        return "<APPROX_NUMERIC_LITERAL>";
    case OVI_TK_EQ:
        return "\"=\"";
    case OVI_TK_NE:
        return "\"<>\"";
    case OVI_TK_LT:
        return "\"<\"";
    case OVI_TK_LE:
        return "\"<=\"";
    case OVI_TK_GT:
        return "\">\"";
    case OVI_TK_GE:
        return "\">=\"";
    case OVI_TK_CONCAT:
        return "\"||\"";
    case OVI_TK_PLUS:
        return "\"+\"";
    case OVI_TK_DASH:
        return "\"-\"";
    case OVI_TK_STAR:
        return "\"*\"";
    case OVI_TK_SLASH:
        return "\"/\"";
    case OVI_TK_PERCENT:
        return "\"%\"";
    case OVI_TK_LP:
        return "\"(\"";
    case OVI_TK_RP:
        return "\")\"";
    case OVI_TK_LB:
        return "\"[\"";
    case OVI_TK_RB:
        return "\"]\"";
    case OVI_TK_COMMA:
        return "\",\"";
    case OVI_TK_DOT:
        return "\".\"";
    case OVI_TK_PARAM:
        return "\"?\"";
    default:
        return NULL;
    }
}

/* The keyword that `word` is most likely meant to be; empty for none. */
static ov_slice meant_keyword(ov_slice word)
{
    static const char *const clauses[] = {
        "SELECT", "DISTINCT", "FROM", "WHERE",   "GROUP", "HAVING",  "ORDER",  "LIMIT",
        "OFFSET", "UNION",    "JOIN", "INNER",   "LEFT",  "BETWEEN", "VALUES", "PARTITION",
        "INSERT", "REPLACE",  "WITH", "EXPLAIN", "CASE",  "WHEN",    "THEN",   "ELSE"};
    int code;
    if (word.n < 2 || ovi_sql_keyword(word, &code) != OVI_WORD_NONE)
        return ov_slice_make(NULL, 0);
    return ov_suggest_of(word, clauses, OV_COUNT_OF(clauses));
}

static void list_options(const int *tokens, uint32_t count, ov_buf *out)
{
    size_t start = out->n;
    for (uint32_t i = 0; i < count; i++) {
        const char *word = keyword_of(tokens[i]);
        const char *name = word ? NULL : token_name(tokens[i]);
        if (!word && !name)
            continue;
        if (out->n - start > OPTIONS_BYTES) {
            ov_buf_add_str(out, ", ...");
            return;
        }
        ov_buf_addf(out, word ? "%s\"%s\"" : "%s%s", out->n > start ? ", " : "",
                    word ? word : name);
    }
}

/* What could have stood where token number `bad` (1-based) stands; nothing when memory is out. */
static uint32_t find_options(ov_slice text, uint32_t bad, ov_arena *scratch, int *tokens)
{
    uint32_t count = 0;
    ov_error ignored = OV_ERROR_INIT;
    ovi_sql_parser p = {.arena = scratch, .text = text, .err = &ignored};
    void *parser = ovi_sql_yyAlloc(ov_malloc, &p);
    token_stream s;
    if (!parser)
        return 0;
    if (stream_open(&s, text, &ignored) == OV_OK) {
        while (s.count + 1 < bad && stream_next(&s, &ignored) == OV_OK)
            ovi_sql_yy(parser, s.code, s.token);
        count = ovi_sql_acceptable(parser, scratch, tokens, MAX_OPTIONS);
    }
    ovi_sql_yyFree(parser, ov_free);
    return count;
}

/* The token to blame, as it stands in the text. */
static void blame(const token_stream *s, ov_slice text, bool semicolon, uint32_t *pos,
                  uint32_t *end, ov_slice *shown)
{
    *pos = semicolon ? s->before.pos : s->token.pos;
    *end = semicolon ? s->before.end_pos : s->token.end_pos;
    *shown = ov_slice_make(text.p + *pos, OV_MIN(*end - *pos, 100u));
    if (semicolon)
        return;
    if (s->code == 0) {
        *shown = OV_SLICE_LIT("<EOF>");
        *end = (uint32_t)text.n;
        *pos = *end > 0 ? *end - 1 : 0;
    } else if (s->code == OVI_TK_EQEQ) { /* as Druid names it, which the web console looks for */
        *shown = OV_SLICE_LIT("= =");
        *end = *pos + 1;
    }
}

static ovi_sql_mistake mistake_of(const token_stream *s, const int *options, uint32_t count)
{
    int next = s->next_code, keyword;
    if (next == OVI_TK_ID && ovi_sql_keyword(s->next.text, &keyword) == OVI_WORD_RESERVED)
        next = keyword;
    return (ovi_sql_mistake){.text = s->lexer.text,
                             .before = s->before,
                             .token = s->token,
                             .next = s->next,
                             .before_code = s->before_code,
                             .code = s->code,
                             .next_code = next,
                             .first = s->count == 1,
                             .options = options,
                             .option_count = count,
                             .opened = s->open ? &s->opened[s->open - 1] : NULL,
                             .surplus = s->surplus};
}

/* The misspelt keyword: the token itself, or the word in front that was taken for a name. */
static bool misspelt_keyword(const token_stream *s, ov_buf *out)
{
    ov_slice word = s->token.text;
    ov_slice meant = s->code == OVI_TK_ID ? meant_keyword(word) : ov_slice_make(NULL, 0);
    if (!meant.n && s->before_code == OVI_TK_ID) {
        word = s->before.text;
        meant = meant_keyword(word);
    }
    if (meant.n)
        ov_buf_addf(out, "Did you mean [" OV_SLICE_FMT "] instead of [" OV_SLICE_FMT "]?", OV_SLICE_ARG(meant),
                    OV_SLICE_ARG(word));
    return meant.n > 0;
}

/* Druid's sentence, with a hint in place of the options when there is one. */
static ov_status fail_syntax(const token_stream *s, ov_arena *scratch, ov_error *err)
{
    ov_slice text = s->lexer.text, shown;
    int options[MAX_OPTIONS];
    uint32_t pos, end, line, column;
    ov_buf hint, listed, spelling;
    ov_buf_init(&hint);
    ov_buf_init(&listed);
    ov_buf_init(&spelling);
    uint32_t count = find_options(text, s->count, scratch, options);
    /* a second statement: the semicolon in front of it is what is too much */
    bool semicolon = count == 1 && options[0] == 0 && s->before_code == OVI_TK_SEMI;
    blame(s, text, semicolon, &pos, &end, &shown);
    ov_sql_line_column(text, pos, &line, &column);
    if (text.n == 0)
        line = column = 0;
    ovi_sql_mistake m = mistake_of(s, options, count);
    m.misspelt = !semicolon && misspelt_keyword(s, &spelling);
    ovi_sql_hint_syntax(&m, &hint);
    if (hint.n == 0) {
        ov_buf_add_str(&listed, "acceptable options: [");
        list_options(options, count, &listed);
        ov_buf_add_str(&listed, m.misspelt ? "]. " : "]");
        ov_buf_add_slice(&listed, ov_buf_slice(&spelling));
    }
    ov_slice tail = ov_buf_slice(hint.n ? &hint : &listed);
    ov_fail_at(err, OV_INVALID, pos, end,
               "Received an unexpected token [%.*s] (line [%u], column [%u])%s" OV_SLICE_FMT, (int)shown.n,
               shown.p, line, column, hint.n ? "; " : ", ", OV_SLICE_ARG(tail));
    ov_buf_fini(&spelling);
    ov_buf_fini(&listed);
    ov_buf_fini(&hint);
    return OV_INVALID;
}

static OV_CHECKED ov_status run(token_stream *s, void *parser, ovi_sql_parser *p, ov_error *err)
{
    do {
        OV_TRY(ov_budget_alive_at(p->arena->budget, s->count, err));
        OV_TRY(stream_next(s, err));
        ovi_sql_yy(parser, s->code, s->token);
        if (p->st != OV_OK)
            return p->st;
        if (p->syntax_error)
            return fail_syntax(s, p->arena, err);
    } while (s->code != 0);
    return OV_OK;
}

ov_status ov_sql_parse(ov_slice text, ov_arena *arena, ov_sql_parsed *out, ov_error *err)
{
    *out = (ov_sql_parsed){0};
    if (text.n > OV_SQL_MAX_TEXT_BYTES)
        return ov_fail(err, OV_LIMIT, "The statement has %zu bytes, the limit is %d", text.n,
                       OV_SQL_MAX_TEXT_BYTES);
    OV_TRY(ov_arena_copy(arena, text, &out->text, err));
    ovi_sql_parser p = {.arena = arena, .text = out->text, .err = err};
    token_stream s;
    OV_TRY(stream_open(&s, out->text, err));
    void *parser = ovi_sql_yyAlloc(ov_malloc, &p);
    if (!parser)
        return ov_fail_nomem(err, 0);
    ov_status st = run(&s, parser, &p, err);
    ovi_sql_yyFree(parser, ov_free);
    if (st != OV_OK)
        return st;
    out->script = p.script;
    out->param_count = p.param_count;
    return OV_OK;
}
