#include "query/sqltype.h"

static const struct {
    const char *name;
    int jdbc;
    uint8_t native;
} types[OV_SQL_COUNT] = {
    [OV_SQL_NULL] = {"NULL", 0, OV_TYPE_NULL},
    [OV_SQL_BOOLEAN] = {"BOOLEAN", 16, OV_TYPE_LONG},
    [OV_SQL_TINYINT] = {"TINYINT", -6, OV_TYPE_LONG},
    [OV_SQL_SMALLINT] = {"SMALLINT", 5, OV_TYPE_LONG},
    [OV_SQL_INTEGER] = {"INTEGER", 4, OV_TYPE_LONG},
    [OV_SQL_BIGINT] = {"BIGINT", -5, OV_TYPE_LONG},
    [OV_SQL_FLOAT] = {"FLOAT", 6, OV_TYPE_FLOAT},
    [OV_SQL_REAL] = {"REAL", 7, OV_TYPE_DOUBLE},
    [OV_SQL_DOUBLE] = {"DOUBLE", 8, OV_TYPE_DOUBLE},
    [OV_SQL_DECIMAL] = {"DECIMAL", 3, OV_TYPE_DOUBLE},
    [OV_SQL_CHAR] = {"CHAR", 1, OV_TYPE_STRING},
    [OV_SQL_VARCHAR] = {"VARCHAR", 12, OV_TYPE_STRING},
    [OV_SQL_TIMESTAMP] = {"TIMESTAMP", 93, OV_TYPE_LONG},
    [OV_SQL_DATE] = {"DATE", 91, OV_TYPE_LONG},
    [OV_SQL_INTERVAL_MS] = {"INTERVAL_DAY_SECOND", 1111, OV_TYPE_LONG},
    [OV_SQL_INTERVAL_MONTH] = {"INTERVAL_YEAR_MONTH", 1111, OV_TYPE_LONG},
    [OV_SQL_ARRAY] = {"ARRAY", 2003, OV_TYPE_NULL},
    [OV_SQL_OTHER] = {"OTHER", 1111, OV_TYPE_NULL},
};

/* Other spellings that clients and people use for the same types. */
static const struct {
    const char *name;
    ov_sqltype type;
} aliases[] = {
    {"INT", OV_SQL_INTEGER},   {"LONG", OV_SQL_BIGINT},       {"STRING", OV_SQL_VARCHAR},
    {"NUMERIC", OV_SQL_DECIMAL}, {"DEC", OV_SQL_DECIMAL},     {"CHARACTER", OV_SQL_CHAR},
    {"CHARACTER VARYING", OV_SQL_VARCHAR}, {"DOUBLE PRECISION", OV_SQL_DOUBLE},
    {"BOOL", OV_SQL_BOOLEAN},
};

const char *ov_sqltype_name(ov_sqltype t)
{
    return (unsigned)t < OV_SQL_COUNT ? types[t].name : "?";
}

int ov_sqltype_jdbc(ov_sqltype t)
{
    return (unsigned)t < OV_SQL_COUNT ? types[t].jdbc : 1111;
}

ov_type ov_sqltype_native(ov_sqltype t)
{
    return OV_T((unsigned)t < OV_SQL_COUNT ? types[t].native : OV_TYPE_NULL);
}

ov_sqltype ov_sqltype_of_native(ov_type_id t)
{
    switch (t) {
    case OV_TYPE_LONG:
        return OV_SQL_BIGINT;
    case OV_TYPE_DOUBLE:
        return OV_SQL_DOUBLE;
    case OV_TYPE_FLOAT:
        return OV_SQL_FLOAT;
    case OV_TYPE_ARRAY:
        return OV_SQL_ARRAY;
    case OV_TYPE_COMPLEX:
        return OV_SQL_OTHER;
    case OV_TYPE_NULL: /* a column that never had a value reads as text, as in Druid */
    case OV_TYPE_STRING:
        break;
    }
    return OV_SQL_VARCHAR;
}

ov_sqltype ov_sqltype_of_column(ov_slice name, ov_type t)
{
    bool time = t.id == OV_TYPE_LONG && ov_slice_eq(name, OV_SLICE_LIT("__time"));
    return time ? OV_SQL_TIMESTAMP : ov_sqltype_of_native((ov_type_id)t.id);
}

bool ov_sqltype_parse(ov_slice name, ov_sqltype *out)
{
    for (unsigned t = 0; t < OV_SQL_COUNT; t++)
        if (ov_slice_ieq(name, ov_slice_cstr(types[t].name))) {
            *out = (ov_sqltype)t;
            return true;
        }
    for (size_t i = 0; i < OV_COUNT_OF(aliases); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(aliases[i].name))) {
            *out = aliases[i].type;
            return true;
        }
    return false;
}
