/* From spec and discovered fields to what is done with a row; see ingest/parse/load_plan.h. */
#include "ingest/parse/load_plan_int.h"

#include "base/hash.h"
#include "base/json.h"

static ov_status add_column(ovi_plan_builder *b, ov_build_column column, ovi_target target, ov_slice field,
                            ov_error *err)
{
    ovi_plan *p = b->plan;
    OV_TRY(ov_arena_room(b->out, &b->columns, p->schema.column_count, &b->column_cap, 1, sizeof *b->columns, err));
    OV_TRY(ov_arena_room(b->out, &p->targets, p->target_count, &b->target_cap, 1, sizeof *p->targets, err));
    if (target.op != OVI_OP_ONE)
        OV_TRY(column.role == OV_ROLE_METRIC ? ovi_plan_find_metric_field(b, field, &target.field, err)
                                             : ovi_plan_find_field(b, field, &target.field, err));
    OV_TRY(ov_places_add(&b->names, b->out, ov_hash_slice(column.name), err));
    target.col = p->schema.column_count;
    b->columns[p->schema.column_count++] = column;
    p->schema.columns = b->columns;
    if (column.role != OV_ROLE_TIME)
        p->targets[p->target_count++] = target;
    return OV_OK;
}

static ovi_op op_of(ov_type t)
{
    switch ((ov_type_id)t.id) {
    case OV_TYPE_LONG:
        return OVI_OP_LONG;
    case OV_TYPE_DOUBLE:
        return OVI_OP_DOUBLE;
    case OV_TYPE_FLOAT:
        return OVI_OP_FLOAT;
    case OV_TYPE_ARRAY:
        return OVI_OP_ARRAY;
    case OV_TYPE_COMPLEX:
        return OVI_OP_JSON;
    case OV_TYPE_NULL:
    case OV_TYPE_STRING:
        break;
    }
    return OVI_OP_STRING;
}

static ov_status add_dimension(ovi_plan_builder *b, const ov_dimension_spec *d, bool plain, ov_error *err)
{
    ov_type type = d->type;
    /* Any row may bring a list; a column in which none did is written as a plain one. An `auto` column that is a
     * string never has several values: lists make it an array. */
    if (type.id == OV_TYPE_STRING && !plain)
        type.multi = 1;
    ov_build_column column = {.name = d->name,
                              .type = type,
                              .role = OV_ROLE_DIMENSION,
                              .indexed = d->bitmap && (type.id == OV_TYPE_STRING ||
                                                       type.id == OV_TYPE_ARRAY)};
    ovi_target target = {.op = (uint8_t)op_of(type), .multi_order = d->multi_order, .elem = type.elem};
    return add_column(b, column, target, d->name, err);
}

static bool listed(const ov_slice *list, uint32_t n, ov_slice name)
{
    for (uint32_t i = 0; i < n; i++)
        if (ov_slice_eq(list[i], name))
            return true;
    return false;
}

/* Fields that discovery must not turn into dimensions. */
static bool excluded(const ovi_plan_builder *b, ov_slice name)
{
    const ov_spec *s = b->spec;
    const ovi_plan *p = b->plan;
    const ov_slice *read = NULL;
    uint32_t n = p->transform ? p->transform->of_metrics(p->transform_program, &read) : 0;
    if (listed(read, n, name))
        return true;
    if (ov_slice_eq(name, s->timestamp.column) || ov_slice_eq(name, OVI_TIME_NAME) ||
        listed(s->dimensions.exclusions, s->dimensions.exclusion_count, name))
        return true;
    for (uint32_t i = 0; i < s->dimensions.count; i++)
        if (ov_slice_eq(s->dimensions.list[i].name, name))
            return true;
    for (uint32_t i = 0; i < s->metric_count; i++)
        if (ov_slice_eq(s->metrics[i].name, name) || ov_slice_eq(s->metrics[i].field, name) || ov_slice_eq(s->metrics[i].when, name) ||
            listed(s->metrics[i].more, s->metrics[i].more_count, name))
            return true;
    return false;
}

static bool named_by_flatten(const ov_spec *s, ov_slice name)
{
    for (uint32_t i = 0; i < s->format.field_count; i++)
        if (ov_slice_eq(s->format.fields[i].name, name))
            return true;
    return false;
}

/* Roots that only feed paths are no fields of their own unless field discovery says so. */
static bool visible(const ov_spec *s, ov_slice name)
{
    if (!ov_format_nests(&s->format) || s->format.discover_fields)
        return true;
    return named_by_flatten(s, name);
}

/* What discovery saw under the name a flattenSpec gives to another root, or under the name itself. */
static const ovi_found *find_found(const ov_spec *s, const ovi_found *found, uint32_t n, ov_slice name)
{
    for (uint32_t i = 0; i < s->format.field_count; i++)
        if (s->format.fields[i].kind == OV_FLATTEN_ROOT && ov_slice_eq(s->format.fields[i].name, name))
            name = s->format.fields[i].expr;
    for (uint32_t i = 0; i < n; i++)
        if (ov_slice_eq(found[i].name, name))
            return &found[i];
    return NULL;
}

static bool has_column(const ovi_plan_builder *b, ov_slice name)
{
    OV_EACH_PLACE(&b->names, ov_hash_slice(name), i, slot)
        if (ov_slice_eq(b->columns[i].name, name))
            return true;
    return false;
}

static ov_status add_found(ovi_plan_builder *b, const ovi_found *f, ov_error *err)
{
    const ov_spec *s = b->spec;
    const uint32_t values = f->seen & ~(uint32_t)OVI_SEEN_NULL, nested = OVI_SEEN_OBJECT | OVI_SEEN_DEEP_ARRAY;
    ov_dimension_spec d = {.name = f->name, .type = OV_T(OV_TYPE_STRING), .bitmap = true};
    if (excluded(b, f->name) || !visible(s, f->name) || f->seen == 0 || has_column(b, f->name))
        return OV_OK;
    if (values == 0 && !s->format.keep_null_columns && !s->dimensions.schema_discovery &&
        ov_format_nests(&s->format))
        return OV_OK;
    if (s->dimensions.schema_discovery)
        d.type = ovi_found_type(f);
    else if (!named_by_flatten(s, f->name) && (values & nested) && !(values & ~(nested | OVI_SEEN_ARRAY)))
        return OV_OK; /* as Druid: nested values are not discovered as strings unless a flattenSpec names them */
    return add_dimension(b, &d, s->dimensions.schema_discovery, err);
}

static ov_status add_dimensions(ovi_plan_builder *b, const ovi_found *found, uint32_t n, ov_error *err)
{
    const ov_dimensions_spec *ds = &b->spec->dimensions;
    ov_build_column time = {.name = OVI_TIME_NAME, .type = OV_T(OV_TYPE_LONG), .role = OV_ROLE_TIME};
    OV_TRY(add_column(b, time, (ovi_target){.op = OVI_OP_ONE}, OVI_TIME_NAME, err));
    for (uint32_t i = 0; i < ds->count; i++) {
        ov_dimension_spec d = ds->list[i];
        bool settle_type = d.type.id == OV_TYPE_NULL;
        if (ov_slice_eq(d.name, OVI_TIME_NAME))
            continue;
        const ovi_found *seen = settle_type ? find_found(b->spec, found, n, d.name) : NULL;
        if (seen)
            d.type = ovi_found_type(seen);
        if (d.type.id == OV_TYPE_NULL)
            d.type = OV_T(OV_TYPE_STRING);
        OV_TRY(add_dimension(b, &d, settle_type || d.has_cast, err));
    }
    for (uint32_t j = 0; ds->include_all && j < n; j++)
        OV_TRY(add_found(b, &found[j], err));
    for (uint32_t i = 0; ds->include_all && i < b->spec->format.field_count; i++) {
        const ov_flatten_field *f = &b->spec->format.fields[i];
        const ovi_found *seen = find_found(b->spec, found, n, f->name);
        ovi_found renamed = seen ? *seen : (ovi_found){0};
        renamed.name = f->name;
        if (f->kind == OV_FLATTEN_ROOT && !ov_slice_eq(f->name, f->expr))
            OV_TRY(add_found(b, &renamed, err));
    }
    return OV_OK;
}

static ov_status sketch_source(ovi_plan_builder *b, const ov_metric_spec *m, const ovi_sketch_source **out, ov_error *err)
{
    ovi_sketch_source *s;
    OV_TRY(ov_arena_zalloc(b->out, sizeof *s, &s, err));
    OV_TRY(ov_arena_alloc(b->out, (m->more_count + (size_t)1) * sizeof *s->more, &s->more, err));
    s->metric = m->metric;
    for (; s->more_count < m->more_count; s->more_count++)
        OV_TRY(ovi_plan_find_metric_field(b, m->more[s->more_count], &s->more[s->more_count], err));
    *out = s;
    return OV_OK;
}

/* What is done with a metric's field. */
static ov_status metric_target(ovi_plan_builder *b, const ov_metric_spec *m, ovi_target *out, ov_error *err)
{
    ov_timestamp *times;
    *out = (ovi_target){.op = (uint8_t)op_of(m->type), .most_bytes = m->most_bytes};
    out->conditional = m->when.n > 0;
    if (out->conditional)
        OV_TRY(ovi_plan_find_field(b, m->when, &out->when, err));
    if (m->is_count)
        out->op = OVI_OP_ONE;
    if (m->most_bytes)
        out->op = OVI_OP_TEXT;
    if (m->time_format.n) {
        out->op = OVI_OP_TIME;
        OV_TRY(ov_arena_alloc(b->out, sizeof *times, &times, err));
        OV_TRY(ov_timestamp_compile(m->time_format, b->out, times, err));
        out->times = times;
    }
    if (!m->metric)
        return OV_OK;
    out->op = OVI_OP_SKETCH;
    return sketch_source(b, m, &out->sketch, err);
}

static ov_status add_metrics(ovi_plan_builder *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->spec->metric_count; i++) {
        const ov_metric_spec *m = &b->spec->metrics[i];
        ov_build_column column = {.name = m->name, .type = m->type, .role = OV_ROLE_METRIC, .fold = m->fold,
                                  .metric = m->metric};
        ovi_target target;
        OV_TRY(metric_target(b, m, &target, err));
        OV_TRY(add_column(b, column, target, m->field, err));
    }
    return OV_OK;
}

/* Druid sorts by time, then by all dimensions; without forceSegmentSortByTime the list says where time comes. */
static ov_status add_sort(ovi_plan_builder *b, ov_error *err)
{
    const ov_dimensions_spec *ds = &b->spec->dimensions;
    ov_load_schema *s = &b->plan->schema;
    uint32_t *sort, n = 0;
    uint32_t time_place = ds->sort_by_time ? 0 : UINT32_MAX;
    OV_TRY(ov_arena_alloc(b->out, s->column_count * sizeof *sort, &sort, err));
    for (uint32_t i = 0; !ds->sort_by_time && i < ds->count; i++)
        if (ov_slice_eq(ds->list[i].name, OVI_TIME_NAME))
            time_place = i;
    for (uint32_t i = 1; i < s->column_count; i++) {
        if (n == time_place)
            sort[n++] = 0;
        if (s->columns[i].role == OV_ROLE_DIMENSION && s->columns[i].type.id != OV_TYPE_COMPLEX)
            sort[n++] = i;
    }
    bool has_time = false;
    for (uint32_t i = 0; i < n; i++)
        has_time |= sort[i] == 0;
    if (!has_time)
        sort[n++] = 0;
    s->sort = sort;
    s->sort_count = n;
    return OV_OK;
}

static ov_status describe(ovi_plan_builder *b, ov_error *err)
{
    const ov_granularity_spec *g = &b->spec->granularity;
    const ov_timestamp_spec *t = &b->spec->timestamp;
    ov_buf time;
    ov_buf_init(&time);
    ov_buf_add_str(&time, "{\"column\":");
    ov_json_quote(&time, t->column);
    ov_buf_add_str(&time, ",\"format\":");
    ov_json_quote(&time, t->format);
    ov_buf_add_str(&time, ",\"missingValue\":");
    if (t->has_missing)
        ov_buf_addf(&time, "%lld}", (long long)t->missing_ms);
    else
        ov_buf_add_str(&time, "null}");
    ov_status st = ov_buf_check(&time, err);
    if (st == OV_OK)
        st = ov_arena_printf(b->out, &b->plan->schema.extra_json, err,
                           "{\"timestampSpec\":%.*s,\"metricsSpec\":%.*s,\"queryGranularity\":%.*s,\"segmentGranularity\":%.*s,"
                           "\"rollup\":%s}",
                           (int)time.n, time.p, (int)b->spec->metrics_json.n, b->spec->metrics_json.p, (int)g->query_json.n,
                           g->query_json.p, (int)g->segment_json.n, g->segment_json.p,
                           g->rollup ? "true" : "false");
    ov_buf_fini(&time);
    return st;
}

static ov_status begin(ovi_plan_builder *b, ov_error *err)
{
    const ov_spec *s = b->spec;
    uint32_t time;
    OV_TRY(ov_arena_zalloc(b->out, sizeof *b->plan, &b->plan, err));
    ovi_plan *p = b->plan;
    p->spec = s;
    p->transform_time = p->raw_time_field = -1;
    p->blank_is_null = !ov_format_nests(&s->format);
    OV_TRY(ov_timestamp_compile(s->timestamp.format, b->out, &p->ts, err));
    OV_TRY(ovi_plan_add_derived(b, err));
    OV_TRY(ovi_plan_add_transform(b, err));
    const ov_slice *made = NULL;
    uint32_t n = p->transform ? p->transform->outputs(p->transform_program, &made) : 0;
    bool time_made = listed(made, n, OVI_TIME_NAME);
    OV_TRY(ovi_plan_find_field(b, time_made ? OVI_TIME_NAME : s->timestamp.column, &time, err));
    if (time_made)
        OV_TRY(ov_timestamp_compile(OV_SLICE_LIT("millis"), b->out, &p->ts, err));
    p->time_field = time == OVI_NO_FIELD ? -1 : (int64_t)time;
    p->schema.segment_gran = s->granularity.segment;
    p->schema.query_gran = s->granularity.query;
    p->schema.intervals = s->granularity.intervals;
    p->schema.interval_count = s->granularity.interval_count;
    p->schema.datasource = s->datasource;
    p->schema.rollup = s->granularity.rollup;
    p->schema.max_rows_per_segment = s->max_rows_per_segment;
    p->schema.max_parse_exceptions = s->max_parse_exceptions;
    p->schema.max_saved_rejects = OV_MIN(OV_MAX(s->max_saved_parse_exceptions, 20u), 10000u);
    return OV_OK;
}

bool ovi_plan_needs_discovery(const ov_spec *spec)
{
    if (spec->dimensions.include_all)
        return true;
    for (uint32_t i = 0; i < spec->dimensions.count; i++)
        if (spec->dimensions.list[i].type.id == OV_TYPE_NULL)
            return true;
    return false;
}

ov_status ovi_plan_discovery(const ov_spec *spec, const ov_load_env *env, ov_arena *out, ovi_plan **plan,
                             ov_error *err)
{
    ovi_plan_builder b = {.spec = spec, .env = env, .out = out};
    ov_build_column time = {.name = OVI_TIME_NAME, .type = OV_T(OV_TYPE_LONG), .role = OV_ROLE_TIME};
    uint32_t ignored;
    OV_TRY(begin(&b, err));
    for (uint32_t i = 0; i < spec->dimensions.count; i++)
        if (!ov_slice_eq(spec->dimensions.list[i].name, OVI_TIME_NAME))
            OV_TRY(ovi_plan_find_field(&b, spec->dimensions.list[i].name, &ignored, err));
    for (uint32_t i = 0; i < spec->format.field_count; i++)
        OV_TRY(ovi_plan_find_field(&b, spec->format.fields[i].name, &ignored, err));
    for (uint32_t i = 0; i < spec->metric_count; i++) {
        const ov_metric_spec *m = &spec->metrics[i];
        if (!m->is_count)
            OV_TRY(ovi_plan_find_metric_field(&b, m->field, &ignored, err));
        for (uint32_t k = 0; k < m->more_count; k++)
            OV_TRY(ovi_plan_find_metric_field(&b, m->more[k], &ignored, err));
    }
    OV_TRY(add_column(&b, time, (ovi_target){.op = OVI_OP_ONE}, OVI_TIME_NAME, err));
    ovi_plan_settle(b.plan);
    *plan = b.plan;
    return OV_OK;
}

ov_status ovi_plan_build(const ov_spec *spec, const ov_load_env *env, const ovi_found *found,
                         uint32_t found_count, ov_arena *out, ovi_plan **plan, ov_error *err)
{
    ovi_plan_builder b = {.spec = spec, .env = env, .out = out};
    OV_TRY(begin(&b, err));
    OV_TRY(add_dimensions(&b, found, found_count, err));
    OV_TRY(add_metrics(&b, err));
    ovi_plan_settle(b.plan);
    OV_TRY(add_sort(&b, err));
    OV_TRY(describe(&b, err));
    *plan = b.plan;
    return OV_OK;
}

ov_status ovi_plan_columns(const ov_spec *spec, const ov_build_column *columns, uint32_t count, ov_arena *out,
                           ovi_plan **plan, ov_error *err)
{
    ovi_plan_builder b = {.spec = spec, .out = out};
    ov_build_column time = {.name = OVI_TIME_NAME, .type = OV_T(OV_TYPE_LONG), .role = OV_ROLE_TIME};
    OV_TRY(ov_arena_zalloc(out, sizeof *b.plan, &b.plan, err));
    ovi_plan *p = b.plan;
    p->spec = spec;
    p->transform_time = p->raw_time_field = p->time_field = -1;
    p->blank_is_null = !ov_format_nests(&spec->format);
    OV_TRY(ovi_plan_add_derived(&b, err));
    OV_TRY(add_column(&b, time, (ovi_target){.op = OVI_OP_ONE}, OVI_TIME_NAME, err));
    for (uint32_t i = 0; i < count; i++) {
        ovi_target target = {.op = (uint8_t)op_of(columns[i].type), .elem = columns[i].type.elem,
                             .multi_order = OV_MULTI_ARRAY};
        OV_TRY(add_column(&b, columns[i], target, columns[i].name, err));
    }
    ovi_plan_settle(p);
    p->only_single = true;
    p->schema.pulled = true;
    p->schema.max_parse_exceptions = spec->max_parse_exceptions;
    p->schema.max_saved_rejects = 20;
    *plan = p;
    return OV_OK;
}
