/*
 * The text form of a segment's identity, as Druid writes it in sys.segments and in URLs:
 *
 *   <datasource>_<start>_<end>_<version>[_<partition>]      partition 0 is left out
 *
 * Start and end are ISO instants with milliseconds.
 *
 * Threads: all functions are pure.
 */
#pragma once

#include "base/buf.h"
#include "base/datetime.h"

typedef struct ov_segment_id {
    ov_slice datasource;
    ov_interval span;
    ov_slice version;
    uint32_t partition;
} ov_segment_id;

/* Appends the text. */
void ov_segment_id_add(ov_buf *out, const ov_segment_id *id);

/* Stands for itself in the name of a datasource's folder; other bytes are percent-encoded. */
bool ov_datasource_char_plain(char c);
/* A datasource name that can be a folder and a table: 1..128 bytes of UTF-8, no '/', no control characters, not starting
 * with '.', no blank at either end. OV_INVALID says what is wrong. */
OV_CHECKED ov_status ov_datasource_name_check(ov_slice name, ov_error *err);
