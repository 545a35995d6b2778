/* dataSchema of an ingestion spec: time stamp, dimensions, metrics, granularity; see ingest/spec/spec.h. */
#include "ingest/spec/spec_int.h"

#include <stdio.h>

#include "base/tz.h"
#include "ingest/parse/timestamp.h"

static ov_status read_datasource(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(schema, "dataSource", &name, err));
    const ov_json *at = ov_json_get(schema, "dataSource");
    if (name.n == 0)
        return ov_json_fail(at, err, OV_INVALID, "the name is empty");
    if (name.n > 255)
        return ov_json_fail(at, err, OV_INVALID, "the name has %zu bytes, 255 are allowed", name.n);
    if (name.p[0] == '.')
        return ov_json_fail(at, err, OV_INVALID, "a datasource must not start with a dot");
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '/' || (uint8_t)name.p[i] < ' ')
            return ov_json_fail(at, err, OV_INVALID,
                                "a datasource must hold neither '/' nor tabs nor line breaks");
    return ov_arena_copy(r->out, name, &r->spec->datasource, err);
}

static ov_status read_timestamp(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    ov_timestamp_spec *t = &r->spec->timestamp;
    const ov_json *spec;
    ov_timestamp compiled;
    OV_TRY(ov_json_obj(schema, "timestampSpec", &spec, err));
    OV_TRY(ovi_spec_text(r, spec, "column", "timestamp", &t->column, err));
    OV_TRY(ovi_spec_text(r, spec, "format", "auto", &t->format, err));
    if (ov_timestamp_compile(t->format, r->out, &compiled, err) != OV_OK) {
        ov_error why = *err;
        return ov_json_fail(ov_json_get(spec, "format"), err, OV_INVALID, "%s", why.text);
    }
    const ov_json *missing = ov_json_find(spec, "missingValue");
    if (!missing)
        return OV_OK;
    ov_timestamp_memo memo = {0};
    ov_timestamp any = {.kind = OV_TIMESTAMP_AUTO, .mul = 1, .div = 1};
    ov_slice text;
    OV_TRY(ov_json_as_str(missing, &text, err));
    if (!ov_timestamp_text(&any, &memo, text, &t->missing_ms))
        return ov_json_fail(missing, err, OV_INVALID,
                            "expected an ISO instant such as 2010-01-01T00:00:00Z, found '" OV_SLICE_FMT
                            "'",
                            OV_SLICE_ARG(text));
    t->has_missing = true;
    return OV_OK;
}

/* ---- dimensions ---- */

static ov_status read_multi_order(const ov_json *d, ov_dimension_spec *dim, ov_error *err)
{
    static const char *const names[] = {"SORTED_ARRAY", "SORTED_SET", "ARRAY"};
    ov_slice word;
    OV_TRY(ov_json_str(d, "multiValueHandling", OV_SLICE_LIT("SORTED_ARRAY"), &word, err));
    for (uint8_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_ieq(word, ov_slice_cstr(names[i]))) {
            dim->multi_order = i;
            return OV_OK;
        }
    return ovi_spec_unknown(ov_json_get(d, "multiValueHandling"), word, "multiValueHandling", names,
                            OV_COUNT_OF(names), err);
}

static ov_status read_cast(const ov_json *d, ov_dimension_spec *dim, ov_error *err)
{
    const ov_json *cast = ov_json_find(d, "castToType");
    ov_slice word;
    if (!cast)
        return OV_OK;
    OV_TRY(ov_json_as_str(cast, &word, err));
    if (!ov_type_parse(word, &dim->type) || dim->type.id == OV_TYPE_COMPLEX ||
        dim->type.id == OV_TYPE_NULL)
        return ov_json_fail(cast, err, OV_INVALID,
                            "expected STRING, LONG, DOUBLE, FLOAT or ARRAY<...> of these, found '" OV_SLICE_FMT
                            "'",
                            OV_SLICE_ARG(word));
    dim->has_cast = true;
    return OV_OK;
}

static ov_status read_dimension_type(const ov_json *d, ov_dimension_spec *dim, ov_error *err)
{
    static const struct {
        const char *name;
        ov_type type;
    } types[] = {
        {"string", {.id = OV_TYPE_STRING}},
        {"long", {.id = OV_TYPE_LONG}},
        {"double", {.id = OV_TYPE_DOUBLE}},
        {"float", {.id = OV_TYPE_FLOAT}},
        {"auto", {.id = OV_TYPE_NULL}},
        {"json", {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON}},
    };
    static const char *const names[] = {"string", "long", "double", "float", "auto", "json"};
    ov_slice word;
    OV_TRY(ov_json_str(d, "type", OV_SLICE_LIT("string"), &word, err));
    for (size_t i = 0; i < OV_COUNT_OF(types); i++)
        if (ov_slice_ieq(word, ov_slice_cstr(types[i].name))) {
            dim->type = types[i].type;
            return dim->type.id == OV_TYPE_NULL ? read_cast(d, dim, err) : OV_OK;
        }
    if (ov_slice_ieq(word, OV_SLICE_LIT("spatial")))
        return ov_json_fail(ov_json_get(d, "type"), err, OV_UNSUPPORTED,
                            "spatial dimensions are not supported; store the coordinates as doubles");
    return ovi_spec_unknown(ov_json_get(d, "type"), word, "dimension type", names, OV_COUNT_OF(names),
                            err);
}

static ov_status read_dimension(ovi_spec_reader *r, const ov_json *d, ov_dimension_spec *dim,
                                ov_error *err)
{
    ov_slice name;
    *dim = (ov_dimension_spec){.type = OV_T(OV_TYPE_STRING), .bitmap = true};
    if (d->kind == OV_JSON_STRING) {
        name = d->s;
    } else {
        OV_TRY(ov_json_expect(d, OV_JSON_OBJECT, err));
        OV_TRY(ov_json_need_str(d, "name", &name, err));
        OV_TRY(read_dimension_type(d, dim, err));
        OV_TRY(read_multi_order(d, dim, err));
        OV_TRY(ov_json_bool(d, "createBitmapIndex", true, &dim->bitmap, err));
    }
    if (name.n == 0)
        return ov_json_fail(d, err, OV_INVALID, "the dimension has an empty name");
    return ov_arena_copy(r->out, name, &dim->name, err);
}

static bool is_time(ov_slice name)
{
    return ov_slice_eq(name, OV_SLICE_LIT("__time"));
}

static ov_status check_dimension(const ov_dimensions_spec *ds, const ov_json *d,
                                 const ov_dimension_spec *dim, ov_error *err)
{
    for (uint32_t i = 0; i < ds->count; i++)
        if (ov_slice_eq(ds->list[i].name, dim->name))
            return ov_json_fail(d, err, OV_INVALID, "the dimension '" OV_SLICE_FMT "' is listed twice",
                                OV_SLICE_ARG(dim->name));
    if (is_time(dim->name) && ds->sort_by_time && ds->count > 0)
        return ov_json_fail(d, err, OV_INVALID,
                            "__time is always the first column unless forceSegmentSortByTime is false");
    if (is_time(dim->name) && dim->type.id != OV_TYPE_LONG && d->kind != OV_JSON_STRING)
        return ov_json_fail(d, err, OV_INVALID, "__time is a 'long'");
    return OV_OK;
}

static ov_status read_dimensions(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    ov_dimensions_spec *ds = &r->spec->dimensions;
    const ov_json *spec, *list, *spatial;
    OV_TRY(ov_json_obj(schema, "dimensionsSpec", &spec, err));
    OV_TRY(ov_json_bool(spec, "includeAllDimensions", false, &ds->include_all, err));
    OV_TRY(ov_json_bool(spec, "useSchemaDiscovery", false, &ds->schema_discovery, err));
    OV_TRY(ov_json_bool(spec, "forceSegmentSortByTime", true, &ds->sort_by_time, err));
    OV_TRY(ovi_spec_texts(r, spec, "dimensionExclusions", &ds->exclusions, &ds->exclusion_count, err));
    OV_TRY(ov_json_arr(spec, "spatialDimensions", &spatial, err));
    if (spatial && spatial->count)
        return ov_json_fail(spatial, err, OV_UNSUPPORTED, "spatial dimensions are not supported");
    OV_TRY(ov_json_arr(spec, "dimensions", &list, err));
    if (!list || list->count == 0) {
        ds->include_all = true; /* schemaless: every field that is not excluded */
        return OV_OK;
    }
    if (list->count > 10000)
        return ov_json_fail(list, err, OV_LIMIT, "%u dimensions, 10000 are allowed", list->count);
    OV_TRY(ov_arena_zalloc(r->out, list->count * sizeof *ds->list, &ds->list, err));
    for (const ov_json *d = list->first; d; d = d->next) {
        ov_dimension_spec dim;
        OV_TRY(read_dimension(r, d, &dim, err));
        OV_TRY(check_dimension(ds, d, &dim, err));
        ds->list[ds->count++] = dim;
    }
    /* A list that only places __time in the sort order leaves the fields to be discovered; with useSchemaDiscovery the list
     * says what is known of some. */
    if (ds->schema_discovery || (ds->count == 1 && is_time(ds->list[0].name)))
        ds->include_all = true;
    return OV_OK;
}

/* ---- granularity ---- */

static ov_status read_origin(const ov_json *g, int64_t *origin, bool *given, ov_error *err)
{
    const ov_json *v = ov_json_find(g, "origin");
    ov_timestamp_memo memo = {0};
    ov_timestamp any = {.kind = OV_TIMESTAMP_AUTO, .mul = 1, .div = 1};
    ov_slice text;
    *given = v != NULL;
    *origin = 0;
    if (!v)
        return OV_OK;
    OV_TRY(ov_json_as_str(v, &text, err));
    if (!ov_timestamp_text(&any, &memo, text, origin))
        return ov_json_fail(v, err, OV_INVALID, "expected an ISO instant, found '" OV_SLICE_FMT "'",
                            OV_SLICE_ARG(text));
    return OV_OK;
}

static ov_status read_period_granularity(const ov_json *g, ov_gran *out, ov_error *err)
{
    ov_slice text, zone_name;
    ov_period period;
    const ov_tz *zone = NULL;
    int64_t origin;
    bool given;
    OV_TRY(ov_json_need_str(g, "period", &text, err));
    OV_TRY(ov_json_str(g, "timeZone", OV_SLICE_LIT("UTC"), &zone_name, err));
    OV_TRY(read_origin(g, &origin, &given, err));
    if (ov_period_parse(text, &period, err) != OV_OK || ov_tz_get(zone_name, &zone, err) != OV_OK ||
        ov_gran_init(out, &period, zone, given ? &origin : NULL, err) != OV_OK) {
        ov_error why = *err;
        return ov_json_fail(g, err, OV_INVALID, "%s", why.text);
    }
    return OV_OK;
}

static ov_status read_granularity_object(const ov_json *g, ov_gran *out, ov_error *err)
{
    static const char *const kinds[] = {"period", "duration", "all", "none"};
    ov_slice type;
    OV_TRY(ov_json_need_str(g, "type", &type, err));
    if (ov_slice_ieq(type, OV_SLICE_LIT("period")))
        return read_period_granularity(g, out, err);
    if (ov_slice_ieq(type, OV_SLICE_LIT("duration"))) {
        int64_t step, origin;
        bool given;
        OV_TRY(ov_json_need_i64(g, "duration", &step, err));
        OV_TRY(read_origin(g, &origin, &given, err));
        if (step < 1)
            return ov_json_fail(g, err, OV_INVALID, "expected a duration of at least 1 ms");
        return ov_gran_init_duration(out, step, origin, err);
    }
    if (ov_slice_ieq(type, OV_SLICE_LIT("all")) || ov_slice_ieq(type, OV_SLICE_LIT("none")))
        return ov_gran_init_name(out, type, err);
    return ovi_spec_unknown(ov_json_get(g, "type"), type, "granularity type", kinds,
                            OV_COUNT_OF(kinds), err);
}

static ov_status read_gran(ovi_spec_reader *r, const ov_json *spec, const char *key, const char *dflt,
                           ov_gran *out, ov_slice *json, ov_error *err)
{
    const ov_json *g = ov_json_find(spec, key);
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\"", dflt);
    OV_TRY(ovi_spec_json(r, spec, key, quoted, json, err));
    if (!g)
        return ov_gran_init_name(out, ov_slice_cstr(dflt), err);
    if (g->kind == OV_JSON_OBJECT)
        return read_granularity_object(g, out, err);
    OV_TRY(ov_json_expect(g, OV_JSON_STRING, err));
    if (ov_gran_init_name(out, g->s, err) == OV_OK)
        return OV_OK;
    ov_error why = *err;
    return ov_json_fail(g, err, OV_INVALID, "%s", why.text);
}

static ov_status read_intervals(ovi_spec_reader *r, const ov_json *spec, ov_error *err)
{
    ov_granularity_spec *g = &r->spec->granularity;
    const ov_json *list;
    OV_TRY(ov_json_arr(spec, "intervals", &list, err));
    if (!list || list->count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, list->count * sizeof *g->intervals, &g->intervals, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        OV_TRY(ov_json_expect(v, OV_JSON_STRING, err));
        if (ov_interval_parse(v->s, &g->intervals[g->interval_count++], err) != OV_OK) {
            ov_error why = *err;
            return ov_json_fail(v, err, OV_INVALID, "%s", why.text);
        }
    }
    g->interval_count = (uint32_t)ov_interval_condense(g->intervals, g->interval_count);
    if (g->interval_count == 0)
        return ov_json_fail(list, err, OV_INVALID, "the intervals are empty");
    return OV_OK;
}

static ov_status read_granularity(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    ov_granularity_spec *g = &r->spec->granularity;
    const ov_json *spec;
    ov_slice type;
    OV_TRY(ov_json_obj(schema, "granularitySpec", &spec, err));
    OV_TRY(ov_json_str(spec, "type", OV_SLICE_LIT("uniform"), &type, err));
    bool arbitrary = ov_slice_eq(type, OV_SLICE_LIT("arbitrary"));
    if (arbitrary)
        return ov_json_fail(ov_json_get(spec, "type"), err, OV_UNSUPPORTED,
                            "'arbitrary' granularity is not supported; use 'uniform'");
    if (!ov_slice_eq(type, OV_SLICE_LIT("uniform")))
        return ovi_spec_unknown(ov_json_get(spec, "type"), type, "granularitySpec",
                                (const char *const[]){"uniform"}, 1, err);
    OV_TRY(read_gran(r, spec, "segmentGranularity", "DAY", &g->segment, &g->segment_json, err));
    OV_TRY(read_gran(r, spec, "queryGranularity", "NONE", &g->query, &g->query_json, err));
    OV_TRY(ov_json_bool(spec, "rollup", r->spec->keys.count == 0, &g->rollup, err));
    if (g->rollup && r->spec->keys.count)
        return ov_json_fail(ov_json_get(spec, "rollup"), err, OV_INVALID,
                            "expected false: rows that are rolled up have no keys of their own (keySpec)");
    return read_intervals(r, spec, err);
}

static ov_status read_retain(const ov_json *keys, int64_t *out, ov_error *err)
{
    ov_slice text;
    ov_period p;
    *out = OV_KEY_RETAIN_MS;
    OV_TRY(ov_json_str(keys, "retain", (ov_slice){0}, &text, err));
    if (text.n == 0)
        return OV_OK;
    if (ov_period_parse(text, &p, err) == OV_OK && ov_period_fixed_ms(&p, out) && *out >= 0)
        return OV_OK;
    *err = (ov_error)OV_ERROR_INIT;
    return ov_json_fail(ov_json_get(keys, "retain"), err, OV_INVALID,
                        "expected how long superseded rows can be read, in days or smaller units, such as \"P7D\" or \"PT0S\"");
}

/* Ours: {"columns": [...], "version": "updated_at", "retain": "P7D"}; storage/catalog/keys.h says what it means. */
static ov_status read_keys(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    static const char *const names[] = {"columns", "version", "retain"};
    ov_key_spec *k = &r->spec->keys;
    const ov_json *spec;
    ov_slice *columns;
    OV_TRY(ov_json_obj(schema, "keySpec", &spec, err));
    if (!spec)
        return OV_OK;
    OV_TRY(ov_json_only((ov_json *)(uintptr_t)spec, names, OV_COUNT_OF(names), err));
    OV_TRY(ovi_spec_texts(r, spec, "columns", &columns, &k->count, err));
    k->columns = columns;
    if (k->count == 0 || k->count > OV_KEY_COLUMNS)
        return ov_json_fail(spec, err, OV_INVALID, "expected \"columns\": 1 to %d names of columns", OV_KEY_COLUMNS);
    OV_TRY(ovi_spec_text(r, spec, "version", "", &k->version, err));
    return read_retain(spec, &k->retain_ms, err);
}

static ov_status read_transform(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    const ov_json *spec, *list;
    OV_TRY(ov_json_obj(schema, "transformSpec", &spec, err));
    OV_TRY(ov_json_arr(spec, "transforms", &list, err));
    if (!ov_json_find(spec, "filter") && (!list || list->count == 0))
        return OV_OK;
    return ovi_spec_json(r, schema, "transformSpec", "", &r->spec->transform_json, err);
}

ov_status ovi_spec_schema(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    const ov_json *projections;
    if (ov_json_find(schema, "parser"))
        return ov_json_fail(ov_json_get(schema, "parser"), err, OV_UNSUPPORTED,
                            "the 'parser' of old Druid versions is not read; use timestampSpec and "
                            "dimensionsSpec here and inputFormat in the ioConfig");
    OV_TRY(read_datasource(r, schema, err));
    OV_TRY(read_timestamp(r, schema, err));
    OV_TRY(read_dimensions(r, schema, err));
    OV_TRY(ovi_spec_metrics(r, schema, err));
    OV_TRY(read_keys(r, schema, err));
    OV_TRY(read_granularity(r, schema, err));
    OV_TRY(ov_json_arr(schema, "projections", &projections, err));
    if (projections && projections->count)
        return ov_json_fail(projections, err, OV_UNSUPPORTED, "projections are not supported yet");
    return read_transform(r, schema, err);
}
