/* Parquet files from anywhere: rows or a sentence. Seeds in tests/fuzz/parquet_corpus. */
#include <stdlib.h>

#include "ingest/parse/parquet/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ov_status read_group(const ovi_pq_file *file, uint32_t group, uint64_t first, ov_arena *scratch, ov_error *err)
{
    enum { COLUMNS = 64, ROWS = 2000 };
    static const bool wanted[COLUMNS] = {[0 ... COLUMNS - 1] = true};
    ov_field fields[COLUMNS];
    ovi_pq_rows *rows;
    bool more = true;
    if (ovi_pq_columns(file) > COLUMNS)
        return OV_OK;
    OV_TRY(ovi_pq_rows_open(file, group, first, ROWS, wanted, false, &rows, err));
    ov_status st = OV_OK;
    while (more && st == OV_OK) {
        ov_arena_reset(scratch);
        st = ovi_pq_rows_next(rows, scratch, fields, &more, err);
    }
    ovi_pq_rows_close(rows);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { GROUPS = 4 };
    ov_arena scratch;
    ovi_pq_file *file;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&scratch, "fuzz", NULL);
    ov_status st = ovi_pq_open_bytes(ov_slice_make(data, size), OV_SLICE_LIT("fuzz"), &file, &err);
    if (st == OV_OK) {
        for (uint32_t g = 0; g < file->group_count && g < GROUPS && st == OV_OK; g++) {
            st = read_group(file, g, 0, &scratch, &err);
            if (st == OV_OK)
                st = read_group(file, g, file->groups[g].rows / 2, &scratch, &err);
        }
        ovi_pq_release(file);
    }
    if (st != OV_OK && err.text[0] == 0)
        abort();
    ov_arena_fini(&scratch);
    return 0;
}
