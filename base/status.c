#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[OV_STATUS_COUNT] = {
#define OV_STATUS(name, text) #name,
#include "base/status.def"
#undef OV_STATUS
};

/* Cut at a whole UTF-8 character when vsnprintf had to truncate. */
static void trim_utf8(char *text, size_t cap, int wanted)
{
    if (wanted < 0 || (size_t)wanted < cap)
        return;
    size_t n = cap - 1;
    while (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80)
        n--;
    if (n > 0 && (unsigned char)text[n - 1] >= 0xC0)
        n--;
    text[n] = '\0';
}

static void write_text(ov_error *err, ov_status code, const char *fmt, va_list args)
{
    err->code = code;
    err->sys_errno = 0;
    err->has_pos = false;
    err->pos = err->end_pos = 0;
    err->code_hint[0] = '\0';
    trim_utf8(err->text, sizeof err->text, vsnprintf(err->text, sizeof err->text, fmt, args));
}

ov_status ov_fail(ov_error *err, ov_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    write_text(err, code, fmt, args);
    va_end(args);
    return code;
}

ov_status ov_fail_at(ov_error *err, ov_status code, uint32_t pos, uint32_t end_pos, const char *fmt,
                     ...)
{
    va_list args;
    va_start(args, fmt);
    write_text(err, code, fmt, args);
    va_end(args);
    err->has_pos = true;
    err->pos = pos;
    err->end_pos = end_pos;
    return code;
}

ov_status ov_fail_errno(ov_error *err, int sys_errno, const char *fmt, ...)
{
    ov_status code = sys_errno == ENOMEM ? OV_NOMEM : OV_IO;
    va_list args;
    va_start(args, fmt);
    write_text(err, code, fmt, args);
    va_end(args);
    err->sys_errno = sys_errno;
    char reason[128];
    const char *text = strerror_r(sys_errno, reason, sizeof reason);
    size_t used = strlen(err->text);
    size_t room = sizeof err->text - used;
    trim_utf8(err->text + used, room, snprintf(err->text + used, room, ": %s", text));
    return code;
}

void ov_error_context(ov_error *err, const char *fmt, ...)
{
    char front[OV_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    trim_utf8(front, sizeof front, vsnprintf(front, sizeof front, fmt, args));
    va_end(args);
    char whole[2 * OV_ERROR_TEXT_BYTES + 2];
    snprintf(whole, sizeof whole, "%s: %s", front, err->text);
    trim_utf8(err->text, sizeof err->text, snprintf(err->text, sizeof err->text, "%s", whole));
}

const char *ov_status_name(ov_status code)
{
    return (unsigned)code < OV_STATUS_COUNT ? names[code] : "OV_?";
}
