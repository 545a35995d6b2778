/*
 * Parsing JSON documents. The door to cJSON.
 *
 * cJSON builds the tree, but it is lenient (control characters in strings, text behind the value),
 * keeps numbers as doubles, knows no places and lives on malloc. So the text first passes a strict
 * check of our own that notes where every value starts and ends, in document order; then cJSON's
 * tree is copied into the arena in the same order, each node with its place, numbers read again
 * from their text. Nothing of cJSON leaves this file.
 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include "base/hash.h"
#include "base/mem.h"
#include "base/numparse.h"
#include "base/utf8.h"

enum { MAX_DEPTH = 900, MAX_NUMBER_BYTES = 63 /* cJSON's */, MAX_TEXT_BYTES = 0x7FFFFFFF };

typedef struct place {
    uint32_t pos, end;
} place;

/* ---- the strict check ---- */

typedef struct check {
    const char *start, *at, *end;
    uint32_t depth, max_depth;
    bool lenient;
    ov_buf places; /* of struct place, one a value, in the order in which values start */
    ov_error *err;
} check;

static ov_status bad(check *c, const char *at, const char *wanted)
{
    size_t line = 1, column = 1;
    for (const char *p = c->start; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 0;
        }
        column += (*p & 0xC0) != 0x80;
    }
    uint32_t pos = (uint32_t)(at - c->start);
    if (at >= c->end)
        return ov_fail_at(c->err, OV_INVALID, pos, pos,
                          "the JSON text ends at line %zu, column %zu where %s is expected", line,
                          column, wanted);
    char shown[8] = "";
    unsigned char found = (unsigned char)*at;
    if (found >= 0x20 && found < 0x7F)
        shown[0] = *at;
    return ov_fail_at(c->err, OV_INVALID, pos, pos + 1,
                      "malformed JSON at line %zu, column %zu: %s is expected%s%s%s", line, column,
                      wanted, shown[0] ? ", not '" : "", shown, shown[0] ? "'" : "");
}

static void skip_blanks(check *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool hex4(const char *p, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char x = ov_ascii_lower(p[i]);
        if (x >= '0' && x <= '9')
            v = v << 4 | (uint32_t)(x - '0');
        else if (x >= 'a' && x <= 'f')
            v = v << 4 | (uint32_t)(x - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* Behind the u of an escape; pairs of surrogates must be whole. */
static ov_status check_unicode_escape(check *c)
{
    uint32_t high, low;
    const char *at = c->at;
    if (c->end - c->at < 4 || !hex4(c->at, &high))
        return bad(c, at, "four hexadecimal digits");
    c->at += 4;
    if (high == 0)
        return bad(c, at, "a character other than \\u0000");
    if (high >= 0xDC00 && high <= 0xDFFF)
        return bad(c, at, "the first half of a surrogate pair");
    if (high < 0xD800 || high > 0xDBFF)
        return OV_OK;
    if (c->end - c->at < 6 || c->at[0] != '\\' || c->at[1] != 'u' || !hex4(c->at + 2, &low) ||
        low < 0xDC00 || low > 0xDFFF)
        return bad(c, c->at, "the second half of a surrogate pair");
    c->at += 6;
    return OV_OK;
}

static ov_status check_string(check *c)
{
    for (c->at++; c->at < c->end; c->at++) {
        unsigned char x = (unsigned char)*c->at;
        if (x == '"') {
            c->at++;
            return OV_OK;
        }
        if (x < 0x20)
            return bad(c, c->at, "an escape instead of a control character");
        if (x != '\\')
            continue;
        c->at++;
        if (c->at == c->end || !memchr("\"\\/bfnrtu", *c->at, 9))
            return bad(c, c->at, "one of \" \\ / b f n r t u");
        if (*c->at == 'u') {
            c->at++;
            OV_TRY(check_unicode_escape(c));
            c->at--;
        }
    }
    return bad(c, c->end, "the closing quote");
}

static bool skip_digits(check *c)
{
    const char *from = c->at;
    while (c->at < c->end && (unsigned char)(*c->at - '0') < 10)
        c->at++;
    return c->at > from;
}

static ov_status check_number(check *c)
{
    const char *from = c->at;
    if (*c->at == '-')
        c->at++;
    const char *first = c->at;
    if (!skip_digits(c))
        return bad(c, c->at, "a digit");
    if (*first == '0' && c->at - first > 1)
        return bad(c, first + 1, "a number without leading zeros");
    if (c->at < c->end && *c->at == '.') {
        c->at++;
        if (!skip_digits(c))
            return bad(c, c->at, "a digit");
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        c->at++;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-'))
            c->at++;
        if (!skip_digits(c))
            return bad(c, c->at, "a digit");
    }
    if (c->at - from > MAX_NUMBER_BYTES)
        return bad(c, from, "a number of at most 63 characters");
    return OV_OK;
}

static ov_status check_word(check *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return bad(c, c->at, "a value");
    c->at += n;
    return OV_OK;
}

static ov_status check_value(check *c);

/* The outermost places that the text up to here is in: "filter.fields[0].field". */
static void outer_path(const check *c, ov_buf *out)
{
    enum { LEVELS = 4, KEY_BYTES = 60 };
    struct {
        ov_slice key;
        uint32_t index;
        bool object;
    } at[LEVELS];
    uint32_t depth = 0;
    ov_slice text = {NULL, 0};
    for (const char *p = c->start; p < c->at; p++) { /* was checked: strings end, brackets pair */
        if (*p == '"') {
            const char *from = ++p;
            while (*p != '"')
                p += *p == '\\' ? 2 : 1;
            text = ov_slice_make(from, (size_t)(p - from));
        } else if (*p == '{' || *p == '[') {
            if (depth++ < LEVELS) {
                at[depth - 1].object = *p == '{';
                at[depth - 1].index = 0;
            }
        } else if (*p == '}' || *p == ']') {
            depth--;
        } else if (depth > 0 && depth <= LEVELS && *p == ':') {
            at[depth - 1].key = text;
        } else if (depth > 0 && depth <= LEVELS && *p == ',') {
            at[depth - 1].index++;
        }
    }
    for (uint32_t i = 0; i < OV_MIN(depth, (uint32_t)LEVELS); i++)
        if (at[i].object)
            ov_buf_addf(out, "%s" OV_SLICE_FMT, i ? "." : "", OV_SLICE_ARG(ov_utf8_cut(at[i].key, KEY_BYTES)));
        else
            ov_buf_addf(out, "[%u]", at[i].index);
}

static ov_status too_deep(const check *c)
{
    ov_buf path;
    ov_buf_init(&path);
    outer_path(c, &path);
    ov_status st = ov_fail_at(c->err, OV_LIMIT, (uint32_t)(c->at - c->start), (uint32_t)(c->at - c->start) + 1,
                              OV_SLICE_FMT " ...: the JSON text nests deeper than %u", OV_SLICE_ARG(ov_buf_slice(&path)),
                              c->max_depth);
    ov_buf_fini(&path);
    return st;
}

/* Members or elements, behind the opening bracket. */
static ov_status check_children(check *c, char close)
{
    if (++c->depth > c->max_depth)
        return too_deep(c);
    c->at++;
    skip_blanks(c);
    for (bool first = true; c->at == c->end || *c->at != close; first = false) {
        if (!first) {
            if (c->at == c->end || *c->at != ',')
                return bad(c, c->at, close == '}' ? "a comma or }" : "a comma or ]");
            c->at++;
            skip_blanks(c);
        }
        if (close == '}') {
            if (c->at == c->end || *c->at != '"')
                return bad(c, c->at, "a key in double quotes");
            OV_TRY(check_string(c));
            skip_blanks(c);
            if (c->at == c->end || *c->at != ':')
                return bad(c, c->at, "a colon");
            c->at++;
            skip_blanks(c);
        }
        OV_TRY(check_value(c));
        skip_blanks(c);
    }
    c->at++;
    c->depth--;
    return OV_OK;
}

static ov_status check_value(check *c)
{
    size_t slot = c->places.n;
    place p = {.pos = (uint32_t)(c->at - c->start)};
    ov_buf_add(&c->places, &p, sizeof p);
    ov_status st;
    if (c->at == c->end)
        return bad(c, c->at, "a value");
    switch (*c->at) {
    case '{':
        st = check_children(c, '}');
        break;
    case '[':
        st = check_children(c, ']');
        break;
    case '"':
        st = check_string(c);
        break;
    case 't':
        st = check_word(c, "true");
        break;
    case 'f':
        st = check_word(c, "false");
        break;
    case 'n':
        st = check_word(c, "null");
        break;
    default:
        st = *c->at == '-' || (unsigned char)(*c->at - '0') < 10 ? check_number(c)
                                                                 : bad(c, c->at, "a value");
        break;
    }
    OV_TRY(st);
    p.end = (uint32_t)(c->at - c->start);
    if (!c->places.failed)
        memcpy(c->places.p + slot, &p, sizeof p);
    return OV_OK;
}

static ov_status check_text(check *c)
{
    size_t valid = ov_utf8_valid_prefix((ov_slice){c->start, (size_t)(c->end - c->start)});
    if (c->start + valid != c->end)
        return bad(c, c->start + valid, "UTF-8");
    if (ov_slice_starts((ov_slice){c->at, (size_t)(c->end - c->at)}, OV_SLICE_LIT("\xEF\xBB\xBF")))
        c->at += 3;
    skip_blanks(c);
    OV_TRY(check_value(c));
    skip_blanks(c);
    if (c->lenient)
        c->end = c->at;
    if (c->at != c->end)
        return bad(c, c->at, "nothing behind the value");
    return ov_buf_check(&c->places, c->err);
}

/* ---- the tree ---- */

typedef struct copy {
    ov_slice text;
    const place *places;
    size_t next;
    bool lenient;
    ov_arena *arena;
    ov_error *err;
} copy;

static ov_status duplicate(const ov_json *child, ov_error *err)
{
    return ov_json_fail(child, err, OV_INVALID, "the key appears twice");
}

/* The earlier of two members of one name, when the later counts: it is taken out below. */
static const char repeated[] = "";

/* Every key once, or with `lenient` the last of each. Few keys are compared with each other, many through a table. */
static ov_status find_repeats(ov_json *obj, bool lenient, bool *any, ov_error *err)
{
    size_t size = 64;
    while (size < (size_t)obj->count * 2)
        size *= 2;
    ov_json *few[64] = {NULL}, **table = few;
    if (size > OV_COUNT_OF(few) && !(table = ov_calloc(size, sizeof *table)))
        return ov_fail_nomem(err, size * sizeof *table);
    ov_status st = OV_OK;
    for (ov_json *c = obj->first; c && st == OV_OK; c = c->next) {
        size_t at = ov_hash_slice(c->key) & (size - 1);
        while (table[at] && !ov_slice_eq(table[at]->key, c->key))
            at = (at + 1) & (size - 1);
        if (table[at] && !lenient)
            st = duplicate(c, err);
        if (table[at] && lenient) {
            table[at]->key = ov_slice_make(repeated, 0);
            *any = true;
        }
        table[at] = c;
    }
    if (table != few)
        ov_free(table);
    return st;
}

static ov_status check_keys(ov_json *obj, bool lenient, ov_error *err)
{
    bool any = false;
    OV_TRY(find_repeats(obj, lenient, &any, err));
    if (!any)
        return OV_OK;
    ov_json *c = obj->first, *next;
    obj->first = obj->last = NULL;
    obj->count = 0;
    for (; c; c = next) {
        next = c->next;
        c->next = c->parent = NULL;
        if (c->key.p != repeated)
            ov_json_append(obj, c);
    }
    return OV_OK;
}

static ov_status copy_number(copy *c, ov_json *v)
{
    ov_slice text = {c->text.p + v->pos, v->end_pos - v->pos};
    bool whole = !memchr(text.p, '.', text.n) && !memchr(text.p, 'e', text.n) &&
                 !memchr(text.p, 'E', text.n);
    OV_TRY(ov_arena_copy(c->arena, text, &v->raw, c->err));
    v->kind = OV_JSON_INT;
    if (whole && ov_parse_i64(text, &v->i))
        return OV_OK;
    v->kind = OV_JSON_DOUBLE;
    if (!ov_parse_double(text, &v->d) || v->d - v->d != 0)
        return ov_json_fail(v, c->err, OV_INVALID, "the number is too large");
    return OV_OK;
}

static ov_status copy_value(copy *c, const cJSON *from, ov_json *parent, ov_json **out)
{
    ov_json *v;
    OV_TRY(ov_arena_zalloc(c->arena, sizeof *v, &v, c->err));
    place p = c->places[c->next++];
    v->pos = p.pos;
    v->end_pos = p.end;
    if (parent)
        ov_json_append(parent, v); /* at once: an error below needs the path */
    if (from->string)
        OV_TRY(ov_arena_copy(c->arena, ov_slice_cstr(from->string), &v->key, c->err));
    *out = v;
    switch (from->type & 0xFF) {
    case cJSON_NULL:
        v->kind = OV_JSON_NULL;
        return OV_OK;
    case cJSON_True:
    case cJSON_False:
        v->kind = OV_JSON_BOOL;
        v->boolean = (from->type & 0xFF) == cJSON_True;
        return OV_OK;
    case cJSON_String:
        v->kind = OV_JSON_STRING;
        return ov_arena_copy(c->arena, ov_slice_cstr(from->valuestring), &v->s, c->err);
    case cJSON_Number:
        return copy_number(c, v);
    case cJSON_Array:
        v->kind = OV_JSON_ARRAY;
        break;
    default:
        v->kind = OV_JSON_OBJECT;
        break;
    }
    for (const cJSON *child = from->child; child; child = child->next) {
        ov_json *mine;
        OV_TRY(copy_value(c, child, v, &mine));
    }
    return v->kind == OV_JSON_OBJECT ? check_keys(v, c->lenient, c->err) : OV_OK;
}

static void install_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = ov_malloc, .free_fn = ov_free};
    cJSON_InitHooks(&hooks);
}

static ov_status build(ov_slice text, const check *checked, ov_arena *arena, ov_json **out,
                       ov_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_hooks);
    cJSON *tree = cJSON_ParseWithLength(text.p, text.n);
    if (!tree) /* well-formed by our check: cJSON found no memory */
        return ov_fail_nomem(err, text.n);
    copy c = {.text = text,
              .places = (const place *)(const void *)checked->places.p,
              .lenient = checked->lenient,
              .arena = arena,
              .err = err};
    ov_status st = copy_value(&c, tree, NULL, out);
    cJSON_Delete(tree);
    return st;
}

ov_status ov_json_parse(ov_slice text, const ov_json_limits *limits, ov_arena *out_arena,
                        ov_json **out, ov_error *err)
{
    size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : OV_JSON_DEFAULT_BYTES;
    uint32_t max_depth = limits && limits->max_depth ? limits->max_depth : OV_JSON_DEFAULT_DEPTH;
    max_bytes = OV_MIN(max_bytes, (size_t)MAX_TEXT_BYTES);
    if (text.n > max_bytes)
        return ov_fail(err, OV_LIMIT, "a JSON text of %zu bytes is above the limit of %zu", text.n,
                       max_bytes);
    if (!text.p)
        text.p = "";
    check c = {.start = text.p,
               .at = text.p,
               .end = text.p + text.n,
               .lenient = limits && limits->lenient,
               .max_depth = OV_MIN(max_depth, MAX_DEPTH)};
    c.err = err;
    ov_buf_init(&c.places);
    ov_status st = check_text(&c);
    if (st == OV_OK)
        st = build(ov_slice_make(text.p, (size_t)(c.end - c.start)), &c, out_arena, out, err);
    ov_buf_fini(&c.places);
    return st;
}
