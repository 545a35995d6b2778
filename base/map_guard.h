/*
 * Mapped files that shrink or fail under us.
 *
 * Reading a page of a mapping that has no file behind it any more raises SIGBUS, which would end the process for
 * everybody. With the guard installed such a page reads as zeros instead, the mapping is marked damaged and an event
 * is counted: whoever computed from mapped bytes asks afterwards whether anything happened meanwhile and, if so,
 * throws the result away with a named error. A SIGBUS from anywhere else ends the process as before.
 *
 * Source: mmap(2), "Use of a mapped region can result in SIGBUS".
 * Threads: any. The handler only uses mmap and atomics.
 */
#pragma once

#include <stdatomic.h>
#include "base/compiler.h"

typedef struct ovi_map_entry ovi_map_entry;

/* Once, early in main. */
void ov_map_guard_install(void);
/* How many faults were taken so far, in the whole process. */
uint64_t ov_map_guard_events(void);

/* ---- for base/file ---- */
/* NULL when memory is out: the mapping is then not guarded. */
ovi_map_entry *ovi_map_guard_add(const void *p, size_t n);
void ovi_map_guard_remove(ovi_map_entry *e); /* NULL is fine */
bool ovi_map_guard_damaged(const ovi_map_entry *e);
