#include "ingest/load/sample_int.h"

#include <math.h>

#include "base/numfmt.h"
#include "base/period.h"
#include "storage/metric.h"

/* ---- rows ---- */

static ov_slice text_of(const ovi_dict *d, uint32_t code)
{
    return ov_slice_make(d->bytes + d->offsets[code], d->offsets[code + 1] - d->offsets[code]);
}

static void print_bytes(ov_jsonw *w, ov_type type, ov_slice bytes)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_metric_print((ov_complex_id)type.complex, bytes, &text);
    ov_jsonw_raw(w, NULL, ov_buf_slice(&text));
    ov_buf_fini(&text);
}

static void print_code(ov_jsonw *w, const ovi_rows_col *c, uint32_t code)
{
    if (code == 0)
        ov_jsonw_null(w, NULL);
    else if (ov_type_is_sketch(c->type))
        print_bytes(w, c->type, text_of(&c->dict, code));
    else if (c->type.id == OV_TYPE_COMPLEX)
        ov_jsonw_raw(w, NULL, text_of(&c->dict, code));
    else
        ov_jsonw_str(w, NULL, text_of(&c->dict, code));
}

static void print_float(ov_jsonw *w, float v)
{
    char text[OV_FMT_FLOAT_BYTES];
    if (isfinite(v))
        ov_jsonw_raw(w, NULL, ov_slice_make(text, ov_fmt_float(v, text)));
    else
        ov_jsonw_f64(w, NULL, (double)v);
}

static void print_element(ov_jsonw *w, const ovi_rows_col *c, uint32_t i)
{
    bool number = c->store == OVI_STORE_LIST && c->type.elem != OV_TYPE_STRING;
    if (!number)
        print_code(w, c, ((const uint32_t *)c->elem)[i]);
    else if (!ov_bits_test(c->elem_valid, i))
        ov_jsonw_null(w, NULL);
    else if (c->type.elem == OV_TYPE_LONG)
        ov_jsonw_i64(w, NULL, ((const int64_t *)c->elem)[i]);
    else
        ov_jsonw_f64(w, NULL, ((const double *)c->elem)[i]);
}

/* A multi-value string with one value is that value. */
static void print_list(ov_jsonw *w, const ovi_rows_col *c, uint32_t row)
{
    uint32_t from = row ? c->list_end[row - 1] : 0, to = c->list_end[row];
    if (c->store == OVI_STORE_LIST && !ov_bits_test(c->valid, row)) {
        ov_jsonw_null(w, NULL);
        return;
    }
    if (c->store == OVI_STORE_STR && to - from <= 1) {
        print_code(w, c, from == to ? 0 : ((const uint32_t *)c->elem)[from]);
        return;
    }
    ov_jsonw_open_array(w, NULL);
    for (uint32_t i = from; i < to; i++)
        print_element(w, c, i);
    ov_jsonw_close_array(w);
}

static void print_cell(ov_jsonw *w, const ovi_rows_col *c, uint32_t row)
{
    switch ((ovi_store)c->store) {
    case OVI_STORE_STR:
        if (c->listed)
            print_list(w, c, row);
        else
            print_code(w, c, c->code[row]);
        return;
    case OVI_STORE_LIST:
        print_list(w, c, row);
        return;
    case OVI_STORE_I64:
    case OVI_STORE_F64:
        break;
    }
    if (!ov_bits_test(c->valid, row))
        ov_jsonw_null(w, NULL);
    else if (c->store == OVI_STORE_I64)
        ov_jsonw_i64(w, NULL, c->i64[row]);
    else if (c->type.id == OV_TYPE_FLOAT)
        print_float(w, (float)c->f64[row]);
    else
        ov_jsonw_f64(w, NULL, c->f64[row]);
}

void ovi_sample_print_row(const ovi_plan *plan, const ov_rows *r, uint32_t row, ov_buf *out)
{
    const ov_load_schema *s = &plan->schema;
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_i64(&w, "__time", ov_gran_floor(&s->query_gran, r->col[0].i64[row]));
    for (uint32_t i = 1; i < s->column_count; i++) {
        ov_jsonw_key(&w, s->columns[i].name);
        print_cell(&w, &r->col[i], row);
    }
    ov_jsonw_close_object(&w);
}

/* ---- faults ---- */

/* As Java prints maps and lists. */
static void print_java(const ov_json *v, ov_buf *out)
{
    bool object = v->kind == OV_JSON_OBJECT;
    if (v->kind == OV_JSON_STRING) {
        ov_buf_add_slice(out, v->s);
        return;
    }
    if (!object && v->kind != OV_JSON_ARRAY) {
        ov_json_print(v, out);
        return;
    }
    ov_buf_add_char(out, object ? '{' : '[');
    for (const ov_json *c = v->first; c; c = c->next) {
        ov_buf_add_str(out, c == v->first ? "" : ", ");
        if (object) {
            ov_buf_add_slice(out, c->key);
            ov_buf_add_char(out, '=');
        }
        print_java(c, out);
    }
    ov_buf_add_char(out, object ? '}' : ']');
}

/* The text, or so much of it as Druid shows: 100 UTF-16 units. */
static void add_start(ov_slice text, ov_buf *out)
{
    enum { SHOWN_UNITS = 100 };
    size_t units = 0, end = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c & 0xC0) == 0x80)
            continue; /* inside a character */
        if (units < SHOWN_UNITS)
            end = i;
        units += c >= 0xF0 ? 2 : 1;
        if (units == SHOWN_UNITS)
            end = i + 1;
    }
    if (units < SHOWN_UNITS) {
        ov_buf_add_slice(out, text);
        return;
    }
    while (end < text.n && ((unsigned char)text.p[end] & 0xC0) == 0x80)
        end++;
    ov_buf_add_slice(out, ov_slice_make(text.p, end));
    ov_buf_add_str(out, "...");
}

void ovi_sample_print_time_fault(const ov_json *row, ov_slice column, ov_buf *out)
{
    const ov_json *time = NULL;
    ov_buf event;
    for (const ov_json *v = row->first; v && !time; v = v->next)
        time = ov_slice_eq(v->key, column) ? v : NULL;
    ov_buf_add_str(out, "Timestamp[");
    if (time)
        print_java(time, out);
    else
        ov_buf_add_str(out, "null");
    ov_buf_add_str(out, "] is unparseable! Event: ");
    ov_buf_init(&event);
    print_java(row, &event);
    add_start(ov_buf_slice(&event), out);
    ov_buf_fini(&event);
}

/* ---- columns ---- */

/* The words of a dimensionsSpec. */
static const char *dimension_word(ov_type t)
{
    switch ((ov_type_id)t.id) {
    case OV_TYPE_LONG:
        return "long";
    case OV_TYPE_DOUBLE:
        return "double";
    case OV_TYPE_FLOAT:
        return "float";
    case OV_TYPE_COMPLEX:
        return "json";
    case OV_TYPE_ARRAY:
        return "auto";
    case OV_TYPE_STRING:
    case OV_TYPE_NULL:
        break;
    }
    return "string";
}

static const ov_dimension_spec *listed(const ov_spec *s, ov_slice name)
{
    for (uint32_t i = 0; i < s->dimensions.count; i++)
        if (ov_slice_eq(s->dimensions.list[i].name, name))
            return &s->dimensions.list[i];
    return NULL;
}

static void print_dimension(const ovi_plan *p, const ov_build_column *c, bool physical, ov_jsonw *w)
{
    static const char *const orders[] = {"SORTED_ARRAY", "SORTED_SET", "ARRAY"};
    const ov_dimension_spec *d = listed(p->spec, c->name);
    bool adaptive = d ? d->type.id == OV_TYPE_NULL || d->has_cast : p->spec->dimensions.schema_discovery;
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "type", physical && adaptive ? "auto" : dimension_word(c->type));
    ov_jsonw_str(w, "name", c->name);
    ov_jsonw_cstr(w, "multiValueHandling", orders[d ? d->multi_order : OV_MULTI_SORTED_ARRAY]);
    ov_jsonw_bool(w, "createBitmapIndex", c->indexed);
    ov_jsonw_close_object(w);
}

void ovi_sample_print_schema(const ovi_plan *p, ov_jsonw *w)
{
    static const char *const lists[] = {"logicalDimensions", "physicalDimensions"};
    const ov_load_schema *s = &p->schema;
    for (int physical = 0; physical < 2; physical++) {
        ov_jsonw_open_array(w, lists[physical]);
        for (uint32_t i = 1; i < s->column_count; i++)
            if (s->columns[i].role == OV_ROLE_DIMENSION)
                print_dimension(p, &s->columns[i], physical, w);
        ov_jsonw_close_array(w);
    }
    ov_jsonw_open_array(w, "logicalSegmentSchema");
    for (uint32_t i = 0; i < s->column_count; i++) {
        char name[48];
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_str(w, "name", s->columns[i].name);
        ov_jsonw_cstr(w, "type", ov_type_name(s->columns[i].type, name));
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}
