/* JSONPath subset; see ingest/parse/jsonpath.h. */
#include "ingest/parse/jsonpath.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/numparse.h"
#include "ingest/parse/json_scan.h"

enum { MAX_STEPS = 64 };

static bool plain_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '$' || c == '@' || c == ' ' || c == '#' || c == '/' || (uint8_t)c >= 0x80;
}

static ov_status bad(ov_slice text, size_t at, const char *why, ov_error *err)
{
    return ov_fail_at(err, OV_INVALID, (uint32_t)at, (uint32_t)text.n,
                      "'" OV_SLICE_FMT "' is no JSONPath that is read here, at character %zu: %s",
                      OV_SLICE_ARG(text), at + 1, why);
}

/* [..] with *at at the bracket. */
static ov_status read_bracket(ov_slice text, size_t *at, ov_arena *out, ov_jsonpath_step *step, ov_error *err)
{
    size_t i = *at + 1;
    if (i < text.n && (text.p[i] == '\'' || text.p[i] == '"')) {
        char quote = text.p[i++];
        char *name;
        size_t n = 0;
        OV_TRY(ov_arena_alloc(out, text.n, &name, err));
        while (i < text.n && text.p[i] != quote) {
            if (text.p[i] == '\\' && i + 1 < text.n)
                i++;
            name[n++] = text.p[i++];
        }
        if (i + 1 >= text.n || text.p[i + 1] != ']')
            return bad(text, i, "expected the closing quote and ']'", err);
        *step = (ov_jsonpath_step){.kind = OV_JSONPATH_NAME, .name = ov_slice_make(name, n)};
        *at = i + 2;
        return OV_OK;
    }
    size_t end = i;
    while (end < text.n && text.p[end] != ']')
        end++;
    if (end == text.n)
        return bad(text, *at, "the bracket is not closed", err);
    ov_slice inside = ov_slice_make(text.p + i, end - i);
    *at = end + 1;
    if (ov_slice_eq(inside, OV_SLICE_LIT("*"))) {
        *step = (ov_jsonpath_step){.kind = OV_JSONPATH_ALL};
        return OV_OK;
    }
    *step = (ov_jsonpath_step){.kind = OV_JSONPATH_INDEX};
    if (ov_parse_i64(inside, &step->index))
        return OV_OK;
    return bad(text, i, "expected ['name'], a number or *; filters, slices and unions are not supported",
               err);
}

static ov_status read_dotted(ov_slice text, size_t *at, ov_jsonpath_step *step, ov_error *err)
{
    size_t i = *at + 1, start = i;
    if (i < text.n && text.p[i] == '.')
        return bad(text, i, "'..' is not supported; name the whole path", err);
    if (i < text.n && text.p[i] == '*') {
        *step = (ov_jsonpath_step){.kind = OV_JSONPATH_ALL};
        *at = i + 1;
        return OV_OK;
    }
    while (i < text.n && plain_name_char(text.p[i]))
        i++;
    if (i == start)
        return bad(text, i, "expected a name behind the dot", err);
    if (i < text.n && text.p[i] == '(')
        return bad(text, start, "functions are not supported", err);
    *step = (ov_jsonpath_step){.kind = OV_JSONPATH_NAME, .name = ov_slice_make(text.p + start, i - start)};
    *at = i;
    return OV_OK;
}

ov_status ov_jsonpath_compile(ov_slice text, ov_arena *out, ov_jsonpath *path, ov_error *err)
{
    ov_jsonpath_step *steps;
    uint32_t n = 0;
    size_t at = 0;
    OV_TRY(ov_arena_copy(out, text, &text, err));
    if (text.n == 0 || text.p[0] != '$')
        return bad(text, 0, "expected '$' first, as in $.a.b", err);
    OV_TRY(ov_arena_alloc(out, MAX_STEPS * sizeof *steps, &steps, err));
    for (at = 1; at < text.n;) {
        if (n == MAX_STEPS)
            return bad(text, at, "more than 64 steps", err);
        if (text.p[at] == '[')
            OV_TRY(read_bracket(text, &at, out, &steps[n++], err));
        else if (text.p[at] == '.')
            OV_TRY(read_dotted(text, &at, &steps[n++], err));
        else
            return bad(text, at, "expected '.' or '['", err);
    }
    *path = (ov_jsonpath){.steps = steps, .count = n};
    return OV_OK;
}

/* ---- from jq ---- */

void ov_jsonpath_add_name(ov_buf *path, ov_slice name)
{
    ov_buf_add_str(path, "['");
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '\'' || name.p[i] == '\\')
            ov_buf_add_char(path, '\\');
        ov_buf_add_char(path, name.p[i]);
    }
    ov_buf_add_str(path, "']");
}

static ov_status bad_jq(ov_slice text, size_t at, ov_error *err)
{
    return ov_fail_at(err, OV_UNSUPPORTED, (uint32_t)at, (uint32_t)text.n,
                      "of jq only paths are read here, as in .a.b[0] or .[\"a b\"]; '" OV_SLICE_FMT
                      "' is something else at character %zu",
                      OV_SLICE_ARG(text), at + 1);
}

/* A quoted name without escapes, with *at at the quote. */
static bool jq_string(ov_slice text, size_t *at, ov_buf *path)
{
    size_t from = *at + 1, end = from;
    while (end < text.n && text.p[end] != '"' && text.p[end] != '\\')
        end++;
    if (end == text.n || text.p[end] != '"')
        return false;
    ov_jsonpath_add_name(path, ov_slice_make(text.p + from, end - from));
    *at = end + 1;
    return true;
}

/* [0] or ["a"] with *at behind the bracket. */
static bool jq_bracket(ov_slice text, size_t *at, ov_buf *path)
{
    size_t end = *at;
    int64_t index;
    if (end < text.n && text.p[end] == '"') {
        if (!jq_string(text, &end, path))
            return false;
    } else {
        while (end < text.n && text.p[end] != ']')
            end++;
        if (!ov_parse_i64(ov_slice_make(text.p + *at, end - *at), &index))
            return false;
        ov_buf_addf(path, "[%lld]", (long long)index);
    }
    if (end >= text.n || text.p[end] != ']')
        return false;
    *at = end + 1;
    return true;
}

static bool jq_name(ov_slice text, size_t *at, ov_buf *path)
{
    size_t from = *at, end = from;
    while (end < text.n && (text.p[end] == '_' || ((text.p[end] | 32) >= 'a' && (text.p[end] | 32) <= 'z') ||
                            (end > from && text.p[end] >= '0' && text.p[end] <= '9')))
        end++;
    ov_jsonpath_add_name(path, ov_slice_make(text.p + from, end - from));
    *at = end;
    return end > from;
}

ov_status ov_jsonpath_of_jq(ov_slice jq, ov_arena *out, ov_slice *path, ov_error *err)
{
    ov_buf text;
    size_t i = 0;
    bool ok = jq.n > 0;
    ov_buf_init(&text);
    ov_buf_add_char(&text, '$');
    while (ok && i < jq.n) {
        size_t step = i;
        bool dot = jq.p[i] == '.';
        i += dot;
        if (i < jq.n && jq.p[i] == '[' && (dot || step > 0))
            ok = i++, jq_bracket(jq, &i, &text);
        else if (dot && i < jq.n)
            ok = jq.p[i] == '"' ? jq_string(jq, &i, &text) : jq_name(jq, &i, &text);
        else
            ok = dot && jq.n == 1; /* `.` is the whole value */
    }
    ov_status st = ok ? ov_buf_check(&text, err) : bad_jq(jq, OV_MIN(i, jq.n), err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&text), path, err);
    ov_buf_fini(&text);
    return st;
}

/* ---- evaluation ---- */

static ov_status eval(const ov_jsonpath *path, uint32_t from, const ov_field *value, ov_arena *scratch,
                      ov_field *out, uint64_t *repaired, ov_error *err);

static void add_json(ov_buf *out, const ov_field *f)
{
    if (f->kind == OV_FIELD_TEXT)
        ov_json_quote(out, f->text);
    else
        ov_buf_add_slice(out, f->text);
}

/* Everything below one [*]: results of the rest of the path for each child, as a JSON array. */
static ov_status eval_all(const ov_jsonpath *path, uint32_t from, const ov_field *value,
                          ov_arena *scratch, ov_field *out, uint64_t *repaired, ov_error *err)
{
    ov_field *items;
    uint32_t n;
    ov_buf text;
    ov_status st = OV_OK;
    if (value->kind != OV_FIELD_ARRAY)
        return OV_OK;
    OV_TRY(ovi_json_items(value->text, scratch, &items, &n, repaired, err));
    ov_buf_init(&text);
    ov_buf_add_char(&text, '[');
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        ov_field found = {0};
        st = eval(path, from + 1, &items[i], scratch, &found, repaired, err);
        if (st != OV_OK || found.kind == OV_FIELD_MISSING)
            continue;
        if (text.n > 1)
            ov_buf_add_char(&text, ',');
        add_json(&text, &found);
    }
    ov_buf_add_char(&text, ']');
    ov_buf_add_char(&text, 0); /* scans of the copy end at it */
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK) {
        char *copy;
        st = ov_arena_alloc(scratch, text.n + 64, &copy, err);
        if (st == OV_OK) {
            memcpy(copy, text.p, text.n);
            memset(copy + text.n, 0, 64);
            *out = (ov_field){.kind = OV_FIELD_ARRAY, .text = ov_slice_make(copy, text.n - 1)};
        }
    }
    ov_buf_fini(&text);
    return st;
}

static ov_status eval_index(int64_t index, const ov_field *value, ov_arena *scratch, ov_field *out,
                            uint64_t *repaired, ov_error *err)
{
    ov_field *items;
    uint32_t n;
    if (value->kind != OV_FIELD_ARRAY)
        return OV_OK;
    OV_TRY(ovi_json_items(value->text, scratch, &items, &n, repaired, err));
    if (index < 0)
        index += n;
    if (index >= 0 && index < n)
        *out = items[index];
    return OV_OK;
}

static ov_status eval(const ov_jsonpath *path, uint32_t from, const ov_field *value, ov_arena *scratch,
                      ov_field *out, uint64_t *repaired, ov_error *err)
{
    ov_field at = *value;
    for (uint32_t i = from; i < path->count; i++) {
        const ov_jsonpath_step *s = &path->steps[i];
        ov_field next = {0};
        if (s->kind == OV_JSONPATH_ALL)
            return eval_all(path, i, &at, scratch, out, repaired, err);
        if (s->kind == OV_JSONPATH_INDEX)
            OV_TRY(eval_index(s->index, &at, scratch, &next, repaired, err));
        else if (at.kind == OV_FIELD_OBJECT)
            OV_TRY(ovi_json_member(at.text, s->name, scratch, &next, repaired, err));
        if (next.kind == OV_FIELD_MISSING)
            return OV_OK;
        at = next;
    }
    *out = at;
    return OV_OK;
}

ov_status ov_jsonpath_eval(const ov_jsonpath *path, uint32_t from, const ov_field *value,
                            ov_arena *scratch, ov_field *out, uint64_t *repaired, ov_error *err)
{
    *out = (ov_field){0};
    return eval(path, from, value, scratch, out, repaired, err);
}
