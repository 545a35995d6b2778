/*
 * For tests of expressions: a reader of expressions written as calls, and a printer of values.
 *
 *   UPPER('abc')   `+`(1, 2.5)   `IS NULL`($0)   CAST:BIGINT('7')   IN($1, 'a', NULL)   TIMESTAMP '2015-09-12T00:00:00Z'
 *
 * Names between backquotes may hold anything. $n is column n of the types given. Words: TRUE, FALSE, NULL.
 */
#pragma once

#include "tests/unit/harness.h"

#include "base/numfmt.h"
#include "base/numparse.h"
#include "base/tz.h"
#include "query/expr/expr.h"

typedef struct lib_column {
    ov_type type;
    ov_sqltype sql;
} lib_column;

typedef struct lib_reader {
    const char *at;
    ov_expr_ctx *cx;
    const lib_column *columns;
    ov_error *err;
    uint32_t depth;
} lib_reader;

static inline void lib_skip(lib_reader *r)
{
    while (*r->at == ' ' || *r->at == '\n')
        r->at++;
}

static inline ov_slice lib_quoted(lib_reader *r, char *buf)
{
    size_t n = 0;
    r->at++;
    while (*r->at != '\'' || r->at[1] == '\'') {
        assert_true(*r->at && n < 4000);
        buf[n++] = *r->at;
        r->at += *r->at == '\'' ? 2 : 1;
    }
    r->at++;
    return ov_slice_make(buf, n);
}

static inline ov_status lib_read(lib_reader *r, const ov_expr **out);

static inline ov_status lib_number(lib_reader *r, const ov_expr **out)
{
    const char *start = r->at;
    bool real = false, exponent = false;
    while (strchr("0123456789.eE+-", *r->at) && *r->at) {
        if ((*r->at == '+' || *r->at == '-') && r->at != start && (r->at[-1] | 32) != 'e')
            break;
        exponent = exponent || (*r->at | 32) == 'e';
        real = real || *r->at == '.' || (*r->at | 32) == 'e';
        r->at++;
    }
    ov_slice s = ov_slice_make(start, (size_t)(r->at - start));
    double f;
    int64_t i;
    if (real) {
        assert_true(ov_parse_double(s, &f));
        return ov_expr_f64(r->cx, exponent ? OV_SQL_DOUBLE : OV_SQL_DECIMAL, f, out, r->err);
    }
    assert_true(ov_parse_i64(s, &i));
    return ov_expr_i64(r->cx, i == (int32_t)i ? OV_SQL_INTEGER : OV_SQL_BIGINT, i, out, r->err);
}

static inline ov_status lib_call(lib_reader *r, ov_slice name, const ov_expr **out)
{
    const ov_expr *args[64];
    uint32_t argc = 0;
    ov_sqltype to = OV_SQL_NULL;
    bool cast = ov_slice_starts(name, OV_SLICE_LIT("CAST:"));
    if (cast)
        assert_true(ov_sqltype_parse(ov_slice_make(name.p + 5, name.n - 5), &to));
    r->at++;
    lib_skip(r);
    while (*r->at != ')') {
        assert_true(argc < 64);
        OV_TRY(lib_read(r, &args[argc++]));
        lib_skip(r);
        if (*r->at == ',')
            r->at++;
        else
            assert_int_equal(*r->at, ')');
    }
    r->at++;
    if (cast)
        return ov_expr_cast(r->cx, args[0], to, ov_sqltype_native(to), 0, 0, out, r->err);
    if (ov_slice_eq(name, OV_SLICE_LIT("IN")))
        return ov_expr_in(r->cx, args[0], args + 1, argc - 1, 0, 0, out, r->err);
    return ov_expr_call(r->cx, name, args, argc, 0, 0, out, r->err);
}

static inline ov_status lib_word(lib_reader *r, ov_slice name, const ov_expr **out)
{
    char buf[4096];
    lib_skip(r);
    if (ov_slice_eq(name, OV_SLICE_LIT("TIMESTAMP")) || ov_slice_eq(name, OV_SLICE_LIT("DATE"))) {
        int64_t ms;
        ov_slice text = lib_quoted(r, buf);
        if (!ov_iso_try(text, r->cx->tz, &ms))
            fail_msg("'%.*s' is no time", OV_SLICE_ARG(text));
        return ov_expr_i64(r->cx, name.n == 4 ? OV_SQL_DATE : OV_SQL_TIMESTAMP, ms, out, r->err);
    }
    if (ov_slice_eq(name, OV_SLICE_LIT("NULL")))
        return ov_expr_null(r->cx, OV_SQL_NULL, out, r->err);
    if (ov_slice_eq(name, OV_SLICE_LIT("MS")) || ov_slice_eq(name, OV_SLICE_LIT("MONTHS"))) {
        const ov_expr *n;
        OV_TRY(lib_number(r, &n));
        return ov_expr_i64(r->cx, name.n == 2 ? OV_SQL_INTERVAL_MS : OV_SQL_INTERVAL_MONTH,
                           n->constant.i, out, r->err);
    }
    bool yes = ov_slice_eq(name, OV_SLICE_LIT("TRUE"));
    assert_true(yes || ov_slice_eq(name, OV_SLICE_LIT("FALSE")));
    return ov_expr_i64(r->cx, OV_SQL_BOOLEAN, yes, out, r->err);
}

static inline ov_status lib_read(lib_reader *r, const ov_expr **out)
{
    char buf[4096];
    lib_skip(r);
    if (*r->at == '\'') {
        ov_slice s = lib_quoted(r, buf);
        return ov_expr_str(r->cx, OV_SQL_CHAR, s, out, r->err);
    }
    if (*r->at == '$') {
        uint32_t c = (uint32_t)(r->at[1] - '0');
        r->at += 2;
        return ov_expr_column(r->cx, c, r->columns[c].type, r->columns[c].sql, true, out, r->err);
    }
    if (strchr("0123456789.-", *r->at))
        return lib_number(r, out);
    const char *start = r->at;
    ov_slice name;
    if (*start == '`') {
        while (*++r->at != '`')
            assert_true(*r->at);
        name = ov_slice_make(start + 1, (size_t)(r->at - start - 1));
        r->at++;
    } else {
        while (*r->at && !strchr("(), '", *r->at))
            r->at++;
        name = ov_slice_make(start, (size_t)(r->at - start));
    }
    return *r->at == '(' ? lib_call(r, name, out) : lib_word(r, name, out);
}

static inline ov_status lib_parse(const char *text, ov_expr_ctx *cx, const lib_column *columns,
                                  const ov_expr **out, ov_error *err)
{
    lib_reader r = {.at = text, .cx = cx, .columns = columns, .err = err};
    OV_TRY(lib_read(&r, out));
    lib_skip(&r);
    if (*r.at)
        fail_msg("\"%s\": text left over: \"%s\"", text, r.at);
    return OV_OK;
}

static inline void lib_print_list(const ov_vec *v, uint32_t row, ov_buf *out)
{
    uint32_t first, end;
    const ov_vec *items = ov_vec_list(v, row, &first, &end);
    ov_buf_add_char(out, '[');
    for (uint32_t i = first; i < end; i++) {
        ov_buf_add_str(out, i > first ? "," : "");
        if (ov_vec_is_null(items, i))
            ov_buf_add_str(out, "null");
        else if (ov_type_is_int(items->type))
            ov_buf_add_i64(out, ov_vec_i64(items, i));
        else if (ov_type_is_real(items->type))
            ov_buf_add_double(out, ov_vec_f64(items, i));
        else
            ov_buf_add_slice(out, ov_vec_str(items, i));
    }
    ov_buf_add_char(out, ']');
}

/* "BIGINT 5", "CHAR 'x'", "DOUBLE NULL", "ARRAY [1,null]" */
static inline void lib_print(const ov_expr *e, const ov_vec *v, uint32_t row, ov_buf *out)
{
    ov_buf_addf(out, "%s ", ov_sqltype_name((ov_sqltype)e->sql));
    if (ov_vec_is_null(v, row)) {
        ov_buf_add_str(out, "NULL");
    } else if (ov_type_is_list(v->type)) {
        lib_print_list(v, row, out);
    } else if (e->sql == OV_SQL_BOOLEAN) {
        ov_buf_add_str(out, ov_vec_i64(v, row) ? "true" : "false");
    } else if (ov_sqltype_is_datetime((ov_sqltype)e->sql)) {
        ov_iso_add(out, ov_vec_i64(v, row), NULL);
    } else if (ov_type_is_int(e->type)) {
        ov_buf_add_i64(out, ov_vec_i64(v, row));
    } else if (e->type.id == OV_TYPE_FLOAT) {
        ov_buf_add_float(out, (float)ov_vec_f64(v, row));
    } else if (ov_type_is_real(e->type)) {
        ov_buf_add_double(out, ov_vec_f64(v, row));
    } else {
        ov_buf_addf(out, "'%.*s'", OV_SLICE_ARG(ov_vec_str(v, row)));
    }
}
