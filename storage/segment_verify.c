#include "storage/segment_int.h"

ov_status ov_segment_verify(const char *path, ov_error *err)
{
    ov_segment *seg;
    OV_TRY(ov_segment_open(path, &seg, err));
    ov_status st = ovi_segment_touch(seg, NULL, 0, seg->paged_bytes, err);
    ov_segment_release(seg);
    return st;
}
