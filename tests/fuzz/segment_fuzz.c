/*
 * Segment files: any bytes, with their checksums made right, may be refused or may give odd values,
 * but every call of the reader returns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/lib/segment_reseal.h"
#include "tests/lib/segment_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_error err = OV_ERROR_INIT;
    char path[64], *copy = malloc(size + 1);
    int fd = memfd_create("segment", 0);
    if (fd < 0 || !copy)
        abort();
    memcpy(copy, data, size);
    segment_reseal(copy, size);
    if (write(fd, copy, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (walk_segment(path, &err) == OV_OK && ov_segment_verify(path, &err) != OV_OK)
        err.code = OV_OK;
    close(fd);
    free(copy);
    return 0;
}
