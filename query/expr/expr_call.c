/*
 * Calls by name: the function table, looking names up, and the steps every call takes: arity, binder, node,
 * logical simplification, folding.
 */
#include "query/expr/expr_int.h"

#include <pthread.h>
#include <stdio.h>

#include "base/suggest.h"

/* Sorted by name as strcmp sorts (a test holds it to that). */
static const ov_function functions[] = {
#define FN_EVAL(nm, mn, mx, fl, o, b, f, sig)                                                      \
    {.name = nm, .min_args = mn, .max_args = mx, .flags = fl, .op = o, .bind = b, .eval = f, .signatures = sig},
#define FN_TEST(nm, mn, mx, fl, o, b, f, sig)                                                      \
    {.name = nm, .min_args = mn, .max_args = mx, .flags = fl, .op = o, .bind = b, .test = f, .signatures = sig},
#define FN_LAZY(nm, mn, mx, fl, o, b, f, sig)                                                      \
    {.name = nm, .min_args = mn, .max_args = mx, .flags = fl, .op = o, .bind = b, .lazy = f, .signatures = sig},
#define FN_TRUTH(nm, mn, mx, fl, o, b, f, sig)                                                     \
    {.name = nm, .min_args = mn, .max_args = mx, .flags = fl, .op = o, .bind = b, .lazy_test = f, .signatures = sig},
#define FN_BIND(nm, mn, mx, fl, o, b, sig)                                                         \
    {.name = nm, .min_args = mn, .max_args = mx, .flags = fl, .op = o, .bind = b, .signatures = sig},
#include "query/expr/functions.def"
#undef FN_EVAL
#undef FN_TEST
#undef FN_LAZY
#undef FN_TRUTH
#undef FN_BIND
};

uint32_t ovi_function_count(void)
{
    return (uint32_t)OV_COUNT_OF(functions);
}

const ov_function *ovi_function_at(uint32_t i)
{
    return &functions[i];
}

/* Compares s in upper case with a table name. */
static int compare_upper(ov_slice s, const char *name)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i], d = (unsigned char)name[i];
        if (c >= 'a' && c <= 'z')
            c = (unsigned char)(c - 32);
        if (c != d || d == 0)
            return c < d ? -1 : 1;
    }
    return name[s.n] ? -1 : 0;
}

const ov_function *ovi_function_find(ov_slice name)
{
    size_t low = 0, high = OV_COUNT_OF(functions);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = compare_upper(name, functions[mid].name);
        if (c == 0)
            return &functions[mid];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

bool ov_function_exists(ov_slice name)
{
    const ov_function *fn = ovi_function_find(name);
    return fn && !(fn->flags & OVI_HIDDEN);
}

static ov_function_doc docs[OV_COUNT_OF(functions)], operators[OV_COUNT_OF(functions)];
static uint32_t doc_count, operator_count;
static pthread_once_t listed = PTHREAD_ONCE_INIT;

static void list_docs(void)
{
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++) {
        const ov_function *fn = &functions[i];
        ov_function_doc doc = {fn->name, fn->signatures, false};
        if (!(fn->flags & OVI_HIDDEN))
            docs[doc_count++] = doc;
        else if (fn->name[0] != '$' && fn->signatures[0] && strcmp(fn->name, "!=") != 0)
            operators[operator_count++] = doc;
    }
}

uint32_t ov_function_docs(const ov_function_doc **out)
{
    pthread_once(&listed, list_docs);
    *out = docs;
    return doc_count;
}

uint32_t ov_operator_docs(const ov_function_doc **out)
{
    pthread_once(&listed, list_docs);
    *out = operators;
    return operator_count;
}

/* ---- errors ---- */

static const char *family(const ov_expr *e)
{
    ov_sqltype t = (ov_sqltype)e->sql;
    if (ov_sqltype_is_number(t))
        return "NUMERIC";
    if (ov_sqltype_is_text(t))
        return "CHARACTER";
    if (t == OV_SQL_INTERVAL_MS || t == OV_SQL_INTERVAL_MONTH)
        return "INTERVAL";
    return ov_sqltype_name(t);
}

/* What other databases call a function that is written differently here; NULL for others. */
static const char *foreign_function(ov_slice name)
{
    static const struct {
        const char *name, *ours;
    } foreign[] = {
#define FOREIGN(name, ours) {name, ours},
#include "query/expr/foreign.def"
#undef FOREIGN
    };
    for (size_t i = 0; i < OV_COUNT_OF(foreign); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(foreign[i].name)))
            return foreign[i].ours;
    return NULL;
}

static ov_status unknown_function(ov_slice name, const ov_expr **args, uint32_t argc, uint32_t pos,
                                  uint32_t end_pos, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        ov_buf_add_char(&text, (char)(c >= 'a' && c <= 'z' ? c - 32 : c));
    }
    ov_buf_add_char(&text, '(');
    for (uint32_t i = 0; i < argc; i++)
        ov_buf_addf(&text, "%s<%s>", i ? ", " : "", family(args[i]));
    ov_buf_add_char(&text, ')');

    ov_suggest near;
    ov_suggest_init(&near, name);
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (!(functions[i].flags & OVI_HIDDEN))
            ov_suggest_offer(&near, ov_slice_cstr(functions[i].name));
    char hint[OV_SUGGEST_BYTES];
    const char *ours = foreign_function(name);
    ov_status st = ov_fail_at(err, OV_INVALID, pos, end_pos,
                              "No match found for function signature " OV_SLICE_FMT "%s%s",
                              OV_SLICE_ARG(ov_buf_slice(&text)), ours ? "; write " : "",
                              ours ? ours : ov_suggest_text(&near, hint));
    ov_buf_fini(&text);
    return st;
}

/* "; it is called as F(<A>) or F(<A>, <B>)", from the signatures. */
static void add_forms(const ov_function *fn, ov_buf *out)
{
    ov_buf_add_str(out, "; it is called as ");
    for (const char *p = fn->signatures; *p; p++) {
        if (*p == '\n')
            ov_buf_add_str(out, " or ");
        else if (*p != '\'')
            ov_buf_add_char(out, *p);
    }
}

static ov_status wrong_arity(const ov_function *fn, uint32_t pos, uint32_t end_pos, ov_error *err)
{
    char wanted[48];
    ov_buf forms;
    ov_buf_init(&forms);
    if (!(fn->flags & OVI_HIDDEN))
        add_forms(fn, &forms);
    if (fn->max_args < 0)
        snprintf(wanted, sizeof wanted, "at least %d", fn->min_args);
    else if (fn->min_args == fn->max_args)
        snprintf(wanted, sizeof wanted, "%d", fn->min_args);
    else
        snprintf(wanted, sizeof wanted, "%d to %d", fn->min_args, fn->max_args);
    ov_status st = ov_fail_at(err, OV_INVALID, pos, end_pos,
                              "Invalid number of arguments to function '%s'. Was expecting %s arguments" OV_SLICE_FMT,
                              fn->name, wanted, OV_SLICE_ARG(ov_buf_slice(&forms)));
    ov_buf_fini(&forms);
    return st;
}

/* ---- the call ---- */

static void summarise(ov_expr *e)
{
    e->deterministic = !(e->kind == OV_EXPR_CALL && (e->fn->flags & OVI_VOLATILE));
    uint64_t parts = 1;
    for (uint32_t i = 0; i < e->argc; i++) {
        int32_t c = e->args[i]->only_column;
        parts += ovi_parts(e->args[i]);
        e->deterministic = e->deterministic && e->args[i]->deterministic;
        if (c == OV_EXPR_NO_COLUMN || c == e->only_column)
            continue;
        e->only_column = e->only_column == OV_EXPR_NO_COLUMN ? c : OV_EXPR_MANY_COLUMNS;
    }
    e->parts = (uint32_t)OV_MIN(parts, (uint64_t)UINT32_MAX);
}

/* Trees share sub-trees: NULLIF(x, y), x BETWEEN a AND b and CASE x WHEN ... hold x more than once, and nested ones double
 * with every level, as would the time of every walk over them. Long statements are no such trees. */
static ov_status check_parts(const ovi_bind *b, const ov_expr *e, ov_error *err)
{
    enum { SHARED_PARTS = 1 << 19, PARTS_PER_NODE = 256 };
    if (e->parts <= SHARED_PARTS || e->parts / PARTS_PER_NODE <= b->cx->next_id)
        return OV_OK;
    return ov_fail_at(err, OV_LIMIT, b->pos, b->end_pos,
                      "'%s' has an argument that repeats its own arguments again and again: %u parts in all; compute the inner ones in a sub-query",
                      b->fn->name, (unsigned)e->parts);
}

ov_status ovi_bound_call(const ovi_bind *b, const ov_expr **out, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(b->cx, OV_EXPR_CALL, b->sql, b->type, &e, err));
    e->fn = b->fn;
    e->args = b->args;
    e->argc = b->argc;
    e->elem_sql = (uint8_t)b->elem_sql;
    e->nullable = b->nullable;
    e->prepared = b->prepared;
    e->pos = b->pos;
    e->end_pos = b->end_pos;
    summarise(e);
    OV_TRY(check_parts(b, e, err));
    b->cx->made_volatile |= (e->fn->flags & OVI_VOLATILE) != 0;
    const ov_expr *simple;
    OV_TRY(ovi_simplify(b->cx, e, &simple, err));
    return ovi_fold(b->cx, simple, out, err);
}

/* The bound call, or what takes its place; `single`: the same over single values of multi-value strings. */
static ov_status finish(const ovi_bind *b, const ov_expr *single, const ov_expr **out, ov_error *err)
{
    if (b->replace)
        *out = b->replace;
    else
        OV_TRY(ovi_bound_call(b, out, err));
    return single ? ovi_with_single(b->cx, *out, single, out, err) : OV_OK;
}

static ov_status bind_named(ov_expr_ctx *cx, ov_slice name, bool each, const ov_expr **args, uint32_t argc,
                            uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    const ov_function *fn = ovi_function_find(name);
    if (!fn)
        return unknown_function(name, args, argc, pos, end_pos, err);
    if ((int)argc < fn->min_args || (fn->max_args >= 0 && (int)argc > fn->max_args))
        return wrong_arity(fn, pos, end_pos, err);
    ovi_bind b = {.cx = cx, .fn = fn, .argc = argc, .pos = pos, .end_pos = end_pos};
    OV_TRY(ov_arena_alloc(cx->arena, (argc + 1) * sizeof *b.args, &b.args, err));
    for (uint32_t i = 0; i < argc; i++) {
        b.args[i] = args[i];
        b.nullable = b.nullable || args[i]->nullable;
    }
    const ov_expr *single;
    OV_TRY(ovi_bind_multi(&b, each, &single, err));
    if (!b.replace)
        OV_TRY(fn->bind(&b, err));
    return finish(&b, single, out, err);
}

ov_status ov_expr_call(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                       uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    return bind_named(cx, name, false, args, argc, pos, end_pos, out, err);
}

ov_status ov_expr_call_each(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                            uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    return bind_named(cx, name, true, args, argc, pos, end_pos, out, err);
}

ov_status ovi_call_fn(ov_expr_ctx *cx, const char *name, const ov_expr **args, uint32_t argc,
                      uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    return ov_expr_call(cx, ov_slice_cstr(name), args, argc, pos, end_pos, out, err);
}

ov_status ov_expr_cast(ov_expr_ctx *cx, const ov_expr *arg, ov_sqltype to, ov_type to_native,
                       uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    const ov_function *fn = ovi_function_find(OV_SLICE_LIT("CAST"));
    ovi_bind b = {.cx = cx,
                  .fn = fn,
                  .argc = 1,
                  .pos = pos,
                  .end_pos = end_pos,
                  .nullable = arg->nullable,
                  .sql = to,
                  .type = to_native};
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *b.args, &b.args, err));
    b.args[0] = arg;
    const ov_expr *single;
    OV_TRY(ovi_multi_cast(&b, &single, err));
    if (!b.replace)
        OV_TRY(fn->bind(&b, err));
    return finish(&b, single, out, err);
}
