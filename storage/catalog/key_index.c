/* Growing the table of keys; see key_index.h. */
#include "storage/catalog/key_index.h"

enum { FIRST_BITS = 10, MOST_BITS = 32 };

static size_t slot_bytes(const ovi_key_index *x)
{
    return ((size_t)1 << x->bits) * sizeof *x->slots;
}

ov_status ovi_key_index_room(ovi_key_index *x, uint64_t more, ov_error *err)
{
    unsigned bits = x->slots ? x->bits : FIRST_BITS;
    while (bits < MOST_BITS && (x->used + more) * 5 > ((uint64_t)1 << bits) * 4)
        bits++;
    if (x->slots && bits == x->bits)
        return OV_OK;
    if ((x->used + more) * 10 > ((uint64_t)1 << bits) * 9)
        return ov_fail(err, OV_LIMIT, "a datasource with keys has more than %llu of them", (unsigned long long)x->used);
    ovi_key_index grown = {.bits = bits, .used = x->used, .budget = x->budget};
    OV_TRY(ov_array_grow(x->budget, &grown.slots, 0, slot_bytes(&grown), err));
    for (uint64_t i = 0; x->slots && i < (uint64_t)1 << x->bits; i++) {
        const ovi_key_slot *s = &x->slots[i];
        if (ovi_key_place(s) == 0)
            continue;
        uint64_t at = ovi_key_home(&grown, s->half), mask = ((uint64_t)1 << bits) - 1;
        while (ovi_key_place(&grown.slots[at]))
            at = (at + 1) & mask;
        grown.slots[at] = *s;
    }
    ovi_key_index_fini(x);
    *x = grown;
    return OV_OK;
}

void ovi_key_index_fini(ovi_key_index *x)
{
    if (x->slots)
        ov_array_free(x->budget, &x->slots, slot_bytes(x));
    *x = (ovi_key_index){.budget = x->budget};
}
