/*
 * x IN (constants). The list becomes a sorted array of one type when the query is bound; a row costs a search, a
 * dictionary value costs one search per query (map.c), a short list over numbers costs one range test per item, a
 * long one a look into a hash table.
 */
#include "query/expr/expr_int.h"

#include <math.h>
#include "base/bytes.h"
#include "base/hash.h"
#include "base/value_sort.h"

enum { FEW_ITEMS = 8, MANY_ITEMS = 64 };

/* ---- searching ---- */

static bool in_hash(const ov_inset *set, uint64_t bits)
{
    uint64_t mask = set->slots - 1, at = ov_hash_u64(bits) & mask;
    for (; set->hash[at] != set->hole; at = (at + 1) & mask)
        if (set->hash[at] == bits)
            return true;
    return false;
}

bool ovi_inset_has_i64(const ov_inset *set, int64_t v)
{
    if (set->slots)
        return v >= set->i64[0] && v <= set->i64[set->count - 1] && (uint64_t)v != set->hole &&
               in_hash(set, (uint64_t)v);
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (set->i64[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low < set->count && set->i64[low] == v;
}

bool ovi_inset_has_f64(const ov_inset *set, double v)
{
    if (set->slots) /* + 0.0 makes -0.0 0.0; NaN is between nothing */
        return v >= set->f64[0] && v <= set->f64[set->count - 1] && in_hash(set, ov_f64_bits(v + 0.0));
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (set->f64[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low < set->count && set->f64[low] == v;
}

bool ovi_inset_has_str(const ov_inset *set, ov_slice v)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (ov_slice_cmp(set->str[mid], v) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < set->count && ov_slice_eq(set->str[low], v);
}

/* ---- building ---- */

static int order_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int order_f64(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int order_str(const void *a, const void *b)
{
    return ov_slice_cmp(*(const ov_slice *)a, *(const ov_slice *)b);
}

/* What arg and items are compared in. A text beside numbers is read as a number, beside numbers and texts all are texts. */
static ov_status set_type(ov_expr_ctx *cx, const ov_expr **arg, const ov_expr *const *items,
                          uint32_t count, uint32_t pos, uint32_t end_pos, ov_error *err)
{
    const ov_expr *e = *arg;
    if (e->type.id == OV_TYPE_COMPLEX)
        return ov_fail_at(err, OV_INVALID, pos, end_pos, "Values passed to IN operator must have compatible types: %s is compared with none%s",
                          ov_expr_type_name(e, (char[OV_EXPR_TYPE_NAME]){0}), ovi_json_hint(&e, 1));
    if (ov_type_is_list(e->type))
        return ov_fail_at(err, OV_UNSUPPORTED, pos, end_pos,
                          "IN does not take arrays yet");
    bool number = false, text = false;
    for (uint32_t i = 0; i < count; i++) {
        ov_sqltype t = (ov_sqltype)items[i]->sql;
        if (!ovi_is_const(items[i]))
            return ov_fail(err, OV_INTERNAL, "item %u of an IN list is no constant", i + 1);
        number = number || ov_sqltype_is_number(t);
        text = text || ov_sqltype_is_text(t);
    }
    if (ov_sqltype_is_text((ov_sqltype)e->sql) && number && !text)
        return ov_expr_cast(cx, e, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), pos, end_pos, arg, err);
    return OV_OK;
}

/* The item in the type of the set: *skip when it can never be equal. */
static ov_status item_value(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *item, void *to,
                            bool *skip, uint32_t pos, uint32_t end_pos, ov_error *err)
{
    const ov_expr *v = item;
    ov_sqltype a = (ov_sqltype)arg->sql, t = (ov_sqltype)item->sql;
    *skip = false;
    if (arg->type.id == OV_TYPE_STRING) {
        if (!ov_sqltype_is_text(t))
            OV_TRY(ov_expr_cast(cx, v, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), pos, end_pos, &v, err));
        *(ov_slice *)to = v->constant.s;
        *skip = ovi_is_null(v);
        return OV_OK;
    }
    if (ov_sqltype_is_text(t)) {
        ov_sqltype want = ov_sqltype_is_datetime(a) ? OV_SQL_TIMESTAMP
                          : a == OV_SQL_BOOLEAN     ? OV_SQL_BOOLEAN
                                                    : OV_SQL_DOUBLE;
        int64_t whole;
        double f;
        if (want == OV_SQL_DOUBLE && ov_type_is_int(arg->type) &&
            ovi_text_to_long(item->constant.s, &whole) && ovi_text_to_double(item->constant.s, &f) &&
            (double)whole == f) {
            *(int64_t *)to = whole;
            return OV_OK;
        }
        OV_TRY(ov_expr_cast(cx, v, want, ov_sqltype_native(want), pos, end_pos, &v, err));
        if (ovi_is_null(v)) {
            *skip = true;
            return OV_OK;
        }
    }
    if (ov_type_is_int(arg->type)) {
        if (ov_type_is_int(v->type)) {
            *(int64_t *)to = v->constant.i;
            return OV_OK;
        }
        double f = v->constant.f;
        *skip = !(f >= -0x1p63 && f < 0x1p63 && f == floor(f));
        *(int64_t *)to = *skip ? 0 : (int64_t)f;
        return OV_OK;
    }
    double f = ov_type_is_int(v->type) ? (double)v->constant.i : v->constant.f;
    *skip = isnan(f);
    *(double *)to = f;
    return OV_OK;
}

/* ---- keys of sorting ---- */

static uint64_t key_i64(const void *value, const void *cx)
{
    (void)cx;
    return (uint64_t)*(const int64_t *)value ^ UINT64_C(1) << 63;
}

static uint64_t key_f64(const void *value, const void *cx)
{
    uint64_t bits = ov_f64_bits(*(const double *)value + 0.0); /* -0.0 is 0.0 */
    (void)cx;
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Bytes behind what all of them begin with. */
static uint64_t key_str(const void *value, const void *cx)
{
    const ov_slice *s = value;
    size_t shared = *(const size_t *)cx, n = OV_MIN(s->n - shared, (size_t)8);
    uint64_t key = 0;
    for (size_t i = 0; i < n; i++)
        key |= (uint64_t)(unsigned char)s->p[shared + i] << (56 - 8 * i);
    return key;
}

static size_t shared_bytes(const ov_slice *s, uint32_t n)
{
    size_t shared = n ? s[0].n : 0;
    for (uint32_t i = 1; i < n && shared; i++) {
        size_t k = 0, most = OV_MIN(shared, s[i].n);
        while (k < most && s[i].p[k] == s[0].p[k])
            k++;
        shared = k;
    }
    return shared;
}

/* Sorted, and each once. */
static ov_status sort_items(ov_expr_ctx *cx, const ov_inset *set, void *values, uint32_t n, size_t size, uint32_t *count,
                            ov_error *err)
{
    char *v = values;
    uint32_t kept = 0;
    bool text = set->type.id == OV_TYPE_STRING, whole = ov_type_is_int(set->type);
    int (*order)(const void *, const void *) = text ? order_str : whole ? order_i64 : order_f64;
    size_t shared = text ? shared_bytes(values, n) : 0;
    OV_TRY(ov_sort_by_key(cx->arena->budget, values, n, size, text ? key_str : whole ? key_i64 : key_f64, &shared, order, err));
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || order(v + (kept - 1) * size, v + i * size) != 0) {
            if (kept != i)
                memcpy(v + kept * size, v + i * size, size);
            kept++;
        }
    *count = kept;
    return OV_OK;
}

/* A search in a long sorted list misses the cache at every step; a hash misses once. */
static ov_status build_hash(ov_expr_ctx *cx, ov_inset *set, ov_error *err)
{
    uint64_t *hash;
    uint32_t slots = 1;
    while (slots < 2 * (uint64_t)set->count && slots < (UINT32_C(1) << 31))
        slots *= 2;
    set->hole = set->i64 ? (uint64_t)INT64_MIN : UINT64_MAX; /* all ones is a NaN, which no list holds */
    for (uint32_t i = 0; set->i64 && i < set->count && (uint64_t)set->i64[i] == set->hole; i++)
        set->hole++; /* sorted: the first number that is not in the list */
    OV_TRY(ov_arena_alloc(cx->arena, slots * sizeof *hash, &hash, err));
    for (uint32_t i = 0; i < slots; i++)
        hash[i] = set->hole;
    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t bits = set->i64 ? (uint64_t)set->i64[i] : ov_f64_bits(set->f64[i] + 0.0), at = ov_hash_u64(bits);
        while (hash[at & (slots - 1)] != set->hole)
            at++;
        hash[at & (slots - 1)] = bits;
    }
    set->slots = slots;
    set->hash = hash;
    return OV_OK;
}

static ov_status build(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items,
                       uint32_t count, uint32_t pos, uint32_t end_pos, const ov_inset **out,
                       ov_error *err)
{
    ov_inset *set;
    char *values;
    bool text = arg->type.id == OV_TYPE_STRING;
    size_t size = text ? sizeof(ov_slice) : 8;
    OV_TRY(ov_arena_zalloc(cx->arena, sizeof *set, &set, err));
    OV_TRY(ov_arena_alloc(cx->arena, (count * (size_t)2 + 1) * size, &values, err));
    set->type = arg->type;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool skip;
        if (ovi_is_null(items[i])) {
            set->has_null = true;
            continue;
        }
        OV_TRY(item_value(cx, arg, items[i], values + n * size, &skip, pos, end_pos, err));
        n += !skip;
        if (!skip && arg->type.id == OV_TYPE_FLOAT) { /* 0.1 means also the FLOAT that it becomes, as in Druid's filters */
            double f = ((const double *)(const void *)values)[n - 1];
            ((double *)(void *)values)[n++] = ov_float_near(f);
        }
    }
    OV_TRY(sort_items(cx, set, values, n, size, &set->count, err));
    if (text)
        set->str = (const ov_slice *)(const void *)values;
    else if (ov_type_is_int(arg->type))
        set->i64 = (const int64_t *)(const void *)values;
    else
        set->f64 = (const double *)(const void *)values;
    *out = set;
    return text || set->count < MANY_ITEMS ? OV_OK : build_hash(cx, set, err);
}

/* Lists have no sets: they are compared one by one. */
static bool has_lists(const ov_expr *arg, const ov_expr *const *items, uint32_t count)
{
    bool lists = arg->type.id == OV_TYPE_ARRAY;
    for (uint32_t i = 0; i < count && !lists; i++)
        lists = ov_type_is_list(items[i]->type);
    return lists;
}

static ov_status one_by_one(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items, uint32_t count,
                            uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    const ov_expr **either;
    OV_TRY(ov_arena_alloc(cx->arena, count * sizeof *either, &either, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ovi_call_fn(cx, "=", (const ov_expr *[]){arg, items[i]}, 2, pos, end_pos, &either[i], err));
    return ovi_call_fn(cx, "OR", either, count, pos, end_pos, out, err);
}

ov_status ov_expr_in(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items,
                     uint32_t count, uint32_t pos, uint32_t end_pos, const ov_expr **out,
                     ov_error *err)
{
    if (count == 1)
        return ovi_call_fn(cx, "=", (const ov_expr *[]){arg, items[0]}, 2, pos, end_pos, out, err);
    if (arg->sql == OV_SQL_NULL)
        return ov_expr_null(cx, OV_SQL_BOOLEAN, out, err);
    if (has_lists(arg, items, count))
        return one_by_one(cx, arg, items, count, pos, end_pos, out, err);
    if ((arg->type.id == OV_TYPE_STRING && arg->type.multi) || arg->single)
        return ovi_multi_in(cx, arg, items, count, pos, end_pos, out, err);
    OV_TRY(set_type(cx, &arg, items, count, pos, end_pos, err));
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_IN, OV_SQL_BOOLEAN, OV_T(OV_TYPE_LONG), &e, err));
    OV_TRY(build(cx, arg, items, count, pos, end_pos, &e->set, err));
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *e->args, &e->args, err));
    e->args[0] = arg;
    e->argc = 1;
    e->parts = ovi_parts(arg) == UINT32_MAX ? UINT32_MAX : ovi_parts(arg) + 1;
    e->nullable = arg->nullable || e->set->has_null;
    e->deterministic = arg->deterministic;
    e->only_column = arg->only_column;
    e->pos = pos;
    e->end_pos = end_pos;
    return ovi_fold(cx, e, out, err);
}

/* ---- testing ---- */

static ov_status few_numbers(ov_eval *ev, const ov_inset *set, const ov_vec *flat, uint64_t *out,
                             ov_error *err)
{
    uint64_t *one;
    OV_TRY(ovi_words(&ev->mem, flat->rows, &one, err));
    memset(out, 0, ov_words(flat->rows) * 8);
    for (uint32_t i = 0; i < set->count; i++) {
        ovi_cmp c = {.op = OV_OP_EQ, .has_const = true};
        if (set->i64)
            c.lo = c.hi = set->i64[i];
        else
            c.flo = c.fhi = set->f64[i];
        OV_TRY(ovi_range_flat(ev, flat, &c, one, err));
        ov_bits_or(out, one, flat->rows);
    }
    return OV_OK;
}

/* One byte wide: at most 256 values can occur. */
static ov_status byte_lanes(ov_eval *ev, const ov_inset *set, const ov_vec *flat, uint64_t *out,
                            ov_error *err)
{
    uint8_t truth[256 + OVI_TABLE_PAD] = {0};
    uint64_t *unknown;
    OV_TRY(ovi_words(&ev->mem, flat->rows, &unknown, err));
    for (int i = 0; i < 256; i++)
        truth[i] = ovi_inset_has_i64(set, (int64_t)((uint64_t)flat->base + (uint64_t)i));
    ev->k->table_u8(flat->data, truth, flat->rows, out, unknown);
    return OV_OK;
}

static void search_rows(const ov_inset *set, const ov_vec *flat, const uint64_t *live, uint64_t *out)
{
    size_t rows = flat->rows;
    memset(out, 0, ov_words(rows) * 8);
    for (size_t r = ov_bits_next(live, rows, 0); r < rows; r = ov_bits_next(live, rows, r + 1)) {
        bool in = set->i64   ? ovi_inset_has_i64(set, ((const int64_t *)flat->data)[r])
                  : set->f64 ? ovi_inset_has_f64(set, ((const double *)flat->data)[r])
                             : ovi_inset_has_str(set, ((const ov_slice *)flat->data)[r]);
        out[r / 64] |= (uint64_t)in << (r % 64);
    }
}

ov_status ovi_in_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                      ov_error *err)
{
    const ov_inset *set = e->set;
    size_t rows = batch->rows;
    ov_vec v, flat;
    uint64_t *live;
    OV_TRY(ovi_eval(ev, e->args[0], batch, &v, err));
    OV_TRY(ovi_fill(ev, batch, &live, err)); /* selected and present */
    bool plain = v.enc == OV_ENC_FLAT && !ev->general_only && !set->str;
    if (plain)
        flat = v;
    else
        OV_TRY(ov_vec_flatten(&v, &ev->mem, &flat, err));
    if (flat.valid)
        ov_bits_and(live, flat.valid, rows);
    if (plain && set->count <= FEW_ITEMS) {
        OV_TRY(few_numbers(ev, set, &flat, t->is_true, err));
    } else if (plain && set->i64 && !flat.raw && flat.lane == 1) {
        OV_TRY(byte_lanes(ev, set, &flat, t->is_true, err));
    } else {
        if (plain)
            OV_TRY(ov_vec_flatten(&v, &ev->mem, &flat, err));
        search_rows(set, &flat, live, t->is_true);
    }
    ov_bits_and(t->is_true, live, rows);
    if (!t->is_unknown)
        return OV_OK;
    /* NULL rows are unknown; with NULL in the list every miss is */
    if (batch->sel)
        ov_bits_copy(t->is_unknown, batch->sel, rows);
    else
        ov_bits_fill(t->is_unknown, rows, true);
    ov_bits_andnot(t->is_unknown, set->has_null ? t->is_true : live, rows);
    return OV_OK;
}
