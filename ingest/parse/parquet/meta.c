#include "ingest/parse/parquet/meta.h"

#include "base/bytes.h"
#include "ingest/parse/parquet/thrift.h"

enum { MAX_NODES = 1 << 16, MAX_LEVEL = 200, MAX_DEPTH = 64, TAIL = 8, MAX_WIDTH = 1 << 20 };

/* ---- schema ---- */

typedef struct element {
    ovi_pq_node node;
    int32_t type; /* -1: a group */
    bool logical_set;
} element;

static void set_timestamp(element *e, int32_t per_ms)
{
    e->node.logical = OVI_PQ_TIMESTAMP;
    e->node.per_ms = per_ms;
    e->logical_set = true;
}

static void set_logical(element *e, ovi_pq_logical logical)
{
    e->node.logical = (uint8_t)logical;
    e->logical_set = true;
}

/* The older annotation; the newer one wins where both are. */
static void read_converted(element *e, int64_t v)
{
    static const uint8_t meaning[] = {
        [0] = OVI_PQ_TEXT, [1] = OVI_PQ_MAP,       [2] = OVI_PQ_MAP,       [3] = OVI_PQ_LIST,      [4] = OVI_PQ_TEXT,
        [5] = OVI_PQ_DECIMAL, [6] = OVI_PQ_DATE,   [9] = OVI_PQ_TIMESTAMP, [10] = OVI_PQ_TIMESTAMP, [11] = OVI_PQ_UNSIGNED,
        [12] = OVI_PQ_UNSIGNED, [13] = OVI_PQ_UNSIGNED, [14] = OVI_PQ_UNSIGNED, [19] = OVI_PQ_TEXT, [21] = OVI_PQ_UNREADABLE,
    };
    if (e->logical_set || v < 0 || v >= (int64_t)sizeof meaning)
        return;
    e->node.logical = meaning[v];
    if (v == 9 || v == 10)
        e->node.per_ms = v == 9 ? 1 : 1000;
    if (v == 21)
        e->node.type_name = "INTERVAL";
}

static int32_t read_unit(ovi_thrift *t, const ovi_thrift_field *f)
{
    static const int32_t per_ms[] = {0, 1, 1000, 1000000};
    ovi_thrift_field unit = {0};
    int32_t found = 0;
    if (f->type != OVI_THRIFT_STRUCT) {
        ovi_thrift_skip(t, f->type);
        return 0;
    }
    while (ovi_thrift_next(t, &unit)) {
        if (unit.id >= 1 && unit.id <= 3)
            found = per_ms[unit.id];
        ovi_thrift_skip(t, unit.type);
    }
    return found;
}

/* TIME {1: utc, 2: unit} and TIMESTAMP; DECIMAL {1: scale, 2: precision}; INTEGER {1: bits, 2: signed}. */
static void read_logical_body(ovi_thrift *t, element *e, int16_t kind)
{
    ovi_thrift_field f = {0};
    while (ovi_thrift_next(t, &f)) {
        if (kind == 8 && f.id == 2)
            set_timestamp(e, read_unit(t, &f));
        else if (kind == 5 && f.id == 1)
            e->node.scale = (int32_t)ovi_thrift_int(t, &f);
        else if (kind == 10 && f.id == 2 && !ovi_thrift_bool(t, &f))
            set_logical(e, OVI_PQ_UNSIGNED);
        else if (!(kind == 10 && f.id == 2))
            ovi_thrift_skip(t, f.type);
    }
}

static void read_logical(ovi_thrift *t, element *e)
{
    ovi_thrift_field f = {0};
    while (ovi_thrift_next(t, &f)) {
        if (f.id == 1 || f.id == 4 || f.id == 12)
            set_logical(e, OVI_PQ_TEXT);
        else if (f.id == 2)
            set_logical(e, OVI_PQ_MAP);
        else if (f.id == 3)
            set_logical(e, OVI_PQ_LIST);
        else if (f.id == 5)
            set_logical(e, OVI_PQ_DECIMAL);
        else if (f.id == 6)
            set_logical(e, OVI_PQ_DATE);
        else if (f.id == 14)
            set_logical(e, OVI_PQ_UUID);
        else if (f.id == 15) {
            set_logical(e, OVI_PQ_UNREADABLE);
            e->node.type_name = "FLOAT16";
        }
        if (f.type == OVI_THRIFT_STRUCT)
            read_logical_body(t, e, f.id);
        else
            ovi_thrift_skip(t, f.type);
    }
}

static void read_element(ovi_thrift *t, element *e)
{
    ovi_thrift_field f = {0};
    *e = (element){.type = -1};
    while (ovi_thrift_next(t, &f)) {
        switch (f.id) {
        case 1:
            e->type = (int32_t)ovi_thrift_int(t, &f);
            break;
        case 2:
            e->node.width = (int32_t)ovi_thrift_int(t, &f);
            break;
        case 3:
            e->node.repetition = (uint8_t)ovi_thrift_int(t, &f);
            break;
        case 4:
            e->node.name = ovi_thrift_binary(t, &f);
            break;
        case 5:
            e->node.children = (uint32_t)ovi_thrift_int(t, &f);
            break;
        case 6:
            read_converted(e, ovi_thrift_int(t, &f));
            break;
        case 7:
            e->node.scale = (int32_t)ovi_thrift_int(t, &f);
            break;
        case 10:
            if (f.type == OVI_THRIFT_STRUCT) {
                read_logical(t, e);
                break;
            }
            /* fall through */
        default:
            ovi_thrift_skip(t, f.type);
        }
    }
}

static ov_status check_element(const element *e, bool root, ov_error *err)
{
    const ovi_pq_node *n = &e->node;
    bool leaf = e->type >= 0 && !root;
    if (n->repetition > OVI_PQ_REPEATED || (leaf && e->type > OVI_PQ_FIXED) || (leaf && n->children) ||
        (!leaf && !root && n->children == 0))
        return ov_fail(err, OV_CORRUPT, "the schema is damaged at '" OV_SLICE_FMT "'", OV_SLICE_ARG(n->name));
    if (leaf && e->type == OVI_PQ_FIXED && (n->width < 1 || n->width > MAX_WIDTH))
        return ov_fail(err, OV_CORRUPT, "'" OV_SLICE_FMT "' has values of %d bytes", OV_SLICE_ARG(n->name), n->width);
    if (n->logical == OVI_PQ_DECIMAL && (n->scale < 0 || n->scale > MAX_LEVEL))
        return ov_fail(err, OV_CORRUPT, "'" OV_SLICE_FMT "' has a scale of %d", OV_SLICE_ARG(n->name), n->scale);
    return OV_OK;
}

/* Meanings that do not fit the bytes are not believed. */
static void settle(element *e)
{
    ovi_pq_node *n = &e->node;
    n->group = e->type < 0;
    n->physical = n->group ? 0 : (uint8_t)e->type;
    bool whole = !n->group && (n->physical == OVI_PQ_INT32 || n->physical == OVI_PQ_INT64);
    bool bytes = !n->group && n->physical >= OVI_PQ_BYTES;
    bool fits = n->logical == OVI_PQ_PLAIN || (n->group ? n->logical == OVI_PQ_LIST || n->logical == OVI_PQ_MAP
                : n->logical == OVI_PQ_TEXT               ? bytes
                : n->logical == OVI_PQ_DECIMAL            ? whole || bytes
                : n->logical == OVI_PQ_DATE               ? n->physical == OVI_PQ_INT32
                : n->logical == OVI_PQ_TIMESTAMP          ? n->physical == OVI_PQ_INT64 && n->per_ms > 0
                : n->logical == OVI_PQ_UNSIGNED           ? whole
                : n->logical == OVI_PQ_UUID               ? n->physical == OVI_PQ_FIXED && n->width == 16
                                                          : n->logical == OVI_PQ_UNREADABLE);
    if (!fits)
        n->logical = OVI_PQ_PLAIN;
}

static ov_status read_schema(ovi_thrift *t, const ovi_thrift_field *f, ovi_pq_file *file, ov_error *err)
{
    uint8_t item;
    uint32_t n = ovi_thrift_list(t, f, &item);
    OV_TRY(ovi_thrift_status(t, err));
    if (n < 2 || n > MAX_NODES || item != OVI_THRIFT_STRUCT)
        return ov_fail(err, OV_CORRUPT, "the schema has %u parts", n);
    OV_TRY(ov_arena_zalloc(&file->arena, n * sizeof *file->nodes, &file->nodes, err));
    file->node_count = n;
    for (uint32_t i = 0; i < n; i++) {
        element e;
        read_element(t, &e);
        OV_TRY(ovi_thrift_status(t, err));
        OV_TRY(check_element(&e, i == 0, err));
        settle(&e);
        file->nodes[i] = e.node;
        OV_TRY(ov_arena_copy(&file->arena, e.node.name, &file->nodes[i].name, err));
    }
    return OV_OK;
}

/* Levels, ends and leaves of the tree below node i; *at is the next node to be given a place. */
static ov_status link_node(ovi_pq_file *file, uint32_t i, uint32_t def, uint32_t rep, uint32_t depth, uint32_t *at, ov_error *err)
{
    ovi_pq_node *n = &file->nodes[i];
    if (i) {
        def += n->repetition != OVI_PQ_REQUIRED;
        rep += n->repetition == OVI_PQ_REPEATED;
    }
    if (depth > MAX_DEPTH || def > MAX_LEVEL)
        return ov_fail(err, OV_UNSUPPORTED, "the schema is nested deeper than %d", MAX_DEPTH);
    n->max_def = (uint8_t)def;
    n->max_rep = (uint8_t)rep;
    n->first_leaf = file->leaf_count;
    if (!n->group && i)
        file->leaves[file->leaf_count++] = n;
    for (uint32_t c = 0; c < n->children && (n->group || !i); c++) {
        if (*at >= file->node_count)
            return ov_fail(err, OV_CORRUPT, "the schema ends early");
        uint32_t child = (*at)++;
        OV_TRY(link_node(file, child, def, rep, depth + 1, at, err));
    }
    n->end = *at;
    return OV_OK;
}

static ov_status link_schema(ovi_pq_file *file, ov_error *err)
{
    uint32_t at = 1;
    OV_TRY(ov_arena_alloc(&file->arena, file->node_count * sizeof *file->leaves, &file->leaves, err));
    OV_TRY(link_node(file, 0, 0, 0, 0, &at, err));
    if (at != file->node_count)
        return ov_fail(err, OV_CORRUPT, "the schema has %u parts, %u of them in its tree", file->node_count, at);
    return OV_OK;
}

/* ---- row groups ---- */

static void set_packing(ovi_pq_chunk *c, int64_t codec)
{
    static const struct {
        uint8_t packing;
        const char *unread;
    } known[] = {{OV_PACKING_NONE, NULL}, {OV_PACKING_SNAPPY, NULL}, {OV_PACKING_GZIP, NULL}, {0, "LZO"}, {0, "BROTLI"},
                 {0, "LZ4 with Hadoop's frames"}, {OV_PACKING_ZSTD, NULL}, {OV_PACKING_LZ4, NULL}};
    if (codec < 0 || codec >= (int64_t)OV_COUNT_OF(known)) {
        c->codec = "an unknown codec";
        return;
    }
    c->packing = known[codec].packing;
    c->codec = known[codec].unread;
}

typedef struct chunk_place {
    int64_t data, dictionary, packed, values;
    bool meta, elsewhere;
} chunk_place;

static void read_chunk_meta(ovi_thrift *t, chunk_place *at, ovi_pq_chunk *c)
{
    ovi_thrift_field f = {0};
    at->meta = true;
    while (ovi_thrift_next(t, &f)) {
        if (f.id == 4)
            set_packing(c, ovi_thrift_int(t, &f));
        else if (f.id == 5)
            at->values = ovi_thrift_int(t, &f);
        else if (f.id == 7)
            at->packed = ovi_thrift_int(t, &f);
        else if (f.id == 9)
            at->data = ovi_thrift_int(t, &f);
        else if (f.id == 11)
            at->dictionary = ovi_thrift_int(t, &f);
        else
            ovi_thrift_skip(t, f.type);
    }
}

static ov_status read_chunk(ovi_thrift *t, const ovi_pq_file *file, ovi_pq_chunk *c, ov_error *err)
{
    chunk_place at = {0};
    ovi_thrift_field f = {0};
    while (ovi_thrift_next(t, &f)) {
        if (f.id == 3 && f.type == OVI_THRIFT_STRUCT) {
            read_chunk_meta(t, &at, c);
            continue;
        }
        at.elsewhere |= f.id == 1;
        ovi_thrift_skip(t, f.type);
    }
    OV_TRY(ovi_thrift_status(t, err));
    if (at.elsewhere)
        return ov_fail(err, OV_UNSUPPORTED, "its columns lie in other files, which is not supported");
    int64_t from = at.dictionary > 0 && at.dictionary < at.data ? at.dictionary : at.data;
    if (!at.meta || at.values < 0 || from < 4 || at.packed < 0 || (uint64_t)from > file->map.n ||
        (uint64_t)at.packed > file->map.n - (uint64_t)from)
        return ov_fail(err, OV_CORRUPT, "a column is said to lie outside of the file");
    c->bytes = ov_slice_make(file->map.p + from, (size_t)at.packed);
    c->values = (uint64_t)at.values;
    return OV_OK;
}

static ov_status read_chunks(ovi_thrift *t, const ovi_thrift_field *f, ovi_pq_file *file, ovi_pq_group *g, ov_error *err)
{
    uint8_t item;
    ovi_pq_chunk *chunks;
    uint32_t n = ovi_thrift_list(t, f, &item);
    OV_TRY(ovi_thrift_status(t, err));
    if (n != file->leaf_count || item != OVI_THRIFT_STRUCT)
        return ov_fail(err, OV_CORRUPT, "a row group has %u columns, the schema %u", n, file->leaf_count);
    OV_TRY(ov_arena_zalloc(&file->arena, n * sizeof *chunks, &chunks, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(read_chunk(t, file, &chunks[i], err));
    g->chunks = chunks;
    return OV_OK;
}

static ov_status read_group(ovi_thrift *t, ovi_pq_file *file, ovi_pq_group *g, ov_error *err)
{
    ovi_thrift_field f = {0};
    int64_t rows = 0, bytes = 0;
    while (ovi_thrift_next(t, &f)) {
        if (f.id == 1)
            OV_TRY(read_chunks(t, &f, file, g, err));
        else if (f.id == 2)
            bytes = ovi_thrift_int(t, &f);
        else if (f.id == 3)
            rows = ovi_thrift_int(t, &f);
        else
            ovi_thrift_skip(t, f.type);
    }
    OV_TRY(ovi_thrift_status(t, err));
    if (rows < 0 || (rows && !g->chunks))
        return ov_fail(err, OV_CORRUPT, "a row group is damaged");
    g->rows = (uint64_t)rows;
    g->bytes = (uint64_t)OV_MAX(bytes, 0);
    return OV_OK;
}

static ov_status read_groups(ovi_thrift *t, const ovi_thrift_field *f, ovi_pq_file *file, ov_error *err)
{
    uint8_t item;
    uint32_t n = ovi_thrift_list(t, f, &item);
    OV_TRY(ovi_thrift_status(t, err));
    if (!file->leaves || (n && item != OVI_THRIFT_STRUCT))
        return ov_fail(err, OV_CORRUPT, "the row groups come before the schema");
    OV_TRY(ov_arena_zalloc(&file->arena, (n + (size_t)1) * sizeof *file->groups, &file->groups, err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(read_group(t, file, &file->groups[i], err));
        file->rows += file->groups[i].rows;
    }
    file->group_count = n;
    return OV_OK;
}

/* ---- the file ---- */

static ov_status read_footer(ovi_pq_file *file, ov_error *err)
{
    ov_map *m = &file->map;
    if (m->n < 4 + TAIL || memcmp(m->p, "PAR1", 4) != 0)
        return m->n >= 4 && memcmp(m->p, "PARE", 4) == 0
                   ? ov_fail(err, OV_UNSUPPORTED, "it is encrypted")
                   : ov_fail(err, OV_INVALID, "it is no Parquet file: it does not begin with PAR1");
    const char *tail = m->p + m->n - TAIL;
    uint32_t n = ov_load_u32(tail);
    if (memcmp(tail + 4, "PAR1", 4) != 0)
        return ov_fail(err, OV_CORRUPT, "it does not end with PAR1; was it written or copied to its end?");
    if (n > m->n - 4 - TAIL)
        return ov_fail(err, OV_CORRUPT, "its metadata is said to be %u bytes long, more than the file", n);
    ovi_thrift t;
    ovi_thrift_field f = {0};
    ovi_thrift_init(&t, ov_slice_make(tail - n, n));
    while (ovi_thrift_next(&t, &f)) {
        if ((f.id == 2 && file->leaves) || (f.id == 4 && file->groups))
            return ov_fail(err, OV_CORRUPT, "its metadata says the same thing twice");
        if (f.id == 2) {
            OV_TRY(read_schema(&t, &f, file, err));
            OV_TRY(link_schema(file, err));
        } else if (f.id == 4) {
            OV_TRY(read_groups(&t, &f, file, err));
        } else {
            ovi_thrift_skip(&t, f.type);
        }
    }
    OV_TRY(ovi_thrift_status(&t, err));
    return file->leaves ? OV_OK : ov_fail(err, OV_CORRUPT, "it has no schema");
}

static ov_status finish_open(ovi_pq_file *file, ov_slice name, ovi_pq_file **out, ov_error *err)
{
    ov_status st = ov_arena_copy(&file->arena, name, &file->name, err);
    if (st == OV_OK) {
        st = read_footer(file, err);
        if (st != OV_OK)
            ov_error_context(err, OV_SLICE_FMT, OV_SLICE_ARG(name));
    }
    if (st != OV_OK) {
        ovi_pq_release(file);
        return st;
    }
    *out = file;
    return OV_OK;
}

static ov_status create(ovi_pq_file **out, ov_error *err)
{
    ovi_pq_file *file = ov_calloc(1, sizeof *file);
    if (!file)
        return ov_fail_nomem(err, sizeof *file);
    atomic_init(&file->refs, 1);
    ov_arena_init(&file->arena, "Parquet metadata", NULL);
    *out = file;
    return OV_OK;
}

ov_status ovi_pq_open(const char *path, ov_slice name, ovi_pq_file **out, ov_error *err)
{
    ovi_pq_file *file;
    OV_TRY(create(&file, err));
    ov_status st = ov_map_open(path, &file->map, err);
    if (st != OV_OK) {
        ovi_pq_release(file);
        return st;
    }
    return finish_open(file, name, out, err);
}

ov_status ovi_pq_open_bytes(ov_slice bytes, ov_slice name, ovi_pq_file **out, ov_error *err)
{
    ovi_pq_file *file;
    OV_TRY(create(&file, err));
    file->map = (ov_map){.p = bytes.p, .n = bytes.n};
    file->borrowed = true;
    return finish_open(file, name, out, err);
}

void ovi_pq_retain(ovi_pq_file *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

void ovi_pq_release(ovi_pq_file *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (!f->borrowed)
        ov_map_close(&f->map);
    ov_arena_fini(&f->arena);
    ov_free(f);
}
