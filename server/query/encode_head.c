/*
 * What stands before and behind the rows of a result: brackets, names, types.
 */
#include "server/query/encode_int.h"

#include "base/json.h"

typedef enum header_row { HEADER_NAMES, HEADER_TYPES, HEADER_SQL_TYPES } header_row;

static ov_slice header_word(const ov_field *f, header_row what, char *buf)
{
    if (what == HEADER_NAMES)
        return f->name;
    if (what == HEADER_SQL_TYPES)
        return ov_slice_cstr(ov_sqltype_name(f->sql));
    return ov_slice_cstr(f->type.id == OV_TYPE_NULL ? "STRING" : ov_type_name(f->type, buf));
}

/* One header record of the array and csv formats. */
static void add_header_row(ov_encoder *e, header_row what, ov_buf *out)
{
    char buf[48];
    bool csv = ovi_is_csv(&e->opt);
    if (e->any && !ovi_is_lines(&e->opt) && !csv)
        ov_buf_add_char(out, ',');
    e->any = true;
    size_t start = out->n;
    if (!csv)
        ov_buf_add_char(out, '[');
    for (uint32_t i = 0; i < e->count; i++) {
        if (i)
            ov_buf_add_char(out, ',');
        ov_slice word = header_word(&e->col[i].field, what, buf);
        if (csv)
            ov_encode_csv_text(out, word);
        else if (what == HEADER_TYPES && word.n == 0)
            ov_buf_add_str(out, "null");
        else
            ov_json_quote(out, word);
    }
    if (csv && e->count == 1 && out->n == start)
        ov_buf_add_str(out, "\"\"");
    if (!csv)
        ov_buf_add_char(out, ']');
    if (csv || ovi_is_lines(&e->opt))
        ov_buf_add_char(out, '\n');
}

/* The one header record of the object formats. */
static void add_header_object(ov_encoder *e, ov_buf *out)
{
    const ov_encode_options *o = &e->opt;
    char buf[48];
    e->any = true;
    ov_buf_add_char(out, '{');
    for (uint32_t i = 0; i < e->count; i++) {
        const ov_field *f = &e->col[i].field;
        if (i)
            ov_buf_add_char(out, ',');
        ov_json_quote(out, f->name);
        ov_buf_add_char(out, ':');
        if (!o->types_header && !o->sql_types_header) {
            ov_buf_add_str(out, "null");
            continue;
        }
        ov_buf_add_char(out, '{');
        if (o->types_header) {
            ov_slice word = header_word(f, HEADER_TYPES, buf);
            ov_buf_add_str(out, "\"type\":");
            if (word.n)
                ov_json_quote(out, word);
            else
                ov_buf_add_str(out, "null");
        }
        if (o->sql_types_header) {
            ov_buf_add_str(out, o->types_header ? ",\"sqlType\":" : "\"sqlType\":");
            ov_json_quote(out, header_word(f, HEADER_SQL_TYPES, buf));
        }
        ov_buf_add_char(out, '}');
    }
    ov_buf_add_char(out, '}');
    if (ovi_is_lines(o))
        ov_buf_add_char(out, '\n');
}

void ov_encode_begin(ov_encoder *e, ov_buf *out)
{
    const ov_encode_options *o = &e->opt;
    if (!ovi_is_lines(o) && !ovi_is_csv(o))
        ov_buf_add_char(out, '[');
    if (!o->header)
        return;
    if (ovi_is_object(o)) {
        add_header_object(e, out);
        return;
    }
    add_header_row(e, HEADER_NAMES, out);
    if (o->types_header)
        add_header_row(e, HEADER_TYPES, out);
    if (o->sql_types_header)
        add_header_row(e, HEADER_SQL_TYPES, out);
}

void ov_encode_end(ov_encoder *e, ov_buf *out)
{
    const ov_encode_options *o = &e->opt;
    if (ovi_is_csv(o))
        ov_buf_add_char(out, '\n');
    else if (ovi_is_lines(o))
        ov_buf_add_str(out, e->any ? "\n" : "\n\n");
    else
        ov_buf_add_str(out, "]\n");
}
