#include "ingest/upkeep/disk_guard.h"

#include <errno.h>
#include "base/os.h"

enum { WINDOW_MS = 10 * 60 * 1000, LEAST_MS = 10 * 1000 };

static double percent(uint64_t used, uint64_t free_bytes)
{
    return used + free_bytes ? 100.0 * (double)used / ((double)used + (double)free_bytes) : 0;
}

static ov_disk_state next_state(ov_disk_state now, double full, const ov_disk_limits *l)
{
    if (full >= l->pause || (now == OV_DISK_PAUSED && full >= l->resume))
        return OV_DISK_PAUSED;
    return full >= l->warn ? OV_DISK_WARN : OV_DISK_OK;
}

ov_status ov_disk_guard_look(ov_disk_guard *g, const char *dir, const ov_disk_limits *limits, int64_t now_ms, bool *changed,
                             ov_error *err)
{
    struct statvfs fs;
    *changed = false;
    if (ov_os_now->statvfs(dir, &fs) != 0)
        return ov_fail_errno(err, errno, "cannot tell how full the disk of %s is", dir);
    uint64_t unit = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
    uint64_t used = (uint64_t)(fs.f_blocks - fs.f_bfree) * unit, free_bytes = (uint64_t)fs.f_bavail * unit;
    ov_disk_state before = ov_disk_guard_state(g), after = next_state(before, percent(used, free_bytes), limits);
    atomic_store(&g->used, used);
    atomic_store(&g->free_bytes, free_bytes);
    atomic_store(&g->resume_milli, (uint64_t)(limits->resume * 1000));
    atomic_store(&g->state, (int)after);
    if (g->since_ms == 0 || now_ms - g->since_ms > WINDOW_MS || now_ms < g->since_ms) {
        g->since_ms = now_ms;
        g->since_used = used;
    }
    *changed = before != after;
    return OV_OK;
}

double ov_disk_guard_percent(const ov_disk_guard *g)
{
    return g ? percent(atomic_load(&g->used), atomic_load(&g->free_bytes)) : 0;
}

int64_t ov_disk_guard_left_ms(const ov_disk_guard *g, int64_t now_ms)
{
    uint64_t used = atomic_load(&g->used);
    if (now_ms - g->since_ms < LEAST_MS || used <= g->since_used)
        return -1;
    double rate = (double)(used - g->since_used) / (double)(now_ms - g->since_ms);
    double left = (double)atomic_load(&g->free_bytes) / rate;
    return left < 0x1p62 ? (int64_t)left : -1;
}

const char *ov_disk_state_name(ov_disk_state state)
{
    static const char *const names[] = {"ok", "warn", "paused"};
    return names[state];
}

ov_status ov_disk_guard_check(const ov_disk_guard *g, ov_error *err)
{
    if (!ov_disk_paused(g))
        return OV_OK;
    return ov_fail(err, OV_BUSY,
                   "the disk is %.1f %% full: ingestion is paused until it is below %.1f %%; queries go on. Free some space, or "
                   "drop and kill segments",
                   ov_disk_guard_percent(g), (double)atomic_load(&g->resume_milli) / 1000);
}
