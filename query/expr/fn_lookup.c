/*
 * LOOKUP(x, 'name'), LOOKUP(x, 'name', 'instead'), LOOKUP_AT(x, 'name', time, 'instead'): the map is found when the query is bound, so a query sees one version. Per
 * distinct value, as every function of one column (expr.h). $LOOKUP_IN(x, '{"key":"value"}'): the map stands in the query.
 */
#include "base/json.h"
#include "base/suggest.h"
#include "query/expr/expr_int.h"
#include "query/expr/lookup.h"

typedef struct lookup_call {
    const ov_lookup *map;
    bool has_instead;
    ov_slice instead; /* for keys that are missing, and for NULL */
} lookup_call;

static ov_status no_such_lookup(const ovi_bind *b, ov_slice name, ov_error *err)
{
    char hint[OV_SUGGEST_BYTES];
    ov_suggest near;
    ov_suggest_init(&near, name);
    for (uint32_t i = 0; i < ov_lookup_set_count(b->cx->lookups); i++)
        ov_suggest_offer(&near, ov_lookup_name(ov_lookup_set_at(b->cx->lookups, i)));
    ov_suggest_text(&near, hint);
    return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "Lookup [" OV_SLICE_FMT "] not found%s",
                      OV_SLICE_ARG(name), hint);
}

/* instead: the argument that says it. */
static ov_status bind(ovi_bind *b, uint32_t instead, ov_error *err)
{
    lookup_call *call;
    ov_slice name;
    bool is_null, no_instead = true;
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_const_text(b, 1, &name, &is_null, err));
    OV_TRY(ovi_prepare(b, sizeof *call, &call, err));
    if (b->argc > instead)
        OV_TRY(ovi_const_text(b, instead, &call->instead, &no_instead, err));
    call->has_instead = !no_instead;
    call->map = is_null ? NULL : ov_lookup_set_find(b->cx->lookups, name);
    if (!call->map)
        return no_such_lookup(b, name, err);
    ovi_result(b, OV_SQL_VARCHAR);
    b->nullable = no_instead;
    return OV_OK;
}

ov_status ovi_bind_lookup(ovi_bind *b, ov_error *err)
{
    return bind(b, 2, err);
}

static void release(void *map)
{
    ov_lookup_release(map);
}

static ov_status read_map(ov_arena *a, ov_slice text, ov_lookup **out, ov_error *err)
{
    ov_json *map;
    ov_slice *keys, *values;
    uint32_t n = 0;
    OV_TRY(ov_json_parse(text, NULL, a, &map, err));
    OV_TRY(ov_json_expect(map, OV_JSON_OBJECT, err));
    OV_TRY(ov_arena_alloc(a, (map->count + (size_t)1) * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(a, (map->count + (size_t)1) * sizeof *values, &values, err));
    for (const ov_json *v = map->first; v; v = v->next) {
        if (v->kind == OV_JSON_NULL)
            continue;
        keys[n] = v->key;
        OV_TRY(ov_json_as_str(v, &values[n++], err));
    }
    OV_TRY(ov_lookup_create(OV_SLICE_LIT("map"), OV_SLICE_LIT(""), keys, values, NULL, n, out, err));
    ov_status st = ov_arena_on_exit(a, release, *out, err);
    if (st != OV_OK)
        ov_lookup_release(*out);
    return st;
}

ov_status ovi_bind_lookup_in(ovi_bind *b, ov_error *err)
{
    lookup_call *call;
    ov_lookup *map;
    ov_slice text;
    bool is_null;
    OV_TRY(ovi_want_text(b, 0, err));
    OV_TRY(ovi_const_text(b, 1, &text, &is_null, err));
    OV_TRY(ovi_prepare(b, sizeof *call, &call, err));
    OV_TRY(read_map(b->cx->arena, text, &map, err));
    call->map = map;
    ovi_result(b, OV_SQL_VARCHAR);
    b->nullable = true;
    return OV_OK;
}

ov_status ovi_bind_lookup_at(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_time(b, 2, err));
    return bind(b, 3, err);
}

/* The value of row r. */
static bool find(const ovi_call *c, const lookup_call *call, uint32_t r, bool at, ov_slice *value)
{
    if (ovi_arg_null(&c->arg[0], r) || (at && ovi_arg_null(&c->arg[2], r)))
        return false;
    ov_slice key = ovi_str(&c->arg[0], r);
    return at ? ov_lookup_get_at(call->map, key, ovi_i64(&c->arg[2], r), value) : ov_lookup_get(call->map, key, value);
}

static ov_status look_up(ovi_call *c, bool at, ov_vec *out, ov_error *err)
{
    const lookup_call *call = c->e->prepared;
    ovi_result_lanes lanes;
    const uint32_t *rows;
    uint32_t n;
    OV_TRY(ovi_lanes_nullable(c, &lanes, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = rows[i];
        bool found = find(c, call, r, at, &lanes.s[r]);
        if (!found && call->has_instead)
            lanes.s[r] = call->instead;
        else if (!found)
            ovi_null_row(&lanes, r);
    }
    ovi_finish(c, &lanes, out);
    return OV_OK;
}

ov_status ovi_eval_lookup(ovi_call *c, ov_vec *out, ov_error *err)
{
    return look_up(c, false, out, err);
}

ov_status ovi_eval_lookup_at(ovi_call *c, ov_vec *out, ov_error *err)
{
    return look_up(c, true, out, err);
}
