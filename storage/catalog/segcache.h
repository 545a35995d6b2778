/*
 * Open segments behind catalog entries: opened at first use, shared by all queries, at most `max_open`
 * mappings kept beyond those in use.
 *
 * A slot stands for one segment file. Every entry of every live snapshot that names the file holds one
 * reference to its slot, so a slot without references means that nobody can ask for the file any more: then the
 * mapping goes, and the file too when it was doomed meanwhile (killed while a query still pinned it).
 *
 * Threads: all calls from any thread. Opening happens outside the lock; a second thread that wants the
 * same segment waits for the first.
 */
#pragma once

#include "base/thread.h"
#include "storage/segment/segment.h"

typedef struct ov_segcache ov_segcache;
typedef struct ov_segment_slot ov_segment_slot;
typedef ov_status (*ov_segment_opener)(const char *path, ov_segment **out, ov_error *err);

enum { OV_SEGCACHE_DEFAULT_OPEN = 32768 }; /* half of Linux's default limit of mappings in a process */

/* dir: slots name files below it. opener: ov_segment_open, or a test's own. */
OV_CHECKED ov_status ov_segcache_create(const char *dir, uint32_t max_open, ov_segment_opener opener,
                                        ov_segcache **out, ov_error *err);
/* All slots must have been released. NULL is fine. */
void ov_segcache_destroy(ov_segcache *cache);

/* The slot of a file below dir; retained. */
OV_CHECKED ov_status ov_segcache_slot(ov_segcache *cache, ov_slice file, ov_segment_slot **out,
                                      ov_error *err);
void ov_segcache_slot_release(ov_segcache *cache, ov_segment_slot *slot); /* NULL is fine */
/* The open segment, retained. */
OV_CHECKED ov_status ov_segcache_open(ov_segcache *cache, ov_segment_slot *slot, ov_segment **out,
                                      ov_error *err);
/* Remove the file: now when it has no slot, else when its slot goes. */
void ov_segcache_doom(ov_segcache *cache, ov_slice file);
/* How many segments are open, for tests. */
uint32_t ov_segcache_open_count(ov_segcache *cache);
