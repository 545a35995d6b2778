/*
 * The log of new rows: any bytes, as they are and with the checksums of what looks like a header made right, are refused, cut or
 * replayed; records that come out may be malformed inside. What was opened once opens again to the same records.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "ingest/stream/stream_int.h"
#include "storage/wal/wal_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void remove_dir(void)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_dir_remove_all(dir, &err) != OV_OK)
        abort();
}

static void put_file(const char *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%020d.wal", dir, 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    close(fd);
}

/* Headers that start like one get their checksums, and payloads theirs where the length fits. */
static void reseal(char *p, size_t n)
{
    ovi_wal_file_head f;
    if (n >= sizeof f) {
        memcpy(&f, p, sizeof f);
        f.magic = OVI_WAL_FILE_MAGIC;
        f.first_seq = 1;
        f.hash = ov_checksum(&f, offsetof(ovi_wal_file_head, hash));
        memcpy(p, &f, sizeof f);
    }
    for (size_t at = sizeof f; at + sizeof(ovi_wal_head) <= n; at += OV_WAL_ALIGN) {
        ovi_wal_head h;
        memcpy(&h, p + at, sizeof h);
        if (h.magic != OVI_WAL_RECORD_MAGIC)
            continue;
        if (h.bytes <= n - at - sizeof h)
            h.payload_hash = ov_checksum(p + at + sizeof h, (size_t)h.bytes);
        h.hash = ov_checksum(&h, offsetof(ovi_wal_head, hash));
        memcpy(p + at, &h, sizeof h);
    }
}

static ov_status take(void *count, const ov_wal_record *r, ov_error *err)
{
    ov_arena a;
    ovi_record record;
    ov_error inside = OV_ERROR_INIT;
    (void)err;
    ov_arena_init(&a, "fuzz", NULL);
    if (ovi_record_read(r->payload, &a, &record, &inside) == OV_OK && record.image.n) {
        ov_segment *seg;
        void *image = ov_aligned_malloc(OV_WAL_ALIGN, record.image.n);
        if (!image)
            abort();
        memcpy(image, record.image.p, record.image.n);
        if (ov_segment_open_image("fuzz", image, record.image.n, &seg, &inside) == OV_OK)
            ov_segment_release(seg);
    }
    ov_arena_fini(&a);
    ++*(uint64_t *)count;
    return OV_OK;
}

static bool open_log(uint64_t *count)
{
    ov_wal *w;
    ov_error err = OV_ERROR_INIT;
    *count = 0;
    ov_wal_options o = {.dir = dir, .self = count, .replay = take};
    if (ov_wal_open(&o, &w, &err) != OV_OK)
        return false;
    ov_wal_close(w);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t first, second;
    if (!dir[0]) {
        strcpy(dir, "/tmp/ovate-walfuzz-XXXXXX");
        if (!mkdtemp(dir))
            abort();
        atexit(remove_dir);
        ov_log_set_level(OV_LOG_OFF);
    }
    char *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    for (int sealed = 0; sealed < 2; sealed++) {
        ov_error err = OV_ERROR_INIT;
        if (ov_dir_remove_all(dir, &err) != OV_OK || ov_dir_make(dir, &err) != OV_OK)
            abort();
        put_file(copy, size);
        if (open_log(&first) && (!open_log(&second) || first != second))
            abort();
        reseal(copy, size);
    }
    free(copy);
    return 0;
}
