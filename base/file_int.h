/* Shared by file.c, dir.c and glob.c. */
#pragma once

#include "base/status.h"

/* "cannot open /x: No such file or directory"; the code by errno as base/file.h says. */
ov_status ovi_file_fail(ov_error *err, int sys_errno, const char *doing, const char *path);
