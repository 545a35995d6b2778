/*
 * JSON functions that make values: "$TO_JSON" (any argument as COMPLEX<json>), PARSE_JSON, TRY_PARSE_JSON, TO_JSON_STRING,
 * JSON_OBJECT, JSON_MERGE. Made text is in normal form (base/jsonr.h), so equal values made here have equal text.
 */
#include "query/expr/json_int.h"

#include "base/json.h"
#include "base/numfmt.h"

static const ov_type json_type = {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};

static void json_result(ovi_bind *b)
{
    b->sql = OV_SQL_OTHER;
    b->type = json_type;
}

static bool is_json(const ov_expr *e)
{
    return e->type.id == OV_TYPE_COMPLEX && e->type.complex == OV_COMPLEX_JSON;
}

/* ---- any value as JSON ---- */

ov_status ovi_bind_to_json(ovi_bind *b, ov_error *err)
{
    const ov_expr *e = b->args[0];
    json_result(b);
    if (is_json(e))
        b->replace = e;
    else if (e->type.id == OV_TYPE_COMPLEX)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "a value of %s cannot be made JSON",
                          ov_type_name(e->type, (char[48]){0}));
    return OV_OK;
}

static ov_status to_json(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ov_vec_add_json(&c->arg[0].vec, row, &t->made);
    return OV_OK;
}

ov_status ovi_eval_to_json(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, to_json, out, err);
}

/* The text of COMPLEX<json> is what is asked for. */
ov_status ovi_bind_to_json_string(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_json(b, 0, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

ov_status ovi_eval_to_json_string(ovi_call *c, ov_vec *out, ov_error *err)
{
    ovi_result_lanes l;
    OV_TRY(ovi_lanes(c, &l, err));
    for (size_t r = 0; r < c->rows; r++)
        l.s[r] = ovi_str(&c->arg[0], r);
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- text to JSON ---- */

ov_status ovi_bind_parse_json(ovi_bind *b, ov_error *err)
{
    const ov_expr *e = b->args[0];
    if (!ov_sqltype_is_text((ov_sqltype)e->sql) || e->type.multi) {
        if (e->sql != OV_SQL_NULL)
            return ovi_wrong_types(b, b->fn->name[0] == 'T' ? "TRY_PARSE_JSON(<CHARACTER>)"
                                                            : "PARSE_JSON(<CHARACTER>)",
                                   err);
        OV_TRY(ovi_want(b, 0, OV_SQL_VARCHAR, err));
    }
    b->nullable = true;
    json_result(b);
    return OV_OK;
}

static ov_status parse(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_slice text = ovi_str(&c->arg[0], row);
    ov_jsonr_value v;
    const char *why = "";
    size_t pos = 0;
    if (!ov_jsonr_first(text, &v, &why, &pos)) {
        t->is_null = true;
        if (c->e->fn->name[0] == 'T')
            return OV_OK;
        return ov_fail(err, OV_INVALID, "Function[parse_json] bad string input [" OV_SLICE_FMT "]: %s at character %zu",
                       OV_SLICE_ARG(text), why, pos + 1);
    }
    t->is_null = v.kind == OV_JSONR_NULL;
    ov_jsonr_print(&v, &t->made);
    return OV_OK;
}

ov_status ovi_eval_parse_json(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, parse, out, err);
}

/* ---- objects ---- */

/* (key, value, ...) */
ov_status ovi_bind_json_object(ovi_bind *b, ov_error *err)
{
    if (b->argc % 2)
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "JSON_OBJECT takes pairs of a key and a value, found %u arguments", b->argc);
    for (uint32_t i = 0; i < b->argc; i += 2) {
        if (!ov_sqltype_is_text((ov_sqltype)b->args[i]->sql) || b->args[i]->type.multi || ovi_is_null(b->args[i]))
            return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                              "Function[json_object] field name must be a STRING");
        OV_TRY(ovi_want_json(b, i + 1, err));
    }
    b->nullable = false;
    json_result(b);
    return OV_OK;
}

/* The last pair of this pair's key, when this is the first; false when an earlier one has it. */
static bool first_of_key(ovi_call *c, uint32_t row, uint32_t at, uint32_t *last)
{
    ov_slice key = ovi_str(&c->arg[at], row);
    for (uint32_t i = 0; i < at; i += 2)
        if (ov_slice_eq(ovi_str(&c->arg[i], row), key))
            return false;
    *last = at;
    for (uint32_t i = at + 2; i < c->argc; i += 2)
        if (ov_slice_eq(ovi_str(&c->arg[i], row), key))
            *last = i;
    return true;
}

static ov_status object(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < c->argc; i += 2)
        if (ovi_arg_null(&c->arg[i], row))
            return ov_fail(err, OV_INVALID, "Function[json_object] field name must be a STRING, found NULL");
    ov_buf_add_char(&t->made, '{');
    for (uint32_t i = 0; i < c->argc; i += 2) {
        if (!first_of_key(c, row, i, &last))
            continue;
        if (i)
            ov_buf_add_char(&t->made, ',');
        ov_json_quote(&t->made, ovi_str(&c->arg[i], row));
        ov_buf_add_char(&t->made, ':');
        if (ovi_arg_null(&c->arg[last + 1], row))
            ov_buf_add_str(&t->made, "null");
        else
            ov_buf_add_slice(&t->made, ovi_str(&c->arg[last + 1], row));
    }
    ov_buf_add_char(&t->made, '}');
    return OV_OK;
}

ov_status ovi_eval_json_object(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, object, out, err);
}

/* Text arguments are read as JSON. */
ov_status ovi_bind_json_merge(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++) {
        const ov_expr *e = b->args[i];
        if (is_json(e))
            continue;
        if (!ov_sqltype_is_text((ov_sqltype)e->sql) || e->type.multi)
            return ovi_wrong_types(b, "JSON_MERGE(<COMPLEX<json>|CHARACTER>, ...)", err);
        OV_TRY(ovi_call_fn(b->cx, "PARSE_JSON", &e, 1, b->pos, b->end_pos, &b->args[i], err));
    }
    json_result(b);
    return OV_OK;
}

/* A member that no later object has, or the last that has it: its value. */
static bool merged(ovi_call *c, uint32_t row, uint32_t from, const ov_jsonr_value *member, ov_buf *name,
                   ov_jsonr_value *out)
{
    ovi_json_step step = {.name = member->key};
    ov_jsonr_value object;
    if (member->key_escaped) {
        ov_buf_clear(name);
        ov_jsonr_unescape(member->key, name);
        step.name = ov_buf_slice(name);
    }
    for (uint32_t i = 0; i < from; i++)
        if (ov_jsonr_read(ovi_str(&c->arg[i], row), &object, NULL, NULL) &&
            ovi_json_step_find(&step, &object, out))
            return false; /* it stands at its first place */
    *out = *member;
    for (uint32_t i = c->argc; i-- > from;)
        if (ov_jsonr_read(ovi_str(&c->arg[i], row), &object, NULL, NULL) &&
            ovi_json_step_find(&step, &object, out))
            break;
    return true;
}

static ov_status merge_row(ovi_call *c, uint32_t row, ov_buf *out, ov_buf *name, ov_error *err)
{
    bool first = true;
    ov_jsonr_value object, member, value;
    ov_buf_add_char(out, '{');
    for (uint32_t i = 0; i < c->argc; i++) {
        if (!ov_jsonr_read(ovi_str(&c->arg[i], row), &object, NULL, NULL) || object.kind != OV_JSONR_OBJECT)
            return ov_fail(err, OV_INVALID,
                           "Function[json_merge] invalid input: argument %u is no JSON object", i + 1);
        for (ov_jsonr in = ov_jsonr_open(&object); ov_jsonr_next(&in, &member);) {
            if (!merged(c, row, i, &member, name, &value))
                continue;
            ov_jsonr_value key = {.kind = OV_JSONR_STRING, .text = member.key, .escaped = member.key_escaped};
            if (!first)
                ov_buf_add_char(out, ',');
            first = false;
            ov_jsonr_print(&key, out);
            ov_buf_add_char(out, ':');
            ov_jsonr_print(&value, out);
        }
    }
    ov_buf_add_char(out, '}');
    return ov_buf_check(name, err);
}

static ov_status merge(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    ov_buf name;
    ov_buf_init(&name);
    ov_status st = merge_row(c, row, &t->made, &name, err);
    ov_buf_fini(&name);
    return st;
}

ov_status ovi_eval_json_merge(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_map_text(c, merge, out, err);
}
