/*
 * Text to tokens, by re2c. The text ends in a NUL byte, which is the sentinel; a NUL inside is an error.
 * Keywords are not in the rules: a word is looked up in keywords.def, and parse.c decides by the token
 * behind it whether it is a keyword there.
 */
#include "query/sql/hints.h"
#include "query/sql/grammar.h"
#include <stdio.h>

typedef struct word_entry {
    const char *word;
    int code;
    ovi_word_use use;
} word_entry;

static const word_entry words[] = {
#define OV_SQL_KEYWORD(word, use) { #word, OVI_TK_##word, OVI_WORD_##use },
#include "query/sql/keywords.def"
#undef OV_SQL_KEYWORD
};

enum { LONGEST_WORD = 16 };

ovi_word_use ovi_sql_keyword(ov_slice word, int *code)
{
    if (word.n == 0 || word.n > LONGEST_WORD)
        return OVI_WORD_NONE;
    char upper[LONGEST_WORD + 1];
    for (size_t i = 0; i < word.n; i++)
        upper[i] = (char)(word.p[i] >= 'a' && word.p[i] <= 'z' ? word.p[i] - 32 : word.p[i]);
    upper[word.n] = 0;
    size_t lo = 0, hi = OV_COUNT_OF(words);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = strcmp(upper, words[mid].word);
        if (c == 0) {
            *code = words[mid].code;
            return words[mid].use;
        }
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return OVI_WORD_NONE;
}

/* One code point of UTF-8 at p, for the error sentence; malformed bytes stand for themselves. */
static uint32_t code_point(const unsigned char *p, size_t *len)
{
    *len = 1;
    size_t n = p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 1;
    if (n == 1)
        return p[0];
    uint32_t c = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return p[0];
        c = c << 6 | (p[i] & 0x3fu);
    }
    *len = n;
    return c;
}

/* Behind the sentence: what to write instead. */
static int add_hint(const ovi_sql_lexer *lx, size_t pos, const char *opened, ov_error *err)
{
    ov_buf hint;
    ov_buf_init(&hint);
    ovi_sql_hint_character(lx->text, pos, (size_t)(opened - lx->text.p), &hint);
    size_t used = strlen(err->text);
    if (hint.n && !hint.failed)
        snprintf(err->text + used, sizeof err->text - used, "; " OV_SLICE_FMT, OV_SLICE_ARG(ov_buf_slice(&hint)));
    ov_buf_fini(&hint);
    return -1;
}

/* `opened` is where the token began. */
static int lexical_error(ovi_sql_lexer *lx, const char *at, const char *opened, const char *after, ov_error *err)
{
    uint32_t line, column;
    size_t pos = (size_t)(at - lx->text.p);
    ov_sql_line_column(lx->text, pos, &line, &column);
    if (pos >= lx->text.n) {
        ov_fail_at(err, OV_INVALID, (uint32_t)(pos ? pos - 1 : 0), (uint32_t)pos,
                   "Lexical error at line %u, column %u.  Encountered: <EOF> after : \"%s\"", line, column, after);
        return add_hint(lx, pos, opened, err);
    }
    size_t len;
    uint32_t c = code_point((const unsigned char *)at, &len);
    uint32_t unit = c > 0xffff ? 0xd800 + ((c - 0x10000) >> 10) : c;
    char shown[16];
    if (unit >= 32 && unit < 127)
        snprintf(shown, sizeof shown, unit == '"' || unit == '\\' ? "\\%c" : "%c", (int)unit);
    else
        snprintf(shown, sizeof shown, "\\u%04x", unit);
    ov_fail_at(err, OV_INVALID, (uint32_t)pos, (uint32_t)(pos + len),
               "Lexical error at line %u, column %u.  Encountered: \"%s\" (%u), after : \"%s\"", line, column,
               shown, unit, after);
    return add_hint(lx, pos, opened, err);
}

int ovi_sql_lex(ovi_sql_lexer *lx, ovi_sql_token *token, ov_error *err)
{
    const char *YYCURSOR = lx->at;
    const char *YYMARKER;
    const char *start;
    int code;

#define TOKEN(k)                                                                                   \
    do {                                                                                           \
        code = (k);                                                                                \
        goto done;                                                                                 \
    } while (0)

again:
    start = YYCURSOR;
    /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:yyfill:enable = 0;
    re2c:yych:conversion = 1;

    nul = [\x00];
    space = [ \t\r\n\f\v];
    digit = [0-9];
    more = [\x80-\xbf];
    letter = [A-Za-z_] | [\xc3-\xdf] more | [\xe0] [\xa0-\xbf] more | [\xe1] more more /* U+00C0 to U+1FFF */
           | [\xe3] [\x81-\xbf] more | [\xe4-\xec] more more | [\xed] [\x80-\x9f] more; /* U+3040 to U+D7FF */
    word = letter (letter | [0-9$])*;

    space+                     { goto again; }
    "\xef\xbb\xbf"             { goto again; }
    "--" [^\r\n\x00]*          { goto again; }
    "/*"                       { goto comment; }

    word                       { TOKEN(OVI_TK_ID); }
    digit+                     { TOKEN(OVI_TK_INTEGER); }
    digit+ "." digit* | "." digit+                          { TOKEN(OVI_TK_DECIMAL); }
    (digit+ | digit+ "." digit* | "." digit+) [eE] [+-]? digit+ { TOKEN(OVI_TK_DOUBLE); }
    "'" ([^'\x00] | "''")* "'"       { TOKEN(OVI_TK_STRING); }
    'u&' "'" ([^'\x00] | "''")* "'"  { TOKEN(OVI_TK_USTRING); }
    ["] ([^"\x00] | '""')+ ["]       { TOKEN(OVI_TK_QUOTED); }

    "=>"  { TOKEN(OVI_TK_ARROW); }
    "=="  { TOKEN(OVI_TK_EQEQ); }
    "="   { TOKEN(OVI_TK_EQ); }
    "<>"  { TOKEN(OVI_TK_NE); }
    "!="  { TOKEN(OVI_TK_NE); }
    "<="  { TOKEN(OVI_TK_LE); }
    "<"   { TOKEN(OVI_TK_LT); }
    ">="  { TOKEN(OVI_TK_GE); }
    ">"   { TOKEN(OVI_TK_GT); }
    "||"  { TOKEN(OVI_TK_CONCAT); }
    "+"   { TOKEN(OVI_TK_PLUS); }
    "-"   { TOKEN(OVI_TK_DASH); }
    "*"   { TOKEN(OVI_TK_STAR); }
    "/"   { TOKEN(OVI_TK_SLASH); }
    "%"   { TOKEN(OVI_TK_PERCENT); }
    "("   { TOKEN(OVI_TK_LP); }
    ")"   { TOKEN(OVI_TK_RP); }
    "["   { TOKEN(OVI_TK_LB); }
    "]"   { TOKEN(OVI_TK_RB); }
    "{"   { TOKEN(OVI_TK_LBRACE); }
    "}"   { TOKEN(OVI_TK_RBRACE); }
    ","   { TOKEN(OVI_TK_COMMA); }
    "."   { TOKEN(OVI_TK_DOT); }
    ";"   { TOKEN(OVI_TK_SEMI); }
    ":"   { TOKEN(OVI_TK_COLON); }
    "?"   { TOKEN(OVI_TK_PARAM); }

    nul                        {
                                   if ((size_t)(start - lx->text.p) < lx->text.n)
                                       return lexical_error(lx, start, start, "", err);
                                   YYCURSOR = start;
                                   TOKEN(0);
                               }
    ['] | 'u&' ['] | ["] ["]   { return lexical_error(lx, *start == '"' ? start : lx->text.p + lx->text.n, start,
                                                      *start == '"' ? "" : "\\'", err); }
    *                          { return lexical_error(lx, start, start, "", err); }
    */

comment:
    /*!re2c
    "*" "/"  { goto again; }
    nul      {
                 if ((size_t)(YYCURSOR - 1 - lx->text.p) >= lx->text.n)
                     return lexical_error(lx, YYCURSOR - 1, start, "", err);
                 goto comment;
             }
    *        { goto comment; }
    */

done:
#undef TOKEN
    lx->at = YYCURSOR;
    token->pos = (uint32_t)(start - lx->text.p);
    token->end_pos = (uint32_t)(YYCURSOR - lx->text.p);
    token->text = ov_slice_make(start, (size_t)(YYCURSOR - start));
    if (code == OVI_TK_STRING || code == OVI_TK_QUOTED)
        token->text = ov_slice_make(start + 1, token->text.n - 2);
    else if (code == OVI_TK_USTRING)
        token->text = ov_slice_make(start + 3, token->text.n - 4);
    return code;
}
