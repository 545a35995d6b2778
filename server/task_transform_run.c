/*
 * A row through a compiled transformSpec (task_transform.c): its fields as values, each unit bound to the kinds that the row's
 * fields have, results as fields again. Bound forms are kept, so a kind of row is bound once.
 */
#include "server/task_transform_int.h"

#include "base/numfmt.h"
#include "base/numparse.h"
#include "ingest/parse/transform.h"

enum { MAX_FORMS = 1000 };

/* ---- binding to the kinds of a row ---- */

typedef struct binding {
    const unit *u;
    const uint8_t *kinds; /* value_kind of each use */
} binding;

static ov_status column_of(const binding *b, ov_expr_ctx *cx, uint32_t i, const ov_expr **out, ov_error *err)
{
    static const struct {
        ov_type type;
        ov_sqltype sql;
    } types[] = {[VALUE_NULL] = {{.id = OV_TYPE_NULL}, OV_SQL_NULL},
                 [VALUE_LONG] = {{.id = OV_TYPE_LONG}, OV_SQL_BIGINT},
                 [VALUE_DOUBLE] = {{.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE},
                 [VALUE_STRING] = {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
                 [VALUE_JSON] = {{.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON}, OV_SQL_OTHER},
                 [VALUE_LONGS] = {{.id = OV_TYPE_ARRAY, .elem = OV_TYPE_LONG}, OV_SQL_BIGINT},
                 [VALUE_DOUBLES] = {{.id = OV_TYPE_ARRAY, .elem = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE},
                 [VALUE_STRINGS] = {{.id = OV_TYPE_ARRAY, .elem = OV_TYPE_STRING}, OV_SQL_VARCHAR},
                 [VALUE_SEVERAL] = {{.id = OV_TYPE_STRING, .multi = 1}, OV_SQL_VARCHAR}};
    if (b->kinds[i] == VALUE_NULL)
        return OV_OK;
    if (types[b->kinds[i]].type.id == OV_TYPE_ARRAY)
        return ov_expr_array_column(cx, i, types[b->kinds[i]].type, types[b->kinds[i]].sql, true, out, err);
    return ov_expr_column(cx, i, types[b->kinds[i]].type, types[b->kinds[i]].sql, true, out, err);
}

static ov_status bind_name(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    const binding *b = ctx;
    for (uint32_t i = 0; i < b->u->use_count; i++)
        if (!b->u->uses[i].node && ov_slice_eq(b->u->uses[i].name, name))
            return column_of(b, cx, i, out, err);
    return OV_OK;
}

static ov_status bind_node(void *ctx, ov_expr_ctx *cx, const ov_native *node, const ov_expr **out, ov_error *err)
{
    const binding *b = ctx;
    for (uint32_t i = 0; i < b->u->use_count; i++)
        if (b->u->uses[i].node == node) {
            if (b->kinds[i] == VALUE_NULL)
                return ov_expr_null(cx, OV_SQL_NULL, out, err);
            return column_of(b, cx, i, out, err);
        }
    return OV_OK;
}

static ov_status bind_form(const unit *u, const uint8_t *kinds, ov_expr_ctx *cx, const ov_expr **out,
                           ov_error *err)
{
    binding b = {.u = u, .kinds = kinds};
    ov_native_scope scope = {.ctx = &b, .column = bind_name, .node = bind_node};
    if (u->filter)
        return ov_native_filter(u->filter, &scope, cx, out, err);
    return ov_native_bind(u->tree, &scope, cx, out, err);
}

static const form *find_form(const unit *u, const uint8_t *kinds)
{
    for (const form *f = atomic_load_explicit(&u->forms, memory_order_acquire); f; f = f->next)
        if (u->use_count == 0 || memcmp(f->kinds, kinds, u->use_count) == 0)
            return f;
    return NULL;
}

/* Forms are only ever added, in front, under the lock; readers need none. */
static ov_status make_form(program *p, unit *u, const uint8_t *kinds, const form **out, ov_error *err)
{
    form *f;
    ov_mutex_lock(&p->lock);
    *out = find_form(u, kinds);
    ov_status st = OV_OK;
    if (!*out && u->form_count == MAX_FORMS)
        st = ov_fail(err, OV_LIMIT, "the fields of an expression come in more than %d combinations of types", MAX_FORMS);
    if (!*out && st == OV_OK)
        st = ov_arena_zalloc(&p->forms, sizeof *f + u->use_count, &f, err);
    if (!*out && st == OV_OK) {
        if (u->use_count)
            memcpy(f->kinds, kinds, u->use_count);
        f->status = bind_form(u, kinds, &p->cx, &f->expr, &f->why); /* a failure is remembered as well */
        f->next = atomic_load_explicit(&u->forms, memory_order_relaxed);
        u->form_count++;
        atomic_store_explicit(&u->forms, f, memory_order_release);
        *out = f;
    }
    ov_mutex_unlock(&p->lock);
    return st;
}

/* ---- a row ---- */

/* As Druid sees it: whole numbers that fit are LONG, truth is LONG 0/1, arrays of plain values are arrays, what is nested is JSON. */
static ov_status value_of_field(const ov_field *f, bool filters, ov_arena *scratch, ov_vec *out, uint8_t *kind, ov_error *err)
{
    int64_t i;
    double d;
    static const ov_type json = {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};
    *kind = VALUE_NULL;
    switch ((ov_field_kind)f->kind) {
    case OV_FIELD_MISSING:
    case OV_FIELD_NULL:
        break;
    case OV_FIELD_TEXT:
        *kind = VALUE_STRING;
        *out = ov_vec_const_str(OV_T(OV_TYPE_STRING), f->text, 1);
        return OV_OK;
    case OV_FIELD_INT:
        if (ov_parse_i64(f->text, &i)) {
            *kind = VALUE_LONG;
            *out = ov_vec_const_i64(OV_T(OV_TYPE_LONG), i, 1);
            return OV_OK;
        }
        /* fall through */
    case OV_FIELD_REAL:
        if (!ov_parse_double(f->text, &d))
            return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is no number", OV_SLICE_ARG(f->text));
        *kind = VALUE_DOUBLE;
        *out = ov_vec_const_f64(OV_T(OV_TYPE_DOUBLE), d, 1);
        return OV_OK;
    case OV_FIELD_TRUE:
    case OV_FIELD_FALSE:
        *kind = VALUE_LONG;
        *out = ov_vec_const_i64(OV_T(OV_TYPE_LONG), f->kind == OV_FIELD_TRUE, 1);
        return OV_OK;
    case OV_FIELD_ARRAY:
    case OV_FIELD_OBJECT:
        *kind = VALUE_JSON;
        *out = ov_vec_const_str(json, f->text, 1);
        return f->kind == OV_FIELD_ARRAY ? ovi_transform_list(f->text, filters, scratch, out, kind, err) : OV_OK;
    case OV_FIELD_LIST:
        return ov_fail(err, OV_UNSUPPORTED, "expressions over several values in one field are not supported");
    }
    *out = ov_vec_null(OV_T(OV_TYPE_NULL), 1);
    return OV_OK;
}

/* Text of a field: nested values are followed by NULs, which the readers of ingestion rely on. */
static ov_status field_text(ov_slice s, uint8_t kind, ov_arena *scratch, ov_field *out, ov_error *err)
{
    enum { NULS = 64 };
    char *copy;
    OV_TRY(ov_arena_alloc(scratch, s.n + NULS, &copy, err));
    if (s.n)
        memcpy(copy, s.p, s.n);
    memset(copy + s.n, 0, NULS);
    *out = (ov_field){.kind = kind, .text = ov_slice_make(copy, s.n)};
    return OV_OK;
}

static ov_status field_of_json(ov_slice json, bool scalar_only, ov_arena *scratch, ov_field *out, ov_error *err)
{
    static const uint8_t kinds[] = {
        [OV_JSONR_NULL] = OV_FIELD_NULL,    [OV_JSONR_TRUE] = OV_FIELD_INT,   [OV_JSONR_FALSE] = OV_FIELD_INT,
        [OV_JSONR_INT] = OV_FIELD_INT,      [OV_JSONR_REAL] = OV_FIELD_REAL,  [OV_JSONR_STRING] = OV_FIELD_TEXT,
        [OV_JSONR_ARRAY] = OV_FIELD_ARRAY,  [OV_JSONR_OBJECT] = OV_FIELD_OBJECT};
    ov_jsonr_value v;
    *out = (ov_field){.kind = OV_FIELD_NULL};
    if (!ov_jsonr_read(json, &v, NULL, NULL) || v.kind == OV_JSONR_NULL ||
        (scalar_only && v.kind >= OV_JSONR_ARRAY))
        return OV_OK;
    if (v.kind == OV_JSONR_TRUE || v.kind == OV_JSONR_FALSE)
        v.text = ov_slice_make(v.kind == OV_JSONR_TRUE ? "1" : "0", 1);
    ov_slice text;
    OV_TRY(ov_jsonr_text(&v, scratch, &text, err));
    return field_text(text, kinds[v.kind], scratch, out, err);
}

/* As JSON; what JSON has no number for is a text. */
static void add_real(double d, ov_buf *out)
{
    char digits[OV_FMT_DOUBLE_BYTES];
    ov_slice text = ov_slice_make(digits, ov_fmt_double(d, digits));
    if (d - d == 0)
        ov_buf_add_slice(out, text);
    else
        ov_json_quote(out, text);
}

static ov_status field_of_value(const unit *u, const ov_vec *v, ov_arena *scratch, ov_field *out, ov_error *err)
{
    char digits[OV_FMT_DOUBLE_BYTES];
    size_t n;
    *out = (ov_field){.kind = OV_FIELD_NULL};
    if (ov_vec_is_null(v, 0))
        return OV_OK;
    if (ov_type_is_int(v->type)) {
        n = ov_fmt_i64(ov_vec_i64(v, 0), digits);
        return field_text(ov_slice_make(digits, n), OV_FIELD_INT, scratch, out, err);
    }
    if (ov_type_is_real(v->type)) {
        double d = ov_vec_f64(v, 0);
        n = ov_fmt_double(d, digits);
        return field_text(ov_slice_make(digits, n), d - d == 0 ? OV_FIELD_REAL : OV_FIELD_TEXT, scratch, out, err);
    }
    if (v->type.id == OV_TYPE_COMPLEX)
        return field_of_json(ov_vec_str(v, 0), u->scalar_only, scratch, out, err);
    if (!ov_type_is_list(v->type))
        return field_text(ov_vec_str(v, 0), OV_FIELD_TEXT, scratch, out, err);
    ov_buf text; /* lists go on as JSON arrays */
    uint32_t first, end;
    const ov_vec *items = ov_vec_list(v, 0, &first, &end);
    ov_buf_init(&text);
    ov_buf_add_char(&text, '[');
    for (uint32_t i = first; i < end; i++) {
        if (i > first)
            ov_buf_add_char(&text, ',');
        if (ov_vec_is_null(items, i))
            ov_buf_add_str(&text, "null");
        else if (ov_type_is_int(items->type))
            ov_buf_add(&text, digits, ov_fmt_i64(ov_vec_i64(items, i), digits));
        else if (ov_type_is_real(items->type))
            add_real(ov_vec_f64(items, i), &text);
        else if (items->type.id == OV_TYPE_COMPLEX)
            ov_buf_add_slice(&text, ov_vec_str(items, i));
        else
            ov_json_quote(&text, ov_vec_str(items, i));
    }
    ov_buf_add_char(&text, ']');
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = field_text(ov_buf_slice(&text), OV_FIELD_ARRAY, scratch, out, err);
    ov_buf_fini(&text);
    return st;
}

/* One row on its way. */
typedef struct row {
    program *p;
    runner *r;
    const ov_field *in;
    ov_arena *scratch;
    ov_field *out;
    ov_field *json; /* results of the units that json_value slots stand for, by unit */
} row;

static const ov_field *slot_field(const row *w, uint32_t index)
{
    const slot *s = &w->p->slots[index];
    return s->kind == SLOT_INPUT ? &w->in[s->from] : s->kind == SLOT_OUTPUT ? &w->out[s->from] : &w->json[s->from];
}

static ov_status batch_of(const row *w, const unit *u, ov_batch *batch, uint8_t *kinds, ov_error *err)
{
    OV_TRY(ov_arena_alloc(w->scratch, (u->use_count + (size_t)1) * sizeof *batch->col, &batch->col, err));
    for (uint32_t i = 0; i < u->use_count; i++)
        OV_TRY(value_of_field(slot_field(w, u->uses[i].slot), u->filter != NULL, w->scratch, &batch->col[i], &kinds[i], err));
    batch->cols = u->use_count;
    batch->rows = batch->sel_rows = 1;
    return OV_OK;
}

/* A name alone: the field goes on as it is, with what Druid makes of truth. */
static ov_status pass_on(const row *w, const unit *u, ov_field *out, ov_error *err)
{
    const ov_field *f = slot_field(w, u->whole_slot);
    *out = *f;
    if (f->kind != OV_FIELD_TRUE && f->kind != OV_FIELD_FALSE)
        return OV_OK;
    return field_text(ov_slice_make(f->kind == OV_FIELD_TRUE ? "1" : "0", 1), OV_FIELD_INT, w->scratch, out, err);
}

static ov_status run_unit(const row *w, uint32_t index, bool *keep, ov_error *err)
{
    unit *u = w->p->units[index];
    ov_field *out = u->output ? &w->out[u->output - 1] : &w->json[index];
    ov_batch batch = {0};
    uint8_t kinds[MAX_USES];
    ov_vec v;
    if (u->whole_slot != NO_SLOT)
        return pass_on(w, u, out, err);
    OV_TRY(batch_of(w, u, &batch, kinds, err));
    const form *f = find_form(u, kinds);
    if (!f)
        OV_TRY(make_form(w->p, u, kinds, &f, err));
    if (f->status != OV_OK) {
        *err = f->why;
        return f->status;
    }
    if (u->filter) {
        uint64_t mask = 0;
        uint32_t n = 0;
        OV_TRY(ov_eval_filter(w->r->ev, f->expr, &batch, &mask, NULL, &n, err));
        if (!u->output)
            *keep = n > 0;
        else if (n)
            OV_TRY(field_text(OV_SLICE_LIT("1"), OV_FIELD_INT, w->scratch, out, err));
    } else {
        OV_TRY(ov_eval_expr(w->r->ev, f->expr, &batch, &v, err));
        OV_TRY(field_of_value(u, &v, w->scratch, out, err));
    }
    ov_eval_next_batch(w->r->ev);
    return OV_OK;
}

static ov_status take_runner(program *p, runner **out, ov_error *err)
{
    ov_mutex_lock(&p->lock);
    *out = p->idle;
    if (p->idle)
        p->idle = p->idle->next;
    ov_mutex_unlock(&p->lock);
    if (*out)
        return OV_OK;
    *out = ov_malloc(sizeof **out);
    if (!*out)
        return ov_fail_nomem(err, sizeof **out);
    ov_status st = ov_eval_create(p->forms.budget, NULL, &(*out)->ev, err);
    if (st != OV_OK)
        ov_free(*out);
    return st;
}

static void give_back(program *p, runner *r)
{
    ov_eval_next_batch(r->ev);
    ov_mutex_lock(&p->lock);
    r->next = p->idle;
    p->idle = r;
    ov_mutex_unlock(&p->lock);
}

ov_status ovi_transform_run(const void *prog, const ov_field *in, ov_arena *scratch, ov_field *out, bool *keep,
                            ov_error *err)
{
    program *p = ((const program *)prog)->self;
    row w = {.p = p, .in = in, .scratch = scratch, .out = out};
    *keep = true;
    OV_TRY(ov_arena_zalloc(scratch, (p->unit_count + (size_t)1) * sizeof *w.json, &w.json, err));
    OV_TRY(take_runner(p, &w.r, err));
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < p->unit_count && st == OV_OK && *keep; i++)
        st = run_unit(&w, i, keep, err);
    give_back(p, w.r);
    return st;
}
