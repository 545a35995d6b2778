/* Task logs: plain text, one line an event, `<ISO time> <LEVEL> <words>`. */
#include "ingest/task/task_int.h"

#include <fcntl.h>
#include <stdio.h>
#include "base/file.h"
#include "base/os.h"

ov_status ovi_task_log_path(const char *dir, ov_slice id, ov_buf *out, ov_error *err)
{
    ov_buf_addf(out, "%s/tasks/" OV_SLICE_FMT ".log", dir, OV_SLICE_ARG(id));
    ov_buf_cstr(out);
    return ov_buf_check(out, err);
}

ov_status ovi_task_log_open(ovi_task_log *log, const char *dir, ov_slice id, ov_error *err)
{
    ov_buf path;
    ov_buf_init(&path);
    log->fd = -1;
    ov_mutex_init(&log->lock);
    ov_status st = ovi_task_log_path(dir, id, &path, err);
    if (st == OV_OK)
        st = ov_file_open(path.p, O_WRONLY | O_CREAT | O_APPEND, 0666, &log->fd, err);
    ov_buf_fini(&path);
    return st;
}

void ovi_task_log_line(ovi_task_log *log, const char *level, const char *fmt, ...)
{
    char line[2048], when[OV_ISO_BYTES];
    if (log->fd < 0)
        return;
    int head = snprintf(line, sizeof(line), "%.*s %s ", (int)ov_iso_format(ov_now_ms(), NULL, when), when, level);
    va_list args;
    va_start(args, fmt);
    int body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, args);
    va_end(args);
    size_t n = OV_MIN((size_t)head + (size_t)OV_MAX(body, 0), sizeof(line) - 2);
    for (size_t i = 0; i < n; i++)
        if (line[i] == '\n')
            line[i] = ' '; /* one event, one line */
    line[n++] = '\n';
    ov_error ignored = OV_ERROR_INIT;
    ov_mutex_lock(&log->lock);
    ov_status st = ov_file_write_all(log->fd, "task log", ov_slice_make(line, n), &ignored);
    ov_mutex_unlock(&log->lock);
    (void)st; /* a full disk fails the task where it matters, not here */
}

void ovi_task_log_close(ovi_task_log *log)
{
    if (log->fd >= 0)
        ov_os_now->close(log->fd);
    log->fd = -1;
    ov_mutex_fini(&log->lock);
}
