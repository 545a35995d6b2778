/*
 * The schema `lookup`: a table of keys and values for each lookup the query sees.
 */
#include "query/system/system_int.h"

static const ov_field lookup_fields[] = {OVI_TEXT_ALWAYS("k"), OVI_TEXT("v")};

static ov_status lookup_rows(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit,
                             ov_error *err)
{
    const ov_lookup *map = table->self;
    ovi_table_writer w;
    ovi_syswriter_open(&w, table, cx, emit, err);
    for (uint32_t i = 0; i < ov_lookup_count(map) && w.st == OV_OK; i++) {
        ov_slice key, value;
        ov_lookup_entry(map, i, &key, &value);
        ovi_cell_text(&w, key);
        ovi_cell_text(&w, value);
    }
    return ovi_syswriter_close(&w);
}

void ovi_lookup_table(const ov_lookup *map, ov_systable *out)
{
    *out = (ov_systable){.schema = "lookup",
                         .name = ov_lookup_name(map).p,
                         .fields = lookup_fields,
                         .field_count = OV_COUNT_OF(lookup_fields),
                         .rows = lookup_rows,
                         .self = (void *)(uintptr_t)map};
}
