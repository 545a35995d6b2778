/*
 * INFORMATION_SCHEMA: schemas, tables, columns, functions. Values are those that a Druid gives;
 * clients compare some of them (COLUMN_DEFAULT is the empty string, not NULL, which SQLAlchemy
 * relies on).
 */
#include "query/sql/sql.h"
#include "query/system/system_int.h"

/* ---- SCHEMATA ---- */

static const ov_field schemata_fields[] = {
    OVI_TEXT_ALWAYS("CATALOG_NAME"),
    OVI_TEXT_ALWAYS("SCHEMA_NAME"),
    OVI_TEXT_ALWAYS("SCHEMA_OWNER"),
    OVI_TEXT_ALWAYS("DEFAULT_CHARACTER_SET_CATALOG"),
    OVI_TEXT_ALWAYS("DEFAULT_CHARACTER_SET_SCHEMA"),
    OVI_TEXT_ALWAYS("DEFAULT_CHARACTER_SET_NAME"),
    OVI_TEXT_ALWAYS("SQL_PATH"),
};

static ov_status schemata_rows(const ov_systable *table, ov_query_ctx *cx,
                               const ov_result_sink *emit, ov_error *err)
{
    static const char *const names[] = {"INFORMATION_SCHEMA", "druid", "lookup", "sys", "view"};
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    for (size_t i = 0; i < OV_COUNT_OF(names); i++) {
        ovi_cell_str(&w, "druid");
        ovi_cell_str(&w, names[i]);
        for (uint32_t c = 2; c < table->field_count; c++)
            ovi_cell_null(&w);
    }
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_schemata = {.schema = "INFORMATION_SCHEMA",
                                  .name = "SCHEMATA",
                                  .fields = schemata_fields,
                                  .field_count = OV_COUNT_OF(schemata_fields),
                                  .rows = schemata_rows};

/* ---- TABLES ---- */

static const ov_field tables_fields[] = {
    OVI_TEXT_ALWAYS("TABLE_CATALOG"), OVI_TEXT_ALWAYS("TABLE_SCHEMA"),
    OVI_TEXT_ALWAYS("TABLE_NAME"),    OVI_TEXT_ALWAYS("TABLE_TYPE"),
    OVI_TEXT_ALWAYS("IS_JOINABLE"),   OVI_TEXT_ALWAYS("IS_BROADCAST"),
};

static void table_row(ovi_table_writer *w, const char *schema, ov_slice name, const char *type)
{
    ovi_cell_str(w, "druid");
    ovi_cell_str(w, schema);
    ovi_cell_text(w, name);
    bool lookup = strcmp(schema, "lookup") == 0;
    ovi_cell_str(w, lookup ? "LOOKUP" : type);
    ovi_cell_str(w, lookup ? "YES" : "NO"); /* joinable */
    ovi_cell_str(w, lookup ? "YES" : "NO"); /* broadcast */
}

static ov_status tables_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit,
                             ov_error *err)
{
    const ovi_system *system = table->self;
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    for (uint32_t i = 0; i < ov_snapshot_datasources(cx->snapshot); i++)
        table_row(&w, "druid", ov_snapshot_datasource(cx->snapshot, i)->name, "TABLE");
    for (uint32_t i = 0; i < system->table_count; i++)
        if (!system->tables[i]->is_unlisted)
            table_row(&w, system->tables[i]->schema, ov_slice_cstr(system->tables[i]->name),
                      "SYSTEM_TABLE");
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_tables = {.schema = "INFORMATION_SCHEMA",
                                .name = "TABLES",
                                .fields = tables_fields,
                                .field_count = OV_COUNT_OF(tables_fields),
                                .rows = tables_rows};

/* ---- COLUMNS ---- */

static const ov_field columns_fields[] = {
    OVI_TEXT_ALWAYS("TABLE_CATALOG"),
    OVI_TEXT_ALWAYS("TABLE_SCHEMA"),
    OVI_TEXT_ALWAYS("TABLE_NAME"),
    OVI_TEXT_ALWAYS("COLUMN_NAME"),
    OVI_LONG_ALWAYS("ORDINAL_POSITION"),
    OVI_TEXT_ALWAYS("COLUMN_DEFAULT"),
    OVI_TEXT_ALWAYS("IS_NULLABLE"),
    OVI_TEXT_ALWAYS("DATA_TYPE"),
    OVI_TEXT_ALWAYS("CHARACTER_MAXIMUM_LENGTH"),
    OVI_TEXT_ALWAYS("CHARACTER_OCTET_LENGTH"),
    OVI_LONG_ALWAYS("NUMERIC_PRECISION"),
    OVI_LONG_ALWAYS("NUMERIC_PRECISION_RADIX"),
    OVI_LONG_ALWAYS("NUMERIC_SCALE"),
    OVI_LONG_ALWAYS("DATETIME_PRECISION"),
    OVI_TEXT_ALWAYS("CHARACTER_SET_NAME"),
    OVI_TEXT_ALWAYS("COLLATION_NAME"),
    OVI_LONG_ALWAYS("JDBC_TYPE"),
};

/* Digits of the number types, 0 for others. */
static int64_t precision_of(ov_sqltype t)
{
    switch (t) {
    case OV_SQL_BIGINT:
        return 19;
    case OV_SQL_INTEGER:
        return 10;
    case OV_SQL_FLOAT:
    case OV_SQL_DOUBLE:
        return 15;
    default:
        return 0;
    }
}

static void column_numbers(ovi_table_writer *w, ov_sqltype t)
{
    int64_t precision = precision_of(t);
    bool exact = ov_sqltype_is_integer(t);
    if (precision) {
        ovi_cell_i64(w, precision);
        ovi_cell_i64(w, 10);
    } else {
        ovi_cell_null(w);
        ovi_cell_null(w);
    }
    if (exact)
        ovi_cell_i64(w, 0);
    else
        ovi_cell_null(w);
    if (t == OV_SQL_TIMESTAMP)
        ovi_cell_i64(w, 3);
    else
        ovi_cell_null(w);
}

static void column_row(ovi_table_writer *w, const char *schema, ov_slice table, uint32_t place,
                       const ov_field *f)
{
    ov_sqltype t = (ov_sqltype)f->sql;
    char complex_name[48];
    ov_buf type;
    ov_buf_init(&type);
    ov_buf_add_str(&type, f->type.id == OV_TYPE_COMPLEX ? ov_type_name(f->type, complex_name)
                                                        : ov_sqltype_name(t));
    ovi_cell_str(w, "druid");
    ovi_cell_str(w, schema);
    ovi_cell_text(w, table);
    ovi_cell_text(w, f->name);
    ovi_cell_i64(w, place);
    ovi_cell_str(w, "");
    ovi_cell_str(w, f->nullable ? "YES" : "NO");
    ovi_cell_buf(w, &type);
    ovi_cell_null(w);
    ovi_cell_null(w);
    column_numbers(w, t);
    ovi_cell_str(w, ov_sqltype_is_text(t) ? "UTF-16LE" : NULL);
    ovi_cell_str(w, ov_sqltype_is_text(t) ? "UTF-16LE$en_US$primary" : NULL);
    ovi_cell_i64(w, ov_sqltype_jdbc(t));
    ov_buf_fini(&type);
}

static ov_status columns_rows(const ov_systable *table, ov_query_ctx *cx,
                              const ov_result_sink *emit, ov_error *err)
{
    const ovi_system *system = table->self;
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    for (uint32_t i = 0; i < ov_snapshot_datasources(cx->snapshot); i++) {
        const ov_datasource *d = ov_snapshot_datasource(cx->snapshot, i);
        for (uint32_t c = 0; c < d->column_count; c++) {
            ov_slice name = d->columns[c].name;
            ov_field f = {name, d->columns[c].type,
                          (uint8_t)ov_sqltype_of_column(name, d->columns[c].type),
                          !ov_slice_eq(name, OV_SLICE_LIT("__time")), 0};
            column_row(&w, "druid", d->name, c + 1, &f);
        }
    }
    for (uint32_t i = 0; i < system->table_count; i++) {
        const ov_systable *t = system->tables[i];
        uint32_t listed = t->is_unlisted ? 0 : t->field_count - t->unlisted;
        for (uint32_t c = 0; c < listed; c++)
            column_row(&w, t->schema, ov_slice_cstr(t->name), c + 1, &t->fields[c]);
    }
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_columns = {.schema = "INFORMATION_SCHEMA",
                                 .name = "COLUMNS",
                                 .fields = columns_fields,
                                 .field_count = OV_COUNT_OF(columns_fields),
                                 .rows = columns_rows};

/* ---- ROUTINES ---- */

static const ov_field routines_fields[] = {
    OVI_TEXT_ALWAYS("ROUTINE_CATALOG"), OVI_TEXT_ALWAYS("ROUTINE_SCHEMA"),
    OVI_TEXT_ALWAYS("ROUTINE_NAME"),    OVI_TEXT_ALWAYS("ROUTINE_TYPE"),
    OVI_TEXT_ALWAYS("IS_AGGREGATOR"),   OVI_TEXT("SIGNATURES"),
};

static void routine_rows(ovi_table_writer *w, const ov_function_doc *docs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ovi_cell_str(w, "druid");
        ovi_cell_str(w, "INFORMATION_SCHEMA");
        ovi_cell_str(w, docs[i].name);
        ovi_cell_str(w, "FUNCTION");
        ovi_cell_str(w, docs[i].aggregate ? "YES" : "NO");
        ovi_cell_str(w, docs[i].signatures);
    }
}

static ov_status routines_rows(const ov_systable *table, ov_query_ctx *cx,
                               const ov_result_sink *emit, ov_error *err)
{
    const ov_function_doc *docs;
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    uint32_t count = ov_function_docs(&docs);
    routine_rows(&w, docs, count);
    count = ov_agg_docs(&docs);
    routine_rows(&w, docs, count);
    count = ov_sql_window_docs(&docs);
    routine_rows(&w, docs, count);
    return ovi_syswriter_close(&w);
}

const ov_systable ovi_routines = {.schema = "INFORMATION_SCHEMA",
                                  .name = "ROUTINES",
                                  .fields = routines_fields,
                                  .field_count = OV_COUNT_OF(routines_fields),
                                  .rows = routines_rows};
