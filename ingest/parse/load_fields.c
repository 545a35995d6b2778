/* From the names that a spec uses to the numbers of a row's fields: roots, JSON paths, what transforms make; see
 * ingest/parse/load_plan.h. */
#include "ingest/parse/load_plan_int.h"

#include "base/hash.h"

static ov_status add_root(ovi_plan_builder *b, ov_slice name, uint32_t *idx, ov_error *err)
{
    ovi_plan *p = b->plan;
    uint64_t hash = ov_hash_slice(name);
    OV_EACH_PLACE(&b->roots, hash, i, slot)
        if (ov_slice_eq(p->roots[i], name)) {
            *idx = i;
            return OV_OK;
        }
    OV_TRY(ov_places_add(&b->roots, b->out, hash, err));
    OV_TRY(ov_arena_room(b->out, &p->roots, p->root_count, &b->root_cap, 1, sizeof *p->roots, err));
    *idx = p->root_count;
    p->roots[p->root_count++] = name;
    return OV_OK;
}

/* Derived fields stand behind all roots, and what transforms make behind those: until all roots are known their numbers are
 * handed out from here, and settled at the end. */
enum { DERIVED = 1u << 30, MADE = 1u << 31 };

/* Flattened fields shadow roots. */
ov_status ovi_plan_find_field(ovi_plan_builder *b, ov_slice name, uint32_t *field, ov_error *err)
{
    const ov_format_spec *f = &b->spec->format;
    ovi_plan *p = b->plan;
    const ov_slice *made = NULL;
    uint32_t n = p->transform ? p->transform->outputs(p->transform_program, &made) : 0;
    for (uint32_t i = 0; i < n; i++)
        if (ov_slice_eq(made[i], name)) {
            *field = (uint32_t)MADE + i;
            return OV_OK;
        }
    for (uint32_t i = 0; i < p->derived_count; i++)
        if (ov_slice_eq(p->derived[i].name, name)) {
            *field = DERIVED + i;
            return OV_OK;
        }
    for (uint32_t i = 0; i < f->field_count; i++)
        if (f->fields[i].kind == OV_FLATTEN_ROOT && ov_slice_eq(f->fields[i].name, name))
            return add_root(b, f->fields[i].expr, field, err);
    if (ov_format_nests(f) && !f->discover_fields) {
        *field = OVI_NO_FIELD; /* only what flattenSpec names is there */
        return OV_OK;
    }
    return add_root(b, name, field, err);
}

ov_status ovi_plan_find_metric_field(ovi_plan_builder *b, ov_slice name, uint32_t *field, ov_error *err)
{
    if (!ov_slice_eq(name, OVI_TIME_NAME))
        return ovi_plan_find_field(b, name, field, err);
    b->plan->wants_time = true;
    *field = OVI_ROW_TIME;
    return OV_OK;
}

ov_status ovi_plan_add_derived(ovi_plan_builder *b, ov_error *err)
{
    const ov_format_spec *f = &b->spec->format;
    ovi_plan *p = b->plan;
    if (f->field_count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(b->out, f->field_count * sizeof *p->derived, &p->derived, err));
    for (uint32_t i = 0; i < f->field_count; i++) {
        ovi_derived *d = &p->derived[p->derived_count];
        if (f->fields[i].kind != OV_FLATTEN_PATH)
            continue;
        OV_TRY(ov_jsonpath_compile(f->fields[i].expr, b->out, &d->path, err));
        if (d->path.count == 0 || d->path.steps[0].kind != OV_JSONPATH_NAME)
            return ov_fail(err, OV_UNSUPPORTED,
                           "flattenSpec field '" OV_SLICE_FMT "': the path '" OV_SLICE_FMT
                           "' must start with a name, as in $.a",
                           OV_SLICE_ARG(f->fields[i].name), OV_SLICE_ARG(f->fields[i].expr));
        d->name = f->fields[i].name;
        OV_TRY(add_root(b, d->path.steps[0].name, &d->root, err));
        p->derived_count++;
    }
    return OV_OK;
}

/* The transformSpec, and beside its members the fields that metrics need. */
static ov_status transform_json(const ovi_plan_builder *b, ov_slice *out, ov_error *err)
{
    ov_slice spec = b->spec->transform_json, made = b->spec->made_json;
    *out = spec;
    if (made.n == 0)
        return OV_OK;
    OV_ASSERT(spec.n == 0 || spec.n > 2); /* never {} */
    return ov_arena_printf(b->out, out, err, "{\"metrics\":" OV_SLICE_FMT "%s%.*s", OV_SLICE_ARG(made), spec.n ? "," : "}",
                           spec.n ? (int)spec.n - 1 : 0, spec.n ? spec.p + 1 : "");
}

ov_status ovi_plan_add_transform(ovi_plan_builder *b, ov_error *err)
{
    ovi_plan *p = b->plan;
    const ov_slice *names = NULL;
    ov_slice json;
    if (b->spec->transform_json.n == 0 && b->spec->made_json.n == 0)
        return OV_OK;
    if (!b->env->transforms)
        return ov_fail(err, OV_UNSUPPORTED,
                       "spec.dataSchema.%s: transforms and filters are not supported here; remove "
                       "it and do the work in the query", b->spec->transform_json.n ? "transformSpec" : "metricsSpec");
    OV_TRY(transform_json(b, &json, err));
    OV_TRY(b->env->transforms->compile(b->env->transforms->ctx, json, b->out, &p->transform_program, err));
    p->transform_in_count = b->env->transforms->inputs(p->transform_program, &names);
    OV_TRY(ov_arena_zalloc(b->out, (p->transform_in_count + 1) * sizeof(uint32_t), &p->transform_in, err));
    uint32_t time;
    for (uint32_t i = 0; i < p->transform_in_count; i++) { /* before p->transform is set: raw fields only */
        OV_TRY(ovi_plan_find_field(b, names[i], &p->transform_in[i], err));
        if (ov_slice_eq(names[i], OVI_TIME_NAME))
            p->transform_time = i;
    }
    OV_TRY(ovi_plan_find_field(b, b->spec->timestamp.column, &time, err));
    p->raw_time_field = time == OVI_NO_FIELD ? -1 : (int64_t)time;
    p->raw_ts = p->ts;
    p->transform = b->env->transforms;
    p->transform_out_count = p->transform->outputs(p->transform_program, &names);
    return OV_OK;
}

static uint32_t settled(const ovi_plan *p, uint32_t field)
{
    if (field == OVI_NO_FIELD)
        return p->field_count + OVI_MISSING_FIELD;
    if (field == OVI_ROW_TIME)
        return p->field_count + OVI_TIME_FIELD;
    if (field >= (uint32_t)MADE)
        return p->transform_first + (field - (uint32_t)MADE);
    return field >= DERIVED ? p->root_count + (field - DERIVED) : field;
}

void ovi_plan_settle(ovi_plan *p)
{
    p->transform_first = p->root_count + p->derived_count;
    p->field_count = p->transform_first + p->transform_out_count;
    for (uint32_t i = 0; i < p->target_count; i++) {
        const ovi_sketch_source *sketch = p->targets[i].sketch;
        p->targets[i].field = settled(p, p->targets[i].field);
        p->targets[i].when = settled(p, p->targets[i].when);
        for (uint32_t k = 0; sketch && k < sketch->more_count; k++)
            sketch->more[k] = settled(p, sketch->more[k]);
    }
    for (uint32_t i = 0; i < p->transform_in_count; i++)
        p->transform_in[i] = settled(p, p->transform_in[i]);
    if (p->time_field >= 0)
        p->time_field = settled(p, (uint32_t)p->time_field);
    if (p->raw_time_field >= 0)
        p->raw_time_field = settled(p, (uint32_t)p->raw_time_field);
}
