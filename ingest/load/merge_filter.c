/* The filter of a compaction's transformSpec: asked row by row, as at ingestion, over the values as they are stored. */
#include "base/bits.h"
#include "base/json.h"
#include "base/numfmt.h"
#include "ingest/load/merge.h"

ov_status ovi_merge_filter_open(ovi_merge_filter *f, const ov_transform_ops *ops, ov_slice json, ov_arena *out, ov_error *err)
{
    ov_json *doc;
    const ov_json *list;
    *f = (ovi_merge_filter){.ops = ops};
    if (!ops)
        return ov_fail(err, OV_UNSUPPORTED, "transformSpec: filters are not known here");
    OV_TRY(ov_json_parse(json, NULL, out, &doc, err));
    OV_TRY(ov_json_arr(doc, "transforms", &list, err));
    if (list && list->count)
        return ov_json_fail(list, err, OV_UNSUPPORTED, "compaction filters rows, it does not transform them");
    OV_TRY(ops->compile(ops->ctx, json, out, &f->program, err));
    f->count = ops->inputs(f->program, &f->names);
    return OV_OK;
}

/* ---- values as fields ---- */

typedef struct column {
    const ov_column *col; /* NULL: no such column */
    ov_type type;
    ov_vec flat;
} column;

static ov_status add_list(const ov_vec *v, uint32_t row, ov_buf *b, ov_error *err)
{
    uint32_t first, end;
    const ov_vec *child = ov_vec_list(v, row, &first, &end);
    ov_buf_add_char(b, '[');
    for (uint32_t i = first; i < end; i++) {
        if (i > first)
            ov_buf_add_char(b, ',');
        if (ov_vec_is_null(child, i))
            ov_buf_add_str(b, "null");
        else if (child->type.id == OV_TYPE_STRING)
            ov_json_quote(b, ov_vec_str(child, i));
        else if (child->type.id == OV_TYPE_LONG)
            ov_buf_addf(b, "%lld", (long long)ov_vec_i64(child, i));
        else
            ov_json_add_double(b, ov_vec_f64(child, i));
    }
    ov_buf_add_char(b, ']');
    return ov_buf_check(b, err);
}

static ov_status list_field(const column *c, uint32_t row, ov_arena *out, ov_field *f, ov_error *err)
{
    uint32_t first, end;
    ov_buf b;
    const ov_vec *child = ov_vec_list(&c->flat, row, &first, &end);
    if (c->type.id == OV_TYPE_STRING && end - first <= 1) { /* one value is a plain one, none is NULL */
        bool null = end == first || ov_vec_is_null(child, first);
        *f = null ? (ov_field){.kind = OV_FIELD_NULL} : (ov_field){OV_FIELD_TEXT, ov_vec_str(child, first)};
        return OV_OK;
    }
    ov_buf_init(&b);
    ov_status st = add_list(&c->flat, row, &b, err);
    f->kind = OV_FIELD_ARRAY;
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), &f->text, err);
    ov_buf_fini(&b);
    return st;
}

static ov_status field_of(const column *c, uint32_t row, ov_arena *out, ov_field *f, ov_error *err)
{
    char text[OV_MAX((int)OV_FMT_DOUBLE_BYTES, (int)OV_FMT_INT_BYTES)];
    size_t n;
    *f = (ov_field){.kind = OV_FIELD_MISSING};
    if (!c->col)
        return OV_OK;
    f->kind = OV_FIELD_NULL;
    if (ov_vec_is_null(&c->flat, row))
        return OV_OK;
    if (ov_type_is_list(c->type))
        return list_field(c, row, out, f, err);
    switch (c->type.id) {
    case OV_TYPE_LONG:
        n = ov_fmt_i64(ov_vec_i64(&c->flat, row), text);
        f->kind = OV_FIELD_INT;
        break;
    case OV_TYPE_DOUBLE:
    case OV_TYPE_FLOAT:
        n = ov_fmt_double(ov_vec_f64(&c->flat, row), text);
        f->kind = OV_FIELD_REAL;
        break;
    case OV_TYPE_COMPLEX: {
        ov_slice json = ov_vec_str(&c->flat, row);
        f->kind = json.n && json.p[0] == '{' ? OV_FIELD_OBJECT : json.n && json.p[0] == '[' ? OV_FIELD_ARRAY : OV_FIELD_TEXT;
        f->text = json;
        return OV_OK;
    }
    default:
        f->kind = OV_FIELD_TEXT;
        f->text = ov_vec_str(&c->flat, row);
        return OV_OK;
    }
    return ov_arena_copy(out, ov_slice_make(text, n), &f->text, err);
}

/* ---- running ---- */

static ov_status open_columns(const ovi_merge_filter *f, const ov_segment *seg, uint32_t b, ov_arena *a, column *list, ov_error *err)
{
    for (uint32_t i = 0; i < f->count; i++) {
        ov_vec v;
        list[i].col = ov_segment_find(seg, f->names[i]);
        if (!list[i].col)
            continue;
        list[i].type = ov_column_get_info(list[i].col)->type;
        OV_TRY(ov_column_read(list[i].col, b, a, &v, err));
        OV_TRY(ov_vec_flatten(&v, a, &list[i].flat, err));
    }
    return OV_OK;
}

ov_status ovi_merge_filter_run(ovi_merge_filter *f, const ov_segment *seg, uint32_t b, uint32_t rows, uint64_t *keep,
                               ov_arena *scratch, ov_error *err)
{
    column *list;
    ov_field *in;
    ov_arena row;
    ov_status st = OV_OK;
    OV_TRY(ov_arena_zalloc(scratch, (f->count + 1) * sizeof *list, &list, err));
    OV_TRY(ov_arena_zalloc(scratch, (f->count + 1) * sizeof *in, &in, err));
    OV_TRY(open_columns(f, seg, b, scratch, list, err));
    ov_arena_init(&row, "row", NULL);
    for (uint32_t i = 0; i < rows && st == OV_OK; i++) {
        bool wanted = true;
        if (!ov_bits_test(keep, i))
            continue;
        ov_arena_reset(&row);
        for (uint32_t k = 0; k < f->count && st == OV_OK; k++)
            st = field_of(&list[k], i, &row, &in[k], err);
        if (st == OV_OK)
            st = f->ops->run(f->program, in, &row, NULL, &wanted, err);
        if (!wanted) {
            ov_bits_clear(keep, i);
            f->dropped++;
        }
    }
    ov_arena_fini(&row);
    return st;
}
