/*
 * Multi-value columns in which no row has two values become plain ones when the segment is sealed.
 *
 * Codes of whole lists and codes of their only elements stand for the same rows, so nothing but the
 * entries of the dictionary changes.
 */
#include "storage/build/build_int.h"

bool ovi_column_is_single(const ovi_column *c)
{
    for (uint32_t code = 1; code < c->dict.count; code++) {
        const uint32_t *list = (const uint32_t *)(const void *)c->dict.entries[code].p;
        if (c->dict.entries[code].n != sizeof *list || *list == 0)
            return false;
    }
    return true;
}

void ovi_column_make_single(ovi_column *c)
{
    ovi_dict *d = &c->dict;
    d->total_bytes = 0;
    for (uint32_t code = 1; code < d->count; code++) {
        uint32_t elem = *(const uint32_t *)(const void *)d->entries[code].p;
        d->entries[code] = c->elems.entries[elem]; /* bytes that live as long as the column */
        d->total_bytes += d->entries[code].n;
    }
    d->alignment = 1;
    c->def.type.multi = 0;
}
