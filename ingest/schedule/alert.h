/*
 * Alerts to a webhook in Slack's form: POST {"text": ...}. A thread of its own sends them, one a second at most, waits where it is asked to
 * (429, Retry-After), and drops the oldest when more come than leave; the next one says how many.
 *
 * Threads: any, but destroy.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef struct ov_alerts ov_alerts;

OV_CHECKED ov_status ov_alerts_create(ov_alerts **out, ov_error *err);
void ov_alerts_destroy(ov_alerts *a); /* sends what waits for at most two seconds; NULL is fine */
/* where: "env:NAME" or "file:/PATH" of the webhook's address. Copied; an empty text asks the address with GET (a heartbeat). */
void ov_alerts_send(ov_alerts *a, ov_slice where, ov_slice text);
