/* Fields to columns; see ingest/parse/emit.h. Conversions follow Druid's DimensionHandlerUtils, Evals and Rows. */
#include "ingest/parse/emit.h"

#include <stdio.h>
#include "base/numfmt.h"
#include "base/numparse.h"
#include "base/utf8.h"
#include "ingest/parse/convert.h"
#include "ingest/parse/json_scan.h"
#include "ingest/parse/byte_scan.h"
#include "ingest/parse/metric_value.h"

static ov_slice field_name(const ovi_emit *e, uint32_t field)
{
    const ovi_plan *p = e->plan;
    if (field < p->root_count)
        return p->roots[field];
    if (field < p->root_count + p->derived_count)
        return p->derived[field - p->root_count].name;
    const ov_slice *names = NULL;
    if (p->transform)
        p->transform->outputs(p->transform_program, &names);
    return names ? names[field - p->transform_first] : (ov_slice){"", 0};
}

ov_status ovi_emit_init(ovi_emit *e, const ovi_plan *plan, ovi_discovery *discovery, ov_error *err)
{
    *e = (ovi_emit){.plan = plan, .discovery = discovery, .field_count = plan->field_count + OVI_OWN_FIELDS};
    ov_arena_init(&e->scratch, "row", NULL);
    e->fields = ov_calloc(e->field_count, sizeof *e->fields);
    if (!e->fields)
        return ov_fail_nomem(err, e->field_count * sizeof *e->fields);
    if (!discovery)
        return OV_OK;
    e->discovery_idx = ov_calloc(e->field_count, sizeof *e->discovery_idx);
    if (!e->discovery_idx)
        return ov_fail_nomem(err, e->field_count * sizeof *e->discovery_idx);
    for (uint32_t i = 0; i < plan->field_count; i++)
        OV_TRY(ovi_discovery_field(discovery, field_name(e, i), &e->discovery_idx[i], err));
    return OV_OK;
}

ov_status ovi_emit_add_root(ovi_emit *e, ov_slice name, uint32_t *field, ov_error *err)
{
    size_t n = (size_t)e->field_count + 1;
    ov_field *fields = ov_realloc(e->fields, n * sizeof *fields);
    if (fields)
        e->fields = fields;
    uint32_t *idx = ov_realloc(e->discovery_idx, n * sizeof *idx);
    if (idx)
        e->discovery_idx = idx;
    if (!fields || !idx)
        return ov_fail_nomem(err, n * sizeof *fields);
    OV_TRY(ovi_discovery_field(e->discovery, name, &idx[e->field_count], err));
    fields[e->field_count] = (ov_field){0};
    *field = e->field_count++;
    return OV_OK;
}

void ovi_emit_fini(ovi_emit *e)
{
    ov_free(e->fields);
    ov_free(e->discovery_idx);
    ov_arena_fini(&e->scratch);
}

void ovi_emit_fail(ovi_emit *e, const ov_error *err)
{
    if (e->rows->failed)
        return;
    e->rows->failed = true;
    e->rows->err = *err;
}

/* ---- places and sentences ---- */

/* Line (from 1, of the split) and character of a place. Slow; only for what is sampled. Rejects come in order, so each line break is
 * looked at once, however many there are. */
static void find_place(ovi_emit *e, const char *at, ov_reject *why)
{
    if (at < e->text || at > e->text_end)
        return;
    const char *line = at;
    while (line > e->text && line[-1] != '\n')
        line--;
    if (!e->counted || e->counted > line) {
        e->counted = e->text;
        e->counted_lines = 0;
    }
    e->counted_lines += ovi_scan_count(e->counted, (size_t)(line - e->counted), '\n');
    e->counted = line;
    why->line = 1 + e->lines_before + e->counted_lines;
    why->column = 1 + (uint32_t)ov_utf8_count(ov_slice_make(line, (size_t)(at - line)));
}

void ovi_emit_reject(ovi_emit *e, const char *at, ov_slice value, const char *hint, const char *reason, ...)
{
    ov_reject why = {.file = e->file, .value = value, .hint = ov_slice_cstr(hint), .of_time = e->at_time};
    char text[OV_ERROR_TEXT_BYTES];
    if (!ovi_rows_wants_reject(e->rows)) {
        ov_rows_reject(e->rows, &why);
        return;
    }
    va_list args;
    va_start(args, reason);
    vsnprintf(text, sizeof text, reason, args);
    va_end(args);
    why.reason = ov_slice_cstr(text);
    find_place(e, at, &why);
    ov_rows_reject(e->rows, &why);
}

/* A column declared as one string cannot hold a list. */
static ov_status fail_list(ovi_emit *e, const ovi_target *t, const ov_field *f, ov_error *err)
{
    ov_reject at = {0};
    find_place(e, f->text.p, &at);
    return ov_fail(err, OV_INVALID,
                   OV_SLICE_FMT ":%llu: column '" OV_SLICE_FMT "' is declared as VARCHAR and the row has an array; "
                   "declare it as VARCHAR ARRAY, and write ARRAY_TO_MV(column) where a multi-value string is wanted",
                   OV_SLICE_ARG(e->file), (unsigned long long)at.line,
                   OV_SLICE_ARG(e->plan->schema.columns[t->col].name));
}

/* The value of one column is taken as NULL. */
static void note(ovi_emit *e, const char *row, const ovi_target *t, const ov_field *f)
{
    if (e->plan->only_single)
        return;
    static const char *const wanted[] = {"a string", "a long",        "a double",
                                         "a float",  "a JSON value", "an array", "", "values or images of a sketch", "a string", "a time"};
    ov_reject why = {.file = e->file, .field = field_name(e, t->field), .value = f->text};
    char text[256];
    if (!ovi_rows_wants_reject(e->rows)) {
        ov_rows_note(e->rows, &why);
        return;
    }
    bool many = f->kind == OV_FIELD_ARRAY || f->kind == OV_FIELD_LIST;
    bool timed = t->sketch && t->sketch->metric->ops->takes == OV_SKETCH_OF_TIMED;
    snprintf(text, sizeof text, "expected %s for '" OV_SLICE_FMT "'%s; the value is taken as NULL",
             timed ? "a value beside a time" : wanted[t->op], OV_SLICE_ARG(e->plan->schema.columns[t->col].name),
             many ? ", found several values" : "");
    why.reason = ov_slice_cstr(text);
    why.hint = OV_SLICE_LIT("make the dimension a string, or correct the input");
    const char *at = f->text.p >= e->text && f->text.p <= e->text_end ? f->text.p : row;
    find_place(e, at, &why);
    ov_rows_note(e->rows, &why);
}

/* ---- one column ---- */

static ov_status put_string_slow(ovi_emit *e, const ovi_target *t, const ov_field *f, ov_error *err)
{
    ov_rows *r = e->rows;
    ov_slice *items;
    uint32_t n;
    if (f->kind == OV_FIELD_ARRAY || f->kind == OV_FIELD_LIST) {
        if (e->plan->only_single)
            return fail_list(e, t, f, err);
        OV_TRY(ovi_field_strings(f, e->plan->spec->format.list_delimiter, &e->scratch, &items, &n,
                                 &r->repaired, err));
        n = ovi_order_strings(items, n, (ov_multi_order)t->multi_order);
        ov_rows_put_strs(r, t->col, items, n);
        return OV_OK;
    }
    ov_slice s;
    OV_TRY(ovi_field_string(f, &e->scratch, &s, err));
    if (s.p)
        ovi_put_str(r, &r->col[t->col], s);
    return OV_OK;
}

static ov_status put_json(ovi_emit *e, const ovi_target *t, const ov_field *f, ov_error *err)
{
    ov_slice s;
    OV_TRY(ovi_field_json(f, e->plan->spec->format.list_delimiter, &e->scratch, &s, err));
    ovi_put_str(e->rows, &e->rows->col[t->col], s);
    return OV_OK;
}

static ov_status put_array(ovi_emit *e, const char *row, const ovi_target *t, const ov_field *f,
                           ov_error *err)
{
    ovi_array a;
    OV_TRY(ovi_field_array(f, (ov_type_id)t->elem, e->plan->spec->format.list_delimiter, &e->scratch, &a,
                           &e->rows->repaired, err));
    if (a.bad)
        note(e, row, t, f);
    if (t->elem == OV_TYPE_STRING)
        ov_rows_put_strs(e->rows, t->col, a.strings, a.n);
    else if (t->elem == OV_TYPE_LONG)
        ov_rows_put_i64s(e->rows, t->col, a.longs, a.valid, a.n);
    else
        ov_rows_put_f64s(e->rows, t->col, a.doubles, a.valid, a.n);
    return OV_OK;
}

/* Does the row meet the metric's condition? */
static bool counts(const ovi_emit *e, const ovi_target *t)
{
    return !t->conditional || !ov_field_absent(&e->fields[t->when]);
}

/* Rows without a value bring an empty sketch, as in Druid. */
static ov_status put_sketch(ovi_emit *e, const char *row, const ovi_target *t, ov_error *err)
{
    ov_buf image;
    bool bad = false;
    ov_buf_init(&image);
    const ov_field *fields = counts(e, t) ? e->fields : NULL;
    ov_status st = ovi_metric_image(t->sketch, fields, t->field, e->plan->spec->format.list_delimiter, &e->scratch, &image,
                                    &bad, &e->rows->repaired, err);
    if (st == OV_OK)
        ovi_put_str(e->rows, &e->rows->col[t->col], ov_buf_slice(&image));
    ov_buf_fini(&image);
    if (bad)
        note(e, row, t, &e->fields[t->field]);
    return st;
}

/* A list is the text that Druid makes of it; nothing is cut inside a character. */
static ov_status put_text(ovi_emit *e, const ovi_target *t, const ov_field *f, ov_error *err)
{
    ov_slice s;
    if (f->kind == OV_FIELD_ARRAY || f->kind == OV_FIELD_LIST)
        OV_TRY(ovi_field_json(f, e->plan->spec->format.list_delimiter, &e->scratch, &s, err));
    else
        OV_TRY(ovi_field_string(f, &e->scratch, &s, err));
    if (s.p)
        ovi_put_str(e->rows, &e->rows->col[t->col], ov_utf8_cut(s, t->most_bytes));
    return OV_OK;
}

static void put_time(ovi_emit *e, const char *row, const ovi_target *t, const ov_field *f)
{
    int64_t ms;
    ov_timestamp_memo memo = {0};
    bool ok = f->kind == OV_FIELD_TEXT ? ov_timestamp_text(t->times, &memo, f->text, &ms) : ovi_field_long(f, &ms);
    if (ok)
        ovi_put_i64(e->rows, &e->rows->col[t->col], ms);
    else if (!(f->text.n == 0 && e->plan->blank_is_null))
        note(e, row, t, f);
}

OV_INLINE ov_status put_column(ovi_emit *e, const char *row, const ovi_target *t, ov_error *err)
{
    ov_rows *r = e->rows;
    ovi_rows_col *c = &r->col[t->col];
    int64_t i;
    double d;
    if (t->op == OVI_OP_ONE) {
        ovi_put_i64(r, c, counts(e, t));
        return OV_OK;
    }
    if (t->op == OVI_OP_SKETCH)
        return put_sketch(e, row, t, err);
    if (OV_UNLIKELY(t->conditional) && !counts(e, t))
        return OV_OK;
    const ov_field *f = &e->fields[t->field];
    if (ov_field_absent(f))
        return OV_OK;
    switch ((ovi_op)t->op) {
    case OVI_OP_STRING:
        if (OV_LIKELY(f->kind == OV_FIELD_TEXT)) {
            ovi_put_str(r, c, f->text);
            return OV_OK;
        }
        return put_string_slow(e, t, f, err);
    case OVI_OP_LONG:
        if (OV_LIKELY(ovi_field_long(f, &i)))
            ovi_put_i64(r, c, i);
        else if (!(f->text.n == 0 && e->plan->blank_is_null))
            note(e, row, t, f);
        return OV_OK;
    case OVI_OP_DOUBLE:
        if (OV_LIKELY(ovi_field_double(f, &d)))
            ovi_put_f64(r, c, d);
        else if (!(f->text.n == 0 && e->plan->blank_is_null))
            note(e, row, t, f);
        return OV_OK;
    case OVI_OP_FLOAT:
        if (OV_LIKELY(ovi_field_double(f, &d)))
            ovi_put_f64(r, c, (double)(float)d);
        else if (!(f->text.n == 0 && e->plan->blank_is_null))
            note(e, row, t, f);
        return OV_OK;
    case OVI_OP_JSON:
        return put_json(e, t, f, err);
    case OVI_OP_ARRAY:
        return put_array(e, row, t, f, err);
    case OVI_OP_TEXT:
        return put_text(e, t, f, err);
    case OVI_OP_TIME:
        put_time(e, row, t, f);
        return OV_OK;
    case OVI_OP_ONE:
    case OVI_OP_SKETCH:
        break;
    }
    return OV_OK;
}

/* ---- the row ---- */

static const int64_t year_0_ms = INT64_C(-62167219200000), year_10000_ms = INT64_C(253402300800000);

/* The field is no time that a row can have; `far`: it is one, but not of the usual years, and the unit was guessed. */
static void reject_time(ovi_emit *e, const char *row, const ov_field *f, bool far)
{
    const ov_timestamp_spec *t = &e->plan->spec->timestamp;
    ov_timestamp_kind kind = e->plan->ts.kind;
    bool number = (f->kind == OV_FIELD_INT || f->kind == OV_FIELD_REAL) && (kind == OV_TIMESTAMP_NUMBER || kind == OV_TIMESTAMP_AUTO);
    const char *at = f->text.p >= e->text && f->text.p <= e->text_end ? f->text.p : row;
    ov_error why = OV_ERROR_INIT;
    bool told = ov_timestamp_explain(&e->plan->ts, f->text, &why) != OV_OK;
    e->at_time = true;
    if (far || (number && t->guessed))
        ovi_emit_reject(e, at, f->text, "declare a spec whose timestampSpec has the unit: posix, millis, micro or nano",
                        "'" OV_SLICE_FMT "' is not in the years 0 to 9999, read as milliseconds or ISO", OV_SLICE_ARG(t->column));
    else if (number)
        ovi_emit_reject(e, at, f->text, "check timestampSpec.format",
                        "'" OV_SLICE_FMT "' is out of range: times lie between -146136543-09-08 and 146140482-04-24",
                        OV_SLICE_ARG(t->column));
    else
        ovi_emit_reject(e, at, f->text, "check timestampSpec.format", "'" OV_SLICE_FMT "' is no time of the format '" OV_SLICE_FMT "'%s%s",
                        OV_SLICE_ARG(t->column), OV_SLICE_ARG(t->format), told ? ": " : "", told ? why.text : "");
    e->at_time = false;
}

static bool read_time(ovi_emit *e, const char *row, int64_t field, const ov_timestamp *ts, ov_timestamp_memo *memo,
                      int64_t *ms)
{
    const ovi_plan *p = e->plan;
    const ov_field missing = {0};
    const ov_field *f = field < 0 ? &missing : &e->fields[field];
    bool ok = false;
    double d;
    int64_t i;
    switch ((ov_field_kind)f->kind) {
    case OV_FIELD_MISSING:
    case OV_FIELD_NULL:
        if (p->spec->timestamp.has_missing) {
            *ms = p->spec->timestamp.missing_ms;
            return true;
        }
        e->at_time = true;
        ovi_emit_reject(e, row, (ov_slice){"", 0},
                        "name the column in timestampSpec.column, or give timestampSpec.missingValue",
                        "the row has no time: '" OV_SLICE_FMT "' is %s%s",
                        OV_SLICE_ARG(p->spec->timestamp.column),
                        f->kind == OV_FIELD_NULL ? "null" : "missing",
                        p->spec->timestamp.guessed ? " (the first of '__time', 'timestamp' and 'time' that occurs is taken)" : "");
        e->at_time = false;
        return false;
    case OV_FIELD_TEXT:
        if (f->text.n == 0 && p->blank_is_null && p->spec->timestamp.has_missing) {
            *ms = p->spec->timestamp.missing_ms;
            return true;
        }
        ok = ov_timestamp_text(ts, memo, f->text, ms);
        break;
    case OV_FIELD_INT:
        ok = ov_parse_i64(f->text, &i) && ov_timestamp_i64(ts, i, f->text, ms);
        break;
    case OV_FIELD_REAL:
        ok = ov_parse_double(f->text, &d) && ov_timestamp_f64(ts, d, f->text, ms);
        break;
    case OV_FIELD_TRUE:
    case OV_FIELD_FALSE:
    case OV_FIELD_ARRAY:
    case OV_FIELD_OBJECT:
    case OV_FIELD_LIST:
        break;
    }
    bool far = ok && p->spec->timestamp.guessed && (*ms < year_0_ms || *ms >= year_10000_ms);
    if (!ok || far)
        reject_time(e, row, f, far);
    return ok && !far;
}

static bool in_intervals(ovi_emit *e, int64_t ms)
{
    const ov_load_schema *s = &e->plan->schema;
    if (s->interval_count == 0)
        return true;
    if (ov_interval_has(s->intervals[e->interval], ms))
        return true;
    for (uint32_t i = 0; i < s->interval_count; i++)
        if (ov_interval_has(s->intervals[i], ms)) {
            e->interval = i;
            return true;
        }
    return false;
}

static ov_status derive(ovi_emit *e, ov_error *err)
{
    const ovi_plan *p = e->plan;
    for (uint32_t i = 0; i < p->derived_count; i++) {
        const ovi_derived *d = &p->derived[i];
        OV_TRY(ov_jsonpath_eval(&d->path, 1, &e->fields[d->root], &e->scratch,
                                 &e->fields[p->root_count + i], &e->rows->repaired, err));
    }
    return OV_OK;
}

/* False: the row is done (filtered or rejected). */
static bool transform(ovi_emit *e, const char *row)
{
    const ovi_plan *p = e->plan;
    ov_error *err = &e->err;
    ov_field *in;
    bool keep = true;
    if (ov_arena_alloc(&e->scratch, (p->transform_in_count + 1) * sizeof *in, &in, err) != OV_OK) {
        ovi_emit_fail(e, err);
        return false;
    }
    for (uint32_t i = 0; i < p->transform_in_count; i++)
        in[i] = e->fields[p->transform_in[i]];
    char millis[OV_FMT_INT_BYTES];
    if (p->transform_time >= 0) {
        int64_t ms;
        if (!read_time(e, row, p->raw_time_field, &p->raw_ts, &e->raw_memo, &ms))
            return false;
        ov_field *f = &in[p->transform_time];
        f->kind = OV_FIELD_INT;
        if (ov_arena_copy(&e->scratch, ov_slice_make(millis, ov_fmt_i64(ms, millis)), &f->text, err) != OV_OK) {
            ovi_emit_fail(e, err);
            return false;
        }
    }
    for (uint32_t i = 0; i < p->transform_out_count; i++)
        e->fields[p->transform_first + i] = (ov_field){0};
    if (p->transform->run(p->transform_program, in, &e->scratch, &e->fields[p->transform_first], &keep,
                          err) != OV_OK) {
        ovi_emit_reject(e, row, (ov_slice){"", 0}, "check the transformSpec", "%s", err->text);
        return false;
    }
    if (!keep)
        ov_rows_filter(e->rows);
    return keep;
}

static ov_status discover(ovi_emit *e, ov_error *err)
{
    for (uint32_t i = 0, own = e->plan->field_count; i < e->field_count; i++)
        if (i < own || i >= own + OVI_OWN_FIELDS)
            OV_TRY(ovi_discovery_see(e->discovery, e->discovery_idx[i], &e->fields[i], &e->scratch,
                                     err));
    e->rows->read++;
    return OV_OK;
}

/* The row's time as the field that metrics read. */
static ov_status put_row_time(ovi_emit *e, int64_t ms, ov_error *err)
{
    char digits[OV_FMT_INT_BYTES];
    ov_field *f = &e->fields[e->plan->field_count + OVI_TIME_FIELD];
    f->kind = OV_FIELD_INT;
    return ov_arena_copy(&e->scratch, ov_slice_make(digits, ov_fmt_i64(ms, digits)), &f->text, err);
}

static ov_status put_columns(ovi_emit *e, const char *row, int64_t ms, ov_error *err)
{
    const ovi_plan *p = e->plan;
    ov_status st = p->wants_time ? put_row_time(e, ms, err) : OV_OK;
    ovi_put_i64(e->rows, &e->rows->col[0], ms);
    for (uint32_t i = 0; i < p->target_count && st == OV_OK; i++)
        st = put_column(e, row, &p->targets[i], err);
    if (st == OV_OK)
        ov_rows_end(e->rows);
    return st;
}

void ovi_emit_row(ovi_emit *e, const char *row)
{
    const ovi_plan *p = e->plan;
    ov_error *err = &e->err;
    int64_t ms;
    ov_status st = p->derived_count ? derive(e, err) : OV_OK;
    if (st == OV_OK && (!p->transform || transform(e, row)) &&
        read_time(e, row, p->time_field, &p->ts, &e->memo, &ms)) {
        if (!in_intervals(e, ms)) {
            ov_rows_filter(e->rows);
        } else if (e->discovery) {
            st = discover(e, err);
        } else {
            st = put_columns(e, row, ms, err);
        }
    }
    if (OV_UNLIKELY(st != OV_OK))
        ovi_emit_fail(e, err);
    if (OV_UNLIKELY(e->tap != NULL))
        e->tap(e->tap_self, e);
    if (e->scratch.chunk)
        ov_arena_reset(&e->scratch);
}
