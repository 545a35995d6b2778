#include "ingest/parse/metric_value.h"

#include "base/base64.h"
#include "sketch/pair.h"

typedef struct feeding {
    const ov_metric *metric;
    void *head;
    ov_sketch_mem mem;
    ov_arena *scratch;
    ov_slice list_delimiter;
    uint64_t *repaired;
    bool bad;
} feeding;

static ov_status add(feeding *f, const ov_sketch_value *v, uint32_t n, ov_error *err)
{
    return f->metric->ops->add(f->head, &f->metric->args, v, n, &f->mem, err);
}

static ov_status add_text(feeding *f, ov_slice text, ov_error *err)
{
    ov_sketch_value v = {.kind = OV_SKETCH_TEXT, .s = text};
    return text.p ? add(f, &v, 1, err) : OV_OK;
}

/* What is no sketch is left out; what is one but larger than memory fails the load. */
static ov_status put_image(feeding *f, ov_slice text, ov_error *err)
{
    ov_buf image;
    ov_error trouble = OV_ERROR_INIT;
    ov_buf_init(&image);
    ov_status st = OV_CORRUPT;
    if (ov_base64_decode(text, &image))
        st = f->metric->ops->put(f->head, &f->metric->args, ov_buf_slice(&image), false, &f->mem, f->scratch, &trouble);
    ov_buf_fini(&image);
    if (st == OV_LIMIT || st == OV_NOMEM) {
        *err = trouble;
        return st;
    }
    f->bad |= st != OV_OK;
    return OV_OK;
}

/* A scalar as what it is in its format: a number of JSON, or text. */
static ov_status scalar(feeding *f, const ov_field *field, ov_sketch_value *v, ov_error *err)
{
    bool texts = f->metric->ops->takes == OV_SKETCH_OF_TEXTS;
    if (!texts && field->kind == OV_FIELD_INT && ovi_field_long(field, &v->i)) {
        v->kind = OV_SKETCH_INT;
        return OV_OK;
    }
    if (!texts && (field->kind == OV_FIELD_INT || field->kind == OV_FIELD_REAL) && ovi_field_double(field, &v->f)) {
        v->kind = OV_SKETCH_REAL;
        return OV_OK;
    }
    v->kind = OV_SKETCH_TEXT;
    return ovi_field_string(field, f->scratch, &v->s, err);
}

static bool is_list(const ov_field *field)
{
    return field->kind == OV_FIELD_ARRAY || field->kind == OV_FIELD_LIST;
}

static ov_status list_of(feeding *f, const ov_field *field, ov_slice **items, uint32_t *n, ov_error *err)
{
    return ovi_field_strings(field, f->list_delimiter, f->scratch, items, n, f->repaired, err);
}

/* A key, or each key of a list, with the numbers beside it. */
static ov_status feed_tuple(feeding *f, const ovi_sketch_source *source, const ov_field *fields, const ov_field *key,
                            ov_error *err)
{
    ov_sketch_value v[256] = {{0}};
    ov_slice *items;
    uint32_t n;
    for (uint32_t i = 0; i < source->more_count; i++) {
        const ov_field *field = &fields[source->more[i]];
        v[i + 1].kind = OV_SKETCH_REAL;
        if (!ov_field_absent(field) && !ovi_field_double(field, &v[i + 1].f))
            f->bad |= field->text.n > 0;
    }
    if (!is_list(key)) {
        OV_TRY(scalar(f, key, &v[0], err));
        return add(f, v, source->more_count + 1, err);
    }
    OV_TRY(list_of(f, key, &items, &n, err));
    v[0].kind = OV_SKETCH_TEXT;
    for (uint32_t i = 0; i < n; i++) {
        v[0].s = items[i];
        if (items[i].p)
            OV_TRY(add(f, v, source->more_count + 1, err));
    }
    return OV_OK;
}

static ov_status feed_values(feeding *f, const ov_field *field, ov_error *err)
{
    ov_sketch_value v;
    ov_slice *items;
    uint32_t n;
    if (!is_list(field)) {
        OV_TRY(scalar(f, field, &v, err));
        return add(f, &v, 1, err);
    }
    OV_TRY(list_of(f, field, &items, &n, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(add_text(f, items[i], err));
    return OV_OK;
}

static ov_status feed_images(feeding *f, const ov_field *field, ov_error *err)
{
    ov_slice *items;
    uint32_t n;
    if (field->kind == OV_FIELD_TEXT)
        return field->text.n ? put_image(f, field->text, err) : OV_OK;
    f->bad |= !is_list(field);
    if (!is_list(field))
        return OV_OK;
    OV_TRY(list_of(f, field, &items, &n, err));
    for (uint32_t i = 0; i < n; i++)
        if (items[i].p)
            OV_TRY(put_image(f, items[i], err));
    return OV_OK;
}

static ov_status feed_number(feeding *f, const ov_field *field, ov_error *err)
{
    ov_sketch_value v = {.kind = OV_SKETCH_REAL};
    bool images = f->metric->input == OV_METRIC_EITHER && field->kind == OV_FIELD_TEXT;
    if (field->kind == OV_FIELD_TEXT && field->text.n == 0)
        return add(f, NULL, 0, err);
    if (!is_list(field) && ovi_field_double(field, &v.f))
        return add(f, &v, 1, err);
    if (images)
        return put_image(f, field->text, err);
    f->bad = true;
    return OV_OK;
}

/* The values of a field as texts, none when it is absent. */
static ov_status texts_of(feeding *f, const ov_field *field, ov_slice **items, uint32_t *n, ov_error *err)
{
    *n = !ov_field_absent(field);
    if (is_list(field))
        return list_of(f, field, items, n, err);
    OV_TRY(ov_arena_alloc(f->scratch, sizeof **items, items, err));
    return *n ? ovi_field_string(field, f->scratch, *items, err) : OV_OK;
}

static ov_status add_wide(feeding *f, ov_buf *wide, ov_error *err)
{
    OV_TRY(ov_buf_check(wide, err));
    return add_text(f, wide->n ? ov_buf_slice(wide) : OV_SLICE_LIT(""), err);
}

/* Several values of one field in a row: sorted, a mark between them, NULL a character of its own; only NULLs are nothing. */
static void join(ov_slice *items, uint32_t n, ov_buf *wide)
{
    bool any = false;
    ovi_order_strings(items, n, OV_MULTI_SORTED_ARRAY);
    for (uint32_t i = 0; i < n; i++)
        any |= items[i].p != NULL;
    for (uint32_t i = 0; any && i < n; i++) {
        if (i)
            ov_buf_add(wide, "\1\0", 2);
        if (items[i].p)
            ov_sketch_add_utf16(items[i], wide);
        else if (n > 1)
            ov_buf_add(wide, "\0\0", 2);
    }
}

static ov_status feed_column(feeding *f, const ov_field *field, bool first, ov_buf *wide, ov_error *err)
{
    ov_slice *items;
    uint32_t n;
    OV_TRY(texts_of(f, field, &items, &n, err));
    if (f->metric->by_row) {
        ov_buf_add(wide, "", !first);
        join(items, n, wide);
        return OV_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        ov_buf_clear(wide);
        if (!items[i].p)
            continue;
        ov_sketch_add_utf16(items[i], wide);
        OV_TRY(add_wide(f, wide, err));
    }
    return OV_OK;
}

/* As Druid's cardinality hashes them: texts in UTF-16, or a row of them with a byte of zero between fields. */
static ov_status feed_columns(feeding *f, const ovi_sketch_source *source, const ov_field *fields, const ov_field *field, ov_error *err)
{
    ov_buf wide;
    ov_buf_init(&wide);
    ov_status st = feed_column(f, field, true, &wide, err);
    for (uint32_t i = 0; i < source->more_count && st == OV_OK; i++)
        st = feed_column(f, &fields[source->more[i]], false, &wide, err);
    if (st == OV_OK && f->metric->by_row)
        st = add_wide(f, &wide, err);
    ov_buf_fini(&wide);
    return st;
}

/* Lists and objects are the text that Druid makes of them. */
static ov_status timed_text(feeding *f, const ov_field *field, ov_sketch_value *v, ov_error *err)
{
    v->kind = OV_SKETCH_TEXT;
    return is_list(field) ? ovi_field_json(field, f->list_delimiter, f->scratch, &v->s, err)
                          : ovi_field_string(field, f->scratch, &v->s, err);
}

/* The value beside the time, which is the source's only other field; without a time there is nothing. */
static ov_status feed_timed(feeding *f, const ovi_sketch_source *source, const ov_field *fields, const ov_field *field,
                            ov_error *err)
{
    ov_sketch_value v[2] = {{.kind = OV_SKETCH_INT}, {0}};
    const ov_field *time = &fields[source->more[0]];
    bool there = !ov_field_absent(field) && !(field->kind == OV_FIELD_TEXT && field->text.n == 0);
    ov_pair_kind kind = (ov_pair_kind)f->metric->args.at[OV_PAIR_KIND_PARAM];
    if (ov_field_absent(time) || !ovi_field_long(time, &v[0].i)) {
        f->bad |= !ov_field_absent(time) && time->text.n > 0;
        return OV_OK;
    }
    if (kind == OV_PAIR_TEXT) {
        if (ov_field_absent(field))
            return OV_OK;
        OV_TRY(timed_text(f, field, &v[1], err));
        return add(f, v, 2, err);
    }
    bool ok = there && (kind == OV_PAIR_LONG ? ovi_field_long(field, &v[1].i) : ovi_field_double(field, &v[1].f));
    v[1].kind = kind == OV_PAIR_LONG ? OV_SKETCH_INT : OV_SKETCH_REAL;
    f->bad |= there && !ok;
    return add(f, v, ok ? 2 : 1, err);
}

static ov_status feed(feeding *f, const ovi_sketch_source *source, const ov_field *fields, const ov_field *field, ov_error *err)
{
    if (f->metric->input == OV_METRIC_COLUMNS)
        return feed_columns(f, source, fields, field, err);
    if (f->metric->ops->takes == OV_SKETCH_OF_TIMED)
        return feed_timed(f, source, fields, field, err);
    if (ov_field_absent(field))
        return f->metric->input == OV_METRIC_IMAGES ? OV_OK : add(f, NULL, 0, err);
    if (f->metric->input == OV_METRIC_IMAGES)
        return feed_images(f, field, err);
    if (f->metric->ops->takes == OV_SKETCH_OF_NUMBERS)
        return feed_number(f, field, err);
    if (f->metric->ops->takes == OV_SKETCH_OF_TUPLES)
        return feed_tuple(f, source, fields, field, err);
    return feed_values(f, field, err);
}

ov_status ovi_metric_image(const ovi_sketch_source *source, const ov_field *fields, uint32_t field, ov_slice list_delimiter,
                           ov_arena *scratch, ov_buf *out, bool *bad, uint64_t *repaired, ov_error *err)
{
    const ov_metric *m = source->metric;
    feeding f = {.metric = m,
                 .mem = ov_sketch_mem_arena(scratch),
                 .scratch = scratch,
                 .list_delimiter = list_delimiter,
                 .repaired = repaired};
    OV_TRY(ov_arena_zalloc(scratch, m->ops->head_bytes, &f.head, err));
    if (fields)
        OV_TRY(feed(&f, source, fields, &fields[field], err));
    OV_TRY(m->ops->write(f.head, &m->args, true, scratch, out, err));
    *bad = f.bad;
    return ov_buf_check(out, err);
}
