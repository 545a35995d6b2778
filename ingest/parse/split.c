/* Blocks of whole rows; see ingest/parse/split.h. */
#include "ingest/parse/split.h"

#include <stdatomic.h>
#include "ingest/parse/rowparse.h"
#include "ingest/parse/byte_scan.h"

void ovi_splitter_init(ovi_splitter *s, ov_inputs *inputs, const ov_format_spec *format, ov_arena *arena)
{
    *s = (ovi_splitter){.inputs = inputs, .format = format, .arena = arena};
}

void ovi_splitter_fini(ovi_splitter *s)
{
    ov_reader_close(s->reader);
    ov_free(s->carry);
    s->reader = NULL;
    s->carry = NULL;
    ovi_pq_release(s->parquet);
    s->parquet = NULL;
}

void ovi_block_fini(ovi_block *b)
{
    ov_free(b->text);
    b->text = NULL;
    ovi_pq_release(b->parquet);
    b->parquet = NULL;
}

/* ---- where rows end ---- */

static size_t last_line_end(const char *text, size_t n)
{
    const char *p = n ? memrchr(text, '\n', n) : NULL;
    return p ? (size_t)(p - text) + 1 : 0;
}

/* From quote to quote; text starts at a row. A quote opens a cell only at the cell's start. */
static size_t last_csv_end(const char *text, size_t n, char delimiter)
{
    size_t end = 0, from = 0, at = 0; /* from: start of the stretch outside quotes */
    for (;;) {
        const char *q = memchr(text + at, '"', n - at);
        size_t open = q ? (size_t)(q - text) : n;
        if (q && open > 0 && text[open - 1] != delimiter && text[open - 1] != '\n') {
            at = open + 1; /* a quote inside a plain cell */
            continue;
        }
        size_t line = last_line_end(text + from, open - from);
        if (line)
            end = from + line;
        if (!q)
            return end;
        for (at = open + 1;; at++) {
            const char *c = memchr(text + at, '"', n - at);
            if (!c)
                return end;
            at = (size_t)(c - text) + 1;
            if (at >= n)
                return end; /* the next byte decides what this quote is */
            if (text[at] != '"')
                break;
        }
        from = at;
    }
}

size_t ovi_object_end(const char *text, size_t at, size_t n)
{
    size_t braces = 0, brackets = 0;
    bool in_string = false;
    for (size_t i = at; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"' || c == '\n') /* a line break in a string is an error: it ends here */
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{') {
            braces++;
        } else if (c == '}') {
            if (--braces == 0)
                return i + 1;
        } else if (c == '[') {
            brackets++;
        } else if (c == ']' && brackets-- == 0) {
            return 0; /* the end of what surrounds the object: it is broken */
        }
    }
    return 0;
}

static size_t last_object_end(const char *text, size_t n)
{
    size_t at = 0, end = 0;
    while (at < n) {
        const char *open = memchr(text + at, '{', n - at);
        if (!open) {
            size_t line = last_line_end(text + at, n - at);
            return line ? at + line : end;
        }
        at = ovi_object_end(text, (size_t)(open - text), n);
        if (at == 0)
            break;
        end = at;
    }
    return end;
}

size_t ovi_last_row_end(ovi_split_mode mode, char delimiter, const char *text, size_t n)
{
    switch (mode) {
    case OVI_SPLIT_LINES:
        break;
    case OVI_SPLIT_CSV:
        return last_csv_end(text, n, delimiter);
    case OVI_SPLIT_OBJECTS:
        return last_object_end(text, n);
    }
    return last_line_end(text, n);
}

/* ---- blocks ---- */

static ov_status block_room(ovi_block *b, size_t n, ov_error *err)
{
    if (n + OVI_SCAN_PAD <= b->cap)
        return OV_OK;
    char *text = ov_realloc(b->text, n + OVI_SCAN_PAD);
    if (!text)
        return ov_fail_nomem(err, n);
    b->text = text;
    b->cap = n + OVI_SCAN_PAD;
    return OV_OK;
}

static ov_status keep_carry(ovi_splitter *s, const char *p, size_t n, ov_error *err)
{
    if (n > s->carry_cap) {
        char *bigger = ov_realloc(s->carry, n);
        if (!bigger)
            return ov_fail_nomem(err, n);
        s->carry = bigger;
        s->carry_cap = n;
    }
    if (n)
        memcpy(s->carry, p, n);
    s->carry_n = n;
    return OV_OK;
}

static ov_status open_file(ovi_splitter *s, ov_error *err)
{
    OV_TRY(ov_input_read(s->inputs, s->file, &s->reader, err));
    s->raw_seen = 0;
    s->at_start = true;
    s->eof = s->skipping = false;
    s->carry_n = 0;
    s->lines_before = 0;
    s->mode = s->format->kind == OV_INPUT_FORMAT_CSV ? OVI_SPLIT_CSV : OVI_SPLIT_LINES;
    return OV_OK;
}

/* Have `want` bytes in the block, or all there are. */
static ov_status read_more(ovi_splitter *s, ovi_block *b, size_t want, ov_error *err)
{
    size_t got;
    OV_TRY(block_room(b, want, err));
    ov_status st = ov_reader_fill(s->reader, b->text + b->n, want - b->n, &got, err);
    if (st != OV_OK) {
        ov_error_context(err, OV_SLICE_FMT, OV_SLICE_ARG(s->inputs->list[s->file].name));
        return st;
    }
    s->eof = got < want - b->n;
    b->text_bytes += got;
    b->n += got;
    return OV_OK;
}

/* Drop the first n bytes of the block. */
static void drop(ovi_splitter *s, ovi_block *b, size_t n)
{
    s->lines_before += ovi_scan_count(b->text, n, '\n');
    memmove(b->text, b->text + n, b->n - n);
    b->n -= n;
}

/* ---- the beginning of a file ---- */

/* JSON: objects over several lines, or one per line? */
static ovi_split_mode json_mode(const ovi_splitter *s, const ovi_block *b)
{
    size_t at = 0;
    if (s->format->newline_delimited)
        return OVI_SPLIT_LINES;
    while (at < b->n && (b->text[at] == ' ' || b->text[at] == '\n' || b->text[at] == '\r' ||
                         b->text[at] == '\t'))
        at++;
    if (at == b->n)
        return OVI_SPLIT_LINES;
    if (b->text[at] == '[')
        return OVI_SPLIT_OBJECTS;
    if (b->text[at] != '{')
        return OVI_SPLIT_LINES;
    size_t end = ovi_object_end(b->text, at, b->n);
    const char *line = memchr(b->text + at, '\n', b->n - at);
    if (!line)
        return OVI_SPLIT_OBJECTS;
    if (end)
        return (size_t)(line - b->text) < end ? OVI_SPLIT_OBJECTS : OVI_SPLIT_LINES;
    /* It never ends here: huge, or broken. A line that is nothing but the brace says huge. */
    return line - (b->text + at) <= 2 ? OVI_SPLIT_OBJECTS : OVI_SPLIT_LINES;
}

static size_t row_end(const ovi_splitter *s, const ovi_block *b)
{
    return ovi_last_row_end(s->mode, s->format->delimiter.n ? s->format->delimiter.p[0] : ',', b->text,
                            b->n);
}

static ov_status fixed_header(ovi_splitter *s, ov_error *err)
{
    if (s->header)
        return OV_OK;
    OV_TRY(ov_arena_alloc(s->arena, sizeof *s->header, &s->header, err));
    *s->header = (ovi_header){s->format->columns, s->format->column_count};
    return OV_OK;
}

/* Skipped rows and the header line. The first block holds them, or the file is refused. */
static ov_status delimited_start(ovi_splitter *s, ovi_block *b, ov_error *err)
{
    ov_slice name = s->inputs->list[s->file].name;
    for (uint32_t i = 0; i < s->format->skip_rows; i++) {
        const char *line = memchr(b->text, '\n', b->n);
        if (!line && !s->eof)
            return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "': a line to skip is longer than %d bytes",
                           OV_SLICE_ARG(name), OVI_BLOCK_BYTES);
        drop(s, b, line ? (size_t)(line - b->text) + 1 : b->n);
    }
    if (!s->format->header)
        return fixed_header(s, err);
    size_t end;
    OV_TRY(block_room(b, b->n, err));
    memset(b->text + b->n, 0, OVI_SCAN_PAD);
    OV_TRY(ov_arena_zalloc(s->arena, sizeof *s->header, &s->header, err));
    if (b->n == 0)
        return OV_OK; /* an empty file has no header and no rows */
    ov_status st = ovi_read_header(s->format, b->text, b->n, s->eof, s->arena, s->header, &end, err);
    if (st != OV_OK)
        ov_error_context(err, OV_SLICE_FMT, OV_SLICE_ARG(name));
    else
        drop(s, b, end);
    return st;
}

static ov_status file_start(ovi_splitter *s, ovi_block *b, ov_error *err)
{
    static const char bom[] = "\xEF\xBB\xBF";
    s->at_start = false;
    if (b->n >= 2 && (memcmp(b->text, "\xFF\xFE", 2) == 0 || memcmp(b->text, "\xFE\xFF", 2) == 0))
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is UTF-16; convert it to UTF-8 first",
                       OV_SLICE_ARG(s->inputs->list[s->file].name));
    if (b->n >= 3 && memcmp(b->text, bom, 3) == 0)
        drop(s, b, 3);
    if (s->format->kind != OV_INPUT_FORMAT_JSON)
        return delimited_start(s, b, err);
    s->mode = json_mode(s, b);
    return OV_OK;
}

/* ---- rows that are too long ---- */

/* Inside such a row: throw away up to where a new row may begin. True when the row's end was found. */
static bool skip_long(ovi_splitter *s, ovi_block *b)
{
    const char *p = b->text, *end = b->text + b->n;
    for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        if (s->mode != OVI_SPLIT_OBJECTS || (p + 1 < end && p[1] == '{'))
            break;
    drop(s, b, p ? (size_t)(p + 1 - b->text) : b->n);
    return p != NULL;
}

/* No row ends in the block, which is as long as a row may be. Returns where to cut: after a line that the parser will
 * reject, or 0: nothing but this row. */
static size_t cut_long(const ovi_splitter *s, const ovi_block *b)
{
    if (s->mode == OVI_SPLIT_CSV)
        return last_line_end(b->text, b->n);
    if (s->mode != OVI_SPLIT_OBJECTS)
        return 0;
    for (size_t line = last_line_end(b->text, b->n); line > 0; line = last_line_end(b->text, line - 1)) {
        size_t blanks = strspn(b->text + line, " \t"); /* stops at the NUL behind the block */
        if (line + blanks < b->n && b->text[line + blanks] == '{')
            return line;
    }
    return 0;
}

/* ---- the next block ---- */

static void finish_block(ovi_splitter *s, ovi_block *b, size_t end)
{
    b->n = end;
    memset(b->text + end, 0, OVI_SCAN_PAD);
    b->file = s->file;
    b->multi_line = s->mode == OVI_SPLIT_OBJECTS;
    b->header = s->header;
    b->raw_bytes = s->reader->raw_offset - s->raw_seen;
    s->raw_seen = s->reader->raw_offset;
    b->lines_before = s->lines_before;
    s->lines_before = 0;
}

static ov_status cut_block(ovi_splitter *s, ovi_block *b, ov_error *err)
{
    memset(b->text + b->n, 0, OVI_SCAN_PAD);
    size_t end = s->eof ? b->n : row_end(s, b);
    for (size_t want = b->n; end == 0 && !s->eof; end = s->eof ? b->n : row_end(s, b)) {
        if (b->n >= OVI_ROW_MAX_BYTES) {
            end = cut_long(s, b);
            break;
        }
        want = OV_MIN(want * 2, (size_t)OVI_ROW_MAX_BYTES);
        OV_TRY(read_more(s, b, OV_MAX(want, (size_t)OVI_BLOCK_BYTES), err));
        memset(b->text + b->n, 0, OVI_SCAN_PAD);
    }
    b->overlong = end == 0 && !s->eof;
    if (b->overlong) { /* the rest of the row goes with the next calls */
        s->skipping = true;
        end = OV_MIN(b->n, (size_t)4096);
        uint64_t behind = ovi_scan_count(b->text + end, b->n - end, '\n');
        finish_block(s, b, end);
        s->lines_before = behind;
        s->carry_n = 0;
        return OV_OK;
    }
    OV_TRY(keep_carry(s, b->text + end, b->n - end, err));
    finish_block(s, b, end);
    return OV_OK;
}

/* One row may be as long as its source likes to send: while it is skipped nobody else asks. */
static bool cancelled(const ovi_splitter *s)
{
    const ov_load_env *env = s->inputs->env;
    return env && env->cancel && atomic_load_explicit(env->cancel, memory_order_relaxed);
}

ov_status ovi_splitter_next(ovi_splitter *s, ovi_block *b, bool *more, ov_error *err)
{
    if (s->format->kind == OV_INPUT_FORMAT_PARQUET)
        return ovi_split_parquet(s, b, more, err);
    for (;;) {
        *more = true;
        if (cancelled(s))
            return ov_fail(err, OV_CANCELLED, "the load was cancelled");
        if (!s->reader) {
            *more = s->file < s->inputs->count;
            if (!*more)
                return OV_OK;
            OV_TRY(open_file(s, err));
        }
        b->n = b->text_bytes = 0;
        OV_TRY(block_room(b, OV_MAX((size_t)OVI_BLOCK_BYTES, s->carry_n), err));
        if (s->carry_n)
            memcpy(b->text, s->carry, s->carry_n);
        b->n = s->carry_n;
        s->carry_n = 0;
        if (!s->eof)
            OV_TRY(read_more(s, b, OV_MAX((size_t)OVI_BLOCK_BYTES, b->n), err));
        if (s->at_start)
            OV_TRY(file_start(s, b, err));
        if (s->skipping)
            s->skipping = !skip_long(s, b);
        if (b->n > 0)
            OV_TRY(cut_block(s, b, err));
        if (s->eof && s->carry_n == 0) {
            if (b->n == 0 && s->reader->raw_offset > s->raw_seen)
                finish_block(s, b, 0); /* nothing but bytes to count */
            ov_reader_close(s->reader);
            s->reader = NULL;
            s->file++;
        }
        if (b->n > 0)
            return OV_OK;
    }
}
