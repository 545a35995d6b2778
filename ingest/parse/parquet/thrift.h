/*
 * Thrift's compact protocol, read only: what Parquet writes its metadata in.
 *
 * A struct is read field by field; who does not know a field skips it. All reads are bounded by the bytes given; the
 * first fault sticks, reads after it give zeros, and the caller asks once at the end (ovi_thrift_status).
 *
 * Source: thrift-compact-protocol.md of Apache Thrift.
 * Threads: plain values.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef enum ovi_thrift_type {
    OVI_THRIFT_STOP = 0,
    OVI_THRIFT_TRUE = 1,
    OVI_THRIFT_FALSE = 2,
    OVI_THRIFT_BYTE = 3,
    OVI_THRIFT_I16 = 4,
    OVI_THRIFT_I32 = 5,
    OVI_THRIFT_I64 = 6,
    OVI_THRIFT_DOUBLE = 7,
    OVI_THRIFT_BINARY = 8,
    OVI_THRIFT_LIST = 9,
    OVI_THRIFT_SET = 10,
    OVI_THRIFT_MAP = 11,
    OVI_THRIFT_STRUCT = 12,
} ovi_thrift_type;

typedef struct ovi_thrift {
    const uint8_t *at, *end;
    const char *fault; /* NULL while all is well */
    uint32_t depth;
} ovi_thrift;

/* A field of the struct being read. */
typedef struct ovi_thrift_field {
    int16_t id;   /* of the last one; start with 0 */
    uint8_t type; /* ovi_thrift_type; STOP at the struct's end */
} ovi_thrift_field;

void ovi_thrift_init(ovi_thrift *t, ov_slice bytes);
/* The next field; false at the end of the struct or after a fault. */
bool ovi_thrift_next(ovi_thrift *t, ovi_thrift_field *f);
/* Values by the field's type; another type is a fault. */
int64_t ovi_thrift_int(ovi_thrift *t, const ovi_thrift_field *f); /* BYTE, I16, I32, I64 */
bool ovi_thrift_bool(ovi_thrift *t, const ovi_thrift_field *f);
ov_slice ovi_thrift_binary(ovi_thrift *t, const ovi_thrift_field *f);
/* Head of a list; the items are read with ovi_thrift_field{.type = *item}. 0 after a fault. */
uint32_t ovi_thrift_list(ovi_thrift *t, const ovi_thrift_field *f, uint8_t *item);
void ovi_thrift_skip(ovi_thrift *t, uint8_t type);
OV_CHECKED ov_status ovi_thrift_status(const ovi_thrift *t, ov_error *err);
