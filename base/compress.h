/*
 * Streaming decompression of untrusted input: gzip (zlib), Zstandard. And gzip written, piece by piece.
 *
 * Memory is bounded: 64 KiB of input at a time, and a zstd window of at most 128 MiB (what `zstd
 * --long` writes). A stream that ends early or is damaged is OV_CORRUPT, with the offset in the
 * compressed input.
 */
#pragma once

#include "base/reader.h"

typedef enum ov_compression {
    OV_COMPRESSION_NONE,
    OV_COMPRESSION_GZIP,
    OV_COMPRESSION_ZSTD
} ov_compression;

/* By the first bytes. */
ov_compression ov_compression_detect(ov_slice head);

/* `below` is owned from here on, also when this fails. `name` (copied) is for sentences. Members
 * and frames in a row are one stream; zero bytes after the last gzip member are skipped. */
OV_CHECKED ov_status ov_reader_open_gzip(ov_reader *below, const char *name, ov_reader **out,
                                         ov_error *err);
OV_CHECKED ov_status ov_reader_open_zstd(ov_reader *below, const char *name, ov_reader **out,
                                         ov_error *err);
/* Looks at the first bytes and puts the right decompressor, or none, on top; owns `below` as these do. */
OV_CHECKED ov_status ov_reader_open_auto(ov_reader *below, const char *name, ov_reader **out,
                                         ov_error *err);
/* A file, decompressed if need be. */
OV_CHECKED ov_status ov_reader_open_path(const char *path, ov_reader **out, ov_error *err);

/* One gzip member written in pieces; level 1..9. Each piece can be read when it has arrived. */
typedef struct ov_gzip ov_gzip;
OV_CHECKED ov_status ov_gzip_open(int level, ov_gzip **out, ov_error *err);
/* Appends to `out`; nothing more may be added behind `end`. */
OV_CHECKED ov_status ov_gzip_add(ov_gzip *g, ov_slice bytes, bool end, ov_buf *out, ov_error *err);
void ov_gzip_close(ov_gzip *g); /* NULL is fine */

/* One gzip member of everything, appended; level 1..9. */
OV_CHECKED ov_status ov_gzip_all(ov_slice bytes, int level, ov_buf *out, ov_error *err);
