/*
 * Whom a browser speaks for.
 *
 * A server on 127.0.0.1 asks nobody who they are, since only the people of this machine reach it. But their browsers reach it too,
 * whatever page they show, and a page may be anybody's. Two ways in are closed here:
 *
 *   a request of another site's page     browsers send it without asking when it looks like a form's, and say so: Sec-Fetch-Site,
 *                                        older ones Origin. Only GET and HEAD, which change nothing, are answered.
 *   a name that somebody let point here  (DNS rebinding): the page is then of the same site as the server, but Host is a name of
 *                                        the internet. A server that only this machine reaches has no such name.
 *
 * Programs that are no browsers send none of this and are not asked. Proxies that pass their own name on are named by --allow-host.
 *
 * Threads: any.
 */
#pragma once

#include "server/http/http_parse.h"

typedef struct ov_browser_rules {
    bool loopback;     /* the server listens on this machine only */
    const char *names; /* names it has besides, separated by commas; NULL: none */
} ov_browser_rules;

/* NULL: the request may be answered. Otherwise the sentence of a 403. */
const char *ov_browser_refuses(const ov_browser_rules *rules, const ov_http_head *head);
