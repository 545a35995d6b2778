/*
 * What the command-line tools over sketches share: one command a line on standard input, one answer a line, images in hexadecimal. A tool
 * defines tool_run; tool_main.c calls it.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "sketch/sketch.h"

/* One command, its words still to be taken by tool_word. What it prints is the answer; an error is printed behind it. */
OV_CHECKED ov_status tool_run(const char *verb, const ov_sketch_mem *mem, ov_arena *a, ov_error *err);

char *tool_word(void); /* NULL: no more */
int64_t tool_i64(void);
ov_slice tool_image(ov_arena *a); /* the next word, from hexadecimal */

void tool_print_hex(const ov_buf *b);
/* Whole numbers below 2^20 in a muddled order; the scripts make the same. */
double tool_value(uint64_t i, uint64_t seed);
double tool_seconds(void);
