/*
 * White space for ?pretty as Jackson sets it: members on lines of their own, lists on one line.
 */
#include "server/query/native_out.h"

static void new_line(const ov_pretty *p, ov_buf *out)
{
    ov_buf_add_char(out, '\n');
    for (uint32_t i = 0; i < p->depth; i++)
        ov_buf_add_str(out, "  ");
}

/* What stands in front of the first thing in a list or object. */
static void begin_inside(ov_pretty *p, ov_buf *out)
{
    if (!p->opened)
        return;
    p->opened = false;
    if (p->open == '[') {
        ov_buf_add_char(out, ' ');
        return;
    }
    p->depth++;
    new_line(p, out);
}

static void close_with(ov_pretty *p, char c, ov_buf *out)
{
    bool empty = p->opened;
    p->opened = false;
    if (empty || c == ']') {
        ov_buf_add_char(out, ' ');
    } else {
        p->depth -= p->depth > 0;
        new_line(p, out);
    }
    ov_buf_add_char(out, c);
}

static void add_mark(ov_pretty *p, char c, ov_buf *out, const char *kinds, uint32_t levels)
{
    switch (c) {
    case '[':
    case '{':
        begin_inside(p, out);
        ov_buf_add_char(out, c);
        p->opened = true;
        p->open = c;
        return;
    case ']':
    case '}':
        close_with(p, c, out);
        return;
    case ',':
        ov_buf_add_char(out, ',');
        if (levels && kinds[levels - 1] == '{')
            new_line(p, out);
        else
            ov_buf_add_char(out, ' ');
        return;
    case ':':
        ov_buf_add_str(out, " : ");
        return;
    default:
        begin_inside(p, out);
        ov_buf_add_char(out, c);
        p->in_text = c == '"';
        return;
    }
}

void ov_pretty_add(ov_pretty *p, ov_slice json, ov_buf *out)
{
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        if (p->in_text) {
            ov_buf_add_char(out, c);
            p->in_text = c != '"' || p->escaped;
            p->escaped = c == '\\' && !p->escaped;
            continue;
        }
        if ((c == '[' || c == '{') && p->levels < sizeof p->kinds)
            p->kinds[p->levels] = c;
        add_mark(p, c, out, p->kinds, OV_MIN(p->levels, (uint32_t)sizeof p->kinds));
        p->levels += (c == '[' || c == '{') - ((c == ']' || c == '}') && p->levels > 0);
    }
}
