/*
 * One-line logs in logfmt on stderr:
 *
 *     ts=2026-01-02T03:04:05.678Z level=info msg="segment published" task=abc rows=1200
 *
 *     ov_log_info("segment published", ov_kv_i64("rows", rows), ov_kv_str("file", path));
 *
 * Messages are constant words; what varies goes into pairs. Values are quoted when needed, so one
 * event is always one line. The scope (query or task id) of the thread is added to each line.
 *
 * Threads: any; one line is one write.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef enum ov_log_level {
    OV_LOG_DEBUG,
    OV_LOG_INFO,
    OV_LOG_WARN,
    OV_LOG_ERROR,
    OV_LOG_OFF
} ov_log_level;

typedef struct ov_kv {
    const char *key;
    enum { OV_KV_I64, OV_KV_F64, OV_KV_STR } kind;
    union {
        int64_t i;
        double d;
        ov_slice s;
    };
} ov_kv;

static inline ov_kv ov_kv_i64(const char *key, int64_t v)
{
    return (ov_kv){.key = key, .kind = OV_KV_I64, .i = v};
}

static inline ov_kv ov_kv_f64(const char *key, double v)
{
    return (ov_kv){.key = key, .kind = OV_KV_F64, .d = v};
}

static inline ov_kv ov_kv_slice(const char *key, ov_slice v)
{
    return (ov_kv){.key = key, .kind = OV_KV_STR, .s = v};
}

static inline ov_kv ov_kv_str(const char *key, const char *v)
{
    return ov_kv_slice(key, ov_slice_cstr(v ? v : ""));
}

/* The sentence of an error under "error". */
static inline ov_kv ov_kv_err(const ov_error *err)
{
    return ov_kv_str("error", err->text);
}

/* The line itself; use the macros. kv[0] is a filler. */
void ov_log_write(ov_log_level level, const char *msg, const ov_kv *kv, size_t n);
bool ov_log_wants(ov_log_level level);

#define ov_log_at(level, msg, ...)                                                                 \
    do {                                                                                           \
        if (ov_log_wants(level)) {                                                                 \
            const ov_kv ov_log_kv_[] = {{.key = NULL}, ##__VA_ARGS__};                             \
            ov_log_write(level, msg, ov_log_kv_ + 1, OV_COUNT_OF(ov_log_kv_) - 1);                 \
        }                                                                                          \
    } while (0)
#define ov_log_debug(msg, ...) ov_log_at(OV_LOG_DEBUG, msg, ##__VA_ARGS__)
#define ov_log_info(msg, ...) ov_log_at(OV_LOG_INFO, msg, ##__VA_ARGS__)
#define ov_log_warn(msg, ...) ov_log_at(OV_LOG_WARN, msg, ##__VA_ARGS__)
#define ov_log_error(msg, ...) ov_log_at(OV_LOG_ERROR, msg, ##__VA_ARGS__)

/* Default OV_LOG_INFO, or OVATE_LOG=debug|info|warn|error|off. */
void ov_log_set_level(ov_log_level level);
bool ov_log_level_find(ov_slice name, ov_log_level *out);
/* For tests: where lines go instead of stderr (NULL: stderr again); fn is called with one line and its
 * newline, one at a time. */
void ov_log_set_sink(void (*fn)(void *arg, ov_slice line), void *arg);

/* The thread's scope: a key ("query", "task") and an id, copied (63 bytes). Saved and put back
 * around nested work. */
typedef struct ov_log_scope {
    const char *key; /* NULL: none */
    char id[64];
} ov_log_scope;
ov_log_scope ov_log_scope_set(const char *key, ov_slice id); /* the previous one */
void ov_log_scope_restore(const ov_log_scope *scope);
