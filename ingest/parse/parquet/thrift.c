#include "ingest/parse/parquet/thrift.h"

enum { MAX_DEPTH = 64 };

void ovi_thrift_init(ovi_thrift *t, ov_slice bytes)
{
    *t = (ovi_thrift){.at = (const uint8_t *)bytes.p, .end = (const uint8_t *)bytes.p + bytes.n};
}

static void fail(ovi_thrift *t, const char *what)
{
    if (!t->fault)
        t->fault = what;
    t->at = t->end;
}

static uint8_t byte(ovi_thrift *t)
{
    if (t->at < t->end)
        return *t->at++;
    fail(t, "it ends early");
    return 0;
}

static uint64_t varint(ovi_thrift *t)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b = byte(t);
        if (shift < 64)
            v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return v;
    }
    fail(t, "a number has too many bytes");
    return 0;
}

static int64_t zigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

bool ovi_thrift_next(ovi_thrift *t, ovi_thrift_field *f)
{
    uint8_t head = byte(t);
    f->type = head & 0x0F;
    if (t->fault || f->type == OVI_THRIFT_STOP)
        return false;
    if (f->type > OVI_THRIFT_STRUCT) {
        fail(t, "a field has a type that there is not");
        return false;
    }
    f->id = head >> 4 ? (int16_t)(f->id + (head >> 4)) : (int16_t)zigzag(varint(t));
    return !t->fault;
}

int64_t ovi_thrift_int(ovi_thrift *t, const ovi_thrift_field *f)
{
    if (f->type == OVI_THRIFT_BYTE)
        return (int8_t)byte(t);
    if (f->type >= OVI_THRIFT_I16 && f->type <= OVI_THRIFT_I64)
        return zigzag(varint(t));
    fail(t, "a field that should be a number is none");
    return 0;
}

bool ovi_thrift_bool(ovi_thrift *t, const ovi_thrift_field *f)
{
    if (f->type != OVI_THRIFT_TRUE && f->type != OVI_THRIFT_FALSE)
        fail(t, "a field that should be true or false is neither");
    return f->type == OVI_THRIFT_TRUE;
}

static ov_slice bytes(ovi_thrift *t)
{
    uint64_t n = varint(t);
    if (n > (uint64_t)(t->end - t->at)) {
        fail(t, "a text is longer than what is left");
        return (ov_slice){"", 0};
    }
    ov_slice s = ov_slice_make((const char *)t->at, (size_t)n);
    t->at += n;
    return s;
}

ov_slice ovi_thrift_binary(ovi_thrift *t, const ovi_thrift_field *f)
{
    if (f->type == OVI_THRIFT_BINARY)
        return bytes(t);
    fail(t, "a field that should be a text is none");
    return (ov_slice){"", 0};
}

static uint32_t list_head(ovi_thrift *t, uint8_t *item)
{
    uint8_t head = byte(t);
    uint64_t n = head >> 4;
    *item = head & 0x0F;
    if (n == 15)
        n = varint(t);
    /* Every item takes a byte or more, so a count beyond what is left is a lie. */
    if (n > (uint64_t)(t->end - t->at)) {
        fail(t, "a list is longer than what is left");
        return 0;
    }
    return (uint32_t)n;
}

uint32_t ovi_thrift_list(ovi_thrift *t, const ovi_thrift_field *f, uint8_t *item)
{
    *item = OVI_THRIFT_STOP;
    if (f->type == OVI_THRIFT_LIST)
        return list_head(t, item);
    fail(t, "a field that should be a list is none");
    return 0;
}

static void skip_map(ovi_thrift *t)
{
    uint64_t n = varint(t);
    uint8_t types = n ? byte(t) : 0;
    if (n > (uint64_t)(t->end - t->at))
        fail(t, "a map is longer than what is left");
    for (uint64_t i = 0; i < n && !t->fault; i++) {
        ovi_thrift_skip(t, types >> 4);
        ovi_thrift_skip(t, types & 0x0F);
    }
}

static void skip_list(ovi_thrift *t)
{
    uint8_t item;
    uint32_t n = list_head(t, &item);
    for (uint32_t i = 0; i < n && !t->fault; i++) {
        if (item == OVI_THRIFT_TRUE || item == OVI_THRIFT_FALSE)
            (void)byte(t); /* in lists they have bytes of their own */
        else
            ovi_thrift_skip(t, item);
    }
}

void ovi_thrift_skip(ovi_thrift *t, uint8_t type)
{
    if (++t->depth > MAX_DEPTH)
        fail(t, "it is nested too deep");
    ovi_thrift_field f = {0};
    switch (type) {
    case OVI_THRIFT_TRUE:
    case OVI_THRIFT_FALSE:
        break;
    case OVI_THRIFT_BYTE:
        (void)byte(t);
        break;
    case OVI_THRIFT_I16:
    case OVI_THRIFT_I32:
    case OVI_THRIFT_I64:
        (void)varint(t);
        break;
    case OVI_THRIFT_DOUBLE:
        for (int i = 0; i < 8; i++)
            (void)byte(t);
        break;
    case OVI_THRIFT_BINARY:
        (void)bytes(t);
        break;
    case OVI_THRIFT_LIST:
    case OVI_THRIFT_SET:
        skip_list(t);
        break;
    case OVI_THRIFT_MAP:
        skip_map(t);
        break;
    case OVI_THRIFT_STRUCT:
        while (ovi_thrift_next(t, &f))
            ovi_thrift_skip(t, f.type);
        break;
    default:
        fail(t, "a value has a type that there is not");
    }
    t->depth--;
}

ov_status ovi_thrift_status(const ovi_thrift *t, ov_error *err)
{
    return t->fault ? ov_fail(err, OV_CORRUPT, "the metadata is damaged: %s", t->fault) : OV_OK;
}
