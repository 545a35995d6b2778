#include "server/jdbc/avatica.h"

static const ov_av_type types[OV_SQL_COUNT] = {
    [OV_SQL_NULL] = {0, "NULL", "OBJECT", "java.lang.Object", OV_AV_REP_OBJECT},
    [OV_SQL_BOOLEAN] = {16, "BOOLEAN", "BOOLEAN", "java.lang.Boolean", OV_AV_REP_BOOLEAN},
    [OV_SQL_TINYINT] = {-6, "TINYINT", "NUMBER", "java.lang.Byte", OV_AV_REP_NUMBER},
    [OV_SQL_SMALLINT] = {5, "SMALLINT", "NUMBER", "java.lang.Short", OV_AV_REP_NUMBER},
    [OV_SQL_INTEGER] = {4, "INTEGER", "NUMBER", "java.lang.Integer", OV_AV_REP_NUMBER},
    [OV_SQL_BIGINT] = {-5, "BIGINT", "NUMBER", "java.lang.Long", OV_AV_REP_NUMBER},
    [OV_SQL_FLOAT] = {6, "FLOAT", "NUMBER", "java.lang.Float", OV_AV_REP_NUMBER},
    [OV_SQL_REAL] = {7, "REAL", "NUMBER", "java.lang.Float", OV_AV_REP_NUMBER},
    [OV_SQL_DOUBLE] = {8, "DOUBLE", "NUMBER", "java.lang.Double", OV_AV_REP_NUMBER},
    [OV_SQL_DECIMAL] = {3, "DECIMAL", "NUMBER", "java.math.BigDecimal", OV_AV_REP_NUMBER},
    [OV_SQL_CHAR] = {1, "CHAR", "STRING", "java.lang.String", OV_AV_REP_STRING},
    [OV_SQL_VARCHAR] = {12, "VARCHAR", "STRING", "java.lang.String", OV_AV_REP_STRING},
    [OV_SQL_TIMESTAMP] = {93, "TIMESTAMP", "NUMBER", "java.sql.Timestamp", OV_AV_REP_NUMBER},
    [OV_SQL_DATE] = {91, "DATE", "NUMBER", "java.sql.Date", OV_AV_REP_NUMBER},
    [OV_SQL_INTERVAL_MS] = {1111, "INTERVAL_DAY_SECOND", "NUMBER", "java.lang.Long",
                            OV_AV_REP_NUMBER},
    [OV_SQL_INTERVAL_MONTH] = {1111, "INTERVAL_YEAR_MONTH", "NUMBER", "java.lang.Long",
                               OV_AV_REP_NUMBER},
    [OV_SQL_ARRAY] = {2003, "ARRAY", "ARRAY", "java.sql.Array", OV_AV_REP_ARRAY},
    [OV_SQL_OTHER] = {1111, "OTHER", "OBJECT", "java.lang.Object", OV_AV_REP_OBJECT},
};

ov_av_type ov_av_type_of(ov_sqltype t)
{
    return types[t < OV_SQL_COUNT ? t : OV_SQL_OTHER];
}

/* The names of Avatica's representations, each at its protobuf number. */
static const struct {
    const char *name;
    ov_sqltype sql;
} reps[] = {
    {"PRIMITIVE_BOOLEAN", OV_SQL_BOOLEAN},
    {"PRIMITIVE_BYTE", OV_SQL_BIGINT},
    {"PRIMITIVE_CHAR", OV_SQL_VARCHAR},
    {"PRIMITIVE_SHORT", OV_SQL_BIGINT},
    {"PRIMITIVE_INT", OV_SQL_BIGINT},
    {"PRIMITIVE_LONG", OV_SQL_BIGINT},
    {"PRIMITIVE_FLOAT", OV_SQL_FLOAT},
    {"PRIMITIVE_DOUBLE", OV_SQL_DOUBLE},
    {"BOOLEAN", OV_SQL_BOOLEAN},
    {"BYTE", OV_SQL_BIGINT},
    {"CHARACTER", OV_SQL_VARCHAR},
    {"SHORT", OV_SQL_BIGINT},
    {"INTEGER", OV_SQL_BIGINT},
    {"LONG", OV_SQL_BIGINT},
    {"FLOAT", OV_SQL_FLOAT},
    {"DOUBLE", OV_SQL_DOUBLE},
    {"JAVA_SQL_TIME", OV_SQL_COUNT},
    {"JAVA_SQL_TIMESTAMP", OV_SQL_TIMESTAMP},
    {"JAVA_SQL_DATE", OV_SQL_DATE},
    {"JAVA_UTIL_DATE", OV_SQL_TIMESTAMP},
    {"BYTE_STRING", OV_SQL_COUNT},
    {"STRING", OV_SQL_VARCHAR},
    {"NUMBER", OV_SQL_DECIMAL},
    {"OBJECT", OV_SQL_NULL},
    {"NULL", OV_SQL_NULL},
    {"BIG_INTEGER", OV_SQL_COUNT},
    {"BIG_DECIMAL", OV_SQL_DECIMAL},
    {"ARRAY", OV_SQL_ARRAY},
};

ov_sqltype ov_av_param_type_of(int rep)
{
    return rep >= 0 && rep < (int)OV_COUNT_OF(reps) ? reps[rep].sql : OV_SQL_COUNT;
}

ov_sqltype ov_av_param_type(ov_slice rep)
{
    for (size_t i = 0; i < OV_COUNT_OF(reps); i++)
        if (ov_slice_eq(rep, ov_slice_cstr(reps[i].name)))
            return reps[i].sql;
    return OV_SQL_COUNT;
}

void ov_av_param_clock(ov_param *p)
{
    enum { MOST_DAYS = 10000 * 366, DAY_MS = 24 * 3600 * 1000 };
    p->local = true;
    if (p->sql == OV_SQL_DATE && p->i > -MOST_DAYS && p->i < MOST_DAYS)
        p->i *= DAY_MS;
}
