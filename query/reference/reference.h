/*
 * The reference of functions, operators and aggregates: what the tables of query/expr and query/agg know (names,
 * signatures) and what entries.def says about each (category, sentence, example, answer).
 */
#pragma once

#include "base/buf.h"

/* The sections of docs/sql.md, as Markdown. */
void ov_reference_markdown(ov_buf *out);
/* One JSON object a line: name, category, signatures, about, example, answer, aggregate. */
void ov_reference_json(ov_buf *out);
