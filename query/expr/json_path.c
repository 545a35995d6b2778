/* Source of the syntax: Druid's NestedPathFinder, with its sentences; see json_path.h. */
#include "query/expr/json_path.h"

#include "base/numparse.h"

enum { MAX_STEPS = 200 };

typedef struct parser {
    ov_slice text;
    ovi_json_path *path;
    ov_error *err;
} parser;

static ov_status bad(const parser *p, const char *why)
{
    return ov_fail(p->err, OV_INVALID, "JSONPath [" OV_SLICE_FMT "] is invalid, %s",
                   OV_SLICE_ARG(p->text), why);
}

static ov_status add(parser *p, ovi_json_step step)
{
    if (p->path->count == MAX_STEPS)
        return bad(p, "it has more than 200 parts");
    p->path->steps[p->path->count++] = step;
    return OV_OK;
}

static ov_status add_name(parser *p, size_t from, size_t to)
{
    return add(p, (ovi_json_step){.name = ov_slice_make(p->text.p + from, to - from)});
}

/* ['name'] with *at at the quote; *at ends behind the bracket. */
static ov_status quoted(parser *p, size_t *at)
{
    size_t from = *at + 1, i = from;
    while (i < p->text.n && (p->text.p[i] != '\'' || p->text.p[i - 1] == '\\'))
        i++;
    if (i == p->text.n)
        return bad(p, "unterminated '");
    if (i + 1 == p->text.n || p->text.p[i + 1] != ']')
        return bad(p, "closing ' must immediately precede ']'");
    *at = i + 2;
    return add_name(p, from, i);
}

/* [n] with *at behind the bracket. */
static ov_status indexed(parser *p, size_t *at)
{
    int64_t index;
    size_t from = *at, i = from;
    while (i < p->text.n && p->text.p[i] != ']')
        i++;
    if (i == p->text.n)
        return bad(p, "unterminated '['");
    ov_slice inside = ov_slice_make(p->text.p + from, i - from);
    if (!ov_parse_i64(inside, &index) || index != (int32_t)index)
        return ov_fail(p->err, OV_INVALID,
                       "JSONPath [" OV_SLICE_FMT "] is invalid, array specifier [" OV_SLICE_FMT
                       "] should be a number, it was not. Use ' if this value was meant to be a field name",
                       OV_SLICE_ARG(p->text), OV_SLICE_ARG(inside));
    *at = i + 1;
    return add(p, (ovi_json_step){.is_index = true, .index = (int32_t)index});
}

ov_status ovi_json_path_parse(ov_slice text, ov_arena *out, ovi_json_path *path, ov_error *err)
{
    parser p = {.path = path, .err = err};
    *path = (ovi_json_path){0};
    OV_TRY(ov_arena_copy(out, text, &p.text, err));
    text = p.text;
    if (text.n == 0)
        return OV_OK;
    if (text.p[0] != '$')
        return bad(&p, "it must start with '$'");
    OV_TRY(ov_arena_alloc(out, OV_MIN(text.n, (size_t)MAX_STEPS) * sizeof *path->steps, &path->steps, err));
    for (size_t i = 1; i < text.n;) {
        if (text.p[i] == '[') {
            i++;
            if (i < text.n && text.p[i] == '\'')
                OV_TRY(quoted(&p, &i));
            else
                OV_TRY(indexed(&p, &i));
            continue;
        }
        if (text.p[i] != '.')
            return bad(&p, "path parts must be separated with '.'");
        size_t from = ++i;
        while (i < text.n && text.p[i] != '.' && text.p[i] != '[' && text.p[i] != '\'')
            i++;
        if (i < text.n && text.p[i] == '\'')
            return bad(&p, "' must be immediately after '['");
        if (i < text.n && text.p[i] == '[' && i == from && from != 2)
            return bad(&p, "found '[' at invalid position, must not follow '.' or must be contained with '");
        if (i > from || (i < text.n && text.p[i] == '.'))
            OV_TRY(add_name(&p, from, i)); /* `$.` and `$.[0]` name nothing */
    }
    return OV_OK;
}

static bool find_index(int32_t index, const ov_jsonr_value *in, ov_jsonr_value *out)
{
    ov_jsonr items = ov_jsonr_open(in);
    int64_t left = index;
    if (index < 0) {
        int64_t n = 0;
        for (ov_jsonr count = items; ov_jsonr_next(&count, out);)
            n++;
        left = n + index;
    }
    if (left < 0)
        return false;
    while (ov_jsonr_next(&items, out))
        if (left-- == 0)
            return true;
    return false;
}

bool ovi_json_step_find(const ovi_json_step *step, const ov_jsonr_value *in, ov_jsonr_value *out)
{
    if (step->is_index)
        return in->kind == OV_JSONR_ARRAY && find_index(step->index, in, out);
    if (in->kind != OV_JSONR_OBJECT)
        return false;
    bool found = false;
    ov_jsonr_value item;
    for (ov_jsonr members = ov_jsonr_open(in); ov_jsonr_next(&members, &item);)
        if (ov_jsonr_is(item.key, item.key_escaped, step->name)) {
            *out = item;
            found = true;
        }
    return found;
}

bool ovi_json_path_find(const ovi_json_path *path, ov_slice json, ov_jsonr_value *out)
{
    ov_jsonr_value at, next;
    if (!ov_jsonr_read(json, &at, NULL, NULL))
        return false;
    for (uint32_t i = 0; i < path->count; i++) {
        if (!ovi_json_step_find(&path->steps[i], &at, &next))
            return false;
        at = next;
    }
    *out = at;
    return true;
}
