/*
 * Names of the sub-columns of JSON columns (docs/segment-format.md, section 3): `$`, then for each member name `.name`
 * where the name is letters, digits and underscores, otherwise `['name']` with a backslash before ' and \. Every path
 * has one such text, and the text one path.
 */
#pragma once

#include "base/buf.h"

enum { OV_PATH_DEPTH = 64, OV_PATH_NAME_BYTES = 1024 }; /* deeper and longer ones get no sub-column */

/* One name more; the caller begins with "$". */
void ov_path_name_add(ov_buf *path, ov_slice name);
/* Takes the next name off *rest, which began behind "$"; false when nothing is left or the text is malformed (then
 * *rest is not empty). The name goes to `name`, which is cleared first. */
bool ov_path_name_next(ov_slice *rest, ov_buf *name);
