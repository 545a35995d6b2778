#include "server/query/sql_write.h"

#include "base/buf.h"
#include "server/query/sql_settings.h"
#include "storage/segment/segment_id.h"

typedef struct writer {
    ov_query *q;
    const ov_query_write *what;
    ov_sql_settings settings;
    ov_sql_work *work;
    const ov_field *fields;
    uint32_t count;
    ov_build_column *columns;
    ov_load_schema schema;
    ov_loader *loader;
    ov_vec *vecs; /* of the batch at hand */
} writer;

/* ---- columns ---- */

static ov_status stored_type(const ov_field *f, ov_sql_arrays mode, ov_type *out, ov_error *err)
{
    char name[48];
    *out = f->type;
    switch ((ov_type_id)f->type.id) {
    case OV_TYPE_NULL:
        *out = OV_T(OV_TYPE_STRING);
        return OV_OK;
    case OV_TYPE_ARRAY:
        if (mode == OV_SQL_ARRAYS_REFUSED)
            return ov_fail(err, OV_INVALID,
                           "column '" OV_SLICE_FMT "' is %s, and arrayIngestMode is none: set it to array",
                           OV_SLICE_ARG(f->name), ov_type_name(f->type, name));
        if (f->type.elem == OV_TYPE_NULL)
            out->elem = OV_TYPE_STRING;
        if (mode == OV_SQL_ARRAYS_AS_MULTI && out->elem != OV_TYPE_STRING)
            return ov_fail(err, OV_INVALID,
                           "Numeric arrays can only be ingested when 'arrayIngestMode' is set to 'array', and column "
                           "'" OV_SLICE_FMT "' is %s",
                           OV_SLICE_ARG(f->name), ov_type_name(f->type, name));
        if (mode == OV_SQL_ARRAYS_AS_MULTI)
            *out = (ov_type){.id = OV_TYPE_STRING, .multi = 1};
        if (out->elem >= OV_TYPE_ARRAY)
            return ov_fail(err, OV_UNSUPPORTED, "column '" OV_SLICE_FMT "' is %s, which segments cannot hold",
                           OV_SLICE_ARG(f->name), ov_type_name(f->type, name));
        return OV_OK;
    default:
        return OV_OK;
    }
}

static ov_status make_columns(writer *w, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(w->work->arena, w->count * sizeof *w->columns, &w->columns, err));
    OV_TRY(ov_arena_zalloc(w->work->arena, w->count * sizeof *w->vecs, &w->vecs, err));
    for (uint32_t i = 0; i < w->count; i++) {
        ov_build_column *c = &w->columns[i];
        OV_TRY(ov_arena_copy(w->work->arena, w->fields[i].name, &c->name, err));
        OV_TRY(stored_type(&w->fields[i], w->settings.arrays, &c->type, err));
        c->role = i == 0 ? OV_ROLE_TIME : OV_ROLE_DIMENSION;
        c->indexed = c->type.id == OV_TYPE_STRING || c->type.id == OV_TYPE_ARRAY;
    }
    return OV_OK;
}

/* ---- sort order ---- */

typedef struct sort_list {
    uint32_t *cols;
    uint32_t n;
} sort_list;

static void add_sort(sort_list *l, uint32_t col)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->cols[i] == col)
            return;
    l->cols[l->n++] = col;
}

static ov_status add_sort_name(writer *w, ov_slice name, sort_list *l, ov_error *err)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (ov_slice_eq(w->columns[i].name, name)) {
            if (w->columns[i].type.id == OV_TYPE_COMPLEX)
                return ov_fail(err, OV_INVALID, "segmentSortOrder: rows cannot be sorted by '" OV_SLICE_FMT "'",
                               OV_SLICE_ARG(name));
            add_sort(l, i);
            return OV_OK;
        }
    return ov_fail(err, OV_INVALID, "segmentSortOrder names '" OV_SLICE_FMT "', which the query does not make",
                   OV_SLICE_ARG(name));
}

/* "a,b" or ["a","b"] */
static ov_status add_sort_order(writer *w, ov_slice text, sort_list *l, ov_error *err)
{
    if (text.n && text.p[0] == '[') {
        ov_json *list;
        OV_TRY(ov_json_parse(text, NULL, w->work->arena, &list, err));
        for (const ov_json *item = list->first; item; item = item->next) {
            ov_slice name;
            OV_TRY(ov_json_as_str(item, &name, err));
            OV_TRY(add_sort_name(w, name, l, err));
        }
        return OV_OK;
    }
    while (text.n) {
        const char *comma = memchr(text.p, ',', text.n);
        size_t n = comma ? (size_t)(comma - text.p) : text.n, skip = comma ? n + 1 : n;
        ov_slice name = ov_slice_make(text.p, n);
        while (name.n && name.p[0] == ' ')
            name = ov_slice_make(name.p + 1, name.n - 1);
        while (name.n && name.p[name.n - 1] == ' ')
            name.n--;
        if (name.n)
            OV_TRY(add_sort_name(w, name, l, err));
        text = ov_slice_make(text.p + skip, text.n - skip);
    }
    return OV_OK;
}

/* segmentSortOrder, else time (unless told otherwise); then the columns of CLUSTERED BY, then all others. */
static ov_status make_sort(writer *w, ov_error *err)
{
    sort_list l = {0};
    bool by_time = w->settings.sort_by_time;
    OV_TRY(ov_arena_alloc(w->work->arena, w->count * sizeof *l.cols, &l.cols, err));
    OV_TRY(add_sort_order(w, w->settings.sort_order, &l, err));
    if (by_time && l.n && l.cols[0] != 0)
        return ov_fail(err, OV_INVALID,
                       "segmentSortOrder must begin with __time, or set forceSegmentSortByTime to false");
    if (by_time)
        add_sort(&l, 0);
    for (uint32_t i = 1; i <= w->what->sorted_count; i++)
        if (w->columns[i].type.id != OV_TYPE_COMPLEX)
            add_sort(&l, i);
    add_sort(&l, 0);
    for (uint32_t i = 1; i < w->count; i++)
        if (w->columns[i].type.id != OV_TYPE_COMPLEX)
            add_sort(&l, i);
    w->schema.sort = l.cols;
    w->schema.sort_count = l.n;
    return OV_OK;
}

static ov_status make_schema(writer *w, ov_error *err)
{
    ov_load_schema *s = &w->schema;
    OV_TRY(ov_datasource_name_check(w->what->datasource, err));
    OV_TRY(make_columns(w, err));
    OV_TRY(make_sort(w, err));
    s->max_rows_per_segment = w->settings.rows_per_segment;
    OV_TRY(ov_arena_copy(w->work->arena, w->what->datasource, &s->datasource, err));
    OV_TRY(ov_gran_init_name(&s->query_gran, OV_SLICE_LIT("none"), err));
    s->segment_gran = w->what->segment;
    s->range_columns = OV_MIN(w->what->cluster_count, (uint32_t)OV_SHARD_MOST_DIMENSIONS);
    for (uint32_t i = 1; i <= s->range_columns; i++)
        if (w->columns[i].type.id != OV_TYPE_STRING || w->columns[i].type.multi)
            s->range_columns = 0;
    s->columns = w->columns;
    s->column_count = w->count;
    s->max_parse_exceptions = UINT64_MAX;
    return ov_arena_printf(w->work->arena, &s->extra_json, err,
                           "{\"metricsSpec\":[],\"queryGranularity\":{\"type\":\"none\"},\"segmentGranularity\":%.*s,"
                           "\"rollup\":false}",
                           OV_SLICE_WHOLE(w->what->segment_json));
}

/* ---- rows ---- */

static ov_status ignore_fields(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

/* Lists become multi-value strings by name alone: the values are the same. */
static ov_status add_rows(void *self, const ov_batch *batch, ov_error *err)
{
    writer *w = self;
    ov_batch b = *batch;
    for (uint32_t i = 0; i < b.cols; i++) {
        w->vecs[i] = batch->col[i];
        if (ov_type_is_list(w->columns[i].type) && ov_type_is_list(w->vecs[i].type))
            w->vecs[i].type = w->columns[i].type;
    }
    b.col = w->vecs;
    return ov_loader_add(w->loader, &b, err);
}

static ov_status load_rows(writer *w, ov_error *err)
{
    ov_result_sink sink = {.begin = ignore_fields, .rows = add_rows, .self = w};
    OV_TRY(ov_loader_create(&w->schema, &w->work->env, &w->loader, err));
    ov_status st = ov_query_run(w->q, &sink, err);
    if (st == OV_OK)
        st = ov_loader_finish(w->loader, w->work->arena, &w->work->loaded, err);
    ov_loader_destroy(w->loader);
    return st;
}

static ov_status fail_empty(const writer *w, ov_error *err)
{
    return ov_fail(err, OV_INVALID,
                   "No rows to insert for dataSource[" OV_SLICE_FMT
                   "]. Set failOnEmptyInsert : false in the query context to allow empty inserts.",
                   OV_SLICE_ARG(w->schema.datasource));
}

ov_status ov_sql_write_run(ov_query *q, const ov_json *context, ov_sql_work *work, ov_error *err)
{
    static const ov_interval eternity = OV_INTERVAL_ETERNITY;
    writer w = {.q = q, .what = ov_query_write_of(q), .work = work};
    ov_publish *p;
    w.count = ov_query_fields(q, &w.fields);
    OV_TRY(ov_sql_settings_read(q, context, work->arena, &w.settings, err));
    OV_TRY(make_schema(&w, err));
    OV_TRY(load_rows(&w, err));
    OV_TRY(ov_arena_alloc(work->arena, sizeof *p, &p, err));
    ov_publish_init(p, work->catalog, work->task_id, w.what->replace ? OV_PUBLISH_REPLACE : OV_PUBLISH_APPEND,
                    work->arena);
    work->publish = p;
    OV_TRY(ov_publish_add(p, &work->loaded, err));
    if (work->loaded.counters.loaded == 0 && w.settings.fail_on_empty)
        return fail_empty(&w, err);
    if (!w.what->replace)
        return OV_OK;
    return ov_publish_overwrite(p, w.schema.datasource, w.what->replace_all ? &eternity : w.what->intervals,
                                w.what->replace_all ? 1 : w.what->interval_count, err);
}
