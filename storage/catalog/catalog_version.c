/*
 * Versions: ISO instants that never repeat and never go back, even when the clock does. The last one handed out is
 * kept in the catalog.
 */
#include "storage/catalog/catalog_int.h"

#include "base/os.h"

ov_status ovi_version_next(ov_catalog *cat, ov_arena *out, ov_slice *version, ov_error *err)
{
    int64_t last;
    char text[OV_ISO_BYTES];
    OV_TRY(ovi_meta_get(cat, "last_version", &last, err));
    int64_t now = OV_MAX(ov_now_ms(), last + 1);
    OV_TRY(ovi_meta_set(cat, "last_version", now, err));
    return ov_arena_copy(out, ov_slice_make(text, ov_iso_format(now, NULL, text)), version, err);
}

ov_status ov_catalog_next_version(ov_catalog *cat, ov_arena *out, ov_slice *version, ov_error *err)
{
    OV_TRY(ovi_change_begin(cat, err));
    return ovi_change_end(cat, ovi_version_next(cat, out, version, err), NULL, NULL, err);
}
