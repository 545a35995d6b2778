#include "server/http/browser.h"

/* host[:port], [address]:port. */
static ov_slice without_port(ov_slice s)
{
    size_t n = 0;
    if (s.n && s.p[0] == '[')
        while (n < s.n && s.p[n] != ']')
            n++;
    else
        while (n < s.n && s.p[n] != ':' && s.p[n] != '/')
            n++;
    return ov_slice_make(s.p, n);
}

/* What stands behind "http://"; nothing for "null". */
static ov_slice origin_host(ov_slice origin)
{
    for (size_t i = 0; i + 3 <= origin.n; i++)
        if (memcmp(origin.p + i, "://", 3) == 0)
            return without_port(ov_slice_make(origin.p + i + 3, origin.n - i - 3));
    return (ov_slice){NULL, 0};
}

/* Numbers and dots, or [...]: nobody can let it point elsewhere. */
static bool is_address(ov_slice host)
{
    if (host.n && host.p[0] == '[')
        return true;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    return host.n > 0;
}

static bool ends_with(ov_slice host, ov_slice end)
{
    return host.n > end.n && ov_slice_ieq(ov_slice_make(host.p + host.n - end.n, end.n), end);
}

/* Names of the internet have a dot; those two are of nobody there (RFC 6761; internal: private by ICANN's word, as in
 * host.docker.internal). */
static bool is_local_name(ov_slice host)
{
    bool dot = host.n && memchr(host.p, '.', host.n);
    return !dot || ends_with(host, OV_SLICE_LIT(".localhost")) || ends_with(host, OV_SLICE_LIT(".internal"));
}

static bool is_here(ov_slice host)
{
    return (ov_slice_starts(host, OV_SLICE_LIT("127.")) && is_address(host)) ||
           ov_slice_eq(host, OV_SLICE_LIT("[::1")) || ov_slice_ieq(host, OV_SLICE_LIT("localhost"));
}

static bool is_listed(const ov_browser_rules *rules, ov_slice host)
{
    for (const char *at = rules->names; at && *at;) {
        size_t n = 0;
        while (at[n] && at[n] != ',')
            n++;
        if (host.n && ov_slice_ieq(ov_http_trim(ov_slice_make(at, n)), host))
            return true;
        at += at[n] ? n + 1 : n;
    }
    return false;
}

static bool of_another_site(const ov_browser_rules *rules, const ov_http_head *head, ov_slice host)
{
    bool said, has_origin;
    ov_slice site = ov_http_header_get(head, "Sec-Fetch-Site", &said);
    ov_slice origin = origin_host(ov_http_header_get(head, "Origin", &has_origin));
    if (said ? !ov_slice_eq(site, OV_SLICE_LIT("cross-site")) : !has_origin)
        return false;
    if (is_listed(rules, origin))
        return false;
    return said || !(ov_slice_ieq(origin, host) || (is_here(origin) && is_here(host)));
}

const char *ov_browser_refuses(const ov_browser_rules *rules, const ov_http_head *head)
{
    ov_slice host = without_port(ov_http_header_get(head, "Host", NULL));
    if (rules->loopback && host.n && !is_address(host) && !is_local_name(host) && !is_listed(rules, host))
        return "This server is only asked as 127.0.0.1 or localhost; --allow-host names other names it has";
    if (head->method != OV_HTTP_GET && head->method != OV_HTTP_HEAD && of_another_site(rules, head, host))
        return "A page of another site sent this request; --allow-host names sites that may";
    return NULL;
}
