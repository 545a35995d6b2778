/*
 * Rows that are JSON objects: one per line, one after the other, or the elements of top-level arrays.
 *
 * Rows of one source have the same names in the same order nearly always, so each name is compared with the one
 * at its place in the row before; only when that fails is it hashed. Values nobody asks for are checked and skipped.
 */
#include "ingest/parse/rowparse_int.h"

#include <stdio.h>

enum { FIRST_KEYS = 64, MAX_KEYS = 1 << 16, MAX_ORDER = 4096 };

/* ---- names ---- */

static ov_status grow_keys(ovi_json_parser *j, ov_error *err)
{
    uint32_t slots = (j->mask + 1) * 2;
    ovi_json_key **table = ov_calloc(slots, sizeof *table);
    if (!table)
        return ov_fail_nomem(err, slots * sizeof *table);
    for (uint32_t i = 0; i <= j->mask; i++) {
        if (!j->table[i])
            continue;
        uint32_t at = (uint32_t)ov_hash_slice(j->table[i]->name) & (slots - 1);
        while (table[at])
            at = (at + 1) & (slots - 1);
        table[at] = j->table[i];
    }
    ov_free(j->table);
    j->table = table;
    j->mask = slots - 1;
    return OV_OK;
}

static ov_status add_key(ovi_json_parser *j, ov_slice name, uint32_t field, ovi_json_key **out, ov_error *err)
{
    ovi_json_key *key;
    if (j->count * 2 > j->mask)
        OV_TRY(grow_keys(j, err));
    OV_TRY(ov_arena_alloc(&j->arena, sizeof *key, &key, err));
    key->field = field;
    OV_TRY(ov_arena_copy(&j->arena, name, &key->name, err));
    uint32_t at = (uint32_t)ov_hash_slice(name) & j->mask;
    while (j->table[at])
        at = (at + 1) & j->mask;
    j->table[at] = key;
    j->count++;
    *out = key;
    return OV_OK;
}

static ovi_json_key *find_key(const ovi_json_parser *j, ov_slice name)
{
    uint32_t at = (uint32_t)ov_hash_slice(name) & j->mask;
    for (; j->table[at]; at = (at + 1) & j->mask)
        if (ov_slice_eq(j->table[at]->name, name))
            return j->table[at];
    return NULL;
}

ov_status ovi_json_parser_init(ovi_parser *p, ov_error *err)
{
    ovi_json_parser *j = &p->json;
    const ovi_plan *plan = p->emit.plan;
    ovi_json_key *key;
    ov_arena_init(&j->arena, "names", NULL);
    j->mask = FIRST_KEYS - 1;
    j->table = ov_calloc(FIRST_KEYS, sizeof *j->table);
    j->order_cap = MAX_ORDER;
    j->order = ov_calloc(MAX_ORDER, sizeof *j->order);
    if (!j->table || !j->order)
        return ov_fail_nomem(err, MAX_ORDER * sizeof *j->order);
    for (uint32_t i = 0; i < plan->root_count; i++)
        OV_TRY(add_key(j, plan->roots[i], i, &key, err));
    return OV_OK;
}

void ovi_json_parser_fini(ovi_parser *p)
{
    ov_free(p->json.table);
    ov_free(p->json.order);
    ov_arena_fini(&p->json.arena);
}

/* The key of a name, noted when new. NULL with OV_OK: nobody asks for it, and there are too many to note. */
static ov_status look_up(ovi_parser *p, ov_slice raw, bool escaped, ovi_json_key **out, ov_error *err)
{
    ovi_json_parser *j = &p->json;
    ov_slice name = raw;
    uint32_t field = OVI_IGNORED;
    if (escaped)
        OV_TRY(ovi_json_unescape(raw, &p->emit.scratch, &name, &p->emit.rows->repaired, err));
    *out = find_key(j, name);
    if (*out || (j->count >= MAX_KEYS && !p->emit.discovery))
        return OV_OK;
    if (p->emit.discovery)
        OV_TRY(ovi_emit_add_root(&p->emit, name, &field, err));
    return add_key(j, name, field, out, err);
}

/* ---- rows ---- */

/* The name at t->at (a quote): the usual one, or whatever it is. */
OV_INLINE bool read_name(ovi_parser *p, ovi_json_text *t, uint32_t place, ovi_json_key **key, ov_error *err)
{
    ovi_json_parser *j = &p->json;
    ov_slice raw;
    bool escaped;
    if (OV_LIKELY(place < j->order_cap && j->order[place])) {
        ov_slice usual = j->order[place]->name;
        const char *from = t->at + 1;
        if ((size_t)(t->end - from) > usual.n && from[usual.n] == '"' &&
            memcmp(from, usual.p, usual.n) == 0) {
            *key = j->order[place];
            t->at = from + usual.n + 1;
            return true;
        }
    }
    if (!ovi_json_string(t, &raw, &escaped))
        return false;
    if (look_up(p, raw, escaped, key, err) != OV_OK)
        return false;
    /* Names that need escapes, quotes or backslashes are not compared raw. */
    if (place < j->order_cap && !escaped)
        j->order[place] = *key;
    return true;
}

static bool read_value(ovi_parser *p, ovi_json_text *t, const ovi_json_key *key, ov_error *err)
{
    ov_field *f, ignored;
    bool escaped;
    f = key && key->field != OVI_IGNORED ? &p->emit.fields[key->field] : &ignored;
    if (!ovi_json_value(t, f, &escaped, 1))
        return false;
    if (OV_UNLIKELY(escaped) && f != &ignored &&
        ovi_json_unescape(f->text, &p->emit.scratch, &f->text, &p->emit.rows->repaired, err) != OV_OK)
        return false;
    return true;
}

/* The object at t->at into the fields. False: broken (t->what), or out of memory (err). */
static bool read_object(ovi_parser *p, ovi_json_text *t, ov_error *err)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < p->emit.field_count; i++)
        p->emit.fields[i].kind = OV_FIELD_MISSING;
    t->at++;
    if (ovi_json_peek(t) == '}') {
        t->at++;
        return true;
    }
    for (;;) {
        ovi_json_key *key;
        if (ovi_json_peek(t) != '"')
            return ovi_json_fail(t, "expected a name in quotes");
        if (!read_name(p, t, place++, &key, err))
            return false;
        if (ovi_json_peek(t) != ':')
            return ovi_json_fail(t, "expected ':'");
        t->at++;
        ovi_json_peek(t);
        if (!read_value(p, t, key, err))
            return false;
        char c = ovi_json_peek(t);
        if (c == '}') {
            t->at++;
            return true;
        }
        if (c != ',')
            return ovi_json_fail(t, "expected ',' or '}'");
        t->at++;
    }
}

/* ---- after a broken row ---- */

static const char *line_behind(const char *p, const char *end)
{
    const char *line = memchr(p, '\n', (size_t)(end - p));
    return line ? line + 1 : end;
}

/* Blanks in front of `row` on its line; SIZE_MAX when something else stands there. */
static size_t indentation(const char *text, const char *row)
{
    const char *p = row;
    while (p > text && p[-1] != '\n') {
        p--;
        if (*p != ' ' && *p != '\t')
            return SIZE_MAX;
    }
    return (size_t)(row - p);
}

/*
 * Where reading goes on. One object per line: on the next line. Else behind the object, if its braces balance; else at
 * the next line that starts an object with the same indentation; else nowhere in this block.
 */
static const char *resume(const ovi_block *b, const char *row)
{
    const char *end = b->text + b->n;
    if (!b->multi_line)
        return line_behind(row, end);
    size_t behind = *row == '{' ? ovi_object_end(b->text, (size_t)(row - b->text), b->n) : 0;
    if (behind)
        return b->text + behind;
    size_t indent = indentation(b->text, row);
    for (const char *line = line_behind(row, end); line < end && indent != SIZE_MAX;
         line = line_behind(line, end))
        if ((size_t)(end - line) > indent && line[indent] == '{' &&
            strspn(line, " \t") == indent)
            return line + indent;
    return end;
}

/* Bytes of the character at p, for a sentence. */
static size_t char_bytes(const char *p, const char *end)
{
    size_t n = 1;
    while (n < 4 && p + n < end && ((uint8_t)p[n] & 0xC0) == 0x80)
        n++;
    return n;
}

static void reject(ovi_parser *p, const ovi_block *b, const ovi_json_text *t, const char *row, const char *next)
{
    const char *hint = "";
    const char *end = b->text + b->n;
    if (!b->multi_line && (*t->at == '\n' || t->at >= end))
        hint = "the file is read as one object per line, as its first line holds a whole object";
    else if (next == end && b->multi_line)
        hint = "no place to go on was found; the rest of this part of the file is skipped";
    size_t n = OV_MIN((size_t)(next - row), (size_t)OV_REJECT_VALUE_BYTES * 2);
    while (n && (uint8_t)row[n - 1] <= ' ')
        n--;
    char found[16] = "the end";
    if (t->at < end && *t->at != '\n')
        snprintf(found, sizeof found, "'%.*s'", (int)char_bytes(t->at, end), t->at);
    else if (t->at < end)
        snprintf(found, sizeof found, "the line's end");
    ovi_emit_reject(&p->emit, t->at < end ? t->at : row, ov_slice_make(row, n), hint,
                    "no JSON object: %s, found %s", t->what, found);
}

void ovi_json_parse(ovi_parser *p, const ovi_block *b)
{
    ovi_json_text t = {.at = b->text, .end = b->text + b->n, .multi_line = b->multi_line};
    ov_error err = OV_ERROR_INIT;
    while (!p->emit.rows->failed) {
        /* Between rows line breaks are blanks in any case, and so are the marks of top-level arrays. */
        while (*t.at == ' ' || *t.at == '\n' || *t.at == '\r' || *t.at == '\t' ||
               (b->multi_line && (*t.at == '[' || *t.at == ']' || *t.at == ',')))
            t.at++;
        if (t.at >= t.end)
            break;
        const char *row = t.at;
        t.what = "expected '{'";
        if (*row == '{' && read_object(p, &t, &err)) {
            ovi_emit_row(&p->emit, row);
            continue;
        }
        if (err.code != OV_OK) {
            ovi_emit_fail(&p->emit, &err);
            break;
        }
        const char *next = resume(b, row);
        reject(p, b, &t, row, next);
        t.at = next > row ? next : row + 1;
    }
}
