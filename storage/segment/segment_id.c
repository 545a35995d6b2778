/* Segment ids: text from parts, and which datasource names are allowed. */
#include "storage/segment/segment_id.h"

#include "base/utf8.h"

enum {
    MAX_NAME_BYTES = 128,
    MAX_FOLDER_BYTES = 250, /* of the name with what files must not hold percent-encoded */
};

void ov_segment_id_add(ov_buf *out, const ov_segment_id *id)
{
    ov_buf_add_slice(out, id->datasource);
    ov_buf_add_char(out, '_');
    ov_iso_add(out, id->span.start, NULL);
    ov_buf_add_char(out, '_');
    ov_iso_add(out, id->span.end, NULL);
    ov_buf_add_char(out, '_');
    ov_buf_add_slice(out, id->version);
    if (id->partition)
        ov_buf_addf(out, "_%u", id->partition);
}

bool ov_datasource_char_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || (unsigned char)c >= 0x80;
}

ov_status ov_datasource_name_check(ov_slice name, ov_error *err)
{
    const char *why = NULL;
    if (name.n == 0)
        why = "is empty";
    else if (name.n > MAX_NAME_BYTES)
        why = "is longer than 128 bytes";
    else if (name.p[0] == '.')
        why = "starts with '.'";
    else if (name.p[0] == ' ' || name.p[name.n - 1] == ' ')
        why = "starts or ends with a blank";
    else if (!ov_utf8_valid(name))
        why = "is not UTF-8";
    size_t folder = 0;
    for (size_t i = 0; i < name.n && !why; i++) {
        unsigned char c = (unsigned char)name.p[i];
        folder += ov_datasource_char_plain(name.p[i]) ? 1 : 3;
        if (c == '/')
            why = "holds '/'";
        else if (c < 32 || c == 127)
            why = "holds a control character";
        else if (folder > MAX_FOLDER_BYTES)
            why = "holds too many special characters for a folder's name";
    }
    if (why)
        return ov_fail(err, OV_INVALID, "the datasource name '" OV_SLICE_FMT "' %s",
                       OV_SLICE_ARG(name), why);
    return OV_OK;
}
