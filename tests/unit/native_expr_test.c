/* The native expression language: trees, errors with their places, values, and JSON filters over one row. */
#include "tests/unit/expr_lib.h"

#include "query/native/native_expr.h"
#include "query/native/native_int.h"

/* ---- trees ---- */

static void print_tree(const ov_native *n, ov_buf *out)
{
    switch (n->kind) {
    case OV_NATIVE_NULL:
        ov_buf_add_str(out, "null");
        return;
    case OV_NATIVE_LONG:
        ov_buf_add_i64(out, n->i);
        return;
    case OV_NATIVE_DOUBLE:
        ov_buf_add_double(out, n->f);
        return;
    case OV_NATIVE_STRING:
        ov_buf_addf(out, "'%.*s'", OV_SLICE_ARG(n->text));
        return;
    case OV_NATIVE_NAME:
        ov_buf_add_slice(out, n->text);
        return;
    case OV_NATIVE_CALL:
    case OV_NATIVE_UNARY:
    case OV_NATIVE_BINARY:
    case OV_NATIVE_ARRAY:
    case OV_NATIVE_LAMBDA:
        break;
    }
    const char *kind = n->kind == OV_NATIVE_ARRAY ? "array" : n->kind == OV_NATIVE_LAMBDA ? "lambda" : "";
    ov_buf_addf(out, "(%s%.*s", kind, OV_SLICE_ARG(n->text));
    for (uint32_t i = 0; i < n->argc; i++) {
        ov_buf_add_char(out, ' ');
        print_tree(n->args[i], out);
    }
    ov_buf_add_char(out, ')');
}

typedef struct row {
    const char *text, *answer;
} row;

static void trees(void **state)
{
    (void)state;
    static const row rows[] = {
        {"1", "1"},
        {" 1.5e2 ", "150.0"},
        {"'it\\'s \\u0041\\n'", "'it's A\n'"},
        {"\"a \\\"b\\\"\"", "a \"b\""},
        {"a + b * c", "(+ a (* b c))"},
        {"a - b - c", "(- (- a b) c)"},
        {"2 ^ 3 ^ 2", "(^ 2 (^ 3 2))"},
        {"-2 ^ 2", "(^ (- 2) 2)"},
        {"2 ^ -1", "(^ 2 (- 1))"},
        {"!a && b || c", "(|| (&& (! a) b) c)"},
        {"a || b && c", "(&& (|| a b) c)"},
        {"a < b == c", "(== (< a b) c)"},
        {"(a + b) * c", "(* (+ a b) c)"},
        {"f()", "(f)"},
        {"concat(a, 'x', null)", "(concat a 'x' null)"},
        {"['a', 'b']", "(array 'a' 'b')"},
        {"[]", "(array)"},
        {"ARRAY<LONG>[1, 2]", "(arrayLONG 1 2)"},
        {"<STRING>[]", "(arraySTRING)"},
        {"map(x -> x + 1, a)", "(map (lambda x (+ x 1)) a)"},
        {"fold((x, acc) -> x + acc, a, 0)", "(fold (lambda x acc (+ x acc)) a 0)"},
        {"a--1", "(- a (- 1))"},
        {"", "! expected an expression at the end of the expression @0"},
        {"1 +", "! expected an expression at the end of the expression @3"},
        {"(1", "! expected ')' at the end of the expression @2"},
        {"1 2", "! expected an operator or the end at character 3, found '2' @2"},
        {"f(1,)", "! expected an expression at character 5, found ')' @4"},
        {"'abc", "! the text that starts at character 1 is not closed @0"},
        {"a \xC3\xA9", "! expected an operator or the end at character 3, found '\xC3\xA9' @2"},
        {"99999999999999999999", "! the number 99999999999999999999 does not fit a LONG @0"},
        {"1e", "! expected digits of an exponent at the end of the expression @2"},
        {"'\\u12'", "! expected four hexadecimal digits at character 6, found ''' @5"},
        {"(a, b)", "! expected '->' behind a list of names at the end of the expression @6"},
        {"()", "! expected an expression between the parentheses at the end of the expression @2"},
    };
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_arena_init(&arena, "test", NULL);
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        const ov_native *tree;
        ov_buf got;
        ov_buf_init(&got);
        if (ov_native_parse(ov_slice_cstr(rows[i].text), &arena, &tree, &err) == OV_OK)
            print_tree(tree, &got);
        else
            ov_buf_addf(&got, "! %s @%u", err.text, err.pos);
        if (strcmp(ov_buf_cstr(&got), rows[i].answer) != 0)
            fail_msg("%s\n    is     %s\n    wanted %s", rows[i].text, ov_buf_cstr(&got), rows[i].answer);
        ov_buf_fini(&got);
    }
    ov_arena_fini(&arena);
}

static void limits(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_buf text;
    const ov_native *tree;
    ov_arena_init(&arena, "test", NULL);
    ov_buf_init(&text);
    for (int i = 0; i < 2000; i++)
        ov_buf_add_char(&text, '(');
    check_fails(ov_native_parse(ov_buf_slice(&text), &arena, &tree, &err), &err, OV_LIMIT, "nested more than 300");
    ov_buf_clear(&text);
    ov_buf_add_char(&text, '1');
    for (int i = 0; i < 2000; i++)
        ov_buf_add_str(&text, "+1");
    check_fails(ov_native_parse(ov_buf_slice(&text), &arena, &tree, &err), &err, OV_LIMIT, "nested more than 1000");
    ov_buf_fini(&text);
    ov_arena_fini(&arena);
}

static void table_is_sorted(void **state)
{
    (void)state;
    uint32_t n;
    const ovi_native_fn *fns = ovi_native_fns(&n);
    for (uint32_t i = 0; i < n; i++) {
        if (i && strcmp(fns[i - 1].name, fns[i].name) >= 0)
            fail_msg("%s stands before %s", fns[i - 1].name, fns[i].name);
        assert_ptr_equal(ovi_native_fn_find(ov_slice_cstr(fns[i].name)), &fns[i]);
        assert_true(!fns[i].sql == !!fns[i].bind);
    }
}

/* ---- values over one row ---- */

static const struct {
    const char *name;
    ov_type type;
    ov_sqltype sql;
} columns[] = {
    {"__time", {.id = OV_TYPE_LONG}, OV_SQL_TIMESTAMP}, {"l", {.id = OV_TYPE_LONG}, OV_SQL_BIGINT},
    {"d", {.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE},       {"s", {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
    {"nl", {.id = OV_TYPE_LONG}, OV_SQL_BIGINT},        {"ns", {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
    {"j", {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON}, OV_SQL_OTHER},
};

static ov_status column_named(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    (void)ctx;
    for (uint32_t i = 0; i < OV_COUNT_OF(columns); i++)
        if (ov_slice_eq(name, ov_slice_cstr(columns[i].name)))
            return ov_expr_column(cx, i, columns[i].type, columns[i].sql, true, out, err);
    return OV_OK;
}

typedef struct env {
    ov_arena arena;
    ov_expr_ctx cx;
    ov_eval *ev;
    ov_vec cols[OV_COUNT_OF(columns)];
    ov_batch batch;
    ov_native_scope scope;
} env;

static void env_init(env *e)
{
    ov_error err = OV_ERROR_INIT;
    memset(e, 0, sizeof *e);
    ov_arena_init(&e->arena, "test", NULL);
    e->cx = (ov_expr_ctx){.arena = &e->arena, .next_id = 1};
    check_ok(ov_tz_get(OV_SLICE_LIT("UTC"), &e->cx.tz, &err), &err);
    check_ok(ov_eval_create(NULL, NULL, &e->ev, &err), &err);
    e->cols[0] = ov_vec_const_i64(columns[0].type, 1442018818771, 1);
    e->cols[1] = ov_vec_const_i64(columns[1].type, 7, 1);
    e->cols[2] = ov_vec_const_f64(columns[2].type, 2.5, 1);
    e->cols[3] = ov_vec_const_str(columns[3].type, OV_SLICE_LIT("Hello"), 1);
    e->cols[4] = ov_vec_null(columns[4].type, 1);
    e->cols[5] = ov_vec_null(columns[5].type, 1);
    e->cols[6] = ov_vec_const_str(columns[6].type, OV_SLICE_LIT("{\"a\":[1,2]}"), 1);
    e->batch = (ov_batch){.rows = 1, .sel_rows = 1, .cols = OV_COUNT_OF(columns), .col = e->cols};
    e->scope = (ov_native_scope){.column = column_named};
}

static void env_fini(env *e)
{
    ov_eval_destroy(e->ev);
    ov_arena_fini(&e->arena);
}

static void values(void **state)
{
    (void)state;
    static const row rows[] = {
        {"l + 1", "BIGINT 8"},
        {"l / 2", "BIGINT 3"},
        {"l / 2.0", "DOUBLE 3.5"},
        {"l % 4", "BIGINT 3"},
        {"2 ^ 10", "BIGINT 1024"},
        {"2 ^ -1", "BIGINT 0"},
        {"2.0 ^ -1", "DOUBLE 0.5"},
        {"-l", "BIGINT -7"},
        {"s + ' world'", "VARCHAR 'Hello world'"},
        {"'1' + l", "BIGINT 8"},
        {"l > 5", "BIGINT 1"},
        {"l == 7.0", "BIGINT 1"},
        {"s == 'hello'", "BIGINT 0"},
        {"nl > 5", "BIGINT NULL"},
        {"nl > 5 || l > 5", "BIGINT 1"},
        {"!(l > 5)", "BIGINT 0"},
        {"l && 0", "BIGINT 0"},
        {"!'true'", "BIGINT 0"},
        {"nosuch", "NULL NULL"},
        {"nosuch + 1", "BIGINT NULL"},
        {"__time + 0", "BIGINT 1442018818771"},
        {"timestamp_floor(__time, 'P1D')", "BIGINT 1442016000000"},
        {"TIMESTAMP_FORMAT(__time, 'yyyy-MM', 'Etc/UTC')", "VARCHAR '2015-09'"},
        {"timestamp_shift(__time, 'P1D', 1)", "BIGINT 1442105218771"},
        {"timestamp_extract(__time, 'HOUR')", "BIGINT 0"},
        {"timestamp('2015-09-12')", "BIGINT 1442016000000"},
        {"timestamp_parse('12/2015', 'MM/yyyy')", "BIGINT 1448928000000"},
        {"unix_timestamp('2015-09-12')", "BIGINT 1442016000"},
        {"if(l > 5, 'big', 'small')", "VARCHAR 'big'"},
        {"case_simple(l, 1, 'one', 7, 'seven')", "VARCHAR 'seven'"},
        {"case_simple(l, 1, 'one', 'many')", "VARCHAR 'many'"},
        {"case_searched(l < 5, 'a', nl > 1, 'b')", "VARCHAR NULL"},
        {"nvl(ns, 'none')", "VARCHAR 'none'"},
        {"isnull(nl)", "BIGINT 1"},
        {"notnull(nl)", "BIGINT 0"},
        {"istrue(nl)", "BIGINT 0"},
        {"notdistinctfrom(nl, null)", "BIGINT 1"},
        {"cast(s, 'LONG')", "BIGINT NULL"},
        {"cast('12', 'LONG') + 1", "BIGINT 13"},
        {"cast(l, 'STRING')", "VARCHAR '7'"},
        {"strlen(s)", "BIGINT 5"},
        {"substring(s, 1, 3)", "VARCHAR 'ell'"},
        {"substring(s, 1, -1)", "VARCHAR 'ello'"},
        {"substring(s, 3, l)", "VARCHAR 'lo'"},
        {"substring(s, 0, l - 8)", "VARCHAR 'Hello'"},
        {"strpos(s, 'l')", "BIGINT 2"},
        {"strpos(s, 'l', 3)", "BIGINT 3"},
        {"strpos(s, 'z')", "BIGINT -1"},
        {"upper(s)", "VARCHAR 'HELLO'"},
        {"concat(s, l, d)", "VARCHAR 'Hello72.5'"},
        {"concat(s, ns)", "VARCHAR NULL"},
        {"like(s, 'H%o')", "BIGINT 1"},
        {"regexp_extract(s, '(l+)', 1)", "VARCHAR 'll'"},
        {"parse_long('ff', 16)", "BIGINT 255"},
        {"format('%s=%d', s, l)", "VARCHAR 'Hello=7'"},
        {"max(l, d)", "DOUBLE 7.0"},
        {"min(l, nl)", "BIGINT NULL"},
        {"greatest(l, nl)", "BIGINT 7"},
        {"log(1)", "DOUBLE 0.0"},
        {"scalar_in_array(s, ['a', 'Hello'])", "BIGINT 1"},
        {"scalar_in_array(l, ARRAY<LONG>[1, 2])", "BIGINT 0"},
        {"array_length(array(s, 'x'))", "INTEGER 2"},
        {"array_length(<DOUBLE>[])", "INTEGER 0"},
        {"json_value(j, '$.a[1]')", "VARCHAR '2'"},
        {"json_value(j, '$.a[1]', 'LONG') + 1", "BIGINT 3"},
        {"json_query(j, '$.a')", "OTHER '[1,2]'"},
        {"json_object('x', l, 'y', j)", "OTHER '{\"x\":7,\"y\":{\"a\":[1,2]}}'"},
        {"parse_json(l)", "OTHER '7'"},
        {"parse_json('{\"q\": 1}')", "OTHER '{\"q\":1}'"},
        {"nosuch(1)", "! the function 'nosuch' is not known here"},
        {"lowr(s)", "! did you mean 'lower'?"},
        {"strlen(s, 1)", "! the function 'strlen' takes 1 argument, found 2"},
        {"substring(s)", "! takes 2 to 3 arguments, found 1"},
        {"cast(l, 'BLOB')", "! expected 'LONG', 'DOUBLE', 'FLOAT', 'STRING' or 'ARRAY<...>' of these, found 'BLOB'"},
        {"map((x, y) -> x, s)", "! 'map' takes a lambda of 1 parameter first, as in x -> x + 1"},
        {"[1] == l", "! Cannot apply '=' to arguments of type '<ARRAY> = <BIGINT>'"},
    };
    env e;
    env_init(&e);
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_error err = OV_ERROR_INIT;
        const ov_native *tree;
        const ov_expr *x = NULL;
        ov_vec v;
        ov_buf got;
        ov_buf_init(&got);
        ov_status st = ov_native_parse(ov_slice_cstr(rows[i].text), &e.arena, &tree, &err);
        if (st == OV_OK)
            st = ov_native_bind(tree, &e.scope, &e.cx, &x, &err);
        if (st == OV_OK)
            st = ov_eval_expr(e.ev, x, &e.batch, &v, &err);
        if (st == OV_OK)
            lib_print(x, &v, 0, &got);
        else
            ov_buf_addf(&got, "! %s", err.text);
        const char *text = ov_buf_cstr(&got), *wanted = rows[i].answer;
        if (wanted[0] == '!' ? text[0] != '!' || !strstr(text, wanted + 2) : strcmp(text, wanted) != 0)
            fail_msg("%s\n    is     %s\n    wanted %s", rows[i].text, text, wanted);
        ov_buf_fini(&got);
        ov_eval_next_batch(e.ev);
    }
    env_fini(&e);
}

/* ---- filters ---- */

static void filters(void **state)
{
    (void)state;
    static const row rows[] = { /* 1 true, 0 false or unknown */
        {"{'type':'true'}", "1"},
        {"{'type':'false'}", "0"},
        {"{'type':'selector','dimension':'s','value':'Hello'}", "1"},
        {"{'type':'selector','dimension':'l','value':'7'}", "1"},
        {"{'type':'selector','dimension':'l','value':7}", "1"},
        {"{'type':'selector','dimension':'l','value':'x'}", "0"},
        {"{'type':'not','field':{'type':'selector','dimension':'l','value':'x'}}", "1"},
        {"{'type':'selector','dimension':'ns','value':null}", "1"},
        {"{'type':'selector','dimension':'missing','value':null}", "1"},
        {"{'type':'selector','dimension':'ns','value':'x'}", "0"},
        {"{'type':'not','field':{'type':'selector','dimension':'ns','value':'x'}}", "0"},
        {"{'type':'isfalse','field':{'type':'selector','dimension':'s','value':'x'}}", "1"},
        {"{'type':'istrue','field':{'type':'selector','dimension':'ns','value':'x'}}", "0"},
        {"{'type':'equals','column':'l','matchValueType':'LONG','matchValue':7}", "1"},
        {"{'type':'equals','column':'d','matchValueType':'DOUBLE','matchValue':2.5}", "1"},
        {"{'type':'null','column':'nl'}", "1"},
        {"{'type':'in','dimension':'s','values':['a','Hello']}", "1"},
        {"{'type':'in','dimension':'l','values':['x','7']}", "1"},
        {"{'type':'in','dimension':'ns','values':['x',null]}", "1"},
        {"{'type':'in','dimension':'s','values':[]}", "0"},
        {"{'type':'inType','column':'l','matchValueType':'LONG','sortedValues':[1,7]}", "1"},
        {"{'type':'bound','dimension':'s','lower':'H','upper':'I'}", "1"},
        {"{'type':'bound','dimension':'s','lower':'Hello','lowerStrict':true}", "0"},
        {"{'type':'bound','dimension':'l','lower':'10'}", "1"}, /* as text: '7' > '10' */
        {"{'type':'bound','dimension':'l','lower':'10','ordering':'numeric'}", "0"},
        {"{'type':'bound','dimension':'ns','upper':'x'}", "1"},
        {"{'type':'bound','dimension':'s','lower':'xxx','ordering':'strlen'}", "1"},
        {"{'type':'range','column':'l','matchValueType':'LONG','lower':7,'lowerOpen':true}", "0"},
        {"{'type':'range','column':'l','matchValueType':'LONG','lower':7,'upper':9,'upperOpen':true}", "1"},
        {"{'type':'interval','dimension':'__time','intervals':['2015-09-12/2015-09-13']}", "1"},
        {"{'type':'interval','dimension':'__time','intervals':['2014/2015','2016/2017']}", "0"},
        {"{'type':'like','dimension':'s','pattern':'He%'}", "1"},
        {"{'type':'regex','dimension':'s','pattern':'l+o$'}", "1"},
        {"{'type':'search','dimension':'s','query':{'type':'contains','value':'hel'}}", "1"},
        {"{'type':'search','dimension':'s','query':{'type':'contains','value':'hel','caseSensitive':true}}", "0"},
        {"{'type':'search','dimension':'s','query':{'type':'fragment','values':['h','lo']}}", "1"},
        {"{'type':'columnComparison','dimensions':['ns','nl']}", "1"},
        {"{'type':'columnComparison','dimensions':['s','l']}", "0"},
        {"{'type':'expression','expression':'l > 5 && s == \\'Hello\\''}", "1"},
        {"{'type':'and','fields':[{'type':'true'},{'type':'null','column':'s'}]}", "0"},
        {"{'type':'or','fields':[{'type':'true'},{'type':'null','column':'s'}]}", "1"},
        {"{'type':'and','fields':[]}", "! fields: expected at least one filter"},
        {"{'type':'nope'}", "! type: unknown filter 'nope'"},
        {"{'type':'javascript','dimension':'s','function':''}", "! JavaScript is disabled"},
        {"{'type':'selector','value':'x'}", "! 'dimension' is missing"},
        {"{'type':'or','fields':[{'type':'true'},{'type':'bound','dimension':'s'}]}", "! fields[1]: a bound needs"},
        {"{'type':'expression','expression':'l >'}", "! expected an expression at the end"},
        {"{'type':'selector','dimension':'j','value':'x'}", "0"},
        {"{'type':'interval','dimension':'__time','intervals':['x']}", "! intervals[0]"},
    };
    env e;
    env_init(&e);
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_error err = OV_ERROR_INIT;
        ov_json *json;
        const ov_expr *x = NULL;
        ov_slice text;
        ov_buf got;
        uint64_t mask = 0;
        uint32_t n = 0;
        ov_buf_init(&got);
        /* quotes are easier to read single; a backslash keeps one */
        check_ok(ov_arena_copy(&e.arena, ov_slice_cstr(rows[i].text), &text, &err), &err);
        ov_buf doc;
        ov_buf_init(&doc);
        for (size_t k = 0; k < text.n; k++)
            if (text.p[k] == '\\')
                ov_buf_add_char(&doc, text.p[++k]);
            else
                ov_buf_add_char(&doc, text.p[k] == '\'' ? '"' : text.p[k]);
        check_ok(ov_json_parse(ov_buf_slice(&doc), NULL, &e.arena, &json, &err), &err);
        ov_status st = ov_native_filter(json, &e.scope, &e.cx, &x, &err);
        if (st == OV_OK)
            st = ov_eval_filter(e.ev, x, &e.batch, &mask, NULL, &n, &err);
        if (st == OV_OK)
            ov_buf_addf(&got, "%u", n);
        else
            ov_buf_addf(&got, "! %s", err.text);
        const char *is = ov_buf_cstr(&got), *wanted = rows[i].answer;
        if (wanted[0] == '!' ? is[0] != '!' || !strstr(is, wanted + 2) : strcmp(is, wanted) != 0)
            fail_msg("%s\n    is     %s\n    wanted %s", rows[i].text, is, wanted);
        ov_buf_fini(&doc);
        ov_buf_fini(&got);
        ov_eval_next_batch(e.ev);
    }
    env_fini(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),  cmocka_unit_test(limits),  cmocka_unit_test(table_is_sorted),
        cmocka_unit_test(values), cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
