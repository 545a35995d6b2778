/* A compiled pattern and the calendar behind it: what icu_time.c (compile, write) and icu_time_read.c share. */
#pragma once

#include <string.h>

#include "base/icu_time.h"

typedef struct ovi_icu_step {
    char letter;   /* of the pattern; '\'' for literal text */
    uint8_t width; /* how often the letter stands, at most 255 */
    bool numeric;  /* written in digits */
    ov_slice text; /* literal */
} ovi_icu_step;

struct ov_icu_time {
    size_t count;
    int32_t century_year; /* two digits mean a year of the hundred from the day this names on: 80 years ago */
    int64_t century_day;
    ovi_icu_step steps[];
};

enum { OVI_ICU_EPOCH = 2440588, OVI_ICU_GREGORIAN = 2299161, OVI_ICU_CUTOVER_YEAR = 1582 }; /* Julian day numbers, and a year */

/* As Java adds: past the end of 32 bits it goes on at the other one. */
static inline int32_t ovi_icu_wrapped(int64_t v)
{
    uint32_t low = (uint32_t)v;
    int32_t out;
    memcpy(&out, &low, sizeof out);
    return out;
}

/* The Julian day number of a day, counted from 1, of a month, counted from 0; 32 bits, stopped where ICU stops. */
int32_t ovi_icu_day(int32_t year, int32_t month, int32_t day);
