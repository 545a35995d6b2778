#include "server/query/external.h"

#include "base/file.h"
#include "ingest/load/extern.h"

typedef struct external {
    ov_systable table;
    ov_catalog *catalog;
    ov_spec *spec;
    const ov_build_column *columns;
} external;

static ov_status never_all(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    (void)cx, (void)emit;
    return ov_fail(err, OV_INTERNAL, "%s is read by columns", table->name);
}

/* ---- one run ---- */

typedef struct reading {
    ov_query_ctx *cx;
    const ov_result_sink *emit;
    bool (*enough)(void *self);
} reading;

static ov_status rows(void *self, const ov_batch *batch, ov_error *err)
{
    reading *r = self;
    return r->emit->rows(r->emit->self, batch, err);
}

static bool enough(void *self)
{
    reading *r = self;
    return r->enough(r->emit->self);
}

static ov_status alive(void *self, ov_error *err)
{
    return ov_query_alive(((reading *)self)->cx, err);
}

/* Transfers need a folder; files and text do not, so that a folder opened for reading only will do for them. */
static ov_status place_transfers(const external *x, ov_arena *a, ov_load_env *env, ov_error *err)
{
    ov_slice path, dir;
    if (x->spec->input.kind != OV_INPUT_HTTP)
        return OV_OK;
    OV_TRY(ov_catalog_tmp_path(x->catalog, a, &path, err));
    OV_TRY(ov_arena_copy(a, ov_path_dir(path), &dir, err));
    OV_TRY(ov_arena_copy(a, ov_path_base(path), &path, err));
    env->tmp_dir = dir.p;
    env->file_stem = path.p;
    return OV_OK;
}

static ov_status read_some(const ov_systable *table, const uint32_t *wanted, uint32_t count, ov_query_ctx *cx,
                           const ov_result_sink *emit, bool (*wants_no_more)(void *self), ov_error *err)
{
    const external *x = table->self;
    reading r = {.cx = cx, .emit = emit, .enough = wants_no_more};
    ov_extern_sink sink = {.rows = rows, .enough = enough, .alive = alive, .self = &r};
    ov_load_env env = {.budget = &cx->budget, .workers = cx->options.workers};
    ov_build_column *columns;
    ov_arena a;
    ov_arena_init(&a, "extern", &cx->budget);
    ov_status st = ov_arena_alloc(&a, (count + (size_t)1) * sizeof *columns, &columns, err);
    for (uint32_t i = 0; i < count && st == OV_OK; i++)
        columns[i] = x->columns[wanted[i]];
    if (st == OV_OK)
        st = place_transfers(x, &a, &env, err);
    if (st == OV_OK)
        st = ov_extern_run(x->spec, columns, count, &env, &sink, err);
    ov_arena_fini(&a);
    return st;
}

/* ---- opening ---- */

static ov_status open_table(void *ctx, const ov_extern_request *rq, ov_arena *arena, const ov_systable **out,
                            ov_error *err)
{
    external *x;
    ov_build_column *columns;
    ov_field *fields;
    OV_TRY(ov_arena_zalloc(arena, sizeof *x, &x, err));
    OV_TRY(ov_spec_parse_input(rq->source, rq->format, arena, &x->spec, err));
    x->spec->max_parse_exceptions = rq->max_parse_exceptions < 0 ? UINT64_MAX : (uint64_t)rq->max_parse_exceptions;
    OV_TRY(ov_arena_zalloc(arena, (rq->field_count + (size_t)1) * sizeof *columns, &columns, err));
    OV_TRY(ov_arena_zalloc(arena, (rq->field_count + (size_t)1) * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < rq->field_count; i++) {
        fields[i] = rq->fields[i];
        columns[i] = (ov_build_column){.name = fields[i].name, .type = fields[i].type, .role = OV_ROLE_DIMENSION};
    }
    x->columns = columns;
    x->catalog = ctx;
    x->table = (ov_systable){.schema = "EXTERNAL",
                             .name = "EXTERN",
                             .fields = fields,
                             .field_count = rq->field_count,
                             .rows = never_all,
                             .some_rows = read_some,
                             .self = x};
    *out = &x->table;
    return OV_OK;
}

ov_extern_ops ov_extern_ops_of(ov_catalog *catalog)
{
    return (ov_extern_ops){.ctx = catalog, .open = open_table};
}
