/* Private to base/httpc*.c: one transfer, whoever drives it. */
#pragma once

#include <curl/curl.h>
#include <sys/socket.h>
#include "base/httpc.h"

/* Where requests went before any redirect; connections kept alive make it one list for all transfers of a client. */
enum { OVI_HOMES = 32 };
typedef struct ovi_homes {
    struct sockaddr_storage at[OVI_HOMES];
    unsigned bytes[OVI_HOMES];
    unsigned count; /* ever; the list is a ring */
} ovi_homes;

typedef struct ovi_transfer {
    const ov_http_request *req;
    ov_http_sink sink;
    void *arg;
    ov_http_response *out;
    CURL *easy;
    struct curl_slist *headers;
    ov_error sink_error;
    ov_status sink_status;
    bool private_refused;
    bool too_large;
    bool redirected; /* a redirect was seen */
    bool redirects;  /* the answer at hand is one */
    bool left_home;  /* to where req->own_host forbids */
    uint32_t answers;
    ovi_homes *homes;
    char detail[CURL_ERROR_SIZE];
} ovi_transfer;

/* t is zeroed but for req, sink, arg, out and homes. Also after a failure it wants ovi_transfer_end. */
OV_CHECKED ov_status ovi_transfer_begin(ovi_transfer *t, ov_error *err);
/* What became of it, as ov_http_send returns it; t->out is complete. */
OV_CHECKED ov_status ovi_transfer_result(ovi_transfer *t, CURLcode rc, ov_error *err);
void ovi_transfer_end(ovi_transfer *t);
