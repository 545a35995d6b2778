/*
 * Druid's own HyperLogLog: how many distinct texts, in 2,048 registers of four bits.
 *
 * Registers hold runs of zeros above a common *offset*, which rises when every register is past it; of runs that do not fit into four bits
 * the longest is kept beside them. Which of several such long runs survive depends on the order of values, as in Druid.
 *
 *   image   01 | offset | registers in use (u16) | longest run | its register (u16) | 1,024 bytes, two registers each, the even one high
 *           or, with fewer than 128 in use: their bytes as (7 + place: u16, byte); numbers are big-endian
 *   older   offset | registers in use | the same, without the longest run
 *
 * Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007); images that Druid wrote.
 */
#pragma once

#include "sketch/sketch.h"

enum { OV_HYPER_REGISTERS = 2048, OV_HYPER_BYTES = OV_HYPER_REGISTERS / 2 };

/* All zero: nothing came yet. */
typedef struct ov_hyper {
    uint8_t *regs; /* OV_HYPER_BYTES once something came */
    size_t cap;
    uint8_t offset, longest; /* longest: 0 is none */
    uint16_t used, longest_at;
} ov_hyper;

/* Text by its UTF-8. */
OV_CHECKED ov_status ov_hyper_add(ov_hyper *s, ov_slice text, const ov_sketch_mem *mem, ov_error *err);
OV_CHECKED ov_status ov_hyper_merge(ov_hyper *s, const ov_hyper *from, const ov_sketch_mem *mem, ov_error *err);
double ov_hyper_estimate(const ov_hyper *s);
void ov_hyper_write(const ov_hyper *s, ov_buf *out);
/* Both versions, trusting nothing; no bytes are no values. */
OV_CHECKED ov_status ov_hyper_read(ov_slice image, ov_hyper *s, const ov_sketch_mem *mem, ov_error *err);
