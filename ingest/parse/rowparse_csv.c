/*
 * Rows of delimited text. CSV knows quotes (RFC 4180, line breaks inside them included); TSV, as in Druid, does not.
 *
 * 64 bytes at a time are turned into a mask of the bytes that mean something (delimiter, line break, quote, list
 * delimiter); the loop walks over set bits. Short rows leave fields missing, surplus cells are ignored, as in Druid.
 */
#include "ingest/parse/rowparse_int.h"

#include "base/hash.h"
#include "base/numfmt.h"
#include "base/numparse.h"
#include "base/places.h"
#include "ingest/parse/byte_scan.h"

/* ---- header ---- */

static ov_status header_name(const ov_format_spec *f, ov_slice cell, uint32_t place, ov_arena *arena,
                             ov_slice *out, ov_error *err)
{
    if (f->kind == OV_INPUT_FORMAT_CSV && cell.n >= 2 && cell.p[0] == '"' && cell.p[cell.n - 1] == '"') {
        char *to;
        size_t n = 0;
        OV_TRY(ov_arena_alloc(arena, cell.n, &to, err));
        for (size_t i = 1; i + 1 < cell.n; i++) {
            to[n++] = cell.p[i];
            if (cell.p[i] == '"')
                i++;
        }
        *out = ov_slice_make(to, n);
    } else {
        OV_TRY(ov_arena_copy(arena, cell, out, err));
    }
    return out->n ? OV_OK : ov_arena_printf(arena, out, err, "column_%u", place + 1);
}

/* One past the cell at `from`; quotes are skipped over in CSV. */
static size_t cell_end(const ov_format_spec *f, const char *text, size_t from, size_t n)
{
    size_t at = from;
    bool quoted = f->kind == OV_INPUT_FORMAT_CSV && at < n && text[at] == '"';
    if (quoted)
        for (at++; at < n; at++)
            if (text[at] == '"' && (at + 1 == n || text[++at] != '"'))
                break;
    while (at < n && text[at] != '\n' &&
           (n - at < f->delimiter.n || memcmp(text + at, f->delimiter.p, f->delimiter.n) != 0))
        at++;
    return at;
}

ov_status ovi_read_header(const ov_format_spec *f, const char *text, size_t n, bool whole, ov_arena *arena,
                          ovi_header *out, size_t *end, ov_error *err)
{
    uint32_t cap = 0;
    size_t at = 0;
    ov_places names = {0};
    for (;;) {
        size_t stop = cell_end(f, text, at, n);
        ov_slice cell = ov_slice_make(text + at, stop - at);
        if (stop == n && !whole)
            return ov_fail(err, OV_INVALID, "the header line does not end within %zu bytes", n);
        if ((stop == n || text[stop] == '\n') && cell.n && cell.p[cell.n - 1] == '\r')
            cell.n--;
        OV_TRY(ov_arena_room(arena, &out->names, out->count, &cap, 1, sizeof *out->names, err));
        OV_TRY(header_name(f, cell, out->count, arena, &out->names[out->count], err));
        uint64_t hash = ov_hash_slice(out->names[out->count]);
        OV_EACH_PLACE(&names, hash, i, slot)
            if (ov_slice_eq(out->names[i], out->names[out->count]))
                return ov_fail(err, OV_INVALID, "the header names '" OV_SLICE_FMT "' twice",
                               OV_SLICE_ARG(out->names[i]));
        OV_TRY(ov_places_add(&names, arena, hash, err));
        out->count++;
        if (stop == n || text[stop] == '\n') {
            *end = OV_MIN(stop + 1, n);
            return OV_OK;
        }
        at = stop + f->delimiter.n;
    }
}

/* ---- columns of a file ---- */

/* The columns of that name feed a field. */
static void map_name(ovi_delimited_parser *d, const ovi_header *h, const ov_places *names, ov_slice name, uint32_t field)
{
    OV_EACH_PLACE(names, ov_hash_slice(name), c, slot)
        if (ov_slice_eq(h->names[c], name))
            d->field[c] = field;
}

static ov_status map_columns(ovi_parser *p, const ovi_header *h, ov_error *err)
{
    ovi_delimited_parser *d = &p->delimited;
    const ovi_plan *plan = p->emit.plan;
    if (h->count > d->columns_cap) {
        uint32_t *field = ov_realloc(d->field, h->count * sizeof *field);
        if (!field)
            return ov_fail_nomem(err, h->count * sizeof *field);
        d->field = field;
        d->columns_cap = h->count;
    }
    d->columns = h->count;
    d->header = h;
    for (uint32_t i = 0; i < p->emit.field_count; i++)
        p->emit.fields[i].kind = OV_FIELD_MISSING;
    ov_places names = {0};
    for (uint32_t c = 0; c < h->count; c++) {
        d->field[c] = OVI_IGNORED;
        OV_TRY(ov_places_add(&names, &p->emit.scratch, ov_hash_slice(h->names[c]), err));
    }
    for (uint32_t i = plan->field_count + OVI_OWN_FIELDS; p->emit.discovery && i < p->emit.field_count; i++)
        map_name(d, h, &names, p->emit.discovery->list[p->emit.discovery_idx[i]].name, i);
    for (uint32_t i = 0; i < plan->root_count; i++)
        map_name(d, h, &names, plan->roots[i], i);
    for (uint32_t c = 0; p->emit.discovery && c < h->count; c++)
        if (d->field[c] == OVI_IGNORED)
            OV_TRY(ovi_emit_add_root(&p->emit, h->names[c], &d->field[c], err));
    return OV_OK;
}

/* ---- cells ---- */

typedef struct cells {
    ovi_parser *p;
    const uint32_t *field;
    uint32_t columns, col;
    bool parse_numbers;
} cells;

/* tryParseNumbers: text that is a number becomes one. */
static OV_NOINLINE void as_number(ovi_parser *p, ov_field *f)
{
    ov_error err = OV_ERROR_INIT;
    int64_t i;
    double d;
    if (ov_parse_i64(f->text, &i)) { /* 007 and +7 print as 7 */
        char digits[OV_FMT_INT_BYTES];
        f->kind = OV_FIELD_INT;
        if (ov_arena_copy(&p->emit.scratch, ov_slice_make(digits, ov_fmt_i64(i, digits)), &f->text,
                          &err) != OV_OK)
            ovi_emit_fail(&p->emit, &err);
    } else if (ov_parse_double(f->text, &d)) {
        f->kind = OV_FIELD_REAL;
    }
}

/* A cell without a byte is NULL; "" is the empty string (as Druid reads both since it follows SQL's NULLs). */
OV_INLINE void put_text(cells *c, const char *from, size_t n, bool list, bool quoted)
{
    uint32_t col = c->col++;
    if (OV_UNLIKELY(col >= c->columns) || c->field[col] == OVI_IGNORED)
        return;
    ov_field *f = &c->p->emit.fields[c->field[col]];
    f->kind = OV_UNLIKELY(list) ? OV_FIELD_LIST : n || quoted ? OV_FIELD_TEXT : OV_FIELD_NULL;
    f->text = ov_slice_make(from, n);
    if (OV_UNLIKELY(c->parse_numbers) && !list && n)
        as_number(c->p, f);
}

/* The row is complete up to c->col; fields of the missing cells are missing. */
OV_INLINE void end_row(cells *c, const char *row)
{
    for (uint32_t i = c->col; i < c->columns; i++)
        if (c->field[i] != OVI_IGNORED)
            c->p->emit.fields[c->field[i]].kind = OV_FIELD_MISSING;
    ovi_emit_row(&c->p->emit, row);
    c->col = 0;
}

/* A quoted cell at `open`. Its text without quotes and doubled quotes; *stop: the byte behind it, which is a delimiter,
 * a line break or the end. False: never closed. */
static bool read_quoted(ovi_parser *p, const char *open, const char *end, ov_slice *text, const char **stop)
{
    const ov_format_spec *f = p->format;
    const char *from = open + 1, *close = from;
    bool plain = true;
    for (;; close += 2) {
        close = memchr(close, '"', (size_t)(end - close));
        if (!close)
            return false;
        if (close + 1 >= end || close[1] != '"')
            break;
        plain = false;
    }
    const char *q = close + 1;
    /* Text behind the closing quote belongs to the cell, as opencsv reads it. */
    while (q < end && *q != '\n' &&
           ((size_t)(end - q) < f->delimiter.n || memcmp(q, f->delimiter.p, f->delimiter.n) != 0))
        q++;
    *stop = q;
    size_t tail = (size_t)(q - close - 1);
    if (tail && (q >= end || *q == '\n') && q[-1] == '\r')
        tail--;
    *text = ov_slice_make(from, (size_t)(close - from));
    if (plain && tail == 0)
        return true;
    ov_error err = OV_ERROR_INIT;
    char *to;
    size_t n = 0;
    if (ov_arena_alloc(&p->emit.scratch, (size_t)(q - from) + 1, &to, &err) != OV_OK) {
        ovi_emit_fail(&p->emit, &err);
        return true;
    }
    for (const char *s = from; s < close; s++) {
        to[n++] = *s;
        s += *s == '"';
    }
    memcpy(to + n, close + 1, tail);
    *text = ov_slice_make(to, n + tail);
    return true;
}

/* ---- the walk ---- */

typedef struct walk {
    const char *window; /* 64 bytes that `mask` is about */
    uint64_t mask;
    const char *end;
    char delimiter, quote, list;
} walk;

OV_INLINE void look_at(walk *w, const char *p)
{
    w->window = p;
    w->mask = ovi_scan_any4(p, w->delimiter, '\n', w->quote, w->list);
}

/* Next byte that means something; the end when there is none. */
OV_INLINE const char *next_mark(walk *w)
{
    while (w->mask == 0) {
        if (w->window + 64 >= w->end)
            return w->end;
        look_at(w, w->window + 64);
    }
    const char *p = w->window + __builtin_ctzll(w->mask);
    w->mask &= w->mask - 1;
    return OV_MIN(p, w->end);
}

static bool is_list_mark(const ov_format_spec *f, const char *p, const char *end)
{
    return (size_t)(end - p) >= f->list_delimiter.n &&
           memcmp(p, f->list_delimiter.p, f->list_delimiter.n) == 0;
}

/* Reject the line that starts the row and go on behind it. */
static const char *unclosed(ovi_parser *p, const char *row, const char *open, const char *end)
{
    const char *line = memchr(row, '\n', (size_t)(end - row));
    const char *next = line ? line + 1 : end;
    ovi_emit_reject(&p->emit, open, ov_slice_make(row, (size_t)(next - row)),
                    "a quote inside a quoted cell is written twice",
                    "the quote that opens this cell is never closed");
    return next;
}

static void parse_rows(ovi_parser *p, const char *from, const char *end)
{
    const ov_format_spec *f = p->format;
    const bool wide = f->delimiter.n > 1, csv = f->kind == OV_INPUT_FORMAT_CSV;
    const size_t step = f->delimiter.n;
    cells c = {.p = p,
               .field = p->delimited.field,
               .columns = p->delimited.columns,
               .parse_numbers = f->parse_numbers};
    walk w = {.end = end, .delimiter = f->delimiter.p[0], .list = f->list_delimiter.p[0]};
    w.quote = csv ? '"' : '\n';
    const char *row = from, *cell = from;
    bool list = false;
    look_at(&w, from);
    while (OV_LIKELY(!p->emit.rows->failed)) {
        const char *m = next_mark(&w);
        if (m >= end)
            break;
        if (m < cell)
            continue; /* inside a delimiter of several bytes */
        if (*m == '\n') {
            size_t n = (size_t)(m - cell);
            if (n && m[-1] == '\r')
                n--;
            if (OV_UNLIKELY(c.col == 0 && n == 0 && c.columns > 1)) {
                row = cell = m + 1; /* a blank line */
                continue;
            }
            put_text(&c, cell, n, list, false);
            end_row(&c, row);
            row = cell = m + 1;
            list = false;
        } else if (*m == w.delimiter && (!wide || ((size_t)(end - m) >= step &&
                                                   memcmp(m, f->delimiter.p, step) == 0))) {
            put_text(&c, cell, (size_t)(m - cell), list, false);
            cell = m + step;
            list = false;
        } else if (*m == '"' && csv) {
            ov_slice text;
            const char *stop;
            if (m != cell)
                continue; /* a quote inside a plain cell is a character */
            if (!read_quoted(p, m, end, &text, &stop)) {
                row = cell = unclosed(p, row, m, end);
                c.col = 0;
                look_at(&w, row);
                continue;
            }
            put_text(&c, text.p, text.n,
                     memmem(text.p, text.n, f->list_delimiter.p, f->list_delimiter.n) != NULL, true);
            if (stop >= end || *stop == '\n') {
                end_row(&c, row);
                row = stop + 1;
            }
            cell = stop + (stop < end && *stop != '\n' ? step : 1);
            if (cell >= end)
                break;
            look_at(&w, cell);
        } else if (*m == w.list && is_list_mark(f, m, end)) {
            list = true;
        }
    }
    if (cell < end) /* the last line has no line break */
        put_text(&c, cell, (size_t)(end - cell) - (end[-1] == '\r'), list, false);
    else if (cell == end && c.col > 0) /* ... and ends in a delimiter */
        put_text(&c, end, 0, false, false);
    if (c.col > 0 && !p->emit.rows->failed)
        end_row(&c, row);
}

void ovi_delimited_parse(ovi_parser *p, const ovi_block *b)
{
    ov_error err = OV_ERROR_INIT;
    if (!b->header || b->n == 0)
        return;
    if (p->delimited.header != b->header && map_columns(p, b->header, &err) != OV_OK) {
        ovi_emit_fail(&p->emit, &err);
        return;
    }
    parse_rows(p, b->text, b->text + b->n);
}
