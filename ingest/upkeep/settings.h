/*
 * What operators set over HTTP (rules, the coordinator's configuration): one JSON object per subject, kept in the
 * catalog beside the cursors, with the history of its changes.
 *
 *   subject            object
 *   rules              {"datasource": [rule, ...], ...}
 *   coordinator.config {"member": value, ...}
 *   compaction         {"cluster": {...}, "datasources": {"datasource": {...}, ...}}
 *   upkeep             {"member": value, ...}, see upkeep.h
 *
 * A change is durable when the call returns. Two changes at once: one of them gets OV_BUSY.
 *
 * Threads: any.
 */
#pragma once

#include "base/json.h"
#include "base/datetime.h"
#include "storage/catalog/catalog.h"

typedef struct ov_settings {
    ov_json *object; /* empty when nothing was set */
    ov_slice stored; /* what the catalog has */
} ov_settings;

typedef struct ov_audit {
    ov_slice key;             /* what was changed: a datasource, the subject itself */
    ov_slice author, comment; /* as the client says */
    ov_slice payload;         /* JSON text it was set to */
} ov_audit;

OV_CHECKED ov_status ov_settings_read(ov_catalog *cat, const char *subject, ov_arena *out, ov_settings *settings,
                                      ov_error *err);
/* Keep s->object, changed since it was read. */
OV_CHECKED ov_status ov_settings_write(ov_catalog *cat, const char *subject, const ov_settings *s,
                                       const ov_audit *audit, ov_arena *scratch, ov_error *err);
/* Newest first: the entries of one key (empty: all), at most `max`, made within the interval. */
OV_CHECKED ov_status ov_settings_history(ov_catalog *cat, const char *subject, ov_slice key, uint32_t max,
                                         ov_interval within, ov_arena *scratch, ov_buf *json, ov_error *err);
/* The object with `defaults` (JSON) for members it lacks. */
OV_CHECKED ov_status ov_settings_print(const char *defaults, const ov_json *o, ov_buf *out, ov_error *err);
/* `over`'s members replace those of `base`, in the same place. */
OV_CHECKED ov_status ov_settings_merge(ov_arena *a, ov_json *base, const ov_json *over, ov_error *err);
