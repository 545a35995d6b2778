#include "query/agg/strtab.h"

#include "base/bits.h"
#include "base/hash.h"

ov_status ov_strtab_init(ov_strtab *t, ov_budget *budget, ov_error *err)
{
    *t = (ov_strtab){.budget = budget, .count = 1};
    ov_arena_init(&t->bytes, "strings", budget);
    OV_TRY(ov_array_grow(budget, &t->text, 0, 64 * sizeof(ov_slice), err));
    t->cap = 64;
    OV_TRY(ov_array_grow(budget, &t->slots, 0, 128 * sizeof(uint64_t), err));
    t->slot_count = 128;
    return OV_OK;
}

void ov_strtab_fini(ov_strtab *t)
{
    ov_array_free(t->budget, &t->text, t->cap * sizeof(ov_slice));
    ov_array_free(t->budget, &t->slots, t->slot_count * sizeof(uint64_t));
    ov_arena_fini(&t->bytes);
    t->cap = t->slot_count = t->count = 0;
}

enum { SLOTS_FAST = 1 << 20 }; /* smaller tables grow in larger steps, so that fewer slots move */

/* The taken ones of src's slots into free ones of `slots`. */
static ov_status move_slots(ov_strtab *t, uint64_t *slots, uint32_t mask, ov_error *err)
{
    enum { SOME = 64 };
    uint64_t taken[SOME];
    for (uint32_t from = 0; from < t->slot_count; from += SOME) {
        uint32_t n = 0;
        OV_TRY(ov_budget_alive_at(t->budget, from, err));
        for (uint32_t i = 0; i < SOME; i++) { /* which slots are free nobody can foretell, so there is no branch */
            taken[n] = t->slots[from + i];
            n += taken[n] != 0;
        }
        for (uint32_t i = 0; i < n; i++) {
            /* the high half of the hash is stored and is what places a slot */
            uint32_t at = (uint32_t)(taken[i] >> 32) & mask;
            while (slots[at])
                at = (at + 1) & mask;
            slots[at] = taken[i];
        }
    }
    return OV_OK;
}

static OV_NOINLINE ov_status grow_slots(ov_strtab *t, ov_error *err)
{
    uint64_t *slots = NULL;
    uint32_t count = t->slot_count * (t->slot_count < SLOTS_FAST ? 4 : 2);
    if (count < t->slot_count)
        return ov_fail(err, OV_LIMIT, "more than a thousand million distinct strings in one query");
    OV_TRY(ov_array_table(t->budget, &slots, (size_t)count * sizeof(*slots), err));
    ov_status st = move_slots(t, slots, count - 1, err);
    if (st != OV_OK) {
        ov_array_free(t->budget, &slots, (size_t)count * sizeof(*slots));
        return st;
    }
    ov_array_free(t->budget, &t->slots, t->slot_count * sizeof(uint64_t));
    t->slots = slots;
    t->slot_count = count;
    return OV_OK;
}

enum { AHEAD = 32 }; /* slots of large tables are cache misses: those of a stretch are fetched together */

static uint32_t hash_of(ov_slice s)
{
    return (uint32_t)(ov_hash_slice(s) >> 32);
}

OV_INLINE void fetch_slot(const ov_strtab *t, uint32_t hash)
{
    __builtin_prefetch(&t->slots[hash & (t->slot_count - 1)]);
}

static ov_status add_hashed(ov_strtab *t, ov_slice s, uint32_t hash, bool copy, uint32_t *number, ov_error *err)
{
    uint32_t mask = t->slot_count - 1, at = hash & mask;
    for (; t->slots[at]; at = (at + 1) & mask) {
        uint32_t other = (uint32_t)t->slots[at];
        if ((uint32_t)(t->slots[at] >> 32) == hash && ov_slice_eq(t->text[other], s)) {
            *number = other;
            return OV_OK;
        }
    }
    if (t->count == t->cap) {
        OV_TRY(ov_array_grow(t->budget, &t->text, t->cap * sizeof(ov_slice),
                             (size_t)t->cap * 2 * sizeof(ov_slice), err));
        t->cap *= 2;
    }
    if (copy)
        OV_TRY(ov_arena_copy(&t->bytes, s, &s, err));
    t->text[t->count] = s;
    t->slots[at] = (uint64_t)hash << 32 | t->count;
    *number = t->count++;
    return t->count > t->slot_count / 2 ? grow_slots(t, err) : OV_OK;
}

ov_status ov_strtab_add(ov_strtab *t, ov_slice s, bool copy, uint32_t *number, ov_error *err)
{
    return add_hashed(t, s, hash_of(s), copy, number, err);
}

ov_status ov_strtab_add_all(ov_strtab *t, const ov_slice *s, const uint64_t *valid, uint32_t n, bool copy, uint32_t *number, ov_error *err)
{
    uint32_t hash[AHEAD];
    for (uint32_t from = 0, to; from < n; from = to) {
        to = OV_MIN(n, from + (uint32_t)AHEAD);
        for (uint32_t i = from; i < to; i++) {
            if (valid && !ov_bits_test(valid, i))
                continue;
            hash[i - from] = hash_of(s[i]);
            fetch_slot(t, hash[i - from]);
        }
        for (uint32_t i = from; i < to; i++) {
            number[i] = 0;
            if (valid && !ov_bits_test(valid, i))
                continue;
            if (i > from && number[i - 1] && hash[i - from] == hash[i - from - 1] && ov_slice_eq(s[i], s[i - 1]))
                number[i] = number[i - 1];
            else
                OV_TRY(add_hashed(t, s[i], hash[i - from], copy, &number[i], err));
        }
    }
    return OV_OK;
}

/* Some of src's slots that are taken. */
static ov_status take_some(ov_strtab *t, const ov_strtab *src, const uint64_t *slot, uint32_t n, bool copy,
                           uint32_t *number, ov_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        fetch_slot(t, (uint32_t)(slot[i] >> 32));
        __builtin_prefetch(&src->text[(uint32_t)slot[i]]);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = (uint32_t)slot[i];
        OV_TRY(add_hashed(t, src->text[from], (uint32_t)(slot[i] >> 32), copy, &number[from], err));
    }
    return OV_OK;
}

ov_status ov_strtab_take(ov_strtab *t, const ov_strtab *src, bool lent, uint32_t *number, ov_error *err)
{
    bool copy = !lent && src->bytes.total_bytes > 0;
    uint64_t slot[AHEAD];
    uint32_t n = 0;
    number[0] = 0;
    for (uint32_t i = 0; i < src->slot_count; i++) {
        OV_TRY(ov_budget_alive_at(t->budget, i, err));
        slot[n] = src->slots[i];
        n += slot[n] != 0;
        if (n == AHEAD) {
            OV_TRY(take_some(t, src, slot, n, copy, number, err));
            n = 0;
        }
    }
    return take_some(t, src, slot, n, copy, number, err);
}

/* 0 when it is not there. */
static uint32_t find_hashed(const ov_strtab *t, ov_slice s, uint32_t hash)
{
    uint32_t mask = t->slot_count - 1;
    for (uint32_t at = hash & mask; t->slots[at]; at = (at + 1) & mask) {
        uint32_t other = (uint32_t)t->slots[at];
        if ((uint32_t)(t->slots[at] >> 32) == hash && ov_slice_eq(t->text[other], s))
            return other;
    }
    return 0;
}

uint32_t ov_strtab_find(const ov_strtab *t, ov_slice s)
{
    return find_hashed(t, s, hash_of(s));
}

void ov_strtab_find_slots(const ov_strtab *t, const ov_strtab *src, size_t from, size_t to, uint32_t *number)
{
    uint64_t slot[AHEAD];
    for (size_t i = from; i < to;) {
        uint32_t n = 0;
        for (; i < to && n < AHEAD; i++) {
            if (!src->slots[i])
                continue;
            slot[n++] = src->slots[i];
            fetch_slot(t, (uint32_t)(src->slots[i] >> 32));
            __builtin_prefetch(&src->text[(uint32_t)src->slots[i]]);
        }
        for (uint32_t k = 0; k < n; k++) {
            uint32_t mine = (uint32_t)slot[k], theirs = find_hashed(t, src->text[mine], (uint32_t)(slot[k] >> 32));
            number[mine] = theirs ? theirs : OV_STRTAB_NONE;
        }
    }
}

void ov_strmap_fini(ov_strmap *m, ov_budget *budget)
{
    for (unsigned i = 0; i < OV_STRMAP_DOMAINS; i++)
        ov_array_free(budget, &m->domain[i].number_plus_1, m->domain[i].cap * sizeof(uint32_t));
    *m = (ov_strmap){0};
}

ov_status ov_strmap_of(ov_strmap *m, ov_strtab *t, const ov_domain *d, uint32_t **number_plus_1, ov_error *err)
{
    for (unsigned i = 0; i < OV_STRMAP_DOMAINS; i++)
        if (m->domain[i].id == d->id && m->domain[i].number_plus_1) {
            *number_plus_1 = m->domain[i].number_plus_1;
            return OV_OK;
        }
    unsigned i = m->next++ % OV_STRMAP_DOMAINS;
    m->domain[i].id = 0;
    uint32_t cap = OV_MAX(d->count, 1);
    if (m->domain[i].cap < cap) {
        OV_TRY(ov_array_grow(t->budget, &m->domain[i].number_plus_1, m->domain[i].cap * sizeof(uint32_t),
                             (size_t)cap * sizeof(uint32_t), err));
        m->domain[i].cap = cap;
    }
    memset(m->domain[i].number_plus_1, 0, (size_t)cap * sizeof(uint32_t));
    m->domain[i].id = d->id;
    m->domain[i].count = d->count;
    *number_plus_1 = m->domain[i].number_plus_1;
    return OV_OK;
}

ov_status ov_strmap_fill(ov_strtab *t, const ov_domain *d, uint32_t code, uint32_t *number_plus_1,
                         ov_error *err)
{
    uint32_t number = 0;
    if (!ov_domain_is_null(d, code))
        OV_TRY(ov_strtab_add(t, ov_domain_str(d, code), false, &number, err));
    *number_plus_1 = number + 1;
    return OV_OK;
}

/* n codes that are not translated yet; none twice. */
static ov_status fill_some(ov_strtab *t, const ov_domain *d, const uint32_t *codes, uint32_t n, uint32_t *number_plus_1,
                           ov_error *err)
{
    uint32_t hash[AHEAD], number = 0;
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < n; i++) {
        hash[i] = hash_of(ov_domain_str(d, codes[i]));
        fetch_slot(t, hash[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (st == OV_OK)
            st = add_hashed(t, ov_domain_str(d, codes[i]), hash[i], false, &number, err);
        number_plus_1[codes[i]] = st == OV_OK ? number + 1 : 0;
    }
    return st;
}

ov_status ov_strmap_fill_all(ov_strtab *t, const ov_domain *d, const uint32_t *codes, uint32_t n,
                             uint32_t *number_plus_1, ov_error *err)
{
    uint32_t fresh[AHEAD], count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (OV_LIKELY(number_plus_1[codes[i]]))
            continue;
        if (ov_domain_is_null(d, codes[i])) {
            number_plus_1[codes[i]] = 1;
            continue;
        }
        number_plus_1[codes[i]] = UINT32_MAX; /* in the list; nobody sees it */
        if (d->offsets)
            __builtin_prefetch(d->bytes + d->offsets[codes[i]]);
        fresh[count++] = codes[i];
        if (count == AHEAD) {
            OV_TRY(fill_some(t, d, fresh, count, number_plus_1, err));
            count = 0;
        }
    }
    return fill_some(t, d, fresh, count, number_plus_1, err);
}
