/*
 * Structural hashes of expressions: equal trees have equal hashes, so that a tree is found among many by one look
 * (base/places.h). Computed at the first question and kept in the node; copies that change something start without
 * (ov_expr_copy).
 */
#include "query/expr/expr_int.h"

#include "base/bytes.h"
#include "base/hash.h"

enum { UNKNOWN = 0 };

static uint64_t of_item(const ov_vec *list, uint32_t i)
{
    if (ov_vec_is_null(list, i))
        return ov_hash_u64(1);
    if (ov_type_is_int(list->type))
        return ov_hash_u64((uint64_t)ov_vec_i64(list, i));
    if (!ov_type_is_real(list->type))
        return ov_hash_slice(ov_vec_str(list, i));
    double v = ov_vec_f64(list, i); /* one zero, one NaN: what compares equal */
    return ov_hash_u64(v != v ? 2 : ov_f64_bits(v + 0.0));
}

static uint64_t of_constant(const ov_expr *e)
{
    if (e->constant.is_null || e->type.id == OV_TYPE_NULL)
        return 3;
    if (ov_type_is_int(e->type))
        return ov_hash_u64((uint64_t)e->constant.i);
    if (ov_type_is_real(e->type))
        return ov_hash_u64(ov_f64_bits(e->constant.f));
    if (!ov_type_is_list(e->type))
        return ov_hash_slice(e->constant.s);
    const ov_vec *list = e->constant.list;
    uint64_t h = ov_hash_u64(list->rows);
    for (uint32_t i = 0; i < list->rows; i++)
        h = ov_hash_combine(h, of_item(list, i));
    return h;
}

static uint64_t of_set(const ov_inset *set)
{
    uint64_t h = ov_hash_u64(set->count);
    if (set->i64)
        return ov_hash_combine(h, ov_hash_bytes(set->i64, set->count * sizeof *set->i64));
    for (uint32_t i = 0; i < set->count; i++)
        h = ov_hash_combine(h, set->f64 ? ov_hash_u64(ov_f64_bits(set->f64[i] + 0.0)) : ov_hash_slice(set->str[i]));
    return h;
}

static uint64_t of_node(const ov_expr *e)
{
    uint64_t h = ov_hash_u64((uint64_t)e->kind << 16 | (uint64_t)e->sql << 8 | e->type.id);
    switch ((ov_expr_kind)e->kind) {
    case OV_EXPR_CONST:
        return ov_hash_combine(h, of_constant(e));
    case OV_EXPR_COLUMN:
        return ov_hash_combine(h, e->column);
    case OV_EXPR_CALL:
        h = ov_hash_combine(h, (uint64_t)(uintptr_t)e->fn);
        if (e->fn->flags & OVI_LIFTED)
            h = ov_hash_combine(h, ov_expr_hash(e->prepared));
        break;
    case OV_EXPR_IN:
        h = ov_hash_combine(h, of_set(e->set));
        break;
    }
    return ov_expr_hash_all((const ov_expr *const *)e->args, e->argc, h);
}

/* Trees are shared by workers: two may compute the same number and both write it. */
uint64_t ov_expr_hash(const ov_expr *e)
{
    uint64_t h = __atomic_load_n(&e->hash, __ATOMIC_RELAXED);
    if (h != UNKNOWN)
        return h;
    h = of_node(e);
    if (h == UNKNOWN) /* tests force all hashes to zero */
        h = 1;
    __atomic_store_n((uint64_t *)(uintptr_t)&e->hash, h, __ATOMIC_RELAXED);
    return h;
}

uint64_t ov_expr_hash_all(const ov_expr *const *list, uint32_t count, uint64_t hash)
{
    for (uint32_t i = 0; i < count; i++)
        hash = ov_hash_combine(hash, ov_expr_hash(list[i]));
    return hash;
}

uint32_t ov_expr_find(const ov_places *places, const ov_expr *const *list, const ov_expr *e)
{
    OV_EACH_PLACE(places, ov_expr_hash(e), place, slot)
        if (ov_expr_equal(list[place], e))
            return place;
    return OV_NO_PLACE;
}

ov_status ov_expr_note(ov_places *places, ov_arena *arena, const ov_expr *e, ov_error *err)
{
    return ov_places_add(places, arena, ov_expr_hash(e), err);
}
