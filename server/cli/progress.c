#include "server/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

enum { FIRST_AFTER_MS = 300, TTY_EVERY_MS = 150, PLAIN_EVERY_MS = 10 * 1000, STILL_MS = 1000, BAR_CELLS = 24 };

bool ov_progress_mode_find(const char *word, ov_progress_mode *out)
{
    static const char *const words[] = {"auto", "tty", "plain", "off"};
    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (ov_progress_mode)i;
            return true;
        }
    return false;
}

void ov_progress_init(ov_progress *p, ov_progress_mode mode)
{
    if (mode == OV_PROGRESS_AUTO)
        mode = isatty(STDERR_FILENO) ? OV_PROGRESS_TTY : OV_PROGRESS_OFF;
    *p = (ov_progress){.mode = mode, .start_ms = ov_monotonic_ms(), .last_ms = ov_monotonic_ms()};
}

const char *ov_thousands(uint64_t v, char text[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static void add_bar(char *line, size_t cap, double share)
{
    char bar[3 * BAR_CELLS + 1] = "";
    int full = (int)(share * BAR_CELLS + 0.5);
    for (int i = 0; i < BAR_CELLS; i++)
        strcat(bar, i < full ? "█" : "░");
    size_t n = strlen(line);
    snprintf(line + n, cap - n, "%s %3.0f %%  ", bar, share * 100);
}

static void compose(const ov_progress *p, int64_t now, uint64_t rows, uint64_t bytes,
                    uint64_t total, uint64_t rejected, bool with_bar, char *line, size_t cap)
{
    char number[32], rate[32];
    double seconds = (double)(now - p->start_ms) / 1000;
    double mb_s = seconds > 0 ? (double)bytes / 1e6 / seconds : 0;
    line[0] = '\0';
    double share = total ? (double)bytes / (double)total : 0;
    if (with_bar && total)
        add_bar(line, cap, share > 1 ? 1 : share);
    size_t n = strlen(line);
    n += (size_t)snprintf(line + n, cap - n, "%s rows", ov_thousands(rows, number));
    if (rows && now - p->moved_ms < STILL_MS && n < cap) /* while segments are written no rows come */
        n += (size_t)snprintf(line + n, cap - n, ", %s rows/s", ov_thousands((uint64_t)p->rows_per_s, rate));
    if (bytes && n < cap) /* files of a folder are not counted while they are read */
        n += (size_t)snprintf(line + n, cap - n, ", %.1f MB/s", mb_s);
    if (rejected && n < cap)
        n += (size_t)snprintf(line + n, cap - n, ", %s rejected", ov_thousands(rejected, number));
    if (total && share > 0.01 && share < 1 && n < cap) {
        int left = (int)(seconds / share * (1 - share) + 0.5);
        snprintf(line + n, cap - n, ", %d:%02d left", left / 60, left % 60);
    } else if (total && share >= 1 && n < cap) {
        snprintf(line + n, cap - n, ", writing segments");
    }
}

void ov_progress_show(ov_progress *p, uint64_t rows, uint64_t bytes, uint64_t total_bytes,
                      uint64_t rejected)
{
    if (p->mode == OV_PROGRESS_OFF)
        return;
    int64_t now = ov_monotonic_ms();
    int64_t every = p->mode == OV_PROGRESS_TTY ? TTY_EVERY_MS : PLAIN_EVERY_MS;
    if (now - p->start_ms < FIRST_AFTER_MS || now - p->last_ms < every)
        return;
    /* Rows may come in leaps, a group of files at once: no more than their mean so far at first. */
    double rate = (double)(rows - p->last_rows) * 1000 / (double)(now - p->last_ms);
    double mean = (double)rows * 1000 / (double)(now - p->start_ms);
    p->rows_per_s = p->rows_per_s > 0 ? 0.8 * p->rows_per_s + 0.2 * OV_MIN(rate, 2 * mean) : mean;
    p->last_ms = now;
    if (rows != p->last_rows)
        p->moved_ms = now;
    p->last_rows = rows;
    char line[256];
    compose(p, now, rows, bytes, total_bytes, rejected, p->mode == OV_PROGRESS_TTY, line,
            sizeof line);
    if (p->mode == OV_PROGRESS_TTY)
        fprintf(stderr, "\r\033[K%s", line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
    p->drawn = true;
}

void ov_progress_end(ov_progress *p)
{
    if (p->drawn && p->mode == OV_PROGRESS_TTY) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
    p->drawn = false;
}
