#include "server/query/error_row.h"

#include "query/query.h"

enum { DEEPEST = 64 };

void ov_error_row_init(ov_error_row *r, const ov_json *context)
{
    *r = (ov_error_row){.wanted = ov_query_context_affirms(context, "writeExceptionBodyAsResponseRow")};
}

static bool in_object(const ov_error_row *r)
{
    return r->depth > 0 && r->depth <= DEEPEST && (r->objects >> (r->depth - 1) & 1);
}

static void see_text(ov_error_row *r, char c)
{
    if (r->escaped)
        r->escaped = false;
    else if (c == '\\')
        r->escaped = true;
    else if (c == '"')
        r->in_text = false;
}

static void open_bracket(ov_error_row *r, bool object)
{
    uint64_t bit = r->depth < DEEPEST ? 1ULL << r->depth : 0;
    r->objects = object ? r->objects | bit : r->objects & ~bit;
    r->depth++;
}

static void see(ov_error_row *r, char c)
{
    r->line_ended = c == '\n';
    if (r->in_text) {
        see_text(r, c);
    } else if (c == '"') {
        r->in_text = true;
        r->key |= in_object(r) && (r->last == '{' || r->last == ',');
    } else if (c == '[' || c == '{') {
        r->key = false;
        open_bracket(r, c == '{');
    } else if (c == ']' || c == '}') {
        r->depth -= r->depth > 0;
    } else if (c == ':') {
        r->key = false;
    }
    if (c != ' ' && c != '\n')
        r->last = c;
}

void ov_error_row_see(ov_error_row *r, ov_slice bytes)
{
    for (size_t i = 0; r->wanted && i < bytes.n; i++)
        see(r, bytes.p[i]);
}

/* What is open may end here. */
static bool can_close(const ov_error_row *r)
{
    return !r->key && r->last != ':' && r->last != ',' && r->depth <= DEEPEST;
}

static bool end(const ov_error_row *r, ov_slice error, ov_buf *out)
{
    if (r->in_text)
        return false;
    if (r->depth == 0) { /* lines */
        if (!r->line_ended)
            return false;
        ov_buf_add_slice(out, error);
        ov_buf_add_str(out, "\n\n");
        return true;
    }
    if (r->depth > 1 && !can_close(r))
        return false;
    for (uint32_t d = r->depth; d > 1; d--)
        ov_buf_add_char(out, r->objects >> (d - 1) & 1 ? '}' : ']');
    if (r->depth > 1 || (r->last != '[' && r->last != ','))
        ov_buf_add_char(out, ',');
    ov_buf_add_slice(out, error);
    ov_buf_add_char(out, ']');
    return true;
}

bool ov_error_row_end(ov_error_row *r, ov_error_style style, ov_slice sql, const ov_error *why, size_t whole, ov_buf *sheet)
{
    ov_buf text;
    if (!r->wanted || sheet->failed)
        return false;
    sheet->n = OV_MIN(sheet->n, whole);
    ov_error_row_see(r, ov_buf_slice(sheet));
    ov_buf_init(&text);
    ov_error_body(style, sql, why, false, &text);
    bool ends = !text.failed && end(r, ov_buf_slice(&text), sheet) && !sheet->failed;
    ov_buf_fini(&text);
    return ends;
}
