#include "storage/segment/path_name.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void ov_path_name_add(ov_buf *path, ov_slice name)
{
    bool plain = name.n > 0;
    for (size_t i = 0; i < name.n; i++)
        plain = plain && is_plain(name.p[i]);
    if (plain) {
        ov_buf_add_char(path, '.');
        ov_buf_add_slice(path, name);
        return;
    }
    ov_buf_add_str(path, "['");
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '\'' || name.p[i] == '\\')
            ov_buf_add_char(path, '\\');
        ov_buf_add_char(path, name.p[i]);
    }
    ov_buf_add_str(path, "']");
}

bool ov_path_name_next(ov_slice *rest, ov_buf *name)
{
    size_t at = 1;
    ov_buf_clear(name);
    if (rest->n < 2)
        return false;
    if (rest->p[0] == '.') {
        while (at < rest->n && is_plain(rest->p[at]))
            at++;
        ov_buf_add(name, rest->p + 1, at - 1);
        if (at == 1)
            return false;
        *rest = ov_slice_make(rest->p + at, rest->n - at);
        return true;
    }
    if (rest->p[0] != '[' || rest->p[1] != '\'')
        return false;
    for (at = 2; at + 1 < rest->n && rest->p[at] != '\''; at++) {
        at += rest->p[at] == '\\';
        ov_buf_add_char(name, rest->p[at]);
    }
    if (at + 1 >= rest->n || rest->p[at + 1] != ']')
        return false;
    *rest = ov_slice_make(rest->p + at + 2, rest->n - at - 2);
    return true;
}
