/*
 * A datasource and a system table that exist by name only, for binding statements that nobody runs.
 */
#pragma once

#include "query/sql/sql.h"

static const ov_schema_column wiki_columns[] = {
    {OV_SLICE_LIT("__time"), {.id = OV_TYPE_LONG}, 0},
    {OV_SLICE_LIT("channel"), {.id = OV_TYPE_STRING}, 0},
    {OV_SLICE_LIT("page"), {.id = OV_TYPE_STRING}, 0},
    {OV_SLICE_LIT("added"), {.id = OV_TYPE_LONG}, 0},
    {OV_SLICE_LIT("delta"), {.id = OV_TYPE_DOUBLE}, 0},
};
static const ov_datasource wiki = {.name = OV_SLICE_LIT("wiki"),
                                   .columns = wiki_columns,
                                   .column_count = OV_COUNT_OF(wiki_columns)};

static inline const ov_datasource *wiki_find(const void *self, ov_slice name)
{
    (void)self;
    return ov_slice_eq(name, wiki.name) ? &wiki : NULL;
}

static inline const ov_datasource *wiki_at(const void *self, uint32_t i)
{
    (void)self;
    (void)i;
    return &wiki;
}

static const ov_field schemata_fields[] = {
    {OV_SLICE_LIT("SCHEMA_NAME"), {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, true, 0},
    {OV_SLICE_LIT("SQL_PATH"), {.id = OV_TYPE_STRING}, OV_SQL_VARCHAR, true, 0}};
static const ov_systable schemata = {.schema = "INFORMATION_SCHEMA",
                                     .name = "SCHEMATA",
                                     .fields = schemata_fields,
                                     .field_count = 2};
static const ov_systable *const wiki_systables[] = {&schemata};
