/* A value of a vector as JSON: what a query makes of it, and a merge stores where other segments have documents. */
#include "base/json.h"
#include "base/numfmt.h"
#include "storage/vec.h"

static void add_value(const ov_vec *v, uint32_t row, ov_buf *out)
{
    if (ov_vec_is_null(v, row))
        ov_buf_add_str(out, "null");
    else if (ov_type_is_int(v->type))
        ov_buf_add_i64(out, ov_vec_i64(v, row));
    else if (v->type.id == OV_TYPE_FLOAT)
        ov_buf_add_float(out, (float)ov_vec_f64(v, row));
    else if (ov_type_is_real(v->type))
        ov_json_add_double(out, ov_vec_f64(v, row));
    else if (v->type.id == OV_TYPE_COMPLEX)
        ov_buf_add_slice(out, ov_vec_str(v, row));
    else
        ov_json_quote(out, ov_vec_str(v, row));
}

void ov_vec_add_json(const ov_vec *v, uint32_t row, ov_buf *out)
{
    uint32_t first, end;
    if (!ov_type_is_list(v->type) || ov_vec_is_null(v, row)) {
        add_value(v, row, out);
        return;
    }
    const ov_vec *items = ov_vec_list(v, row, &first, &end);
    if (v->type.id == OV_TYPE_STRING && end - first == 1) { /* a multi-value string of one value is that value */
        add_value(items, first, out);
        return;
    }
    ov_buf_add_char(out, '[');
    for (uint32_t i = first; i < end; i++) {
        if (i > first)
            ov_buf_add_char(out, ',');
        add_value(items, i, out);
    }
    ov_buf_add_char(out, ']');
}
