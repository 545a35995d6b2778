/* Rows in memory step aside while others leave the view; see ov_live_keeper. */
#include "storage/catalog/keys_int.h"

void ov_catalog_set_keeper(ov_catalog *cat, ov_live_keeper keeper)
{
    cat->keeper = keeper;
}

static ov_status hold_one(ov_catalog *cat, ov_slice name, ovi_held *held, ov_error *err)
{
    if (!cat->keeper.self || !ovi_keys_find(cat, name))
        return OV_OK;
    OV_TRY(cat->keeper.hold(cat->keeper.self, name, err));
    held->names[held->count++] = name;
    return OV_OK;
}

ov_status ovi_hold(ov_catalog *cat, const ov_slice *names, uint32_t count, ov_arena *a, ovi_held *held, ov_error *err)
{
    *held = (ovi_held){0};
    if (!ovi_keys_some(cat))
        return OV_OK;
    ov_status st = ov_arena_alloc(a, (count + 1u) * sizeof *held->names, &held->names, err);
    for (uint32_t i = 0; i < count && st == OV_OK; i++)
        if (i == 0 || !ov_slice_eq(names[i], names[i - 1]))
            st = hold_one(cat, names[i], held, err);
    if (st != OV_OK)
        ovi_let_go(cat, held);
    return st;
}

void ovi_let_go(ov_catalog *cat, ovi_held *held)
{
    while (held->count)
        cat->keeper.let_go(cat->keeper.self, held->names[--held->count]);
}
