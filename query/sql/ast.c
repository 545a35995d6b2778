/* Names, comparison and positions of the syntax tree. */
#include "query/sql/ast.h"

const char *ov_ast_kind_name(ov_ast_kind kind)
{
    static const char *const names[] = {
#define OV_AST_KIND(name) #name,
#include "query/sql/ast_kinds.def"
#undef OV_AST_KIND
    };
    return (unsigned)kind < OV_AST_KIND_COUNT ? names[kind] : "?";
}

static bool same_number(const void *self, uint32_t a, uint32_t b)
{
    (void)self;
    return a == b;
}

bool ov_ast_equal(const ov_ast *a, const ov_ast *b)
{
    return ov_ast_equal_bound(a, b, same_number, NULL);
}

bool ov_ast_equal_bound(const ov_ast *a, const ov_ast *b, bool (*same)(const void *self, uint32_t a, uint32_t b), const void *self)
{
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind || a->op != b->op || a->flags != b->flags ||
        a->kid_count != b->kid_count)
        return false;
    if (a->kind == OV_AST_PARAM)
        return same(self, a->number, b->number);
    if (a->kind == OV_AST_CALL ? !ov_slice_ieq(a->text, b->text) : !ov_slice_eq(a->text, b->text))
        return false;
    for (uint32_t i = 0; i < a->kid_count; i++)
        if (!ov_ast_equal_bound(a->kids[i], b->kids[i], same, self))
            return false;
    return true;
}

void ov_sql_line_column(ov_slice text, size_t pos, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < pos && i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n') {
            ++*line;
            *column = 1;
        } else if ((c & 0xc0) != 0x80) {
            *column += c >= 0xf0 ? 2 : 1; /* beyond the BMP Java has two units */
        }
    }
}
