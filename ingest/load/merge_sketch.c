/*
 * A metric that is a sketch, made of a column that is none: each value becomes the sketch of itself, as when it is loaded, and
 * roll-up puts them together. Values of a dictionary become sketches once a block, unless others stand beside them.
 */
#include "base/bits.h"
#include "base/numfmt.h"
#include "ingest/load/merge.h"
#include "ingest/parse/byte_scan.h"
#include "ingest/parse/metric_value.h"

bool ovi_sketches(ov_type from, const ov_metric *metric)
{
    bool plain = from.id == OV_TYPE_STRING || from.id == OV_TYPE_LONG || ov_type_is_real(from);
    return metric && plain;
}

/* ---- a value as the field of a row ---- */

static void print_number(const ov_vec *v, uint32_t row, ov_buf *text, ov_field *out)
{
    if (v->type.id == OV_TYPE_LONG)
        ov_buf_addf(text, "%lld", (long long)ov_vec_i64(v, row));
    else if (v->type.id == OV_TYPE_FLOAT)
        ov_buf_add_float(text, (float)ov_vec_f64(v, row));
    else
        ov_buf_add_double(text, ov_vec_f64(v, row));
    *out = (ov_field){v->type.id == OV_TYPE_LONG ? OV_FIELD_INT : OV_FIELD_REAL, ov_buf_slice(text)};
}

static void print_list(const ov_vec *v, uint32_t row, ov_buf *text, ov_field *out)
{
    uint32_t first, end;
    const ov_vec *list = ov_vec_list(v, row, &first, &end);
    ov_buf_add_char(text, '[');
    for (uint32_t i = first; i < end; i++) {
        ov_buf_add_str(text, i > first ? "," : "");
        if (ov_vec_is_null(list, i))
            ov_buf_add_str(text, "null");
        else
            ov_json_quote(text, ov_vec_str(list, i));
    }
    ov_buf_add_char(text, ']');
    if (ov_buf_reserve(text, OVI_SCAN_PAD))
        memset(text->p + text->n, 0, OVI_SCAN_PAD); /* readers of JSON go without length checks */
    *out = (ov_field){OV_FIELD_ARRAY, ov_buf_slice(text)};
}

static ov_status field_of(const ov_vec *v, uint32_t row, ov_buf *text, ov_field *out, ov_error *err)
{
    *out = (ov_field){OV_FIELD_NULL, {0}};
    ov_buf_clear(text);
    if (ov_vec_is_null(v, row))
        return OV_OK;
    if (ov_type_is_list(v->type))
        print_list(v, row, text, out);
    else if (v->type.id == OV_TYPE_STRING)
        *out = (ov_field){OV_FIELD_TEXT, ov_vec_str(v, row)};
    else
        print_number(v, row, text, out);
    return ov_buf_check(text, err);
}

/* ---- images ---- */

typedef struct imaging {
    const ov_vec *more; /* beside the values */
    ovi_sketch_source source; /* of fields behind the value's own: more's */
    ov_arena *out, work;
    ov_buf text, image;
} imaging;

/* What stands beside the value, as fields of the same row. */
static ov_status fields_beside(imaging *m, uint32_t row, ov_field *fields, ov_error *err)
{
    for (uint32_t i = 0; i < m->source.more_count; i++) {
        OV_TRY(field_of(&m->more[i], row, &m->text, &fields[i], err));
        OV_TRY(ov_arena_copy(&m->work, fields[i].text, &fields[i].text, err));
    }
    return OV_OK;
}

static ov_status make_image(imaging *m, const ov_vec *v, uint32_t row, ov_slice *out, ov_error *err)
{
    ov_field *fields;
    bool bad;
    uint64_t repaired = 0;
    ov_arena_reset(&m->work);
    ov_buf_clear(&m->image);
    OV_TRY(ov_arena_alloc(&m->work, (m->source.more_count + (size_t)1) * sizeof *fields, &fields, err));
    OV_TRY(fields_beside(m, row, fields + 1, err));
    OV_TRY(field_of(v, row, &m->text, &fields[0], err));
    OV_TRY(ovi_metric_image(&m->source, fields, 0, (ov_slice){0}, &m->work, &m->image, &bad, &repaired, err));
    return ov_arena_copy(m->out, ov_buf_slice(&m->image), out, err);
}

static ov_status make_images(imaging *m, const ov_vec *v, ov_slice *lanes, ov_error *err)
{
    ov_slice *of_code = NULL;
    const uint32_t *codes = NULL;
    if (v->enc == OV_ENC_DICT && v->dict->count <= v->rows && !m->source.more_count) {
        OV_TRY(ov_vec_codes32(v, m->out, &codes, err));
        OV_TRY(ov_arena_zalloc(m->out, (v->dict->count + (size_t)1) * sizeof *of_code, &of_code, err));
    }
    for (uint32_t i = 0; i < v->rows; i++) {
        ov_slice *known = of_code ? &of_code[codes[i]] : NULL;
        if (known && known->p) {
            lanes[i] = *known;
            continue;
        }
        OV_TRY(make_image(m, v, i, &lanes[i], err));
        if (known)
            *known = lanes[i];
    }
    return OV_OK;
}

ov_status ovi_make_sketches(const ov_vec *v, const ov_vec *more, uint32_t more_count, ov_type to, const ov_metric *metric,
                            ov_arena *out, ov_vec *images, ov_error *err)
{
    ov_slice *lanes;
    imaging m = {.more = more, .source = {.metric = metric, .more_count = more_count}, .out = out};
    OV_TRY(ov_arena_lanes(out, (v->rows + (size_t)1) * sizeof *lanes, &lanes, err));
    OV_TRY(ov_arena_alloc(out, (more_count + (size_t)1) * sizeof *m.source.more, &m.source.more, err));
    for (uint32_t i = 0; i < more_count; i++)
        m.source.more[i] = i + 1;
    ov_arena_init(&m.work, "sketches", out->budget);
    ov_buf_init(&m.text);
    ov_buf_init(&m.image);
    ov_status st = make_images(&m, v, lanes, err);
    ov_buf_fini(&m.text);
    ov_buf_fini(&m.image);
    ov_arena_fini(&m.work);
    *images = ov_vec_flat(to, lanes, NULL, v->rows);
    return st;
}
