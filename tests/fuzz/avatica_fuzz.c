/* Fuzz target: requests of JDBC clients, the first byte says in which wire form. */
#include <stdint.h>

#include "server/jdbc/avatica.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_arena a;
    ov_av_request rq;
    ov_error err = OV_ERROR_INIT;
    if (size == 0)
        return 0;
    ov_slice body = ov_slice_make(data + 1, size - 1);
    ov_arena_init(&a, "fuzz", NULL);
    ov_status st = data[0] == 'j' ? ov_av_json_read(body, &a, &rq, &err)
                                  : ov_av_proto_read(body, &a, &rq, &err);
    (void)st;
    ov_arena_fini(&a);
    return 0;
}
