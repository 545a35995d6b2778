/* Segment ids: text from parts, parts from text, and which datasource names are allowed. */
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

/* Cut the part after the last '_' off `rest`. */
static bool cut_last(ov_slice *rest, ov_slice *part)
{
    for (size_t i = rest->n; i > 0; i--) {
        if (rest->p[i - 1] != '_')
            continue;
        *part = ov_slice_make(rest->p + i, rest->n - i);
        rest->n = i - 1;
        return true;
    }
    return false;
}

static bool read_partition(ov_slice part, uint32_t *out)
{
    if (part.n == 0 || part.n > 9)
        return false;
    uint32_t v = 0;
    for (size_t i = 0; i < part.n; i++) {
        if (part.p[i] < '0' || part.p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(part.p[i] - '0');
    }
    *out = v;
    return true;
}

ov_status ov_segment_id_parse(ov_slice text, ov_segment_id *out, ov_error *err)
{
    ov_slice rest = text, version, start, end, last;
    uint32_t partition = 0;
    bool ok = cut_last(&rest, &last);
    if (ok && read_partition(last, &partition))
        ok = cut_last(&rest, &version);
    else
        version = last;
    ok = ok && cut_last(&rest, &end) && cut_last(&rest, &start) && rest.n > 0 && version.n > 0;
    ov_interval span = {0, 0};
    ok = ok && ov_iso_try(start, NULL, &span.start) && ov_iso_try(end, NULL, &span.end);
    if (!ok || span.start > span.end)
        return ov_fail(err, OV_INVALID,
                       "'" OV_SLICE_FMT "' is not a segment id: expected "
                       "<datasource>_<start>_<end>_<version>[_<partition>] with ISO times",
                       OV_SLICE_ARG(text));
    *out = (ov_segment_id){rest, span, version, partition};
    return OV_OK;
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
