/*
 * Printers: rows to text. Tables hold rows back to measure them, up to a bound; beyond it the widths found so
 * far are kept and rows flow.
 */
#include "server/cli/shell.h"

#include <errno.h>

#include "base/json.h"
#include "base/utf8.h"
#include "server/query/encode.h"

enum {
    TABLE_ROWS_HELD = 2000,
    TABLE_BYTES_HELD = 16 << 20,
    CELL_MAX_WIDTH = 80,
};

const char ov_shell_format_words[] = "table, csv, tsv, json, jsonl, markdown, vertical";

struct ov_printer {
    ov_shell_format format;
    FILE *to;
    uint32_t columns;
    ov_shell_column *column;
    size_t *width;
    uint64_t rows;
    ov_buf line;
    ov_arena held; /* cells of rows not printed yet */
    ov_shell_cell **held_row;
    uint32_t held_rows;
    bool flowing; /* table head is out */
};

bool ov_shell_format_find(const char *word, ov_shell_format *out)
{
    static const char *const words[] = {"table", "csv",      "tsv",     "json",
                                        "jsonl", "markdown", "vertical"};
    for (size_t i = 0; i < OV_COUNT_OF(words); i++)
        if (ov_slice_ieq(ov_slice_cstr(word), ov_slice_cstr(words[i]))) {
            *out = (ov_shell_format)i;
            return true;
        }
    return false;
}

ov_status ov_printer_create(ov_shell_format format, FILE *to, ov_printer **out, ov_error *err)
{
    ov_printer *p = ov_calloc(1, sizeof *p);
    if (!p)
        return ov_fail_nomem(err, sizeof *p);
    p->format = format;
    p->to = to;
    ov_buf_init(&p->line);
    ov_arena_init(&p->held, "table", NULL);
    *out = p;
    return OV_OK;
}

void ov_printer_destroy(ov_printer *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; p->column && i < p->columns; i++)
        ov_free((void *)(uintptr_t)p->column[i].name.p);
    ov_free(p->column);
    ov_free(p->width);
    ov_free(p->held_row);
    ov_buf_fini(&p->line);
    ov_arena_fini(&p->held);
    ov_free(p);
}

uint64_t ov_printer_rows(const ov_printer *p)
{
    return p->rows;
}

static ov_status put_line(ov_printer *p, ov_error *err)
{
    OV_TRY(ov_buf_check(&p->line, err));
    if (p->line.n && fwrite(p->line.p, 1, p->line.n, p->to) != p->line.n)
        return ov_fail_errno(err, errno, "cannot write the result");
    ov_buf_clear(&p->line);
    return OV_OK;
}

/* ---- delimited text ---- */

/* Tabs and line ends inside values become \t, \n, \r, \\ as PostgreSQL's COPY writes them. */
static void add_tsv(ov_buf *b, ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '\t':
            ov_buf_add_str(b, "\\t");
            break;
        case '\n':
            ov_buf_add_str(b, "\\n");
            break;
        case '\r':
            ov_buf_add_str(b, "\\r");
            break;
        case '\\':
            ov_buf_add_str(b, "\\\\");
            break;
        default:
            ov_buf_add_char(b, s.p[i]);
        }
}

static void add_delimited(ov_printer *p, uint32_t i, ov_slice text)
{
    if (i)
        ov_buf_add_char(&p->line, p->format == OV_SHELL_CSV ? ',' : '\t');
    if (p->format == OV_SHELL_CSV)
        ov_encode_csv_text(&p->line, text);
    else
        add_tsv(&p->line, text);
}

/* ---- JSON ---- */

static void add_json(ov_buf *b, const ov_shell_cell *c)
{
    bool odd = c->kind == OV_CELL_NUMBER && c->text.n &&
               (c->text.p[0] == 'N' || c->text.p[c->text.n - 1] == 'y');
    if (c->kind == OV_CELL_NULL)
        ov_buf_add_str(b, "null");
    else if (c->kind == OV_CELL_TEXT || odd)
        ov_json_quote(b, c->text);
    else
        ov_buf_add_slice(b, c->text);
}

static void add_json_row(ov_printer *p, const ov_shell_cell *cells)
{
    ov_buf_add_char(&p->line, '{');
    for (uint32_t i = 0; i < p->columns; i++) {
        if (i)
            ov_buf_add_char(&p->line, ',');
        ov_json_quote(&p->line, p->column[i].name);
        ov_buf_add_char(&p->line, ':');
        add_json(&p->line, &cells[i]);
    }
    ov_buf_add_char(&p->line, '}');
}

/* ---- tables ---- */

static ov_slice shown(const ov_shell_cell *c)
{
    return c->kind == OV_CELL_NULL ? OV_SLICE_LIT("NULL") : c->text;
}

/* The text with control characters as blanks, cut with an ellipsis when wider than max_width; returns its width. */
static size_t add_visible(ov_buf *b, ov_slice s, size_t max_width)
{
    size_t width = 0, cut_at = 0; /* bytes of b up to where the ellipsis would go */
    size_t cut_width = 0;
    const char *at = s.p, *end = s.p + s.n;
    while (at < end) {
        const char *from = at;
        uint32_t cp = ov_utf8_next(&at, end);
        bool control = cp < 0x20 || cp == 0x7F;
        ov_slice one = control ? OV_SLICE_LIT(" ") : ov_slice_make(from, (size_t)(at - from));
        width += control ? 1 : ov_utf8_width(one);
        if (width > max_width) {
            b->n = cut_at;
            ov_buf_add_str(b, "…");
            return cut_width + 1;
        }
        ov_buf_add_slice(b, one);
        if (width < max_width) {
            cut_at = b->n;
            cut_width = width;
        }
    }
    return width;
}

static void add_table_cell(ov_printer *p, uint32_t i, ov_slice text, bool right)
{
    ov_buf cell;
    ov_buf_init(&cell);
    size_t w = add_visible(&cell, text, CELL_MAX_WIDTH);
    size_t pad = p->width[i] > w ? p->width[i] - w : 0;
    ov_buf_add_str(&p->line, i ? " │ " : "│ ");
    for (size_t k = 0; right && k < pad; k++)
        ov_buf_add_char(&p->line, ' ');
    ov_buf_add_slice(&p->line, ov_buf_slice(&cell));
    for (size_t k = 0; !right && k < pad; k++)
        ov_buf_add_char(&p->line, ' ');
    ov_buf_fini(&cell);
}

static void add_rule(ov_printer *p, const char *left, const char *middle, const char *right)
{
    for (uint32_t i = 0; i < p->columns; i++) {
        ov_buf_add_str(&p->line, i ? middle : left);
        for (size_t k = 0; k < p->width[i] + 2; k++)
            ov_buf_add_str(&p->line, "─");
    }
    ov_buf_add_str(&p->line, right);
    ov_buf_add_char(&p->line, '\n');
}

static void add_table_row(ov_printer *p, const ov_shell_cell *cells)
{
    for (uint32_t i = 0; i < p->columns; i++)
        add_table_cell(p, i, shown(&cells[i]), p->column[i].number);
    ov_buf_add_str(&p->line, " │\n");
}

static void widen(ov_printer *p, uint32_t i, ov_slice text)
{
    size_t w = ov_utf8_width(text);
    for (size_t k = 0; k < text.n; k++) /* control characters show as one blank */
        w += (unsigned char)text.p[k] < 0x20;
    if (w > CELL_MAX_WIDTH)
        w = CELL_MAX_WIDTH;
    if (w > p->width[i])
        p->width[i] = w;
}

static ov_status flush_table(ov_printer *p, ov_error *err)
{
    if (!p->flowing) {
        p->flowing = true;
        add_rule(p, "┌", "┬", "┐");
        for (uint32_t i = 0; i < p->columns; i++)
            add_table_cell(p, i, p->column[i].name, p->column[i].number);
        ov_buf_add_str(&p->line, " │\n");
        add_rule(p, "├", "┼", "┤");
    }
    for (uint32_t r = 0; r < p->held_rows; r++) {
        add_table_row(p, p->held_row[r]);
        OV_TRY(put_line(p, err));
    }
    p->held_rows = 0;
    ov_arena_reset(&p->held);
    return OV_OK;
}

static ov_status hold_row(ov_printer *p, const ov_shell_cell *cells, ov_error *err)
{
    ov_shell_cell *copy;
    OV_TRY(ov_arena_alloc(&p->held, (p->columns + 1) * sizeof *copy, &copy, err));
    for (uint32_t i = 0; i < p->columns; i++) {
        copy[i].kind = cells[i].kind;
        OV_TRY(ov_arena_copy(&p->held, cells[i].text, &copy[i].text, err));
        widen(p, i, shown(&cells[i]));
    }
    p->held_row[p->held_rows++] = copy;
    if (p->held_rows == TABLE_ROWS_HELD || p->held.total_bytes > TABLE_BYTES_HELD)
        return flush_table(p, err);
    return OV_OK;
}

/* ---- markdown and vertical ---- */

static void add_markdown_row(ov_printer *p, const ov_shell_cell *cells)
{
    for (uint32_t i = 0; i < p->columns; i++) {
        ov_buf_add_str(&p->line, i ? " | " : "| ");
        ov_slice text = cells ? shown(&cells[i]) : p->column[i].name;
        for (size_t k = 0; k < text.n; k++) {
            if (text.p[k] == '|')
                ov_buf_add_char(&p->line, '\\');
            ov_buf_add_char(&p->line, text.p[k] == '\n' ? ' ' : text.p[k]);
        }
    }
    ov_buf_add_str(&p->line, " |\n");
}

static void add_vertical_row(ov_printer *p, const ov_shell_cell *cells)
{
    size_t widest = 0;
    for (uint32_t i = 0; i < p->columns; i++)
        widest = OV_MAX(widest, ov_utf8_width(p->column[i].name));
    ov_buf_addf(&p->line, "── row %llu ──\n", (unsigned long long)p->rows);
    for (uint32_t i = 0; i < p->columns; i++) {
        for (size_t w = ov_utf8_width(p->column[i].name); w < widest; w++)
            ov_buf_add_char(&p->line, ' ');
        ov_buf_add_slice(&p->line, p->column[i].name);
        ov_buf_add_str(&p->line, ": ");
        ov_buf_add_slice(&p->line, shown(&cells[i]));
        ov_buf_add_char(&p->line, '\n');
    }
}

/* ---- the printer ---- */

static ov_status copy_columns(ov_printer *p, const ov_shell_column *columns, uint32_t count,
                              ov_error *err)
{
    p->column = ov_calloc(count, sizeof *p->column);
    p->width = ov_calloc(count, sizeof *p->width);
    p->held_row = ov_calloc(TABLE_ROWS_HELD, sizeof(ov_shell_cell *));
    if (!p->column || !p->width || !p->held_row)
        return ov_fail_nomem(err, count * sizeof *p->column);
    p->columns = count;
    for (uint32_t i = 0; i < count; i++) {
        char *name = ov_strndup(columns[i].name.n ? columns[i].name.p : "", columns[i].name.n);
        if (!name)
            return ov_fail_nomem(err, columns[i].name.n);
        p->column[i] = (ov_shell_column){ov_slice_make(name, columns[i].name.n), columns[i].number};
        widen(p, i, p->column[i].name);
    }
    return OV_OK;
}

ov_status ov_printer_begin(ov_printer *p, const ov_shell_column *columns, uint32_t count,
                           ov_error *err)
{
    OV_TRY(copy_columns(p, columns, count, err));
    switch (p->format) {
    case OV_SHELL_CSV:
    case OV_SHELL_TSV:
        for (uint32_t i = 0; i < count; i++)
            add_delimited(p, i, columns[i].name);
        ov_buf_add_char(&p->line, '\n');
        break;
    case OV_SHELL_JSON:
        ov_buf_add_char(&p->line, '[');
        break;
    case OV_SHELL_MARKDOWN:
        add_markdown_row(p, NULL);
        for (uint32_t i = 0; i < count; i++)
            ov_buf_add_str(&p->line, columns[i].number ? "|--:" : "|---");
        ov_buf_add_str(&p->line, "|\n");
        break;
    case OV_SHELL_TABLE:
    case OV_SHELL_JSONL:
    case OV_SHELL_VERTICAL:
        break;
    }
    return put_line(p, err);
}

ov_status ov_printer_row(ov_printer *p, const ov_shell_cell *cells, ov_error *err)
{
    p->rows++;
    switch (p->format) {
    case OV_SHELL_TABLE:
        return hold_row(p, cells, err);
    case OV_SHELL_CSV:
    case OV_SHELL_TSV:
        for (uint32_t i = 0; i < p->columns; i++)
            add_delimited(p, i,
                          cells[i].kind == OV_CELL_NULL ? (ov_slice){NULL, 0} : cells[i].text);
        ov_buf_add_char(&p->line, '\n');
        break;
    case OV_SHELL_JSON:
        ov_buf_add_str(&p->line, p->rows > 1 ? ",\n" : "\n");
        add_json_row(p, cells);
        break;
    case OV_SHELL_JSONL:
        add_json_row(p, cells);
        ov_buf_add_char(&p->line, '\n');
        break;
    case OV_SHELL_MARKDOWN:
        add_markdown_row(p, cells);
        break;
    case OV_SHELL_VERTICAL:
        add_vertical_row(p, cells);
        break;
    }
    return put_line(p, err);
}

ov_status ov_printer_end(ov_printer *p, ov_error *err)
{
    if (p->format == OV_SHELL_TABLE) {
        OV_TRY(flush_table(p, err));
        add_rule(p, "└", "┴", "┘");
    } else if (p->format == OV_SHELL_JSON) {
        ov_buf_add_str(&p->line, p->rows ? "\n]\n" : "]\n");
    }
    OV_TRY(put_line(p, err));
    if (fflush(p->to) != 0)
        return ov_fail_errno(err, errno, "cannot write the result");
    return OV_OK;
}
