/*
 * The deep check of JSON sub-columns: every value against the text it came from, and every text's values against the
 * sub-columns there are. Nothing here is shared with the builder but the names of paths.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/jsonr.h"
#include "base/numparse.h"
#include "storage/segment/path_name.h"
#include "storage/segment/segment_int.h"
#include "storage/segment/verify_int.h"

static bool holds_nested(const ov_jsonr_value *v)
{
    ov_jsonr_value item;
    for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item);)
        if (item.kind >= OV_JSONR_ARRAY)
            return true;
    return false;
}

static bool is_leaf(const ov_jsonr_value *v)
{
    return v->kind != OV_JSONR_NULL && v->kind != OV_JSONR_OBJECT &&
           (v->kind != OV_JSONR_ARRAY || !holds_nested(v));
}

/* The member of that name; *times says how often it is there. */
static ov_jsonr_value member(const ov_jsonr_value *v, ov_slice name, unsigned *times)
{
    ov_jsonr_value item, found = {0};
    *times = 0;
    if (v->kind != OV_JSONR_OBJECT)
        return found;
    for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item);)
        if (ov_jsonr_is(item.key, item.key_escaped, name)) {
            found = item;
            ++*times;
        }
    return found;
}

/* The value of a text at the path of column `c`; *has is false when there is none. */
static ov_status value_at(const ov_column *c, ov_slice text, ov_buf *name, ov_jsonr_value *v, bool *has, ov_error *err)
{
    ov_slice rest = ov_slice_make(c->info.name.p + 1, c->info.name.n - 1);
    unsigned times;
    *has = ov_jsonr_read(text, v, NULL, NULL);
    while (*has && ov_path_name_next(&rest, name)) {
        *v = member(v, ov_buf_slice(name), &times);
        OV_CHECK_DATA(times <= 1, err, "sub-column " OV_SLICE_FMT " has a path whose names occur twice",
                      OV_SLICE_ARG(c->info.name));
        *has = times == 1;
    }
    *has = *has && is_leaf(v);
    return ov_buf_check(name, err);
}

static bool same_value(const ov_vec *v, uint32_t row, const ov_jsonr_value *want, ov_buf *text)
{
    int64_t i;
    double d;
    if (ov_type_is_int(v->type))
        return want->kind == OV_JSONR_INT && ov_parse_i64(want->text, &i) && i == ov_vec_i64(v, row);
    if (ov_type_is_real(v->type))
        return want->kind == OV_JSONR_REAL && ov_parse_double(want->text, &d) &&
               ov_f64_bits(d) == ov_f64_bits(ov_vec_f64(v, row));
    if (v->type.id == OV_TYPE_COMPLEX && want->kind == OV_JSONR_STRING)
        return ov_slice_eq(ov_vec_str(v, row), ov_slice_make(want->text.p - 1, want->text.n + 2));
    if (v->type.id == OV_TYPE_COMPLEX)
        return ov_slice_eq(ov_vec_str(v, row), want->text);
    ov_buf_clear(text);
    ov_jsonr_unescape(want->text, text);
    return want->kind == OV_JSONR_STRING && ov_slice_eq(ov_vec_str(v, row), ov_buf_slice(text));
}

static ov_status check_path(const ov_column *json, const ov_column *path, ov_arena *a, ov_buf *buf, ov_error *err)
{
    ov_slice name = path->info.name, rest = ov_slice_make(name.p + 1, name.n ? name.n - 1 : 0);
    OV_CHECK_DATA(name.n > 0 && name.p[0] == '$', err, "sub-column " OV_SLICE_FMT " is no path", OV_SLICE_ARG(name));
    while (ov_path_name_next(&rest, buf))
        continue;
    OV_CHECK_DATA(rest.n == 0, err, "sub-column " OV_SLICE_FMT " is no path", OV_SLICE_ARG(name));
    for (uint32_t b = 0; b < json->info.blocks; b++) {
        ov_arena_mark mark = ov_arena_mark_get(a);
        ov_vec texts, values;
        OV_TRY(ov_column_read(json, b, a, &texts, err));
        OV_TRY(ov_column_read(path, b, a, &values, err));
        for (uint32_t i = 0; i < texts.rows; i++) {
            ov_jsonr_value want;
            bool has = false;
            if (!ov_vec_is_null(&texts, i))
                OV_TRY(value_at(path, ov_vec_str(&texts, i), buf, &want, &has, err));
            bool same = has ? !ov_vec_is_null(&values, i) && same_value(&values, i, &want, buf)
                            : ov_vec_is_null(&values, i);
            OV_CHECK_DATA(same, err, "row %llu of sub-column " OV_SLICE_FMT " is not what the text says",
                          (unsigned long long)b * OV_BATCH_ROWS + i, OV_SLICE_ARG(name));
        }
        ov_arena_rewind(a, mark);
    }
    return OV_OK;
}

/* Every leaf below `v`, whose path is in `path`, has its sub-column. */
static ov_status check_leaves(const ov_column *json, const ov_jsonr_value *v, unsigned depth, ov_buf *path,
                              ov_error *err)
{
    ov_jsonr_value item;
    if (is_leaf(v))
        OV_CHECK_DATA(ov_column_find_path(json, ov_buf_slice(path)), err, "there is no sub-column " OV_SLICE_FMT,
                      OV_SLICE_ARG(ov_buf_slice(path)));
    if (v->kind != OV_JSONR_OBJECT)
        return OV_OK;
    for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item);) {
        size_t n = path->n;
        ov_buf name;
        ov_buf_init(&name);
        ov_jsonr_unescape(item.key, &name);
        ov_path_name_add(path, ov_buf_slice(&name));
        ov_status st = ov_buf_check(&name, err);
        ov_buf_fini(&name);
        if (st == OV_OK && depth >= OV_PATH_DEPTH)
            st = ov_fail(err, OV_CORRUPT, "paths are deeper than %u", OV_PATH_DEPTH);
        if (st == OV_OK)
            st = check_leaves(json, &item, depth + 1, path, err);
        path->n = n;
        OV_TRY(st);
    }
    return OV_OK;
}

static ov_status check_complete(const ov_column *json, ov_buf *path, ov_error *err)
{
    const ov_domain *texts;
    ov_jsonr_value v;
    OV_TRY(ov_column_domain(json, &texts, err));
    for (uint32_t code = texts->has_null; code < texts->count; code++) {
        ov_buf_clear(path);
        ov_buf_add_char(path, '$');
        if (ov_jsonr_read(ov_domain_str(texts, code), &v, NULL, NULL))
            OV_TRY(check_leaves(json, &v, 0, path, err));
    }
    return ov_buf_check(path, err);
}

ov_status ovi_paths_verify(const ov_column *json, ov_arena *a, ov_error *err)
{
    ov_buf buf;
    ov_buf_init(&buf);
    ov_status st = OV_OK;
    for (uint32_t i = 0; st == OV_OK && i < json->path_count; i++)
        st = check_path(json, &json->paths[i], a, &buf, err);
    if (st == OV_OK && json->all_paths)
        st = check_complete(json, &buf, err);
    ov_buf_fini(&buf);
    return st;
}
