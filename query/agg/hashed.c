#include "query/agg/hashed.h"


#define NO_VALUE UINT64_MAX

ov_status ov_hashed_open(ov_object *o, ov_error *err)
{
    return ov_array_grow(o->budget, &o->shared, 0, sizeof(ov_hashed), err);
}

void ov_hashed_close(ov_object *o)
{
    ov_hashed *s = o->shared;
    for (int i = 0; s && i < OV_HASHED_DOMAINS; i++)
        ov_array_free(o->budget, &s->domain[i].words, (size_t)s->domain[i].count * sizeof(uint64_t));
    if (s)
        ov_array_free(o->budget, &o->shared, sizeof(ov_hashed));
}

static uint64_t word_of_text(const ov_hashing *h, ov_slice s)
{
    ov_hash128 hash = {0};
    if (s.n == 0)
        return 0;
    if (!h->utf16)
        return h->word(ov_murmur3(s, OV_SKETCH_SEED));
    return ov_sketch_hash_utf16(s, &hash) ? h->word(hash) : 0;
}

/* Of row i of lanes as ov_vec_flatten leaves them. */
static uint64_t word_of(const ov_hashing *h, ov_type type, const void *data, uint32_t i)
{
    if (ov_type_is_int(type))
        return h->word(ov_murmur3_u64((uint64_t)((const int64_t *)data)[i], OV_SKETCH_SEED));
    if (ov_type_is_real(type))
        return h->word(ov_murmur3_f64(((const double *)data)[i], OV_SKETCH_SEED));
    return word_of_text(h, ((const ov_slice *)data)[i]);
}

static uint64_t word_of_code(const ov_hashing *h, const ov_domain *d, uint32_t code)
{
    uint64_t word;
    if (ov_domain_is_null(d, code))
        return NO_VALUE;
    if (ov_type_is_int(d->type))
        word = h->word(ov_murmur3_u64((uint64_t)ov_domain_i64(d, code), OV_SKETCH_SEED));
    else if (ov_type_is_real(d->type))
        word = h->word(ov_murmur3_f64(ov_domain_f64(d, code), OV_SKETCH_SEED));
    else
        word = word_of_text(h, ov_domain_str(d, code));
    return word ? word : NO_VALUE;
}

static ov_status words_of(ov_object *o, const ov_domain *d, uint64_t **out, ov_error *err)
{
    ov_hashed *s = o->shared;
    for (int i = 0; i < OV_HASHED_DOMAINS; i++)
        if (s->domain[i].words && s->domain[i].id == d->id) {
            *out = s->domain[i].words;
            return OV_OK;
        }
    uint32_t at = s->next++ % OV_HASHED_DOMAINS;
    ov_array_free(o->budget, &s->domain[at].words, (size_t)s->domain[at].count * sizeof(uint64_t));
    s->domain[at].count = 0;
    OV_TRY(ov_array_grow(o->budget, &s->domain[at].words, 0, (size_t)d->count * sizeof(uint64_t), err));
    s->domain[at].count = d->count;
    s->domain[at].id = d->id;
    *out = s->domain[at].words;
    return OV_OK;
}

static ov_status add_codes(ov_object *o, const ov_hashing *h, const ov_agg_rows *rows, const uint64_t *mask,
                           const ov_vec *x, ov_arena *scratch, ov_error *err)
{
    const uint32_t *codes;
    uint64_t *words;
    OV_TRY(ov_vec_codes32(x, scratch, &codes, err));
    OV_TRY(words_of(o, x->dict, &words, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint64_t *word = &words[codes[i]];
        if (!*word)
            *word = word_of_code(h, x->dict, codes[i]);
        if (*word != NO_VALUE)
            OV_TRY(h->put(o, ov_agg_group(rows, p, i), *word, err));
    }
    return OV_OK;
}

static ov_status add_lists(ov_object *o, const ov_hashing *h, const ov_agg_rows *rows, const uint64_t *mask,
                           const ov_vec *x, ov_arena *scratch, ov_error *err)
{
    const ov_vec *open = NULL;
    ov_vec flat, items = {0};
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t first, end;
        if (ov_vec_is_null(&flat, i))
            continue;
        const ov_vec *list = ov_vec_list(&flat, i, &first, &end);
        if (list != open)
            OV_TRY(ov_vec_flatten(list, scratch, &items, err));
        open = list;
        for (uint32_t k = first; k < end; k++) {
            uint64_t word = ov_vec_is_null(&items, k) ? 0 : word_of(h, items.type, items.data, k);
            if (word)
                OV_TRY(h->put(o, ov_agg_group(rows, p, i), word, err));
        }
    }
    return OV_OK;
}

ov_status ov_hashed_add(ov_object *o, const ov_hashing *h, const ov_agg_rows *rows, const uint64_t *mask,
                        const ov_vec *x, ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    if (x->type.id == OV_TYPE_NULL)
        return OV_OK;
    if (ov_type_is_list(x->type))
        return add_lists(o, h, rows, mask, x, scratch, err);
    if (x->enc == OV_ENC_DICT && !o->general)
        return add_codes(o, h, rows, mask, x, scratch, err);
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint64_t word = flat.valid && !ov_bits_test(flat.valid, i) ? 0 : word_of(h, flat.type, flat.data, i);
        if (word)
            OV_TRY(h->put(o, ov_agg_group(rows, p, i), word, err));
    }
    return OV_OK;
}
