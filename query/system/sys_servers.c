/*
 * sys.servers, sys.server_properties and sys.supervisors. One process plays all of Druid's parts; each part has a row, as
 * clients that pick a server by its type expect.
 */
#include "base/json.h"
#include "query/system/system_int.h"

#include <stdio.h>
#include <stdlib.h>

static const ov_field servers_fields[] = {
    OVI_TEXT("server"),     OVI_TEXT("host"),        OVI_LONG("plaintext_port"),
    OVI_LONG("tls_port"),   OVI_TEXT("server_type"), OVI_TEXT("tier"),
    OVI_LONG("curr_size"),  OVI_LONG("max_size"),    OVI_LONG("is_leader"),
    OVI_TEXT("start_time"), OVI_TEXT("version"),     OVI_TEXT("labels"), /* unlisted from here */
};

static int64_t bytes_held(const ov_snapshot *snapshot)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < ov_snapshot_datasources(snapshot); i++)
        bytes += ov_snapshot_datasource(snapshot, i)->bytes;
    return (int64_t)bytes;
}

static ov_status servers_rows(const ov_systable *table, ov_query_ctx *cx,
                              const ov_result_sink *emit, ov_error *err)
{
    static const struct {
        const char *type, *tier;
        int leader; /* -1: this kind has none */
    } parts[] = {{"broker", NULL, -1},
                 {"coordinator", NULL, 1},
                 {"historical", "_default_tier", -1},
                 {"indexer", "_default_tier", -1},
                 {"overlord", NULL, 1},
                 {"router", NULL, -1}};
    const ovi_system *system = table->self;
    const char *address = system->env->address ? system->env->address : "";
    const char *colon = strrchr(address, ':');
    ov_slice host = {address, colon ? (size_t)(colon - address) : strlen(address)};
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    for (size_t i = 0; address[0] && i < OV_COUNT_OF(parts); i++) {
        bool holds = strcmp(parts[i].type, "historical") == 0;
        ovi_cell_str(&w, address);
        ovi_cell_text(&w, host);
        ovi_cell_i64(&w, colon ? strtol(colon + 1, NULL, 10) : -1);
        ovi_cell_i64(&w, -1);
        ovi_cell_str(&w, parts[i].type);
        ovi_cell_str(&w, parts[i].tier);
        ovi_cell_i64(&w, holds ? bytes_held(cx->snapshot) : 0);
        ovi_cell_i64(&w, 0);
        if (parts[i].leader < 0)
            ovi_cell_null(&w);
        else
            ovi_cell_i64(&w, parts[i].leader);
        ovi_cell_time(&w, system->env->started_ms);
        ovi_cell_str(&w, OV_VERSION);
        ovi_cell_null(&w);
    }
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_servers = {.schema = "sys",
                                 .name = "servers",
                                 .fields = servers_fields,
                                 .field_count = OV_COUNT_OF(servers_fields),
                                 .unlisted = 2,
                                 .rows = servers_rows};

static const ov_field supervisors_fields[] = {
    OVI_TEXT("supervisor_id"), OVI_TEXT("state"),  OVI_TEXT("detailed_state"), OVI_LONG("healthy"),
    OVI_TEXT("type"),          OVI_TEXT("source"), OVI_LONG("suspended"),      OVI_TEXT("spec"),
    OVI_TEXT("datasource"), OVI_LONG("lag"), OVI_DOUBLE("lag_seconds"), /* unlisted */
};

/* Text of a member, empty when there is none. */
static ov_slice member(const ov_json *doc, const char *name)
{
    const ov_json *v = ov_json_find(doc, name);
    return v && v->kind == OV_JSON_STRING ? v->s : (ov_slice){"", 0};
}

static bool is_true(const ov_json *doc, const char *name)
{
    const ov_json *v = ov_json_find(doc, name);
    return v && v->kind == OV_JSON_BOOL && v->boolean;
}

/* As it runs here, or as its reader last wrote down. */
static ov_status supervisor_state(const ov_query_env *env, ov_slice id, ov_arena *a, ov_json **state, ov_error *err)
{
    ov_slice key, text = {0};
    if (env->supervisor)
        OV_TRY(env->supervisor(env->supervisor_self, id, a, &text, err));
    if (!text.n) {
        OV_TRY(ov_arena_printf(a, &key, err, "supervisor-state/" OV_SLICE_FMT, OV_SLICE_WHOLE(id)));
        OV_TRY(ov_catalog_cursor_get(env->catalog, key, a, &text, err));
    }
    return ov_json_parse(text.n ? text : OV_SLICE_LIT("{}"), NULL, a, state, err);
}

static void lag_cells(ovi_table_writer *w, const ov_json *state)
{
    int64_t records;
    double seconds;
    ov_error ignored = OV_ERROR_INIT;
    const ov_json *lag = ov_json_find(state, "lag"), *age = ov_json_find(state, "lagSeconds");
    if (lag && ov_json_as_i64(lag, &records, &ignored) == OV_OK)
        ovi_cell_i64(w, records);
    else
        ovi_cell_null(w);
    if (age && ov_json_as_f64(age, &seconds, &ignored) == OV_OK)
        ovi_cell_f64(w, seconds);
    else
        ovi_cell_null(w);
}

static ov_status supervisor_row(ovi_table_writer *w, const ov_query_env *env, const ov_cursor_row *row, ov_arena *a, ov_error *err)
{
    static const size_t prefix = sizeof "supervisor/" - 1;
    ov_slice id = ov_slice_make(row->key.p + prefix, row->key.n - prefix);
    ov_json *doc, *state;
    ov_buf spec;
    OV_TRY(ov_json_parse(row->value, NULL, a, &doc, err));
    if (!is_true(doc, "active"))
        return OV_OK;
    OV_TRY(supervisor_state(env, id, a, &state, err));
    const ov_json *newest = ov_json_find(ov_json_at(ov_json_find(doc, "history"), 0), "spec");
    const ov_json *parts = ov_json_find(newest, "spec") ? ov_json_find(newest, "spec") : newest;
    const ov_json *io = ov_json_find(parts, "ioConfig");
    ovi_cell_text(w, id);
    ovi_cell_text(w, member(state, "state"));
    ovi_cell_text(w, member(state, "detailedState"));
    ovi_cell_i64(w, is_true(state, "healthy"));
    ovi_cell_text(w, member(newest, "type"));
    ovi_cell_text(w, ov_json_find(io, "topic") ? member(io, "topic") : member(io, "stream"));
    ovi_cell_i64(w, is_true(newest, "suspended"));
    ov_buf_init(&spec);
    ov_json_print(newest, &spec);
    ovi_cell_buf(w, &spec);
    ov_buf_fini(&spec);
    ovi_cell_text(w, member(ov_json_find(parts, "dataSchema"), "dataSource"));
    lag_cells(w, state);
    return OV_OK;
}

static ov_status supervisors_rows(const ov_systable *table, ov_query_ctx *cx,
                                  const ov_result_sink *emit, ov_error *err)
{
    const ovi_system *system = table->self;
    ov_cursor_row *rows;
    uint32_t count = 0;
    ov_arena a;
    ovi_table_writer w;
    ov_arena_init(&a, "sys.supervisors", NULL);
    ov_status st = ov_catalog_cursor_list(system->env->catalog, OV_SLICE_LIT("supervisor/"), &a, &rows, &count, err);
    if (st == OV_OK) {
        ovi_syswriter_open(&w, table, cx, emit, err);
        for (uint32_t i = 0; i < count && st == OV_OK; i++)
            st = supervisor_row(&w, system->env, &rows[i], &a, err);
        ov_status closed = ovi_syswriter_close(&w);
        st = st == OV_OK ? closed : st;
    }
    ov_arena_fini(&a);
    return st;
}

const ov_systable ovi_supervisors = {.schema = "sys",
                                     .name = "supervisors",
                                     .fields = supervisors_fields,
                                     .field_count = OV_COUNT_OF(supervisors_fields),
                                     .unlisted = 3,
                                     .rows = supervisors_rows};

static const ov_field properties_fields[] = {
    OVI_TEXT("server"),   OVI_TEXT("service_name"), OVI_TEXT("node_roles"),
    OVI_TEXT("property"), OVI_TEXT("value"),
};

static void property_row(ovi_table_writer *w, const char *address, const char *property, ov_slice value)
{
    ovi_cell_str(w, address);
    ovi_cell_str(w, "ovate");
    ovi_cell_str(w, "[\"broker\",\"coordinator\",\"historical\",\"indexer\",\"overlord\",\"router\"]");
    ovi_cell_str(w, property);
    ovi_cell_text(w, value);
}

/* Where the server is and what it may use. */
static ov_status properties_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit, ov_error *err)
{
    const ovi_system *system = table->self;
    const char *address = system->env->address ? system->env->address : "";
    const char *colon = strrchr(address, ':');
    char most[32];
    size_t budget = system->env->query_budget_bytes;
    int n = snprintf(most, sizeof most, "%zu", budget);
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    if (colon) {
        property_row(&w, address, "druid.host", ov_slice_make(address, (size_t)(colon - address)));
        property_row(&w, address, "druid.plaintextPort", ov_slice_cstr(colon + 1));
        property_row(&w, address, "druid.service", OV_SLICE_LIT("ovate"));
        if (budget)
            property_row(&w, address, "ovate.query.bytes", ov_slice_make(most, (size_t)n));
        property_row(&w, address, "ovate.version", ov_slice_cstr(OV_VERSION));
    }
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_server_properties = {.schema = "sys",
                                           .name = "server_properties",
                                           .fields = properties_fields,
                                           .field_count = OV_COUNT_OF(properties_fields),
                                           .is_unlisted = true,
                                           .rows = properties_rows};
