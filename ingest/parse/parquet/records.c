#include "ingest/parse/parquet/records.h"

#include "base/base64.h"
#include "base/datetime.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/numfmt.h"
#include "ingest/parse/byte_scan.h"

enum { MOST_ROW_BYTES = 64 << 20 };

struct ovi_pq_rows {
    const ovi_pq_file *file;
    uint64_t left;
    bool bytes_are_text;
    ovi_pq_column **columns; /* by leaf; NULL: not wanted */
    ov_buf text;             /* of the nested value at hand */
};

/* Node of a top-level column. */
static const ovi_pq_node *top_node(const ovi_pq_file *f, uint32_t i)
{
    uint32_t at = 1;
    while (i--)
        at = f->nodes[at].end;
    return &f->nodes[at];
}

uint32_t ovi_pq_columns(const ovi_pq_file *f)
{
    return f->nodes[0].children;
}

ov_slice ovi_pq_column_name(const ovi_pq_file *f, uint32_t i)
{
    return top_node(f, i)->name;
}

/* ---- values ---- */

static void add_uuid(ov_buf *out, ov_slice bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        ov_buf_addf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", (uint8_t)bytes.p[i]);
}

/* Digits of a whole number of up to 128 bits with the point `scale` digits from its end. */
static void add_decimal(ov_buf *out, __int128 v, int32_t scale)
{
    char digits[256];
    size_t at = sizeof digits;
    unsigned __int128 rest = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    for (int32_t i = 0; rest || i <= scale; i++) {
        if (i == scale && scale)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (unsigned)(rest % 10));
        rest /= 10;
    }
    if (v < 0)
        digits[--at] = '-';
    ov_buf_add(out, digits + at, sizeof digits - at);
}

static ov_status decimal_bytes(ov_slice bytes, __int128 *out, ov_error *err)
{
    unsigned __int128 v = bytes.n && (bytes.p[0] & 0x80) ? ~(unsigned __int128)0 : 0;
    if (bytes.n > sizeof v)
        return ov_fail(err, OV_UNSUPPORTED, "decimals of more than 38 digits are not supported");
    for (size_t i = 0; i < bytes.n; i++)
        v = v << 8 | (uint8_t)bytes.p[i];
    *out = (__int128)v;
    return OV_OK;
}

static ov_field_kind whole_text(const ovi_pq_node *n, int64_t v, ov_buf *out)
{
    switch ((ovi_pq_logical)n->logical) {
    case OVI_PQ_DECIMAL:
        add_decimal(out, v, n->scale);
        return n->scale ? OV_FIELD_REAL : OV_FIELD_INT;
    case OVI_PQ_DATE:
        v *= 86400000;
        break;
    case OVI_PQ_TIMESTAMP:
        v = v / n->per_ms - (v % n->per_ms < 0);
        break;
    case OVI_PQ_UNSIGNED:
        ov_buf_add_u64(out, n->physical == OVI_PQ_INT32 ? (uint32_t)v : (uint64_t)v);
        return OV_FIELD_INT;
    default:
        break;
    }
    ov_buf_add_i64(out, v);
    return OV_FIELD_INT;
}

static ov_status bytes_text(const ovi_pq_rows *r, const ovi_pq_node *n, ov_slice v, ov_buf *out, ov_field_kind *kind, ov_error *err)
{
    __int128 number = 0;
    *kind = OV_FIELD_TEXT;
    if (n->logical == OVI_PQ_DECIMAL) {
        OV_TRY(decimal_bytes(v, &number, err));
        add_decimal(out, number, n->scale);
        *kind = n->scale ? OV_FIELD_REAL : OV_FIELD_INT;
    } else if (n->logical == OVI_PQ_UUID) {
        add_uuid(out, v);
    } else if (n->logical == OVI_PQ_TEXT || r->bytes_are_text) {
        ov_buf_add_slice(out, v);
    } else {
        ov_base64_encode(v, out);
    }
    return OV_OK;
}

/* A value as text behind what `out` holds, and what kind of text that is. */
static ov_status value_text(const ovi_pq_rows *r, const ovi_pq_node *n, ovi_pq_value v, ov_buf *out, ov_field_kind *kind, ov_error *err)
{
    switch ((ovi_pq_physical)n->physical) {
    case OVI_PQ_BOOLEAN:
        *kind = v.i ? OV_FIELD_TRUE : OV_FIELD_FALSE;
        ov_buf_add_str(out, v.i ? "true" : "false");
        return OV_OK;
    case OVI_PQ_INT32:
    case OVI_PQ_INT64:
        *kind = whole_text(n, v.i, out);
        return OV_OK;
    case OVI_PQ_INT96:
        *kind = OV_FIELD_INT;
        ov_buf_add_i64(out, v.i);
        return OV_OK;
    case OVI_PQ_FLOAT:
    case OVI_PQ_DOUBLE:
        *kind = v.f - v.f == 0 ? OV_FIELD_REAL : OV_FIELD_TEXT; /* NaN and infinities are words */
        if (n->physical == OVI_PQ_FLOAT)
            ov_buf_add_float(out, (float)v.f);
        else
            ov_buf_add_double(out, v.f);
        return OV_OK;
    case OVI_PQ_BYTES:
    case OVI_PQ_FIXED:
        return bytes_text(r, n, v.s, out, kind, err);
    }
    return ov_fail(err, OV_INTERNAL, "a value has no type");
}

/* ---- nested values as JSON ---- */

static ov_status peek(const ovi_pq_rows *r, const ovi_pq_node *n, ovi_pq_column **out, ov_error *err)
{
    bool there;
    *out = r->columns[n->first_leaf];
    OV_TRY(ovi_pq_column_peek(*out, &there, err));
    return there ? OV_OK : ov_fail(err, OV_CORRUPT, "it has fewer values than the row group has rows");
}

/* One entry of every leaf below n says that it is not there. */
static ov_status pass_over(const ovi_pq_rows *r, const ovi_pq_node *n, ov_error *err)
{
    const ovi_pq_node *nodes = r->file->nodes;
    for (uint32_t i = (uint32_t)(n - nodes); i < n->end; i++) {
        ovi_pq_column *c;
        if (nodes[i].group)
            continue;
        OV_TRY(peek(r, &nodes[i], &c, err));
        c->i++;
    }
    return OV_OK;
}

static ov_status write_node(ovi_pq_rows *r, const ovi_pq_node *n, ov_error *err);

static ov_status write_leaf(ovi_pq_rows *r, const ovi_pq_node *n, bool quoted, ov_error *err)
{
    ovi_pq_column *c;
    ov_buf plain;
    ov_field_kind kind = OV_FIELD_NULL;
    OV_TRY(peek(r, n, &c, err));
    ov_buf_init(&plain);
    ov_status st = c->defs[c->i] < n->max_def ? ov_fail(err, OV_CORRUPT, "its levels contradict each other")
                                              : value_text(r, n, c->value[c->i], &plain, &kind, err);
    if (st == OV_OK && (quoted || kind == OV_FIELD_TEXT))
        ov_json_quote(&r->text, ov_buf_slice(&plain));
    else if (st == OV_OK)
        ov_buf_add_slice(&r->text, ov_buf_slice(&plain));
    c->i++;
    ov_buf_fini(&plain);
    if (st == OV_OK && r->text.n > MOST_ROW_BYTES)
        st = ov_fail(err, OV_LIMIT, "a value is longer than %d MiB", MOST_ROW_BYTES >> 20);
    return st;
}

static ov_status write_struct(ovi_pq_rows *r, const ovi_pq_node *n, ov_error *err)
{
    const ovi_pq_node *child = n + 1;
    ov_buf_add_char(&r->text, '{');
    for (uint32_t i = 0; i < n->children; i++, child = r->file->nodes + child->end) {
        if (i)
            ov_buf_add_char(&r->text, ',');
        ov_json_quote(&r->text, child->name);
        ov_buf_add_char(&r->text, ':');
        OV_TRY(write_node(r, child, err));
    }
    ov_buf_add_char(&r->text, '}');
    return OV_OK;
}

/* Of the repeated node inside a LIST, what the elements are: itself in older files, else its only child. */
static const ovi_pq_node *list_element(const ovi_pq_node *list, const ovi_pq_node *repeated)
{
    ov_slice own = repeated->name;
    bool tuple = own.n == list->name.n + 6 && ov_slice_starts(own, list->name) && ov_slice_ends(own, OV_SLICE_LIT("_tuple"));
    bool older = !repeated->group || repeated->children != 1 || tuple || ov_slice_eq(own, OV_SLICE_LIT("array"));
    return older ? repeated : repeated + 1;
}

typedef enum item_form { ITEM_ITSELF, ITEM_ELEMENT, ITEM_ENTRY } item_form;

static ov_status write_inner(ovi_pq_rows *r, const ovi_pq_node *n, ov_error *err);

/* "key":value of a map; keys that are NULL, which the format forbids, read as "null". */
static ov_status write_entry(ovi_pq_rows *r, const ovi_pq_node *pair, ov_error *err)
{
    const ovi_pq_node *key = pair + 1, *value = r->file->nodes + key->end;
    ovi_pq_column *c;
    OV_TRY(peek(r, key, &c, err));
    if (c->defs[c->i] < key->max_def) {
        c->i++;
        ov_buf_add_str(&r->text, "\"null\"");
    } else {
        OV_TRY(write_leaf(r, key, true, err));
    }
    ov_buf_add_char(&r->text, ':');
    return write_node(r, value, err);
}

static ov_status write_items(ovi_pq_rows *r, const ovi_pq_node *repeated, item_form form, ov_error *err)
{
    const char *marks = form == ITEM_ENTRY ? "{}" : "[]";
    ovi_pq_column *c;
    bool there;
    ov_buf_add_char(&r->text, marks[0]);
    OV_TRY(peek(r, repeated, &c, err));
    if (c->defs[c->i] < repeated->max_def) {
        OV_TRY(pass_over(r, repeated, err));
    } else {
        for (bool more = true; more;) {
            OV_TRY(form == ITEM_ITSELF    ? write_inner(r, repeated, err)
                   : form == ITEM_ELEMENT ? write_node(r, repeated + 1, err)
                                          : write_entry(r, repeated, err));
            OV_TRY(ovi_pq_column_peek(c, &there, err));
            more = there && c->reps[c->i] == repeated->max_rep;
            if (more)
                ov_buf_add_char(&r->text, ',');
        }
    }
    ov_buf_add_char(&r->text, marks[1]);
    return OV_OK;
}

/* A node that is there. */
static ov_status write_inner(ovi_pq_rows *r, const ovi_pq_node *n, ov_error *err)
{
    const ovi_pq_node *child = n + 1;
    if (!n->group)
        return write_leaf(r, n, false, err);
    bool wraps = n->children == 1 && child->repetition == OVI_PQ_REPEATED;
    if (wraps && n->logical == OVI_PQ_LIST)
        return write_items(r, child, list_element(n, child) == child ? ITEM_ITSELF : ITEM_ELEMENT, err);
    if (wraps && n->logical == OVI_PQ_MAP && child->children == 2 && !child[1].group)
        return write_items(r, child, ITEM_ENTRY, err);
    return write_struct(r, n, err);
}

static ov_status write_node(ovi_pq_rows *r, const ovi_pq_node *n, ov_error *err)
{
    ovi_pq_column *c;
    if (n->repetition == OVI_PQ_REPEATED)
        return write_items(r, n, ITEM_ITSELF, err);
    OV_TRY(peek(r, n, &c, err));
    if (n->repetition == OVI_PQ_OPTIONAL && c->defs[c->i] < n->max_def) {
        ov_buf_add_str(&r->text, "null");
        return pass_over(r, n, err);
    }
    return write_inner(r, n, err);
}

/* ---- fields ---- */

/* Text and bytes are lent where they are what the file holds; all else is made. */
static ov_status plain_field(ovi_pq_rows *r, const ovi_pq_node *n, ov_arena *scratch, ov_field *out, ov_error *err)
{
    ovi_pq_column *c;
    ov_field_kind kind = OV_FIELD_NULL;
    OV_TRY(peek(r, n, &c, err));
    uint32_t i = c->i++;
    if (c->defs[i] < n->max_def) {
        out->kind = OV_FIELD_NULL;
        return OV_OK;
    }
    if (n->physical >= OVI_PQ_BYTES && (n->logical == OVI_PQ_TEXT || (n->logical == OVI_PQ_PLAIN && r->bytes_are_text))) {
        *out = (ov_field){OV_FIELD_TEXT, c->value[i].s};
        return OV_OK;
    }
    ov_buf_clear(&r->text);
    OV_TRY(value_text(r, n, c->value[i], &r->text, &kind, err));
    OV_TRY(ov_buf_check(&r->text, err));
    out->kind = (uint8_t)kind;
    return ov_arena_copy(scratch, ov_buf_slice(&r->text), &out->text, err);
}

static ov_status nested_field(ovi_pq_rows *r, const ovi_pq_node *n, ov_arena *scratch, ov_field *out, ov_error *err)
{
    ov_buf_clear(&r->text);
    OV_TRY(write_node(r, n, err));
    OV_TRY(ov_buf_check(&r->text, err));
    char first = r->text.p[0];
    out->kind = first == 'n' ? OV_FIELD_NULL : first == '[' ? OV_FIELD_ARRAY : OV_FIELD_OBJECT;
    /* Readers of JSON look a little beyond its end. */
    size_t length = r->text.n;
    static const char pad[OVI_SCAN_PAD];
    ov_buf_add(&r->text, pad, sizeof pad);
    OV_TRY(ov_buf_check(&r->text, err));
    OV_TRY(ov_arena_copy(scratch, ov_buf_slice(&r->text), &out->text, err));
    out->text.n = length;
    return OV_OK;
}

ov_status ovi_pq_rows_next(ovi_pq_rows *r, ov_arena *scratch, ov_field *fields, bool *more, ov_error *err)
{
    const ovi_pq_node *nodes = r->file->nodes, *n = nodes + 1;
    *more = r->left > 0;
    if (!*more)
        return OV_OK;
    r->left--;
    for (uint32_t i = 0; i < nodes[0].children; i++, n = nodes + n->end) {
        fields[i] = (ov_field){0};
        if (!r->columns[n->first_leaf])
            continue;
        bool plain = !n->group && n->repetition != OVI_PQ_REPEATED;
        ov_status st = plain ? plain_field(r, n, scratch, &fields[i], err) : nested_field(r, n, scratch, &fields[i], err);
        if (st != OV_OK) {
            ov_error_context(err, "column '" OV_SLICE_FMT "'", OV_SLICE_ARG(n->name));
            return st;
        }
    }
    return OV_OK;
}

/* ---- opening ---- */

static ov_status open_column(ovi_pq_rows *r, const ovi_pq_group *g, uint32_t leaf, uint64_t first, ov_error *err)
{
    const ovi_pq_node *n = r->file->leaves[leaf];
    if (n->logical == OVI_PQ_UNREADABLE)
        return ov_fail(err, OV_UNSUPPORTED, "it holds values of type %s, which is not supported; list the dimensions without it",
                       n->type_name);
    ovi_pq_column *c = ov_malloc(sizeof *c);
    if (!c)
        return ov_fail_nomem(err, sizeof *c);
    ovi_pq_column_init(c, n, &g->chunks[leaf]);
    r->columns[leaf] = c;
    return ovi_pq_column_skip(c, first, err);
}

static ov_status open_columns(ovi_pq_rows *r, const ovi_pq_group *g, uint64_t first, const bool *wanted, ov_error *err)
{
    const ovi_pq_node *nodes = r->file->nodes, *n = nodes + 1;
    for (uint32_t i = 0; i < nodes[0].children; i++, n = nodes + n->end) {
        uint32_t end = n->end < r->file->node_count ? nodes[n->end].first_leaf : r->file->leaf_count;
        for (uint32_t leaf = n->first_leaf; wanted[i] && leaf < end; leaf++) {
            ov_status st = open_column(r, g, leaf, first, err);
            if (st != OV_OK) {
                ov_error_context(err, "column '" OV_SLICE_FMT "'", OV_SLICE_ARG(n->name));
                return st;
            }
        }
    }
    return OV_OK;
}

ov_status ovi_pq_rows_open(const ovi_pq_file *f, uint32_t group, uint64_t first, uint64_t count, const bool *wanted,
                           bool bytes_are_text, ovi_pq_rows **out, ov_error *err)
{
    const ovi_pq_group *g = &f->groups[group];
    ovi_pq_rows *r = ov_calloc(1, sizeof *r);
    if (!r)
        return ov_fail_nomem(err, sizeof *r);
    ov_buf_init(&r->text);
    r->file = f;
    r->bytes_are_text = bytes_are_text;
    r->left = first < g->rows ? OV_MIN(count, g->rows - first) : 0;
    r->columns = ov_calloc(f->leaf_count + (size_t)1, sizeof *r->columns);
    ov_status st = r->columns ? OV_OK : ov_fail_nomem(err, f->leaf_count * sizeof *r->columns);
    if (st == OV_OK && r->left) /* a group without rows may have no columns */
        st = open_columns(r, g, first, wanted, err);
    if (st != OV_OK) {
        ovi_pq_rows_close(r);
        return st;
    }
    *out = r;
    return OV_OK;
}

void ovi_pq_rows_close(ovi_pq_rows *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->columns && i < r->file->leaf_count; i++)
        if (r->columns[i]) {
            ovi_pq_column_fini(r->columns[i]);
            ov_free(r->columns[i]);
        }
    ov_free(r->columns);
    ov_buf_fini(&r->text);
    ov_free(r);
}
