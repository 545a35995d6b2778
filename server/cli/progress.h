/*
 * A progress line on the terminal: drawn on stderr when that is a terminal, after 300 ms, erased at the end; one plain line
 * every 10 s otherwise when asked for. Rates and the time left are smoothed.
 *
 * Threads: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum ov_progress_mode {
    OV_PROGRESS_AUTO,
    OV_PROGRESS_TTY,
    OV_PROGRESS_PLAIN,
    OV_PROGRESS_OFF
} ov_progress_mode;

typedef struct ov_progress {
    ov_progress_mode mode;
    bool drawn;
    int64_t start_ms, last_ms, moved_ms; /* monotonic; when rows came last */
    uint64_t last_rows;
    double rows_per_s; /* smoothed */
} ov_progress;

/* false when the word is none of auto, tty, plain, off. */
bool ov_progress_mode_find(const char *word, ov_progress_mode *out);
void ov_progress_init(ov_progress *p, ov_progress_mode mode);
void ov_progress_show(ov_progress *p, uint64_t rows, uint64_t bytes, uint64_t total_bytes,
                      uint64_t rejected);
void ov_progress_end(ov_progress *p); /* erases the line */

/* "1,234,567" into text (room for 32); returns text. */
const char *ov_thousands(uint64_t v, char text[32]);
