/*
 * A program is a list of units, each one expression over slots. A slot is a raw field, or json_value(...) of a unit:
 * what a path finds has a kind only the row knows, so it is taken out first and its kind counts like that of a field.
 * Units are in the order they must run; the filter comes behind them and sees what the transforms made, and so do the fields that metrics
 * need, behind the filter: their conditions and expressions are outputs too.
 *
 *   row -> slots -> units (json_value slots in between) -> output fields -> filter -> fields of metrics
 */
#include "server/task_transform.h"

#include <stdatomic.h>

#include "base/thread.h"
#include "base/tz.h"
#include "ingest/parse/transform.h"
#include "query/native/native_expr.h"
#include "server/task_transform_int.h"

/* ---- compiling: slots ---- */

typedef struct compiler {
    program *p;
    ov_arena *out;
} compiler;

static ov_status compile_unit(compiler *c, const ov_native *tree, bool made, uint32_t *index, ov_error *err);

static ov_status grow(ov_arena *a, void *items, uint32_t count, size_t width, ov_error *err)
{
    void **list = items, *bigger;
    if (count & (count - 1)) /* room is always the next power of two */
        return OV_OK;
    OV_TRY(ov_arena_alloc(a, (count ? 2 * (size_t)count : 1) * width, &bigger, err));
    if (count)
        memcpy(bigger, *list, count * width);
    *list = bigger;
    return OV_OK;
}

static ov_status add_slot(compiler *c, slot s, uint32_t *index, ov_error *err)
{
    program *p = c->p;
    OV_TRY(grow(c->out, &p->slots, p->slot_count, sizeof *p->slots, err));
    *index = p->slot_count;
    p->slots[p->slot_count++] = s;
    return OV_OK;
}

/* A raw field, or once `made` (for the filter and for metrics) the output of that name. */
static ov_status field_slot(compiler *c, ov_slice name, bool made, uint32_t *index, ov_error *err)
{
    program *p = c->p;
    slot s = {.kind = SLOT_INPUT};
    for (uint32_t i = 0; made && i < p->output_count; i++)
        if (ov_slice_eq(p->outputs[i], name))
            s = (slot){.kind = SLOT_OUTPUT, .from = i};
    if (s.kind == SLOT_INPUT) {
        uint32_t i = 0;
        while (i < p->input_count && !ov_slice_eq(p->inputs[i], name))
            i++;
        if (i == p->input_count) {
            OV_TRY(grow(c->out, &p->inputs, p->input_count, sizeof *p->inputs, err));
            OV_TRY(ov_arena_copy(c->out, name, &p->inputs[p->input_count], err));
            p->input_count++;
        }
        s.from = i;
    }
    for (*index = 0; *index < p->slot_count; ++*index)
        if (p->slots[*index].kind == s.kind && p->slots[*index].from == s.from)
            return OV_OK;
    return add_slot(c, s, index, err);
}

/* The unit reads this slot under that name, or in place of that node. */
static ov_status use_slot(compiler *c, unit *u, uint32_t index, ov_slice name, const ov_native *node, ov_error *err)
{
    for (uint32_t i = 0; i < u->use_count; i++)
        if (u->uses[i].slot == index && u->uses[i].node == node && (node || ov_slice_eq(u->uses[i].name, name)))
            return OV_OK;
    if (u->use_count == MAX_USES)
        return ov_fail(err, OV_LIMIT, "an expression of the transformSpec reads more than %d fields", MAX_USES);
    OV_TRY(grow(c->out, &u->uses, u->use_count, sizeof *u->uses, err));
    u->uses[u->use_count++] = (use){.slot = index, .name = name, .node = node};
    return OV_OK;
}

static bool is_dynamic(const ov_native *n)
{
    return n->kind == OV_NATIVE_CALL && n->argc == 2 && ov_slice_ieq(n->text, OV_SLICE_LIT("json_value")) &&
           n->args[1]->kind == OV_NATIVE_STRING;
}

/* Once: an expression of a metric reads it. */
static ov_status note_metric(compiler *c, ov_slice name, ov_error *err)
{
    program *p = c->p;
    for (uint32_t i = 0; i < p->of_metrics_count; i++)
        if (ov_slice_eq(p->of_metrics[i], name))
            return OV_OK;
    OV_TRY(grow(c->out, &p->of_metrics, p->of_metrics_count, sizeof *p->of_metrics, err));
    OV_TRY(ov_arena_copy(c->out, name, &p->of_metrics[p->of_metrics_count], err));
    p->of_metrics_count++;
    return OV_OK;
}

/* Names and json_value calls of a tree; what is inside such a call belongs to the call's own unit. */
static ov_status collect(compiler *c, unit *u, const ov_native *n, bool made, ov_error *err)
{
    uint32_t index;
    if (n->kind == OV_NATIVE_NAME) {
        if (made)
            OV_TRY(note_metric(c, n->text, err));
        OV_TRY(field_slot(c, n->text, made, &index, err));
        return use_slot(c, u, index, n->text, NULL, err);
    }
    if (is_dynamic(n)) {
        slot s = {.kind = SLOT_JSON};
        OV_TRY(compile_unit(c, n, made, &s.from, err));
        OV_TRY(add_slot(c, s, &index, err));
        return use_slot(c, u, index, (ov_slice){0}, n, err);
    }
    for (uint32_t i = 0; i < n->argc; i++)
        OV_TRY(collect(c, u, n->args[i], made, err));
    return OV_OK;
}

static ov_status new_unit(compiler *c, const ov_native *tree, unit **out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(c->out, sizeof **out, out, err));
    (*out)->tree = tree;
    atomic_init(&(*out)->forms, NULL);
    return OV_OK;
}

static ov_status add_unit(compiler *c, unit *u, uint32_t *index, ov_error *err)
{
    program *p = c->p;
    OV_TRY(grow(c->out, &p->units, p->unit_count, sizeof *p->units, err));
    *index = p->unit_count;
    p->units[p->unit_count++] = u;
    return OV_OK;
}

/* json_value(x, path) at the top becomes a query for the scalar as JSON, so that its kind survives. */
static ov_status compile_unit(compiler *c, const ov_native *tree, bool made, uint32_t *index, ov_error *err)
{
    unit *u;
    OV_TRY(new_unit(c, tree, &u, err));
    if (is_dynamic(tree)) {
        ov_native *query;
        OV_TRY(ov_arena_alloc(c->out, sizeof *query, &query, err));
        *query = *tree;
        query->text = OV_SLICE_LIT("json_query");
        u->tree = query;
        u->scalar_only = true;
    }
    OV_TRY(collect(c, u, u->tree, made, err));
    u->whole_slot = u->tree->kind == OV_NATIVE_NAME ? u->uses[0].slot : NO_SLOT;
    return add_unit(c, u, index, err);
}

/* ---- compiling: the document ---- */

static ov_status add_output(compiler *c, uint32_t index, ov_slice name, ov_error *err)
{
    program *p = c->p;
    p->units[index]->output = p->output_count + 1;
    OV_TRY(grow(c->out, &p->outputs, p->output_count, sizeof *p->outputs, err));
    OV_TRY(ov_arena_copy(c->out, name, &p->outputs[p->output_count], err));
    p->output_count++;
    return OV_OK;
}

/* The member `expression` as an output; made: of the outputs so far. */
static ov_status compile_expression(compiler *c, const ov_json *t, ov_slice name, bool made, ov_error *err)
{
    const ov_native *tree;
    ov_slice text;
    uint32_t index;
    OV_TRY(ov_json_need_str(t, "expression", &text, err));
    ov_status st = ov_native_parse(text, c->out, &tree, err);
    if (st == OV_OK)
        st = ov_native_check(tree, err);
    if (st != OV_OK) {
        ov_error why = *err;
        return ov_json_fail(ov_json_get(t, "expression"), err, st, "%s", why.text);
    }
    OV_TRY(compile_unit(c, tree, made, &index, err));
    return add_output(c, index, name, err);
}

static ov_status compile_transform(compiler *c, const ov_json *t, ov_error *err)
{
    const program *p = c->p;
    ov_slice type, name;
    OV_TRY(ov_json_expect(t, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(t, "type", &type, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("expression")))
        return ov_json_fail(ov_json_get(t, "type"), err, OV_UNSUPPORTED,
                            "the transform '" OV_SLICE_FMT "' is not supported; use 'expression'", OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_str(t, "name", &name, err));
    for (uint32_t i = 0; i < p->output_count; i++)
        if (ov_slice_eq(p->outputs[i], name))
            return ov_json_fail(t, err, OV_INVALID, "the transform '" OV_SLICE_FMT "' is defined twice",
                                OV_SLICE_ARG(name));
    return compile_expression(c, t, name, false, err);
}

typedef struct filter_names {
    compiler *c;
    unit *u;
} filter_names;

static ov_status see_filter_name(void *ctx, ov_slice name, ov_error *err)
{
    const filter_names *f = ctx;
    uint32_t index;
    OV_TRY(ov_arena_copy(f->c->out, name, &name, err));
    OV_TRY(field_slot(f->c, name, true, &index, err));
    return use_slot(f->c, f->u, index, name, NULL, err);
}

static ov_status compile_filter(compiler *c, const ov_json *filter, uint32_t *index, ov_error *err)
{
    unit *u;
    OV_TRY(new_unit(c, NULL, &u, err));
    u->filter = filter;
    u->whole_slot = NO_SLOT;
    OV_TRY(ov_native_filter_columns(filter, see_filter_name, &(filter_names){c, u}, err));
    return add_unit(c, u, index, err);
}

/* A field that a metric needs (ov_spec.made_json). */
static ov_status compile_made(compiler *c, const ov_json *m, ov_error *err)
{
    const ov_json *filter;
    ov_slice name;
    uint32_t index;
    OV_TRY(ov_json_need_str(m, "name", &name, err));
    OV_TRY(ov_json_obj(m, "filter", &filter, err));
    if (!filter)
        return compile_expression(c, m, name, true, err);
    OV_TRY(compile_filter(c, filter, &index, err));
    return add_output(c, index, name, err);
}

static void free_program(void *arg)
{
    program *p = arg;
    for (runner *r = p->idle, *next; r; r = next) {
        next = r->next;
        ov_eval_destroy(r->ev);
        ov_free(r);
    }
    ov_mutex_fini(&p->lock);
    ov_arena_fini(&p->forms);
}

static ov_status compile(void *ctx, ov_slice transform_json, ov_arena *out, void **result, ov_error *err)
{
    ov_json *doc;
    const ov_json *list, *filter;
    program *p;
    uint32_t index;
    (void)ctx;
    OV_TRY(ov_arena_zalloc(out, sizeof *p, &p, err));
    p->self = p;
    ov_mutex_init(&p->lock);
    ov_arena_init(&p->forms, "transforms", out->budget);
    ov_status st = ov_arena_on_exit(out, free_program, p, err);
    if (st != OV_OK) {
        free_program(p);
        return st;
    }
    p->cx = (ov_expr_ctx){.arena = &p->forms, .next_id = 1};
    OV_TRY(ov_tz_get(OV_SLICE_LIT("UTC"), &p->cx.tz, err));
    OV_TRY(ov_arena_copy(out, transform_json, &transform_json, err));
    OV_TRY(ov_json_parse(transform_json, NULL, out, &doc, err));
    OV_TRY(ov_json_arr(doc, "transforms", &list, err));
    OV_TRY(ov_json_obj(doc, "filter", &filter, err));
    compiler c = {.p = p, .out = out};
    for (const ov_json *t = list ? list->first : NULL; t; t = t->next)
        OV_TRY(compile_transform(&c, t, err));
    if (filter)
        OV_TRY(compile_filter(&c, filter, &index, err));
    OV_TRY(ov_json_arr(doc, "metrics", &list, err));
    for (const ov_json *m = list ? list->first : NULL; m; m = m->next)
        OV_TRY(compile_made(&c, m, err));
    *result = p;
    return OV_OK;
}

static uint32_t inputs(const void *prog, const ov_slice **names)
{
    const program *p = prog;
    *names = p->inputs;
    return p->input_count;
}

static uint32_t outputs(const void *prog, const ov_slice **names)
{
    const program *p = prog;
    *names = p->outputs;
    return p->output_count;
}

static uint32_t of_metrics(const void *prog, const ov_slice **names)
{
    const program *p = prog;
    *names = p->of_metrics;
    return p->of_metrics_count;
}

const ov_transform_ops ov_transforms = {
    .compile = compile, .inputs = inputs, .outputs = outputs, .of_metrics = of_metrics, .run = ovi_transform_run};
