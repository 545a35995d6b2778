#include "server/query/place.h"

ov_place ov_place_of(ov_app *app, const ov_query *q, int64_t priority, const _Atomic bool *cancelled)
{
    return (ov_place){
        .admission = app->admission,
        .request = {.priority = priority, .deadline_ms = ov_query_deadline(q), .cancelled = cancelled},
        .needed = !ov_query_is_quick(q) && ov_query_rows(q) > OV_ADMISSION_SMALL_ROWS,
    };
}

ov_status ov_place_take(ov_place *p, ov_error *err)
{
    if (p->held || !p->needed)
        return OV_OK;
    OV_TRY(ov_admission_enter(p->admission, &p->request, err));
    p->held = true;
    return OV_OK;
}

void ov_place_leave(ov_place *p)
{
    if (p->held)
        ov_admission_leave(p->admission);
    p->held = false;
}
