#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/datetime.h"
#include "base/numfmt.h"
#include "base/os.h"
#include "base/thread.h"

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static _Atomic int level_now = -1; /* -1: the environment was not asked yet */
static ov_mutex sink_lock = OV_MUTEX_INIT;
static void (*sink_fn)(void *arg, ov_slice line);
static void *sink_arg;
static _Thread_local ov_log_scope scope_now;

bool ov_log_level_find(ov_slice name, ov_log_level *out)
{
    for (size_t i = 0; i < OV_COUNT_OF(level_names); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(level_names[i]))) {
            *out = (ov_log_level)i;
            return true;
        }
    return false;
}

static int level(void)
{
    int v = atomic_load_explicit(&level_now, memory_order_relaxed);
    if (OV_LIKELY(v >= 0))
        return v;
    ov_log_level found = OV_LOG_INFO;
    const char *word = getenv("OVATE_LOG");
    if (word)
        ov_log_level_find(ov_slice_cstr(word), &found);
    atomic_store_explicit(&level_now, (int)found, memory_order_relaxed);
    return (int)found;
}

bool ov_log_wants(ov_log_level at)
{
    return (int)at >= level();
}

void ov_log_set_level(ov_log_level at)
{
    atomic_store_explicit(&level_now, (int)at, memory_order_relaxed);
}

void ov_log_set_sink(void (*fn)(void *arg, ov_slice line), void *arg)
{
    ov_mutex_lock(&sink_lock);
    sink_fn = fn;
    sink_arg = arg;
    ov_mutex_unlock(&sink_lock);
}

static bool needs_quotes(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F)
            return true;
    }
    return s.n == 0;
}

static void add_value(ov_buf *b, ov_slice s)
{
    if (!needs_quotes(s)) {
        ov_buf_add_slice(b, s);
        return;
    }
    ov_buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            ov_buf_add_char(b, '\\');
            ov_buf_add_char(b, (char)c);
        } else if (c == '\n') {
            ov_buf_add_str(b, "\\n");
        } else if (c == '\t') {
            ov_buf_add_str(b, "\\t");
        } else if (c < ' ' || c == 0x7F) {
            ov_buf_addf(b, "\\x%02x", c);
        } else {
            ov_buf_add_char(b, (char)c);
        }
    }
    ov_buf_add_char(b, '"');
}

static void add_pair(ov_buf *b, const ov_kv *kv)
{
    ov_buf_add_char(b, ' ');
    ov_buf_add_str(b, kv->key);
    ov_buf_add_char(b, '=');
    switch (kv->kind) {
    case OV_KV_I64:
        ov_buf_add_i64(b, kv->i);
        break;
    case OV_KV_F64:
        ov_buf_add_double(b, kv->d);
        break;
    case OV_KV_STR:
        add_value(b, kv->s);
        break;
    }
}

static void deliver(ov_slice line)
{
    ov_mutex_lock(&sink_lock);
    if (sink_fn)
        sink_fn(sink_arg, line);
    else if (ov_os_now->write(STDERR_FILENO, line.p, line.n) < 0) {
        /* nowhere left to complain */
    }
    ov_mutex_unlock(&sink_lock);
}

void ov_log_write(ov_log_level at, const char *msg, const ov_kv *kv, size_t n)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_add_str(&b, "ts=");
    ov_iso_add(&b, ov_now_ms(), NULL);
    ov_buf_addf(&b, " level=%s msg=", level_names[at]);
    add_value(&b, ov_slice_cstr(msg));
    if (scope_now.key) {
        ov_kv scope = ov_kv_str(scope_now.key, scope_now.id);
        add_pair(&b, &scope);
    }
    for (size_t i = 0; i < n; i++)
        add_pair(&b, &kv[i]);
    ov_buf_add_char(&b, '\n');
    if (!b.failed)
        deliver(ov_buf_slice(&b));
    else
        deliver(OV_SLICE_LIT("level=error msg=\"no memory for a log line\"\n"));
    ov_buf_fini(&b);
}

ov_log_scope ov_log_scope_set(const char *key, ov_slice id)
{
    ov_log_scope before = scope_now;
    scope_now = (ov_log_scope){.key = key};
    size_t n = OV_MIN(id.n, sizeof scope_now.id - 1);
    if (n)
        memcpy(scope_now.id, id.p, n);
    return before;
}

void ov_log_scope_restore(const ov_log_scope *scope)
{
    scope_now = *scope;
}
