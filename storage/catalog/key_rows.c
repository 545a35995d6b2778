/* Values of keys, in one form for all types; see keys.h for when two are one. */
#include "storage/catalog/key_rows.h"

#include <math.h>
#include "base/bytes.h"
#include "base/hash.h"

typedef enum value_kind { VALUE_NULL, VALUE_LONG, VALUE_REAL, VALUE_TEXT } value_kind;

typedef struct value {
    value_kind kind;
    int64_t i;
    double f;
    ov_slice s;
} value;

/* The text that the number's digits make, nothing else: no sign but minus, no leading zeros. */
static bool is_whole_number(ov_slice s, int64_t *out)
{
    size_t at = s.n && s.p[0] == '-';
    uint64_t v = 0;
    if (s.n == at || s.n - at > 19 || (s.p[at] == '0' && s.n > 1))
        return false;
    for (size_t i = at; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (v > (uint64_t)INT64_MAX + at)
        return false;
    *out = (int64_t)(at ? 0 - v : v);
    return true;
}

static value of_text(ov_slice s)
{
    value v = {.kind = VALUE_TEXT, .s = s};
    if (is_whole_number(s, &v.i))
        v.kind = VALUE_LONG;
    return v;
}

/* Beyond 2^53 every double is a whole number, and each converts exactly. */
static value of_real(double f)
{
    if (f >= -0x1p63 && f < 0x1p63 && f == floor(f))
        return (value){.kind = VALUE_LONG, .i = (int64_t)f};
    return (value){.kind = VALUE_REAL, .f = f};
}

static value plain_value(const ov_vec *v, uint32_t row)
{
    if (ov_vec_is_null(v, row))
        return (value){.kind = VALUE_NULL};
    if (v->type.id == OV_TYPE_STRING)
        return of_text(ov_vec_str(v, row));
    return ov_type_is_real(v->type) ? of_real(ov_vec_f64(v, row)) : (value){.kind = VALUE_LONG, .i = ov_vec_i64(v, row)};
}

/* A list of one is its element, an empty one NULL. *many: it is none of these. */
static value value_at(const ov_vec *v, uint32_t row, bool *many)
{
    uint32_t first, end;
    *many = false;
    if (v->type.id == OV_TYPE_NULL)
        return (value){.kind = VALUE_NULL};
    if (!v->type.multi)
        return plain_value(v, row);
    const ov_vec *list = ov_vec_is_null(v, row) ? NULL : ov_vec_list(v, row, &first, &end);
    if (!list || first == end)
        return (value){.kind = VALUE_NULL};
    *many = end - first > 1;
    return plain_value(list, first);
}

static uint64_t hash_value(const value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return ov_hash_u64(UINT64_C(0x6E756C6C));
    case VALUE_LONG:
        return ov_hash_u64((uint64_t)v->i);
    case VALUE_REAL:
        return ov_hash_u64(isnan(v->f) ? 1 : ov_f64_bits(v->f));
    case VALUE_TEXT:
        return ov_hash_slice(v->s);
    }
    return 0;
}

static bool same(const value *a, const value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_LONG:
        return a->i == b->i;
    case VALUE_REAL:
        return a->f == b->f || (isnan(a->f) && isnan(b->f));
    case VALUE_TEXT:
        return ov_slice_eq(a->s, b->s);
    }
    return false;
}

/* Longs and reals by value: a real here lies between whole numbers below 2^53, or beyond all longs, and rounding a long to a
 * double does not carry it past either. */
static int compare_numbers(const value *a, const value *b)
{
    if (a->kind == VALUE_LONG && b->kind == VALUE_LONG)
        return (a->i > b->i) - (a->i < b->i);
    double x = a->kind == VALUE_LONG ? (double)a->i : a->f, y = b->kind == VALUE_LONG ? (double)b->i : b->f;
    if (isnan(x) || isnan(y))
        return (isnan(x) != 0) - (isnan(y) != 0);
    return (x > y) - (x < y);
}

static int rank_of(value_kind k)
{
    return k == VALUE_NULL ? 0 : k == VALUE_TEXT ? 2 : 1;
}

static int compare(const value *a, const value *b)
{
    int x = rank_of(a->kind), y = rank_of(b->kind);
    if (x != y)
        return x < y ? -1 : 1;
    if (x == 1)
        return compare_numbers(a, b);
    return x == 2 ? ov_slice_cmp(a->s, b->s) : 0;
}

/* ---- blocks ---- */

static ov_status open_column(ovi_key_rows *k, ov_slice name, const char *what, ov_vec *v, ov_error *err)
{
    const ov_column *c = ov_segment_find(k->seg, name);
    *v = ov_vec_null(OV_T(OV_TYPE_NULL), k->rows);
    if (!c)
        return OV_OK;
    ov_type t = ov_column_get_info(c)->type;
    if (t.id == OV_TYPE_COMPLEX || t.id == OV_TYPE_ARRAY) {
        char text[48];
        return ov_fail(err, OV_INVALID, "column '" OV_SLICE_FMT "' of type %s cannot be a %s: only strings and numbers can",
                       OV_SLICE_ARG(name), ov_type_name(t, text), what);
    }
    return t.id == OV_TYPE_NULL ? OV_OK : ov_column_read(c, k->block, &k->arena, v, err);
}

ov_status ovi_key_rows_open(ovi_key_rows *k, const ov_key_spec *spec, const ov_segment *seg, uint32_t b, ov_error *err)
{
    uint32_t all = ov_segment_get_info(seg)->rows;
    if (!k->seg)
        ov_arena_init(&k->arena, "keys", NULL);
    ov_arena_reset(&k->arena);
    k->seg = seg;
    k->block = b;
    k->rows = OV_MIN(all - b * OV_BATCH_ROWS, (uint32_t)OV_BATCH_ROWS);
    k->count = spec->count;
    for (uint32_t i = 0; i < spec->count; i++)
        OV_TRY(open_column(k, spec->columns[i], "key", &k->vec[i], err));
    k->vec[spec->count] = ov_vec_null(OV_T(OV_TYPE_NULL), k->rows);
    if (spec->version.n)
        OV_TRY(open_column(k, spec->version, "version", &k->vec[spec->count], err));
    return open_column(k, OV_SLICE_LIT("__time"), "time", &k->vec[spec->count + 1], err);
}

void ovi_key_rows_close(ovi_key_rows *k)
{
    if (k->seg)
        ov_arena_fini(&k->arena);
    k->seg = NULL;
}

/* Hashes of a vector's values; codes of a dictionary that is no larger than the block are hashed once. */
static ov_status hash_column(ovi_key_rows *k, const ov_vec *v, bool first, uint64_t *hash, ov_error *err)
{
    uint64_t *of_code = NULL;
    const uint32_t *codes = NULL;
    bool many = false;
    if (v->enc == OV_ENC_DICT && v->dict->count <= k->rows && !v->type.multi) {
        OV_TRY(ov_arena_alloc(&k->arena, (v->dict->count + (size_t)1) * sizeof *of_code, &of_code, err));
        OV_TRY(ov_vec_codes32(v, &k->arena, &codes, err));
        ov_vec one = *v;
        static const uint8_t zero[64];
        one.data = zero;
        one.lane = 1;
        one.rows = 1;
        for (uint32_t c = 0; c < v->dict->count; c++) {
            one.base = c;
            value x = value_at(&one, 0, &many);
            of_code[c] = hash_value(&x);
        }
    }
    for (uint32_t i = 0; i < k->rows; i++) {
        uint64_t h;
        if (of_code) {
            h = of_code[codes[i]];
        } else {
            value x = value_at(v, i, &many);
            if (many)
                return ov_fail(err, OV_INVALID, "a key column has several values in one row; keys need one");
            h = hash_value(&x);
        }
        hash[i] = first ? h : ov_hash_combine(hash[i], h);
    }
    return OV_OK;
}

ov_status ovi_key_rows_hash(ovi_key_rows *k, uint64_t *hash, ov_error *err)
{
    for (uint32_t c = 0; c < k->count; c++)
        OV_TRY(hash_column(k, &k->vec[c], c == 0, hash, err));
    return OV_OK;
}

bool ovi_key_rows_equal(const ovi_key_rows *a, uint32_t row_a, const ovi_key_rows *b, uint32_t row_b)
{
    bool many;
    for (uint32_t c = 0; c < a->count; c++) {
        value x = value_at(&a->vec[c], row_a, &many), y = value_at(&b->vec[c], row_b, &many);
        if (!same(&x, &y))
            return false;
    }
    return true;
}

int ovi_key_rows_version(const ovi_key_rows *a, uint32_t row_a, const ovi_key_rows *b, uint32_t row_b)
{
    bool many;
    value x = value_at(&a->vec[a->count], row_a, &many), y = value_at(&b->vec[b->count], row_b, &many);
    return compare(&x, &y);
}
