/*
 * SQL types: how a value is named in headers, printed and cast. What is computed on is the native type
 * (storage/types.h): TIMESTAMP and DATE are LONG milliseconds, BOOLEAN is LONG 0/1, DECIMAL is DOUBLE.
 *
 * Source: the names are Calcite's, as Druid sends them in `sqlTypesHeader`; JDBC numbers are java.sql.Types.
 */
#pragma once

#include "storage/types.h"

typedef enum ov_sqltype {
    OV_SQL_NULL,
    OV_SQL_BOOLEAN,
    OV_SQL_TINYINT,
    OV_SQL_SMALLINT,
    OV_SQL_INTEGER,
    OV_SQL_BIGINT,
    OV_SQL_FLOAT,
    OV_SQL_REAL,
    OV_SQL_DOUBLE,
    OV_SQL_DECIMAL,
    OV_SQL_CHAR,
    OV_SQL_VARCHAR,
    OV_SQL_TIMESTAMP,
    OV_SQL_DATE,
    OV_SQL_INTERVAL_MS,    /* day-time interval: LONG milliseconds */
    OV_SQL_INTERVAL_MONTH, /* year-month interval: LONG months */
    OV_SQL_ARRAY,
    OV_SQL_OTHER, /* COMPLEX */
    OV_SQL_COUNT
} ov_sqltype;

const char *ov_sqltype_name(ov_sqltype t); /* "BIGINT" */
int ov_sqltype_jdbc(ov_sqltype t);         /* -5 */
ov_type ov_sqltype_native(ov_sqltype t);   /* LONG for TIMESTAMP; STRING for VARCHAR; NULL for ARRAY and OTHER */
ov_sqltype ov_sqltype_of_native(ov_type_id t);             /* LONG is BIGINT, NULL reads as VARCHAR, ... */
ov_sqltype ov_sqltype_of_column(ov_slice name, ov_type t); /* the same, but __time is TIMESTAMP */
bool ov_sqltype_parse(ov_slice name, ov_sqltype *out);     /* also INT, STRING, LONG, NUMERIC, CHARACTER ... */

static inline bool ov_sqltype_is_integer(ov_sqltype t)
{
    return t >= OV_SQL_TINYINT && t <= OV_SQL_BIGINT;
}
static inline bool ov_sqltype_is_number(ov_sqltype t)
{
    return t >= OV_SQL_TINYINT && t <= OV_SQL_DECIMAL;
}
static inline bool ov_sqltype_is_text(ov_sqltype t)
{
    return t == OV_SQL_CHAR || t == OV_SQL_VARCHAR;
}
static inline bool ov_sqltype_is_datetime(ov_sqltype t)
{
    return t == OV_SQL_TIMESTAMP || t == OV_SQL_DATE;
}
