#include "ingest/load/sample.h"

#include "base/jsonw.h"
#include "base/os.h"
#include "ingest/load/sample_int.h"
#include "ingest/parse/convert.h"
#include "ingest/parse/rowparse.h"

typedef enum fate { UNREAD, LOADED, REJECTED, FILTERED } fate;

typedef struct sampled {
    ov_slice input;  /* JSON; empty when the row could not be read */
    ov_slice parsed; /* JSON; empty when it would not be stored */
    ov_slice why;    /* sentence of the reject, or of a value taken as NULL */
    uint8_t fate;
} sampled;

typedef struct sampler {
    const ov_spec *spec;
    const ov_load_env *env;
    const ov_sample_options *options;
    ov_arena arena;
    ov_inputs inputs;
    const ovi_plan *plan;
    ovi_discovery found;
    int64_t until_ms; /* monotonic; 0: no limit */
    sampled *list;

    /* the pass at hand */
    bool looking;      /* the first one */
    uint32_t count;    /* rows and row-shaped pieces seen */
    uint32_t block_at; /* count at the start of the block */
    uint64_t read, filtered, rejected; /* of the block's rows, as last seen */
    ov_error err;
} sampler;

/* ---- rows as they come out of the parser ---- */

static ov_slice root_name(const ovi_emit *e, uint32_t field)
{
    return field < e->plan->root_count ? e->plan->roots[field] : e->discovery->list[e->discovery_idx[field]].name;
}

static bool is_root(const ovi_plan *p, uint32_t field)
{
    return field < p->root_count || field >= p->field_count + OVI_OWN_FIELDS;
}

static ov_status print_input(sampler *s, ovi_emit *e, ov_slice *out, ov_error *err)
{
    ov_buf text;
    ov_jsonw w;
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_object(&w, NULL);
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < e->field_count && st == OV_OK; i++) {
        ov_slice value;
        if (!is_root(e->plan, i) || e->fields[i].kind == OV_FIELD_MISSING)
            continue;
        ov_jsonw_key(&w, root_name(e, i));
        if (e->fields[i].kind == OV_FIELD_NULL) {
            ov_jsonw_null(&w, NULL);
            continue;
        }
        st = ovi_field_json(&e->fields[i], s->spec->format.list_delimiter, &e->scratch, &value, err);
        if (st == OV_OK)
            ov_jsonw_raw(&w, NULL, value);
    }
    ov_jsonw_close_object(&w);
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(&s->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

static void add_row(sampler *s, uint8_t what, ovi_emit *e)
{
    uint32_t at = s->count++;
    if (at >= s->options->max_rows)
        return;
    s->list[at].fate = what;
    if (s->looking && e && s->err.code == OV_OK)
        (void)!print_input(s, e, &s->list[at].input, &s->err);
}

/* Pieces of input that were no rows, so that nobody told us about them. */
static void add_unread(sampler *s, uint64_t pieces)
{
    for (uint64_t i = 0; i < pieces; i++)
        add_row(s, UNREAD, NULL);
}

static void on_row(void *self, ovi_emit *e)
{
    sampler *s = self;
    const ov_rows *r = e->rows;
    uint64_t pieces = r->read - s->read;
    if (pieces == 0)
        return; /* the split failed as a whole */
    add_unread(s, pieces - 1);
    bool filtered = r->filtered > s->filtered, rejected = r->rejected - s->rejected > pieces - 1;
    add_row(s, filtered ? FILTERED : rejected ? REJECTED : LOADED, e);
    s->read = r->read;
    s->filtered = r->filtered;
    s->rejected = r->rejected;
}

/* ---- what became of them ---- */

/* In Druid's words: its console shows them beside the time column that was tried. */
static ov_status time_fault(sampler *s, ov_slice input, ov_slice *out, ov_error *err)
{
    ov_json *row;
    ov_buf text;
    OV_TRY(ov_json_parse(input, NULL, &s->arena, &row, err));
    ov_buf_init(&text);
    ovi_sample_print_time_fault(row, s->spec->timestamp.column, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(&s->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

static ov_status sentence(sampler *s, const ov_reject *why, ov_slice input, uint64_t lines_before, ov_slice *out, ov_error *err)
{
    bool time = why->of_time && input.n;
    OV_TRY(time ? time_fault(s, input, out, err) : ov_arena_copy(&s->arena, why->reason, out, err));
    if (!time && why->value.n)
        OV_TRY(ov_arena_printf(&s->arena, out, err, OV_SLICE_FMT ": " OV_SLICE_FMT, OV_SLICE_ARG(*out),
                               OV_SLICE_ARG(why->value)));
    if (why->line)
        OV_TRY(ov_arena_printf(&s->arena, out, err, OV_SLICE_FMT " (Line: %llu)", OV_SLICE_ARG(*out),
                               (unsigned long long)(why->line + lines_before)));
    return OV_OK;
}

/* The rejects of a block belong to its rejected rows in order; notes belong to the row after them, and are told only
 * when no reject stands between. */
static ov_status explain(sampler *s, const ov_rows *r, uint64_t lines_before, ov_error *err)
{
    uint32_t at = s->block_at, end = OV_MIN(s->count, s->options->max_rows);
    for (uint32_t i = 0; i < r->reject_count; i++) {
        const ov_reject *why = &r->rejects[i];
        if (why->loaded)
            continue;
        while (at < end && s->list[at].fate != UNREAD && s->list[at].fate != REJECTED)
            at++;
        if (at == end)
            break;
        OV_TRY(sentence(s, why, s->list[at].input, lines_before, &s->list[at].why, err));
        at++;
    }
    return OV_OK;
}

static ov_status print_parsed(sampler *s, const ov_rows *r, ov_error *err)
{
    uint32_t row = 0, end = OV_MIN(s->count, s->options->max_rows);
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = OV_OK;
    for (uint32_t at = s->block_at; at < end && st == OV_OK; at++) {
        if (s->list[at].fate != LOADED)
            continue;
        ov_buf_clear(&text);
        ovi_sample_print_row(s->plan, r, row++, &text);
        st = ov_buf_check(&text, err);
        if (st == OV_OK)
            st = ov_arena_copy(&s->arena, ov_buf_slice(&text), &s->list[at].parsed, err);
    }
    ov_buf_fini(&text);
    return st;
}

/* ---- a pass ---- */

static bool out_of_time(const sampler *s)
{
    return s->until_ms && ov_monotonic_ms() > s->until_ms;
}

static ov_status read_block(sampler *s, ovi_parser *p, const ovi_block *b, ov_rows *rows, uint64_t lines_before,
                            ov_error *err)
{
    ovi_rows_clear(rows);
    s->read = s->filtered = s->rejected = 0;
    s->block_at = s->count;
    ovi_parse_block(p, b, s->inputs.list[b->file].name, rows);
    add_unread(s, rows->read - s->read);
    if (rows->failed)
        *err = rows->err;
    else if (s->err.code != OV_OK)
        *err = s->err;
    OV_TRY(err->code);
    if (s->looking)
        return OV_OK;
    OV_TRY(explain(s, rows, lines_before, err));
    return print_parsed(s, rows, err);
}

static ov_status read_blocks(sampler *s, ovi_parser *p, ov_rows *rows, ov_error *err)
{
    ovi_splitter splitter;
    ovi_block block = {0};
    bool more = true;
    uint64_t lines = 0;
    uint32_t file = 0;
    ov_status st = OV_OK;
    ovi_splitter_init(&splitter, &s->inputs, &s->spec->format, &s->arena);
    while (st == OV_OK && s->count < s->options->max_rows && !out_of_time(s)) {
        if (s->env->cancel && atomic_load(s->env->cancel))
            st = ov_fail(err, OV_CANCELLED, "the sample was cancelled");
        if (st == OV_OK)
            st = ovi_splitter_next(&splitter, &block, &more, err);
        if (st != OV_OK || !more)
            break;
        if (block.file != file)
            lines = 0;
        file = block.file;
        st = read_block(s, p, &block, rows, lines, err);
        lines += rows->newlines;
    }
    ovi_block_fini(&block);
    ovi_splitter_fini(&splitter);
    return st;
}

static ov_status pass(sampler *s, ov_error *err)
{
    const ov_load_schema *schema = &s->plan->schema;
    ovi_parser *p = NULL;
    ov_rows *rows = NULL;
    ov_type *types;
    s->count = 0;
    OV_TRY(ov_arena_alloc(&s->arena, schema->column_count * sizeof *types, &types, err));
    for (uint32_t i = 0; i < schema->column_count; i++)
        types[i] = schema->columns[i].type;
    /* a row may have a note for every column besides */
    uint32_t rejects = OV_MIN(s->options->max_rows * (schema->column_count + 1), 100000u);
    ov_status st = ovi_rows_create(types, schema->column_count, rejects, &rows, err);
    if (st == OV_OK)
        st = ovi_parser_create(s->plan, s->looking ? &s->found : NULL, &p, err);
    if (st == OV_OK) {
        ovi_parser_tap(p, on_row, s);
        st = read_blocks(s, p, rows, err);
    }
    ovi_parser_destroy(p);
    ovi_rows_destroy(rows);
    return st;
}

/* ---- the document ---- */

static void print_row(const sampled *row, ov_jsonw *w)
{
    ov_jsonw_open_object(w, NULL);
    if (row->input.n)
        ov_jsonw_raw(w, "input", row->input);
    if (row->parsed.n)
        ov_jsonw_raw(w, "parsed", row->parsed);
    if (row->fate == UNREAD || row->fate == REJECTED) {
        ov_jsonw_bool(w, "unparseable", true);
        ov_jsonw_str(w, "error", row->why.n ? row->why : OV_SLICE_LIT("the row cannot be read"));
    }
    ov_jsonw_close_object(w);
}

static ov_status print(const sampler *s, ov_buf *json, ov_error *err)
{
    uint32_t n = OV_MIN(s->count, s->options->max_rows), loaded = 0;
    ov_jsonw w;
    for (uint32_t i = 0; i < n; i++)
        loaded += s->list[i].fate == LOADED;
    ov_jsonw_init(&w, json);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_u64(&w, "numRowsRead", n);
    ov_jsonw_u64(&w, "numRowsIndexed", loaded);
    ovi_sample_print_schema(s->plan, &w);
    ov_jsonw_open_array(&w, "data");
    for (uint32_t i = 0; i < n; i++)
        print_row(&s->list[i], &w);
    ov_jsonw_close_array(&w);
    ov_jsonw_close_object(&w);
    return ov_buf_check(json, err);
}

static ov_status run(sampler *s, ov_buf *json, ov_error *err)
{
    ovi_plan *plan;
    OV_TRY(ov_arena_zalloc(&s->arena, (s->options->max_rows + (size_t)1) * sizeof *s->list, &s->list, err));
    OV_TRY(ov_inputs_open(&s->spec->input, s->env, &s->arena, &s->inputs, err));
    OV_TRY(ovi_plan_discovery(s->spec, s->env, &s->arena, &plan, err));
    s->plan = plan;
    s->looking = true;
    OV_TRY(pass(s, err));
    s->looking = false;
    ovi_discovery_sort(&s->found);
    OV_TRY(ovi_plan_build(s->spec, s->env, s->found.list, s->found.count, &s->arena, &plan, err));
    s->plan = plan;
    uint32_t looked = s->count;
    s->until_ms = 0; /* what was seen is read again, whatever it takes */
    OV_TRY(pass(s, err));
    s->count = OV_MIN(s->count, looked);
    return print(s, json, err);
}

ov_status ov_sample_run(const ov_spec *spec, const ov_load_env *env, const ov_sample_options *options, ov_buf *json,
                        ov_error *err)
{
    sampler s = {.spec = spec, .env = env, .options = options, .err = OV_ERROR_INIT};
    if (options->timeout_ms > 0)
        s.until_ms = ov_monotonic_ms() + options->timeout_ms;
    ov_arena_init(&s.arena, "sample", env->budget);
    ovi_discovery_init(&s.found, &s.arena);
    ov_status st = run(&s, json, err);
    ov_inputs_close(&s.inputs);
    ov_arena_fini(&s.arena);
    return st;
}
