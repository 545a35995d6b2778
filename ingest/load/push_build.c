#include "ingest/load/push_build.h"

#include "base/bits.h"
#include "ingest/load/merge.h"

#include "ingest/parse/rowparse.h"

typedef struct push {
    const ovi_push_in *in;
    ov_spec spec; /* a copy: the time field may be settled here */
    ov_load_env env;
    ov_arena *out;   /* rejects */
    ov_arena arena;  /* plans */
    ov_arena scratch, tables; /* of a batch, of a block */
    ov_inputs inputs;
    ovi_discovery found;
    const ovi_plan *plan;
    ov_segment_builder *builder; /* NULL until the first row */
    ovi_push_out *result;
    uint64_t lines; /* before the block at hand */
    uint32_t max_rejects, reject_room;
} push;

/* ---- which field is the time ---- */

/* How deep in objects a place is: counted from place to place, and anew where an object begins a line, so that rows that are cut off do
 * not count for others. */
typedef struct depth {
    const char *at;
    int objects;
    bool quoted;
} depth;

static void go_to(depth *d, const char *text, const char *place)
{
    for (; d->at < place; d->at++) {
        char c = *d->at;
        bool begins = c == '{' && (d->at == text || d->at[-1] == '\n');
        if (begins) {
            d->objects = 1;
            d->quoted = false;
        } else if (d->quoted && c == '\\') {
            d->at++;
        } else if (c == '"') {
            d->quoted = !d->quoted;
        } else if (!d->quoted && (c == '{' || c == '}')) {
            d->objects += c == '{' ? 1 : -1;
        }
    }
}

/* Does some row have the member, not within another one? */
static bool has_member(ov_slice text, const char *quoted)
{
    size_t n = strlen(quoted);
    depth d = {.at = text.p};
    const char *at = text.p, *end = text.p + text.n;
    while (at && (at = memmem(at, (size_t)(end - at), quoted, n)) != NULL) {
        const char *p = at + n;
        while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
            p++;
        go_to(&d, text.p, at);
        if (p < end && *p == ':' && d.objects <= 1)
            return true;
        at += n;
    }
    return false;
}

static bool has_cell(ov_slice line, ov_slice delimiter, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = line.p, *end = line.p + line.n; p < end;) {
        const char *stop = memmem(p, (size_t)(end - p), delimiter.p, delimiter.n);
        ov_slice cell = {p, (size_t)((stop ? stop : end) - p)};
        if (cell.n >= 2 && cell.p[0] == '"' && cell.p[cell.n - 1] == '"')
            cell = ov_slice_make(cell.p + 1, cell.n - 2);
        if (cell.n == n && memcmp(cell.p, name, n) == 0)
            return true;
        if (!stop)
            break;
        p = stop + delimiter.n;
    }
    return false;
}

/* `__time`, `timestamp` or `time`, the first of them that occurs. */
static void settle_time(push *p)
{
    static const struct {
        const char *name, *member;
    } fields[] = {{"__time", "\"__time\""}, {"timestamp", "\"timestamp\""}, {"time", "\"time\""}};
    const ov_format_spec *f = &p->spec.format;
    ov_slice text = p->spec.input.data;
    if (ov_slice_starts(text, OV_SLICE_LIT("\xEF\xBB\xBF"))) /* the mark that some programs put in front of UTF-8 */
        text = ov_slice_make(text.p + 3, text.n - 3);
    ov_slice line = text;
    const char *stop = text.n ? memchr(text.p, '\n', text.n) : NULL;
    if (stop)
        line.n = (size_t)(stop - text.p) - (stop > text.p && stop[-1] == '\r');
    ov_slice delimiter = f->delimiter.n ? f->delimiter : OV_SLICE_LIT(",");
    for (size_t i = 0; i < OV_COUNT_OF(fields); i++) {
        if (f->kind == OV_INPUT_FORMAT_JSON ? has_member(text, fields[i].member) : has_cell(line, delimiter, fields[i].name)) {
            p->spec.timestamp.column = ov_slice_cstr(fields[i].name);
            return;
        }
    }
}

/* ---- types that are there already ---- */

static uint32_t seen_of(ov_type t)
{
    static const uint16_t scalar[] = {[OV_TYPE_LONG] = OVI_SEEN_LONG,
                                      [OV_TYPE_DOUBLE] = OVI_SEEN_DOUBLE,
                                      [OV_TYPE_FLOAT] = OVI_SEEN_DOUBLE,
                                      [OV_TYPE_STRING] = OVI_SEEN_STRING};
    if (t.id == OV_TYPE_ARRAY)
        return OVI_SEEN_ARRAY | (t.elem < OV_COUNT_OF(scalar) ? (uint32_t)scalar[t.elem] << OVI_SEEN_ELEM_SHIFT : 0u);
    if (t.id == OV_TYPE_COMPLEX)
        return t.complex == OV_COMPLEX_JSON ? OVI_SEEN_OBJECT : 0;
    return t.id < OV_COUNT_OF(scalar) ? scalar[t.id] : 0;
}

/* A column keeps its type when that holds the new values, and becomes a wider one when not. */
static void add_known(push *p)
{
    for (uint32_t i = 0; i < p->found.count; i++)
        for (uint32_t k = 0; k < p->in->known_count; k++)
            if (p->found.list[i].seen && ov_slice_eq(p->found.list[i].name, p->in->known[k].name))
                p->found.list[i].seen |= seen_of(p->in->known[k].type);
}

/* ---- passes over the blocks ---- */

typedef ov_status block_fn(push *p, ov_rows *rows, ov_error *err);

static ov_status each_block(push *p, ovi_parser *parser, ov_rows *rows, block_fn *fn, ov_error *err)
{
    ovi_splitter splitter;
    ovi_block block = {0};
    bool more = true;
    ov_status st = OV_OK;
    p->lines = 0;
    ovi_splitter_init(&splitter, &p->inputs, &p->spec.format, &p->arena);
    while (st == OV_OK) {
        st = ovi_splitter_next(&splitter, &block, &more, err);
        if (st != OV_OK || !more)
            break;
        ovi_rows_clear(rows);
        ovi_parse_block(parser, &block, OV_SLICE_LIT("body"), rows);
        if (rows->failed) {
            *err = rows->err;
            st = err->code;
        }
        if (st == OV_OK && fn)
            st = fn(p, rows, err);
        p->lines += rows->newlines;
    }
    ovi_block_fini(&block);
    ovi_splitter_fini(&splitter);
    return st;
}

static ov_status pass(push *p, ovi_discovery *discovery, block_fn *fn, ov_error *err)
{
    const ov_load_schema *schema = &p->plan->schema;
    ovi_parser *parser = NULL;
    ov_rows *rows = NULL;
    ov_type *types;
    OV_TRY(ov_arena_alloc(&p->arena, schema->column_count * sizeof *types, &types, err));
    for (uint32_t i = 0; i < schema->column_count; i++)
        types[i] = schema->columns[i].type;
    ov_status st = ovi_rows_create(types, schema->column_count, discovery ? 0 : p->max_rejects, &rows, err);
    if (st == OV_OK)
        rows->no_notes = p->in->no_notes;
    if (st == OV_OK)
        st = ovi_parser_create(p->plan, discovery, &parser, err);
    if (st == OV_OK)
        st = each_block(p, parser, rows, fn, err);
    ovi_parser_destroy(parser);
    ovi_rows_destroy(rows);
    return st;
}

/* ---- rows to the builder ---- */

static ov_status copy_rejects(push *p, const ov_rows *rows, ov_error *err)
{
    uint32_t n = OV_MIN(rows->reject_count, p->max_rejects - p->result->reject_count);
    OV_TRY(ov_arena_room(p->out, &p->result->rejects, p->result->reject_count, &p->reject_room, n, sizeof *p->result->rejects, err));
    for (uint32_t i = 0; i < n; i++) {
        ov_reject *to = &p->result->rejects[p->result->reject_count];
        *to = rows->rejects[i];
        if (to->line)
            to->line += p->lines;
        OV_TRY(ov_arena_copy(p->out, to->field, &to->field, err));
        OV_TRY(ov_arena_copy(p->out, to->reason, &to->reason, err));
        OV_TRY(ov_arena_copy(p->out, to->value, &to->value, err));
        OV_TRY(ov_arena_copy(p->out, to->hint, &to->hint, err));
        to->file = (ov_slice){"", 0};
        p->result->reject_count++;
    }
    return OV_OK;
}

static ov_status open_builder(push *p, ov_error *err)
{
    const ov_load_schema *s = &p->plan->schema;
    ov_build_schema schema = {
        .datasource = s->datasource,
        .start_ms = OV_TIME_MIN,
        .end_ms = OV_TIME_MAX,
        .version = OV_SLICE_LIT("memory"),
        .columns = s->columns,
        .column_count = s->column_count,
        .sort = s->sort,
        .sort_count = s->sort_count,
        .rollup = s->rollup,
        .arrival = p->in->keys && !s->rollup,
        .extra_json = s->extra_json,
    };
    return ov_segment_builder_create(&schema, p->in->budget, &p->builder, err);
}

static ov_status add_rows(push *p, ov_rows *rows, ov_error *err)
{
    ovi_rows_view view;
    OV_TRY(ovi_rows_view_open(&view, rows, &p->tables, &p->scratch, err));
    for (uint32_t from = 0; from < rows->rows; from += OV_BATCH_ROWS) {
        uint32_t n = OV_MIN(rows->rows - from, (uint32_t)OV_BATCH_ROWS);
        ov_arena_reset(&p->scratch);
        OV_TRY(ovi_rows_view_batch(&view, from, n, false, err));
        ov_batch b = {.rows = n, .cols = rows->col_count, .col = view.vecs, .sel_rows = n};
        OV_TRY(ov_segment_builder_add(p->builder, &b, err));
    }
    return OV_OK;
}

static ov_status take_block(push *p, ov_rows *rows, ov_error *err)
{
    ovi_push_out *r = p->result;
    r->rows += rows->rows;
    r->rejected += rows->rejected;
    r->filtered += rows->filtered;
    r->with_errors += rows->with_errors;
    OV_TRY(copy_rejects(p, rows, err));
    if (rows->rows == 0)
        return OV_OK;
    if (!p->builder)
        OV_TRY(open_builder(p, err));
    ov_gran_floor_n(&p->plan->schema.query_gran, rows->col[0].i64, rows->col[0].i64, rows->rows);
    ov_arena_reset(&p->tables);
    return add_rows(p, rows, err);
}

/* ---- all together ---- */

static ov_status discover(push *p, ov_error *err)
{
    ovi_plan *plan;
    OV_TRY(ovi_plan_discovery(&p->spec, &p->env, &p->arena, &plan, err));
    p->plan = plan;
    OV_TRY(pass(p, &p->found, NULL, err));
    ovi_discovery_sort(&p->found);
    if (p->in->discover)
        add_known(p);
    return OV_OK;
}

/* ---- one row a key ---- */

typedef struct thinning {
    ov_segment_builder *builder;
    const ov_dead *losers;
    uint32_t block;
} thinning;

static ov_status add_winners(void *self, const ov_batch *batch, ov_error *err)
{
    thinning *t = self;
    uint64_t keep[OV_BATCH_WORDS];
    ov_batch b = *batch;
    const uint64_t *losers = ov_dead_block(t->losers, t->block++);
    if (losers) {
        ov_bits_fill(keep, b.rows, true);
        ov_bits_andnot(keep, losers, b.rows);
        b.sel = keep;
        b.sel_rows = (uint32_t)ov_bits_count(keep, b.rows);
    }
    return ov_segment_builder_add(t->builder, &b, err);
}

/* The image once more, without the rows that others of the same push supersede: nobody can ever see them, and the log need
 * not tell in which order they came. */
static ov_status thin(push *p, ov_segment *seg, const ov_dead *losers, ov_error *err)
{
    ovi_union u;
    thinning t = {.losers = losers};
    const ov_segment_entry entry = {.info = *ov_segment_get_info(seg)};
    const ovi_merge_input in = {.entry = &entry, .segment = seg};
    OV_TRY(ovi_union_make(&in, 1, p->plan->spec, &p->arena, &u, err));
    const ov_load_schema *s = &p->plan->schema;
    ov_build_schema schema = {.datasource = s->datasource, .start_ms = OV_TIME_MIN, .end_ms = OV_TIME_MAX,
                              .version = OV_SLICE_LIT("memory"), .columns = u.columns, .column_count = u.column_count,
                              .sort = u.sort, .sort_count = u.sort_count, .extra_json = s->extra_json};
    OV_TRY(ov_segment_builder_create(&schema, p->in->budget, &t.builder, err));
    ov_status st = ovi_union_read(&u, &in, 1, NULL, add_winners, &t, err);
    if (st == OV_OK)
        st = ov_segment_builder_seal_image(t.builder, &p->result->image, &p->result->bytes, err);
    ov_segment_builder_destroy(t.builder);
    return st;
}

static ov_status one_a_key(push *p, ov_error *err)
{
    ov_segment *seg;
    ov_dead *losers = NULL;
    void *copy = ov_aligned_malloc(64, p->result->bytes);
    if (!copy)
        return ov_fail_nomem(err, p->result->bytes);
    memcpy(copy, p->result->image, p->result->bytes);
    OV_TRY(ov_segment_open_image("a push", copy, p->result->bytes, &seg, err));
    uint64_t *arrival = ov_segment_builder_take_arrival(p->builder);
    ov_status st = ov_keys_losers(p->in->keys, p->plan->schema.datasource, seg, arrival, &losers, err);
    if (st == OV_OK && ov_dead_count(losers)) {
        ov_free(p->result->image);
        p->result->image = NULL;
        st = thin(p, seg, losers, err);
    }
    ov_dead_release(losers);
    ov_free(arrival);
    ov_segment_release(seg);
    return st;
}

static ov_status build(push *p, ov_error *err)
{
    ovi_plan *plan;
    OV_TRY(ov_inputs_open(&p->spec.input, &p->env, &p->arena, &p->inputs, err));
    if (p->in->discover) {
        settle_time(p);
        p->spec.timestamp.guessed = true;
    }
    if (ovi_plan_needs_discovery(&p->spec))
        OV_TRY(discover(p, err));
    OV_TRY(ovi_plan_build(&p->spec, &p->env, p->found.list, p->found.count, &p->arena, &plan, err));
    p->plan = plan;
    OV_TRY(pass(p, NULL, take_block, err));
    if (!p->builder)
        return OV_OK;
    OV_TRY(ov_segment_builder_seal_image(p->builder, &p->result->image, &p->result->bytes, err));
    return p->in->keys ? one_a_key(p, err) : OV_OK;
}

ov_status ovi_push_build(const ovi_push_in *in, ov_arena *out, ovi_push_out *result, ov_error *err)
{
    push p = {.in = in, .spec = *in->spec, .out = out, .result = result};
    *result = (ovi_push_out){0};
    p.env = (ov_load_env){.transforms = in->transforms};
    p.max_rejects = in->max_rejects ? in->max_rejects : OVI_PUSH_REJECTS;
    ov_arena_init(&p.arena, "push", in->budget);
    ov_arena_init(&p.scratch, "push batch", in->budget);
    ov_arena_init(&p.tables, "push block", in->budget);
    ovi_discovery_init(&p.found, &p.arena);
    ov_status st = build(&p, err);
    ov_segment_builder_destroy(p.builder);
    ov_inputs_close(&p.inputs);
    ov_arena_fini(&p.tables);
    ov_arena_fini(&p.scratch);
    ov_arena_fini(&p.arena);
    return st;
}
