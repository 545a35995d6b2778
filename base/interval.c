/* Intervals of time: text, and lists of them. */
#include "base/datetime.h"

#include <stdlib.h>
#include "base/period.h"

static bool is_period(ov_slice s)
{
    return s.n && s.p[0] == 'P';
}

ov_status ov_interval_parse(ov_slice text, ov_interval *out, ov_error *err)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    if (!slash)
        return ov_fail(err, OV_INVALID,
                       "'" OV_SLICE_FMT
                       "' is not an interval: expected start/end, start/period or period/end",
                       OV_SLICE_ARG(text));
    ov_slice a = {text.p, (size_t)(slash - text.p)};
    ov_slice b = {slash + 1, (size_t)(text.p + text.n - slash - 1)};
    ov_interval i;
    ov_period p;
    ov_status st;
    if (is_period(a) && is_period(b))
        st = ov_fail(err, OV_INVALID, "one side must be a time, both are periods");
    else if (is_period(a))
        st = ov_iso_parse(b, NULL, &i.end, err) != OV_OK || ov_period_parse(a, &p, err) != OV_OK
                 ? err->code
                 : ov_period_shift(i.end, &p, -1, NULL, &i.start, err);
    else if (ov_iso_parse(a, NULL, &i.start, err) != OV_OK)
        st = err->code;
    else if (is_period(b))
        st = ov_period_parse(b, &p, err) != OV_OK
                 ? err->code
                 : ov_period_shift(i.start, &p, 1, NULL, &i.end, err);
    else
        st = ov_iso_parse(b, NULL, &i.end, err);
    if (st == OV_OK && i.end < i.start)
        st = ov_fail(err, OV_INVALID, "the end lies before the start");
    if (st != OV_OK) {
        ov_error_context(err, "interval '" OV_SLICE_FMT "'", OV_SLICE_ARG(text));
        return st;
    }
    *out = i;
    return OV_OK;
}

void ov_interval_add(ov_buf *out, ov_interval i)
{
    ov_iso_add(out, i.start, NULL);
    ov_buf_add_char(out, '/');
    ov_iso_add(out, i.end, NULL);
}

static int by_start(const void *a, const void *b)
{
    const ov_interval *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

size_t ov_interval_condense(ov_interval *list, size_t n)
{
    if (n == 0)
        return 0;
    qsort(list, n, sizeof *list, by_start);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].start >= list[i].end)
            continue;
        if (kept && list[i].start <= list[kept - 1].end)
            list[kept - 1].end = OV_MAX(list[kept - 1].end, list[i].end);
        else
            list[kept++] = list[i];
    }
    return kept;
}
