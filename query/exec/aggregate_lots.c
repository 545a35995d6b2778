/*
 * Rows of AGGREGATE into lots, and back into a table.
 */
#include "query/exec/aggregate_lots.h"

#include "base/bits.h"
#include "base/hash.h"

enum {
    MANY_GROUPS = 1 << 16,  /* of a table before rows go to lots */
    NEW_SHARE = 32,         /* one row in so many made a new group */
    WINDOW = 1 << 15,       /* rows that are looked at for that */
    FEW_EACH = 8,           /* rows a group: more are better off in the table, */
    CHECK_ROWS = 1 << 23,   /* which is asked first after so many, then after twice as many and so on */
    LEAST_MEMORY = 64 << 20, /* that a query has for each worker */
    MOST_COLUMNS = 32,      /* of a row: the first chunks of all lots are as wide */
    LOT_ROWS = 2048,        /* on their way back into a table */
};

/* ---- when ---- */

static bool is_number(ov_type t)
{
    return ov_type_is_int(t) || ov_type_is_real(t);
}

/* Sums, counts, bounds and sizes of sets, of numbers: what neither looks at places of rows nor keeps texts. */
static bool serves(const agg_spec *spec, const agg_acc_spec *a)
{
    for (uint32_t i = 0; i < a->argc; i++)
        if (!is_number(spec->args[a->args[i]]->type))
            return false;
    switch ((ov_acc_kind)a->acc.kind) {
    case OV_ACC_COUNT:
    case OV_ACC_SUM_LONG:
    case OV_ACC_SUM_REAL:
    case OV_ACC_MIN:
    case OV_ACC_MAX:
    case OV_ACC_BIT_AND:
    case OV_ACC_BIT_OR:
    case OV_ACC_BIT_XOR:
    case OV_ACC_VARIANCE:
        return true;
    case OV_ACC_DISTINCT:
        return a->sized;
    case OV_ACC_ANY:
    case OV_ACC_EARLIEST:
    case OV_ACC_LATEST:
    case OV_ACC_OBJECT:
        break;
    }
    return false;
}

static uint32_t columns_of(const agg_spec *spec)
{
    return spec->layout.width + 2 * spec->arg_count + spec->filter_count; /* keys, arguments and which are NULL, masks */
}

bool ovi_lots_serve(const agg_spec *spec)
{
    const ovi_exec *x = spec->exec;
    if (spec->general || spec->layout.count == 0 || columns_of(spec) > MOST_COLUMNS)
        return false;
    /* what misses the cache for a key that is one text is the table of texts */
    if (!x->cx->options.lot_groups && (ovi_memory_left(x) / x->worker_count < LEAST_MEMORY || ovi_is_one_text(&spec->layout)))
        return false;
    for (uint32_t i = 0; i < spec->acc_count; i++)
        if (!serves(spec, &spec->accs[i]))
            return false;
    return true;
}

ov_status ovi_lots_open(agg_state *s, const agg_spec *spec, ov_error *err)
{
    agg_lots *lots = NULL;
    OV_TRY(ov_array_grow(&s->budget, &lots, 0, sizeof(*lots), err));
    ovi_lots_init(&lots->rows, columns_of(spec), &s->budget);
    s->lots = lots;
    return ov_array_grow(&s->budget, &lots->texts, 0, spec->layout.count * sizeof(*lots->texts), err);
}

/* Some key is a text that nearly every group has for itself: then its table misses the cache as often as that of the groups, and texts
 * would pass another one at the end. */
static bool are_texts(const agg_state *s, const agg_spec *spec)
{
    for (uint32_t k = 0; k < spec->layout.count; k++)
        if (ovi_key_is_text(&spec->layout, k) && s->strings[k].count > s->groups.count / 2)
            return true;
    return false;
}

ov_status ovi_lots_consider(agg_state *s, const agg_spec *spec, uint32_t rows, ov_error *err)
{
    uint32_t told = spec->exec->cx->options.lot_groups, groups = s->groups.count;
    s->window.rows += rows;
    if (groups < (told ? told : (uint32_t)MANY_GROUPS) || s->window.settled)
        return OV_OK;
    if (!told) {
        if (s->window.rows < WINDOW)
            return OV_OK;
        bool still = groups - OV_MIN(s->window.groups, groups) > s->window.rows / NEW_SHARE;
        s->window.rows = 0;
        s->window.groups = groups;
        if (!still || are_texts(s, spec))
            return OV_OK;
    }
    return ovi_lots_open(s, spec, err);
}

void ovi_lots_close(agg_state *s, const agg_spec *spec)
{
    agg_lots *l = s->lots;
    if (!l)
        return;
    for (uint32_t k = 0; l->texts && k < spec->layout.count; k++)
        ov_array_free(&s->budget, &l->texts[k].hash, (size_t)l->texts[k].cap * sizeof(*l->texts[k].hash));
    if (l->texts)
        ov_array_free(&s->budget, &l->texts, spec->layout.count * sizeof(*l->texts));
    ovi_lots_fini(&l->rows);
    ov_array_free(&s->budget, &s->lots, sizeof(*l));
}

/* A group's key, its slots and its states, while the table grows. */
static size_t group_bytes(const agg_spec *spec)
{
    return (spec->layout.width + 4 + 3 * (size_t)spec->acc_count) * 8 * 2;
}

size_t ovi_lots_finish_bytes(const agg_state *s, const agg_spec *spec)
{
    size_t most = 0, texts = 0;
    for (uint32_t p = 0; s->lots && p < OVI_LOTS; p++)
        most = OV_MAX(most, s->lots->rows.lot_rows[p]);
    for (uint32_t k = 0; s->lots && k < spec->layout.count; k++)
        texts += s->strings[k].count;
    return most * group_bytes(spec) + texts * (sizeof(ov_slice) + 8);
}

/* ---- hashes ---- */

/* Hashes of the texts up to the newest one. */
static ov_status hash_texts(agg_state *s, const agg_spec *spec, uint32_t k, const uint32_t **hash, ov_error *err)
{
    struct lot_texts *t = &s->lots->texts[k];
    const ov_strtab *tab = &s->strings[k];
    (void)spec;
    if (tab->count > t->cap) {
        OV_TRY(ov_array_grow(&s->budget, &t->hash, (size_t)t->cap * sizeof(*t->hash), (size_t)tab->cap * sizeof(*t->hash), err));
        t->cap = tab->cap;
    }
    for (t->count = OV_MAX(t->count, 1u); t->count < tab->count; t->count++) /* NULL: 0 */
        t->hash[t->count] = (uint32_t)ov_hash_slice(tab->text[t->count]);
    *hash = t->hash;
    return OV_OK;
}

/* Good enough for lots: a multiplication a word. Tables hash their keys anew. */
static uint64_t hash_row(const uint64_t *row, uint32_t width)
{
    uint64_t h = row[0];
    for (uint32_t i = 1; i < width; i++)
        h = h * 0x9E3779B97F4A7C15u + row[i];
    return ov_hash_u64(h);
}

ov_status ovi_lots_find(agg_state *s, const agg_spec *spec, const uint64_t *keys, uint32_t n, ov_arena *scratch, uint16_t *lot, ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    uint64_t *values = NULL;
    for (uint32_t k = 0; k < l->count; k++) {
        const uint32_t *hash;
        const ovi_key_field *f = &l->fields[k];
        if (!ovi_key_is_text(l, k))
            continue;
        if (!values) {
            OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * l->width * 8, &values, err));
            memcpy(values, keys, (size_t)n * l->width * 8);
        }
        OV_TRY(hash_texts(s, spec, k, &hash, err));
        uint64_t *word = values + f->word;
        for (uint32_t i = 0; i < n; i++, word += l->width) {
            uint32_t number = (uint32_t)(*word >> f->shift);
            *word ^= (uint64_t)(number ^ (number ? hash[number] : 0)) << f->shift;
        }
    }
    const uint64_t *row = values ? values : keys;
    for (uint32_t i = 0; i < n; i++, row += l->width)
        lot[i] = ovi_lot_of(hash_row(row, l->width));
    return OV_OK;
}

/* ---- rows in ---- */

/* Column of an argument and, behind it, of which rows have none. */
static ov_status input_of(const ov_vec *v, const uint32_t *idx, uint32_t n, ov_arena *scratch, ovi_lot_input *in, ovi_lot_input *absent,
                          ov_error *err)
{
    static const uint64_t none = 0, all = 1;
    ov_vec some = *v, flat;
    *in = *absent = (ovi_lot_input){.at = &none};
    if (v->type.id == OV_TYPE_NULL || (v->enc == OV_ENC_CONST && v->is_null)) {
        absent->at = &all;
        return OV_OK;
    }
    if (idx)
        OV_TRY(ov_vec_gather(v, idx, n, scratch, &some, err));
    OV_TRY(ov_vec_flatten(&some, scratch, &flat, err));
    *in = (ovi_lot_input){.at = flat.data, .stride = 1};
    if (!flat.valid)
        return OV_OK;
    uint64_t *value, *null;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 8, &value, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 8, &null, err));
    for (uint32_t i = 0; i < n; i++) {
        null[i] = !ov_bits_test(flat.valid, i);
        value[i] = null[i] ? 0 : in->at[i];
    }
    in->at = value;
    *absent = (ovi_lot_input){.at = null, .stride = 1};
    return OV_OK;
}

static ov_status input_of_mask(const uint64_t *mask, const uint32_t *idx, uint32_t n, ov_arena *scratch, ovi_lot_input *in, ov_error *err)
{
    uint64_t *bit;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 8, &bit, err));
    for (uint32_t i = 0; i < n; i++)
        bit[i] = ov_bits_test(mask, idx ? idx[i] : i);
    *in = (ovi_lot_input){.at = bit, .stride = 1};
    return OV_OK;
}

/* Groups are few for their rows: the table takes those rows, and all that come. */
static ov_status give_up(agg_state *s, const agg_spec *spec, ovi_worker *w, ov_error *err)
{
    for (uint32_t p = 0; p < OVI_LOTS; p++)
        OV_TRY(ovi_lots_empty(s, spec, p, &w->scratch, err));
    ovi_lots_close(s, spec);
    s->window.settled = true;
    return OV_OK;
}

/* Rows of a lot and the groups they make. */
static ov_status look_at_lot(agg_state *s, const agg_spec *spec, uint32_t lot, ovi_worker *w, uint64_t *rows, uint64_t *groups, ov_error *err)
{
    agg_state trial;
    ov_arena_mark mark = ov_arena_mark_get(&w->scratch);
    ov_status st = ovi_agg_state_init(&trial, spec, err);
    for (const ovi_lot_chunk *c = s->lots->rows.lot[lot]; c && st == OV_OK; c = c->next) {
        uint64_t *keys;
        uint32_t *group;
        if ((st = ov_arena_zalloc(&w->scratch, (size_t)c->rows * spec->layout.width * 8 + 8, &keys, err)) != OV_OK ||
            (st = ov_arena_alloc(&w->scratch, (size_t)c->rows * 4 + 4, &group, err)) != OV_OK)
            break;
        for (uint32_t i = 0; i < spec->layout.width; i++)
            ovi_lot_read(c, 0, c->rows, i, keys + i, spec->layout.width);
        st = ovi_groups_find(&trial.groups, keys, c->rows, group, err);
    }
    *rows += s->lots->rows.lot_rows[lot];
    *groups += trial.groups.count;
    ovi_agg_state_fini(&trial, spec);
    ov_arena_rewind(&w->scratch, mark);
    return st;
}

/* Now and then: do rows keep making groups? The table must be able to take them, otherwise lots stay and may go to disk. */
static ov_status check(agg_state *s, const agg_spec *spec, ovi_worker *w, ov_error *err)
{
    enum { LOOKED_AT = 4, TOLD_EACH = 64 };
    const ovi_exec *x = spec->exec;
    agg_lots *l = s->lots;
    uint64_t rows = 0, groups = 0, told = x->cx->options.lot_groups;
    if (l->rows.rows < (told ? told * TOLD_EACH : CHECK_ROWS) || l->rows.rows < l->checked * 2)
        return OV_OK;
    l->checked = l->rows.rows;
    for (uint32_t i = 0; i < LOOKED_AT; i++)
        OV_TRY(look_at_lot(s, spec, i, w, &rows, &groups, err));
    bool fits = groups * (OVI_LOTS / LOOKED_AT) < ovi_memory_left(x) / x->worker_count / 2 / group_bytes(spec);
    return rows > groups * FEW_EACH && fits ? give_up(s, spec, w, err) : OV_OK;
}

ov_status ovi_lots_take(agg_state *s, const agg_spec *spec, const agg_batch *in, ovi_worker *w, ov_error *err)
{
    ov_arena *scratch = &w->scratch;
    uint32_t n = in->b->sel_rows, width = spec->layout.width, c = 0, *idx;
    ovi_lot_input *input;
    uint64_t *keys;
    uint16_t *lot;
    OV_TRY(ov_arena_alloc(scratch, columns_of(spec) * sizeof(*input), &input, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * sizeof(*lot), &lot, err));
    OV_TRY(ovi_table_keys(s, spec, in, scratch, &keys, &idx, err));
    OV_TRY(ovi_lots_find(s, spec, keys, n, scratch, lot, err));
    for (; c < width; c++)
        input[c] = (ovi_lot_input){.at = keys + c, .stride = width};
    for (uint32_t i = 0; i < spec->arg_count; i++, c += 2)
        OV_TRY(input_of(&in->args[i], idx, n, scratch, &input[c], &input[c + 1], err));
    for (uint32_t i = 0; i < spec->filter_count; i++, c++)
        OV_TRY(input_of_mask(in->masks[i], idx, n, scratch, &input[c], err));
    OV_TRY(ovi_lots_add(&s->lots->rows, lot, n, input, err));
    return check(s, spec, w, err);
}

/* ---- rows out ---- */

static uint32_t values_of(const agg_spec *spec)
{
    return columns_of(spec) - spec->layout.width;
}

ov_status ovi_lot_rows_make(const agg_spec *spec, ov_arena *arena, lot_rows *r, ov_error *err)
{
    uint32_t n = values_of(spec);
    *r = (lot_rows){0};
    OV_TRY(ov_arena_lanes(arena, (size_t)LOT_ROWS * spec->layout.width * 8, &r->keys, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)n + 1) * sizeof(*r->value), &r->value, err));
    OV_TRY(ov_arena_zalloc(arena, ((size_t)n + 1) * sizeof(*r->varies), &r->varies, err));
    for (uint32_t c = 0; c < n; c++)
        OV_TRY(ov_arena_lanes(arena, ((size_t)LOT_ROWS + 64) * 8, &r->value[c], err));
    return OV_OK;
}

/* Bits of a column of zeros and ones. */
static ov_status bits_of(const lot_rows *r, uint32_t c, bool inverse, ov_arena *scratch, uint64_t **bits, ov_error *err)
{
    OV_TRY(ov_arena_lanes(scratch, (ov_words(r->rows) + 1) * 8, bits, err));
    ov_bits_fill(*bits, r->rows, inverse);
    for (uint32_t i = 0; r->varies[c] && i < r->rows; i++)
        (*bits)[i / 64] ^= (r->value[c][i] & 1) << i % 64;
    return OV_OK;
}

ov_status ovi_lots_add_rest(agg_state *to, const agg_spec *spec, lot_rows *r, ov_arena *scratch, ov_error *err)
{
    uint32_t n = r->rows, c = 0, *group;
    ov_batch b = {.rows = n, .sel_rows = n};
    agg_batch in = {.b = &b};
    if (n == 0)
        return OV_OK;
    OV_TRY(ov_arena_lanes(scratch, ((size_t)n + 64) * 4, &group, err));
    OV_TRY(ov_arena_alloc(scratch, (spec->arg_count + (size_t)1) * sizeof(*in.args), &in.args, err));
    OV_TRY(ov_arena_alloc(scratch, (spec->filter_count + (size_t)1) * sizeof(*in.masks), &in.masks, err));
    for (uint32_t i = 0; i < spec->arg_count; i++, c += 2) {
        uint64_t *valid = NULL;
        if (r->varies[c + 1])
            OV_TRY(bits_of(r, c + 1, true, scratch, &valid, err));
        in.args[i] = ov_vec_flat(spec->args[i]->type, r->value[c], valid, n);
    }
    for (uint32_t i = 0; i < spec->filter_count; i++, c++) {
        uint64_t *bits;
        OV_TRY(bits_of(r, c, false, scratch, &bits, err));
        in.masks[i] = bits;
    }
    OV_TRY(ovi_groups_find(&to->groups, r->keys, n, group, err));
    OV_TRY(ovi_table_update(to, spec, &in, group, scratch, err));
    memset(r->varies, 0, values_of(spec) * sizeof(*r->varies));
    r->rows = 0;
    return OV_OK;
}

/* n more rows, for which there is room. */
static void read_rows(lot_rows *r, const agg_spec *spec, const ovi_lot_chunk *chunk, uint32_t from, uint32_t n, uint32_t *const *numbers)
{
    uint32_t width = spec->layout.width;
    uint64_t *keys = r->keys + (size_t)r->rows * width;
    for (uint32_t i = 0; i < width; i++)
        ovi_lot_read(chunk, from, n, i, keys + i, width);
    if (numbers)
        ovi_keys_renumber(&spec->layout, numbers, keys, n, NULL);
    for (uint32_t c = 0; c < values_of(spec); c++) {
        const ovi_lot_column *col = &chunk->layout->col[width + c];
        r->varies[c] = r->varies[c] || col->lane || col->base;
        ovi_lot_read(chunk, from, n, width + c, r->value[c] + r->rows, 1);
    }
    r->rows += n;
}

ov_status ovi_lots_add_chunks(agg_state *to, const agg_spec *spec, const ovi_lot_chunk *list, uint32_t *const *numbers, lot_rows *r,
                              ov_arena *scratch, ov_error *err)
{
    for (const ovi_lot_chunk *c = list; c; c = c->next)
        for (uint32_t at = 0; at < c->rows;) {
            uint32_t n = OV_MIN(c->rows - at, LOT_ROWS - r->rows);
            read_rows(r, spec, c, at, n, numbers);
            at += n;
            if (r->rows < LOT_ROWS)
                continue;
            ov_arena_mark mark = ov_arena_mark_get(scratch);
            ov_status st = ov_query_alive(spec->exec->cx, err);
            if (st == OV_OK)
                st = ovi_lots_add_rest(to, spec, r, scratch, err);
            ov_arena_rewind(scratch, mark);
            OV_TRY(st);
        }
    return OV_OK;
}

ov_status ovi_lots_empty(agg_state *s, const agg_spec *spec, uint32_t lot, ov_arena *scratch, ov_error *err)
{
    ov_arena_mark mark = ov_arena_mark_get(scratch);
    lot_rows r;
    ov_status st = ovi_lot_rows_make(spec, scratch, &r, err);
    if (st == OV_OK)
        st = ovi_lots_add_chunks(s, spec, s->lots->rows.lot[lot], NULL, &r, scratch, err);
    if (st == OV_OK)
        st = ovi_lots_add_rest(s, spec, &r, scratch, err);
    ov_arena_rewind(scratch, mark);
    s->lots->rows.lot[lot] = NULL;
    return st;
}
