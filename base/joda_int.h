/* A compiled pattern: what joda.c (compile, format) and joda_parse.c share. */
#pragma once

#include "base/joda.h"

typedef struct ovi_joda_step {
    char letter;    /* of the pattern; '\'' for literal text */
    uint8_t width;  /* how often the letter stands, at most 255 */
    uint8_t digits; /* most digits a number may have when parsed */
    bool lenient;   /* two-digit years: other lengths are years as they are */
    ov_slice text;  /* literal */
} ovi_joda_step;

struct ov_joda {
    size_t count;
    int32_t pivot_low; /* first year that two digits can mean; 100 years follow */
    ovi_joda_step steps[];
};

extern const char *const ovi_joda_months[12];
extern const char *const ovi_joda_days[7]; /* Monday first */

/* What ICU's patterns write in the same way (icu_time.c). A minus, then at least `width` digits. */
void ovi_add_padded(ov_buf *out, int64_t v, unsigned width);
/* letter: a, H, k, K or h; hour: 0 to 23. */
void ovi_add_hour(ov_buf *out, char letter, int32_t hour, unsigned width);
