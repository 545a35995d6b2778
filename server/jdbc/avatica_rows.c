/*
 * Rows as JDBC wants them: times as numbers on the wall clock of the query's zone, arrays as arrays, text plain.
 */
#include "base/numfmt.h"
#include "base/tz.h"
#include "server/jdbc/avatica.pb-c.h"
#include "server/jdbc/avatica.h"
#include "server/query/encode.h"
#include "storage/metric.h"

#include <math.h>

enum { DAY_MS = 24 * 3600 * 1000, ROWS_FIELD = 3 << 3 | 2 }; /* field 3, length-delimited */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Milliseconds of the wall clock, or days of it. */
static int64_t wall_clock(const ov_field *f, const ov_tz *tz, int64_t ms)
{
    int64_t local = ov_tz_to_local(tz, ms);
    return f->sql == OV_SQL_DATE ? floor_div(local, DAY_MS) : local;
}

/* ---- JSON ---- */

/* The driver casts what stands in a column of numbers to a number, which Druid's "Infinity" is not; a number past the largest is read as infinity. NaN has
 * no such form. */
static bool infinite_number(const ov_field *f, const ov_vec *v, uint32_t row, ov_buf *out)
{
    bool number = f->sql == OV_SQL_DOUBLE || f->sql == OV_SQL_FLOAT || f->sql == OV_SQL_REAL;
    if (!number || ov_vec_is_null(v, row) || !isinf(ov_vec_f64(v, row)))
        return false;
    ov_buf_add_str(out, ov_vec_f64(v, row) < 0 ? "-1e999" : "1e999");
    return true;
}

static ov_status json_row(const ov_tz *tz, const ov_field *fields, uint32_t count,
                          const ov_batch *batch, uint32_t row, ov_buf *out, ov_error *err)
{
    ov_encode_options form = {.format = OV_FORMAT_ARRAY, .tz = tz};
    ov_buf_add_char(out, '[');
    for (uint32_t c = 0; c < count; c++) {
        const ov_vec *v = &batch->col[c];
        if (c > 0)
            ov_buf_add_char(out, ',');
        if (ov_sqltype_is_datetime((ov_sqltype)fields[c].sql) && !ov_vec_is_null(v, row))
            ov_buf_add_i64(out, wall_clock(&fields[c], tz, ov_vec_i64(v, row)));
        else if (!infinite_number(&fields[c], v, row, out))
            OV_TRY(ov_encode_cell(&form, &fields[c], v, row, false, out, err));
    }
    ov_buf_add_char(out, ']');
    return ov_buf_check(out, err);
}

/* ---- protobuf ---- */

static OV_CHECKED ov_status text_value(ov_slice s, OvAv__Value *to, ov_arena *a, ov_error *err)
{
    ov_slice copy;
    OV_TRY(ov_arena_copy(a, s, &copy, err));
    to->type = OV_AV_REP_STRING;
    to->string_value = (ProtobufCBinaryData){copy.n, (uint8_t *)(uintptr_t)copy.p};
    return OV_OK;
}

/* A number that is a DECIMAL of SQL, as Java's BigDecimal reads it. */
static OV_CHECKED ov_status decimal_value(double x, OvAv__Value *to, ov_arena *a, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_buf_add_double(&text, x);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = text_value(ov_buf_slice(&text), to, a, err);
    to->type = OV_AV_REP_BIG_DECIMAL;
    ov_buf_fini(&text);
    return st;
}

/* Bytes as they stand in JSON. */
static OV_CHECKED ov_status sketch_value(ov_type type, ov_slice bytes, OvAv__Value *to, ov_arena *a, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_metric_print((ov_complex_id)type.complex, bytes, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = text_value(ov_buf_slice(&text), to, a, err);
    ov_buf_fini(&text);
    return st;
}

/* The value at a row of plain values: no list. */
static OV_CHECKED ov_status plain_value(const ov_tz *tz, const ov_field *f, const ov_vec *v,
                                        uint32_t row, OvAv__Value *to, ov_arena *a, ov_error *err)
{
    ov_av__value__init(to);
    if (ov_vec_is_null(v, row)) {
        to->type = OV_AV_REP_NULL;
        to->null = true;
    } else if (f->sql == OV_SQL_BOOLEAN) {
        to->type = OV_AV_REP_BOOLEAN;
        to->bool_value = ov_vec_i64(v, row) > 0;
    } else if (ov_type_is_int(f->type)) {
        int64_t x = ov_vec_i64(v, row);
        to->type = OV_AV_REP_LONG;
        to->number_value = ov_sqltype_is_datetime((ov_sqltype)f->sql) ? wall_clock(f, tz, x) : x;
    } else if (f->sql == OV_SQL_DECIMAL) {
        return decimal_value(ov_vec_f64(v, row), to, a, err);
    } else if (ov_type_is_real(f->type)) {
        to->type = OV_AV_REP_DOUBLE;
        to->double_value = ov_vec_f64(v, row);
    } else if (ov_type_is_sketch(f->type)) {
        return sketch_value(f->type, ov_vec_str(v, row), to, a, err);
    } else {
        return text_value(ov_vec_str(v, row), to, a, err);
    }
    return OV_OK;
}

static OV_CHECKED ov_status list_cell(const ov_field *f, const ov_vec *v, uint32_t row,
                                      OvAv__Cell *cell, ov_arena *a, ov_error *err)
{
    uint32_t first, end;
    const ov_vec *elems = ov_vec_list(v, row, &first, &end);
    ov_field elem = {.type = OV_T(f->type.elem), .sql = (uint8_t)ov_sqltype_of_native((ov_type_id)f->type.elem)};
    OvAv__Value *values;
    cell->has_array_value = true;
    cell->n_array_value = end - first;
    OV_TRY(ov_arena_alloc(a, (end - first + (size_t)1) * sizeof *values, &values, err));
    OV_TRY(ov_arena_alloc(a, (end - first + (size_t)1) * sizeof *cell->array_value,
                          &cell->array_value, err));
    for (uint32_t i = 0; i < end - first; i++) {
        OV_TRY(plain_value(NULL, &elem, elems, first + i, &values[i], a, err));
        cell->array_value[i] = &values[i];
    }
    return OV_OK;
}

/* Multi-value strings travel as in JSON: one value plain, several as a text of JSON. */
static OV_CHECKED ov_status multi_value(const ov_tz *tz, const ov_field *f, const ov_vec *v,
                                        uint32_t row, OvAv__Value *to, ov_arena *a, ov_error *err)
{
    ov_encode_options form = {.format = OV_FORMAT_ARRAY, .tz = tz, .stringify_arrays = true};
    ov_buf text;
    ov_buf_init(&text);
    ov_av__value__init(to);
    ov_status st = ov_encode_cell(&form, f, v, row, true, &text, err);
    if (st == OV_OK)
        st = text_value(ov_buf_slice(&text), to, a, err);
    ov_buf_fini(&text);
    return st;
}

static OV_CHECKED ov_status cell_of(const ov_tz *tz, const ov_field *f, const ov_vec *v,
                                    uint32_t row, OvAv__Cell *cell, OvAv__Value *value, ov_arena *a,
                                    ov_error *err)
{
    bool null = ov_vec_is_null(v, row);
    ov_av__cell__init(cell);
    if (f->type.id == OV_TYPE_ARRAY && !null)
        return list_cell(f, v, row, cell, a, err);
    cell->scalar_value = value;
    if (ov_type_is_list(f->type) && !null)
        return multi_value(tz, f, v, row, value, a, err);
    return plain_value(tz, f, v, row, value, a, err);
}

static void add_varint(ov_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        ov_buf_add_char(out, (char)(v | 0x80));
    ov_buf_add_char(out, (char)v);
}

static ov_status proto_row(const ov_tz *tz, const ov_field *fields, uint32_t count,
                           const ov_batch *batch, uint32_t row, ov_arena *a, ov_buf *out,
                           ov_error *err)
{
    OvAv__Row packed;
    ov_av__row__init(&packed);
    OvAv__Cell *cells;
    OvAv__Value *values;
    OV_TRY(ov_arena_alloc(a, (count + (size_t)1) * sizeof *cells, &cells, err));
    OV_TRY(ov_arena_alloc(a, (count + (size_t)1) * sizeof *values, &values, err));
    OV_TRY(ov_arena_alloc(a, (count + (size_t)1) * sizeof *packed.value, &packed.value, err));
    packed.n_value = count;
    for (uint32_t c = 0; c < count; c++) {
        OV_TRY(cell_of(tz, &fields[c], &batch->col[c], row, &cells[c], &values[c], a, err));
        packed.value[c] = &cells[c];
    }
    size_t n = ov_av__row__get_packed_size(&packed);
    ov_buf_add_char(out, ROWS_FIELD);
    add_varint(out, n);
    if (ov_buf_reserve(out, n))
        out->n += ov_av__row__pack(&packed, (uint8_t *)out->p + out->n);
    return ov_buf_check(out, err);
}

ov_status ov_av_row(ov_av_wire wire, const ov_tz *tz, const ov_field *fields, uint32_t count,
                    const ov_batch *batch, uint32_t row, ov_arena *scratch, ov_buf *out,
                    ov_error *err)
{
    if (wire == OV_AV_JSON)
        return json_row(tz, fields, count, batch, row, out, err);
    ov_arena_mark mark = ov_arena_mark_get(scratch);
    ov_status st = proto_row(tz, fields, count, batch, row, scratch, out, err);
    ov_arena_rewind(scratch, mark);
    return st;
}
