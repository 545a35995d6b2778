/* Rules that guess what was meant where a statement does not parse; see hints.h. Ordered from the surest to the vaguest. */
#include "query/sql/hints.h"
#include "query/sql/grammar.h"

typedef enum mistake_place { START, ANY } mistake_place;

static const struct {
    mistake_place place;
    const char *word, *hint;
} mistakes[] = {
#define MISTAKE(place, word, hint) {place, word, hint},
#include "query/sql/mistakes.def"
#undef MISTAKE
};

static bool could_be(const ovi_sql_mistake *m, int code)
{
    for (uint32_t i = 0; i < m->option_count; i++)
        if (m->options[i] == code)
            return true;
    return false;
}

static bool is_word(ov_slice text)
{
    return text.n && (ov_ascii_lower(text.p[0]) >= 'a' && ov_ascii_lower(text.p[0]) <= 'z');
}

static void add_place(ov_slice text, uint32_t pos, ov_buf *out)
{
    uint32_t line, column;
    ov_sql_line_column(text, pos, &line, &column);
    ov_buf_addf(out, "line %u, column %u", line, column);
}

/* ---- words of other databases ---- */

static bool foreign_word(const ovi_sql_mistake *m, ov_buf *out)
{
    for (size_t i = 0; i < OV_COUNT_OF(mistakes); i++) {
        ov_slice word = ov_slice_cstr(mistakes[i].word);
        bool here = is_word(m->token.text) && ov_slice_ieq(m->token.text, word);
        bool front = m->before_code == OVI_TK_ID && ov_slice_ieq(m->before.text, word);
        if (mistakes[i].place == START ? !(here && m->first) : !here && !front)
            continue;
        ov_buf_add_str(out, mistakes[i].hint);
        return true;
    }
    return false;
}

/* ---- signs of other databases ---- */

static bool foreign_sign(const ovi_sql_mistake *m, ov_buf *out)
{
    int a = m->before_code, b = m->code, c = m->next_code;
    if (b == OVI_TK_COLON && c == OVI_TK_COLON) {
        ov_buf_addf(out, "a cast is written CAST(" OV_SLICE_FMT " AS VARCHAR)",
                    OV_SLICE_ARG(a == OVI_TK_ID ? m->before.text : OV_SLICE_LIT("x")));
        return true;
    }
    const char *hint = NULL;
    if (b == OVI_TK_COLON)
        hint = "a parameter is written ?, and its value stands in \"parameters\"";
    else if (b == OVI_TK_EQEQ || (a == OVI_TK_EQ && b == OVI_TK_EQ))
        hint = "equality is written with one =";
    else if (a == OVI_TK_LE && b == OVI_TK_GT)
        hint = "write a IS NOT DISTINCT FROM b";
    else if (a == OVI_TK_STAR && b == OVI_TK_STAR)
        hint = "write POWER(a, b)";
    else if (a == OVI_TK_DASH && b == OVI_TK_GT)
        hint = "a part of JSON is JSON_VALUE(x, '$.name'), or JSON_QUERY for objects and arrays";
    else if (a == OVI_TK_STAR && b == OVI_TK_REPLACE)
        hint = "there is no SELECT * with other columns in it: list the columns";
    else if (a == OVI_TK_IN && (b == OVI_TK_ARRAY || b == OVI_TK_ID))
        hint = "IN takes values in parentheses, or a query; of an array say SCALAR_IN_ARRAY(x, array)";
    else if (a == OVI_TK_ID && b == OVI_TK_LP && could_be(m, OVI_TK_JOIN))
        hint = "functions in FROM stand in TABLE(...), and arrays in UNNEST(...)";
    else if (a == OVI_TK_SLASH && b == OVI_TK_SLASH)
        hint = "a comment starts with --";
    else if (b == OVI_TK_LB && could_be(m, OVI_TK_QUOTED))
        hint = "a name is quoted by double quotes, \"name\"; an array is written ARRAY[1, 2]";
    else if (b == OVI_TK_ON && a == OVI_TK_DISTINCT)
        hint = "write GROUP BY, with EARLIEST(x) or LATEST(x) for the other columns";
    else if (a == OVI_TK_LP && could_be(m, OVI_TK_SELECT) && !could_be(m, OVI_TK_ID))
        hint = "a query stands in these parentheses; there is no SELECT * without some columns: list the columns";
    else if (a == OVI_TK_COMMA && b == OVI_TK_SELECT && m->opened && m->opened->code == OVI_TK_LP)
        hint = "a query among arguments has parentheses of its own: f((SELECT ...))";
    else if (b == OVI_TK_FROM && m->opened && m->opened->code == OVI_TK_LP &&
             (c == OVI_TK_INTEGER || c == OVI_TK_STRING) && a != OVI_TK_COMMA)
        hint = "FROM between arguments belongs to SUBSTRING, TRIM, EXTRACT and POSITION; write a comma";
    else if (a == OVI_TK_ID && ov_slice_ieq(m->before.text, OV_SLICE_LIT("INTERVAL")) && b == OVI_TK_INTEGER)
        hint = "the number is quoted: INTERVAL '1' DAY";
    else if (a == OVI_TK_STRING && m->option_count == 1 && could_be(m, OVI_TK_ID))
        hint = "the unit stands behind the quotes: INTERVAL '1' DAY";
    else if (a == OVI_TK_STRING && (b == OVI_TK_STRING || b == OVI_TK_ID || b == OVI_TK_QUOTED) &&
             m->before.end_pos == m->token.pos)
        hint = "a quote inside a string is written twice: 'it''s'";
    if (hint)
        ov_buf_add_str(out, hint);
    return hint != NULL;
}

/* ---- commas, parentheses, reserved words ---- */

/* Does a clause, or the end, begin here? */
static bool ends_a_list(const ovi_sql_mistake *m)
{
    switch (m->code) {
    case 0:
    case OVI_TK_SEMI:
    case OVI_TK_RP:
    case OVI_TK_RB:
    case OVI_TK_FROM:
    case OVI_TK_WHERE:
    case OVI_TK_HAVING:
    case OVI_TK_LIMIT:
    case OVI_TK_OFFSET:
    case OVI_TK_FETCH:
    case OVI_TK_UNION:
    case OVI_TK_INTERSECT:
    case OVI_TK_WINDOW:
    case OVI_TK_JOIN:
    case OVI_TK_ON:
    case OVI_TK_AS:
        return true;
    case OVI_TK_GROUP:
    case OVI_TK_ORDER:
    case OVI_TK_PARTITIONED:
    case OVI_TK_CLUSTERED:
        return m->next_code == OVI_TK_BY;
    default:
        return false;
    }
}

static bool is_reserved(const ovi_sql_mistake *m)
{
    int code;
    ovi_word_use use = ovi_sql_keyword(m->token.text, &code);
    return m->code != 0 && m->code != OVI_TK_ID && (use == OVI_WORD_RESERVED || use == OVI_WORD_NOCALL);
}

static void say_reserved(ov_slice word, ov_buf *out)
{
    ov_buf_addf(out, "'" OV_SLICE_FMT "' is a reserved word; as a name it is written \"" OV_SLICE_FMT "\"",
                OV_SLICE_ARG(word), OV_SLICE_ARG(word));
}

static bool unclosed(const ovi_sql_mistake *m, ov_buf *out)
{
    if (!m->opened || !ends_a_list(m) || m->code == OVI_TK_RP || m->code == OVI_TK_RB)
        return false;
    bool is_case = m->opened->code == OVI_TK_CASE;
    if (!could_be(m, is_case ? OVI_TK_END : m->opened->code == OVI_TK_LB ? OVI_TK_RB : OVI_TK_RP))
        return false;
    ov_buf_add_str(out, is_case ? "CASE at "
                        : m->opened->code == OVI_TK_LB ? "the bracket at "
                                                       : "the parenthesis at ");
    add_place(m->text, m->opened->pos, out);
    ov_buf_add_str(out, is_case ? " has no END" : " is not closed");
    return true;
}

static bool punctuation(const ovi_sql_mistake *m, ov_buf *out)
{
    bool name_or_value = could_be(m, OVI_TK_ID) || could_be(m, OVI_TK_QUOTED);
    if (m->surplus && (m->code == OVI_TK_RP || m->code == OVI_TK_RB)) {
        ov_buf_add_str(out, "it closes what was not opened");
        return true;
    }
    if (m->before_code == OVI_TK_COMMA && ends_a_list(m)) {
        ov_buf_add_str(out, "the comma at ");
        add_place(m->text, m->before.pos, out);
        ov_buf_add_str(out, " is one too many");
        return true;
    }
    if (name_or_value && is_reserved(m) && (!ends_a_list(m) || m->next_code == m->code)) {
        say_reserved(m->token.text, out);
        return true;
    }
    /* ORDER and GROUP want BY: a name, or BY forgotten */
    if ((m->before_code == OVI_TK_ORDER || m->before_code == OVI_TK_GROUP) && could_be(m, OVI_TK_BY)) {
        if (ends_a_list(m) || m->code == OVI_TK_COMMA)
            say_reserved(m->before.text, out);
        else
            ov_buf_addf(out, "write " OV_SLICE_FMT " BY", OV_SLICE_ARG(m->before.text));
        return true;
    }
    return unclosed(m, out);
}

/* ---- what is missing ---- */

static bool is_operator(int code)
{
    return code == OVI_TK_PLUS || code == OVI_TK_DASH || code == OVI_TK_STAR || code == OVI_TK_SLASH ||
           code == OVI_TK_PERCENT || code == OVI_TK_CONCAT || code == OVI_TK_AND || code == OVI_TK_OR ||
           code == OVI_TK_EQ || code == OVI_TK_NE || code == OVI_TK_LT || code == OVI_TK_LE || code == OVI_TK_GT ||
           code == OVI_TK_GE || code == OVI_TK_NOT || code == OVI_TK_LIKE || code == OVI_TK_IN;
}

static bool missing(const ovi_sql_mistake *m, ov_buf *out)
{
    const char *hint = NULL;
    if (is_operator(m->before_code) && ends_a_list(m)) {
        ov_buf_addf(out, "something is missing behind " OV_SLICE_FMT, OV_SLICE_ARG(m->before.text));
        return true;
    }
    if (m->before_code == OVI_TK_SEMI)
        hint = "send one statement at a time; only SET may stand in front of it";
    else if (m->code == OVI_TK_THEN && could_be(m, OVI_TK_WHEN))
        hint = "write CASE WHEN condition THEN value ELSE value END, or CASE x WHEN value THEN ...";
    else if (could_be(m, OVI_TK_AS) && !could_be(m, OVI_TK_RP) && !could_be(m, 0) && m->opened)
        hint = "the type stands behind AS: CAST(x AS VARCHAR)";
    else if (m->before_code == OVI_TK_LIMIT || m->before_code == OVI_TK_OFFSET)
        hint = "it takes a whole number, not below zero";
    else if (m->code == 0 && m->first)
        hint = "the statement is empty";
    else if (m->before_code == OVI_TK_SELECT && m->code == OVI_TK_FROM)
        hint = "nothing is selected; write SELECT * FROM for all columns";
    else if (m->code == 0 && !could_be(m, OVI_TK_COMMA))
        hint = "the statement ends too early";
    else if ((m->code == OVI_TK_ID || m->code == OVI_TK_QUOTED || m->code == OVI_TK_STRING || m->code == OVI_TK_INTEGER) &&
             (m->before_code == OVI_TK_ID || m->before_code == OVI_TK_QUOTED || m->before_code == OVI_TK_STRING ||
              m->before_code == OVI_TK_INTEGER || m->before_code == OVI_TK_RP) &&
             could_be(m, OVI_TK_COMMA))
        hint = "is a comma missing in front of it?";
    if (hint)
        ov_buf_add_str(out, hint);
    return hint != NULL;
}

void ovi_sql_hint_syntax(const ovi_sql_mistake *m, ov_buf *out)
{
    if (!foreign_word(m, out) && !foreign_sign(m, out) && !punctuation(m, out) && !m->misspelt)
        missing(m, out);
}

/* ---- characters ---- */

/* `name` in backquotes, as it is written here. */
static void add_backquoted(ov_slice text, size_t pos, ov_buf *out)
{
    size_t end = pos + 1;
    while (end < text.n && text.p[end] != '`' && text.p[end] != '\n' && end - pos < 100)
        end++;
    ov_slice name = {text.p + pos + 1, end - pos - 1};
    if (end >= text.n || text.p[end] != '`' || name.n == 0)
        name = OV_SLICE_LIT("name");
    ov_buf_addf(out, "a name is quoted by double quotes: \"" OV_SLICE_FMT "\"", OV_SLICE_ARG(name));
}

static const char *sign_hint(ov_slice rest)
{
    static const struct {
        const char *sign, *hint;
    } signs[] = {
        {"#", "a comment starts with --"},
        {"&&", "write AND"},
        {"&", "write BITWISE_AND(a, b), and AND between conditions"},
        {"|", "write BITWISE_OR(a, b); || joins texts"},
        {"^", "write POWER(a, b), or BITWISE_XOR(a, b)"},
        {"~", "write REGEXP_LIKE(x, 'pattern'), or BITWISE_COMPLEMENT(x)"},
        {"!~", "write NOT REGEXP_LIKE(x, 'pattern')"},
        {"!", "write NOT"},
        {"@", "there are no variables; a parameter is written ?"},
        {"$", "a parameter is written ?, and its value stands in \"parameters\""},
        {"\\", "a backslash escapes nothing in SQL; a quote inside a string is written twice: 'it''s'"},
        {"\"\"", "a name has at least one character; an empty text is ''"},
        {"\xe2\x80\x98", "use the straight quote ' around text"},
        {"\xe2\x80\x99", "use the straight quote ' around text"},
        {"\xe2\x80\x9c", "use straight quotes: \"name\" for names, 'text' for text"},
        {"\xe2\x80\x9d", "use straight quotes: \"name\" for names, 'text' for text"},
        {"\xe2\x88\x92", "use the minus sign - of the keyboard"},
        {"\xe2\x80\x93", "use the minus sign - of the keyboard"},
        {"\xc2\xa0", "it is a no-break space; use an ordinary one"},
        {"\xe2\x80\x8b", "it is a space of no width; delete it"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(signs); i++)
        if (ov_slice_starts(rest, ov_slice_cstr(signs[i].sign)))
            return signs[i].hint;
    return NULL;
}

void ovi_sql_hint_character(ov_slice text, size_t pos, size_t opened_at, ov_buf *out)
{
    char opener = opened_at < text.n ? text.p[opened_at] : 0;
    if (pos >= text.n) {
        ov_buf_add_str(out, opener == '/' ? "the comment at " : "the text at ");
        add_place(text, (uint32_t)opened_at, out);
        ov_buf_add_str(out, opener == '/' ? " is not closed" : " is not closed; a quote inside text is written twice: 'it''s'");
        return;
    }
    ov_slice rest = {text.p + pos, text.n - pos};
    const char *hint = sign_hint(rest);
    if (rest.p[0] == '`')
        add_backquoted(text, pos, out);
    else if (hint)
        ov_buf_add_str(out, hint);
    else if (rest.p[0] == '"')
        ov_buf_add_str(out, "the name that starts here is not closed; text is written in single quotes: 'text'");
}
