/* Printing whole queries; print_source.c and print_query.c call each other. */
#pragma once

#include "query/native/print_int.h"

typedef struct ovi_pquery {
    ov_slice text;           /* JSON */
    const ov_slice *columns; /* query column of each column of the plan */
    ov_slice signature;      /* JSON */
} ovi_pquery;

/* Any plan as one query. */
OV_CHECKED ov_status ovi_pquery_print(ovi_printer *p, const ov_plan *plan, ovi_pquery *out, ov_error *err);
OV_CHECKED ov_status ovi_prel_open(ovi_printer *p, const ov_plan *plan, ovi_prel *out, ov_error *err);
