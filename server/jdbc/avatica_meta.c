/*
 * DatabaseMetaData as SQL over INFORMATION_SCHEMA, with the columns that JDBC prescribes.
 */
#include "server/jdbc/avatica_session.h"
#include "server/query/sql_text.h"

/* AND column LIKE pattern; nothing for no pattern and for %, which is any name. */
static void add_pattern(ov_buf *b, const char *column, const ov_av_pattern *p)
{
    if (!p->given || ov_slice_eq(p->text, OV_SLICE_LIT("%")))
        return;
    ov_buf_addf(b, " AND %s LIKE ", column);
    ov_sql_add_quoted(b, p->text, '\'');
    ov_buf_add_str(b, " ESCAPE '\\'");
}

static void add_catalog(ov_buf *b, const char *column, const ov_av_request *rq)
{
    if (!rq->catalog.given)
        return;
    ov_buf_addf(b, " AND %s = ", column);
    ov_sql_add_quoted(b, rq->catalog.text, '\'');
}

static void add_types(ov_buf *b, const ov_av_request *rq)
{
    if (!rq->types)
        return;
    ov_buf_add_str(b, rq->type_count ? " AND TABLE_TYPE IN (" : " AND FALSE");
    for (uint32_t i = 0; i < rq->type_count; i++) {
        ov_buf_add_str(b, i ? ", " : "");
        ov_sql_add_quoted(b, rq->types[i], '\'');
    }
    ov_buf_add_str(b, rq->type_count ? ")" : "");
}

static void add_schemas(ov_buf *b, const ov_av_request *rq)
{
    ov_buf_add_str(b, "SELECT SCHEMA_NAME AS TABLE_SCHEM, CATALOG_NAME AS TABLE_CATALOG"
                      " FROM INFORMATION_SCHEMA.SCHEMATA WHERE TRUE");
    add_catalog(b, "CATALOG_NAME", rq);
    add_pattern(b, "SCHEMA_NAME", &rq->schema);
    ov_buf_add_str(b, " ORDER BY TABLE_CATALOG, TABLE_SCHEM");
}

static void add_tables(ov_buf *b, const ov_av_request *rq)
{
    ov_buf_add_str(
        b, "SELECT TABLE_CATALOG AS TABLE_CAT, TABLE_SCHEMA AS TABLE_SCHEM, TABLE_NAME, TABLE_TYPE,"
           " CAST(NULL AS VARCHAR) AS REMARKS, CAST(NULL AS VARCHAR) AS TYPE_CAT,"
           " CAST(NULL AS VARCHAR) AS TYPE_SCHEM, CAST(NULL AS VARCHAR) AS TYPE_NAME,"
           " CAST(NULL AS VARCHAR) AS SELF_REFERENCING_COL_NAME, CAST(NULL AS VARCHAR) AS "
           "REF_GENERATION"
           " FROM INFORMATION_SCHEMA.TABLES WHERE TRUE");
    add_catalog(b, "TABLE_CATALOG", rq);
    add_pattern(b, "TABLE_SCHEMA", &rq->schema);
    add_pattern(b, "TABLE_NAME", &rq->table);
    add_types(b, rq);
    ov_buf_add_str(b, " ORDER BY TABLE_TYPE, TABLE_CAT, TABLE_SCHEM, TABLE_NAME");
}

static void add_columns(ov_buf *b, const ov_av_request *rq)
{
    ov_buf_add_str(
        b,
        "SELECT TABLE_CATALOG AS TABLE_CAT, TABLE_SCHEMA AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME,"
        " CAST(JDBC_TYPE AS INTEGER) AS DATA_TYPE, DATA_TYPE AS TYPE_NAME,"
        " -1 AS COLUMN_SIZE, -1 AS BUFFER_LENGTH, -1 AS DECIMAL_DIGITS, -1 AS NUM_PREC_RADIX,"
        " CASE IS_NULLABLE WHEN 'YES' THEN 1 ELSE 0 END AS NULLABLE, CAST(NULL AS VARCHAR) AS "
        "REMARKS,"
        " COLUMN_DEFAULT AS COLUMN_DEF, -1 AS SQL_DATA_TYPE, -1 AS SQL_DATETIME_SUB,"
        " -1 AS CHAR_OCTET_LENGTH, CAST(ORDINAL_POSITION AS INTEGER) AS ORDINAL_POSITION, "
        "IS_NULLABLE,"
        " CAST(NULL AS VARCHAR) AS SCOPE_CATALOG, CAST(NULL AS VARCHAR) AS SCOPE_SCHEMA,"
        " CAST(NULL AS VARCHAR) AS SCOPE_TABLE, -1 AS SOURCE_DATA_TYPE,"
        " 'NO' AS IS_AUTOINCREMENT, 'NO' AS IS_GENERATEDCOLUMN"
        " FROM INFORMATION_SCHEMA.COLUMNS WHERE TRUE");
    add_catalog(b, "TABLE_CATALOG", rq);
    add_pattern(b, "TABLE_SCHEMA", &rq->schema);
    add_pattern(b, "TABLE_NAME", &rq->table);
    add_pattern(b, "COLUMN_NAME", &rq->column);
    ov_buf_add_str(b, " ORDER BY TABLE_CAT, TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION");
}

/* The types a column may have, in the order of their JDBC numbers. */
static void add_type_info(ov_buf *b)
{
    static const struct {
        ov_sqltype type;
        int precision;
    } known[] = {{OV_SQL_BIGINT, 19},  {OV_SQL_FLOAT, 7},   {OV_SQL_DOUBLE, 15},
                 {OV_SQL_VARCHAR, -1}, {OV_SQL_BOOLEAN, 1}, {OV_SQL_TIMESTAMP, 23},
                 {OV_SQL_OTHER, -1},   {OV_SQL_ARRAY, -1}};
    ov_buf_add_str(b, "SELECT * FROM (");
    for (size_t i = 0; i < OV_COUNT_OF(known); i++) {
        ov_av_type t = ov_av_type_of(known[i].type);
        const char *quote = known[i].type == OV_SQL_VARCHAR ? "''''" : "CAST(NULL AS VARCHAR)";
        bool number = ov_sqltype_is_number(known[i].type);
        ov_buf_addf(
            b,
            "%sSELECT CAST('%s' AS VARCHAR) AS TYPE_NAME, %d AS DATA_TYPE, %d AS \"PRECISION\","
            " CAST(%s AS VARCHAR) AS LITERAL_PREFIX, CAST(%s AS VARCHAR) AS LITERAL_SUFFIX,"
            " CAST(NULL AS VARCHAR) AS CREATE_PARAMS, 1 AS NULLABLE, %s AS CASE_SENSITIVE, 3 AS "
            "SEARCHABLE,"
            " FALSE AS UNSIGNED_ATTRIBUTE, FALSE AS FIXED_PREC_SCALE, FALSE AS AUTO_INCREMENT,"
            " CAST('%s' AS VARCHAR) AS LOCAL_TYPE_NAME, 0 AS MINIMUM_SCALE, 0 AS MAXIMUM_SCALE,"
            " %d AS SQL_DATA_TYPE, -1 AS SQL_DATETIME_SUB, %d AS NUM_PREC_RADIX",
            i ? " UNION ALL " : "", t.name, t.jdbc, known[i].precision, quote, quote,
            known[i].type == OV_SQL_VARCHAR ? "TRUE" : "FALSE", t.name, t.jdbc, number ? 10 : 0);
    }
    ov_buf_add_str(b, ") ORDER BY DATA_TYPE");
}

ov_status ov_av_meta_sql(const ov_av_request *rq, ov_arena *a, ov_slice *sql, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    switch (rq->kind) {
    case OV_AV_CATALOGS:
        ov_buf_add_str(&b, "SELECT DISTINCT CATALOG_NAME AS TABLE_CAT FROM "
                           "INFORMATION_SCHEMA.SCHEMATA ORDER BY TABLE_CAT");
        break;
    case OV_AV_SCHEMAS:
        add_schemas(&b, rq);
        break;
    case OV_AV_TABLE_TYPES:
        ov_buf_add_str(
            &b, "SELECT DISTINCT TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES ORDER BY TABLE_TYPE");
        break;
    case OV_AV_TABLES:
        add_tables(&b, rq);
        break;
    case OV_AV_COLUMNS:
        add_columns(&b, rq);
        break;
    default:
        add_type_info(&b);
        break;
    }
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), sql, err);
    ov_buf_fini(&b);
    return st;
}
