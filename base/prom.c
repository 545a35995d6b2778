#include "base/prom.h"

void ov_prom_head(ov_buf *out, const char *name, const char *type, const char *help)
{
    ov_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void ov_prom_label(ov_buf *out, const char *name, ov_slice text)
{
    ov_buf_addf(out, "%s=\"", name);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"' || c == '\\' || c == '\n')
            ov_buf_add_char(out, '\\');
        ov_buf_add_char(out, c == '\n' ? 'n' : c);
    }
    ov_buf_add_char(out, '"');
}

void ov_prom_counter(ov_buf *out, const char *name, const char *help, uint64_t value)
{
    ov_prom_head(out, name, "counter", help);
    ov_buf_addf(out, "%s %llu\n", name, (unsigned long long)value);
}

void ov_prom_gauge(ov_buf *out, const char *name, const char *help, double value)
{
    ov_prom_head(out, name, "gauge", help);
    ov_buf_addf(out, "%s %.17g\n", name, value);
}
