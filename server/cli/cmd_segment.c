/*
 * ovate segment: look inside segment files, and check them.
 */
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "server/cli/cli.h"
#include "storage/segment/segment.h"

static int verify(int count, char **files)
{
    int code = OV_EXIT_OK;
    for (int i = 0; i < count; i++) {
        ov_error err = OV_ERROR_INIT;
        if (ov_segment_verify(files[i], &err) == OV_OK) {
            printf("%s: good\n", files[i]);
        } else {
            code = ov_cli_fail(&err);
        }
    }
    return code;
}

static void print_value(int64_t ms)
{
    char text[OV_ISO_BYTES];
    printf("%.*s", (int)ov_iso_format(ms, NULL, text), text);
}

static void print_info(const ov_column_info *c, const char *indent)
{
    char type[48];
    printf("%s%-28.*s %-16s %-9s %10llu bytes %10llu nulls", indent, (int)c->name.n, c->name.p,
           ov_type_name(c->type, type),
           c->role == OV_ROLE_TIME     ? "time"
           : c->role == OV_ROLE_METRIC ? "metric"
                                       : "dimension",
           (unsigned long long)c->bytes, (unsigned long long)c->nulls);
    if (c->sort_place)
        printf("  sort %u", c->sort_place);
    if (c->indexed)
        printf("  indexed");
    if (c->stats.has_bounds && c->role == OV_ROLE_TIME) {
        printf("  ");
        print_value(c->stats.min);
        printf(" .. ");
        print_value(c->stats.max);
    } else if (c->stats.has_bounds && c->dict && !ov_type_is_int(c->type) && !ov_type_is_real(c->type)) {
        printf("  %lld distinct", (long long)c->stats.max + 1);
    } else if (c->stats.has_bounds && ov_type_is_real(c->type)) {
        printf("  %g .. %g", c->stats.fmin, c->stats.fmax);
    } else if (c->stats.has_bounds) {
        printf("  %lld .. %lld", (long long)c->stats.min, (long long)c->stats.max);
    }
    printf("\n");
}

/* A column, and below it the sub-columns of JSON. */
static void print_column(const ov_column *c)
{
    bool complete;
    uint32_t n = ov_column_paths(c, &complete);
    print_info(ov_column_get_info(c), "  ");
    for (uint32_t i = 0; i < n; i++)
        print_info(ov_column_get_info(ov_column_path(c, i)), "    ");
    if (n > 0 && !complete)
        printf("    (paths without a sub-column are read from the text)\n");
}

static int inspect(int count, char **files)
{
    for (int i = 0; i < count; i++) {
        ov_error err = OV_ERROR_INIT;
        ov_segment *seg;
        if (ov_segment_open(files[i], &seg, &err) != OV_OK)
            return ov_cli_fail(&err);
        const ov_segment_info *info = ov_segment_get_info(seg);
        printf("%s\n  datasource %.*s, chunk ", files[i], (int)info->datasource.n,
               info->datasource.p);
        print_value(info->start_ms);
        printf(" .. ");
        print_value(info->end_ms);
        printf(", version %.*s, partition %u\n  %u rows, %llu bytes, %.2f bytes a row\n",
               (int)info->version.n, info->version.p, info->partition, info->rows,
               (unsigned long long)info->bytes,
               info->rows ? (double)info->bytes / info->rows : 0.0);
        for (uint32_t c = 0; c < ov_segment_columns(seg); c++)
            print_column(ov_segment_column(seg, c));
        ov_segment_release(seg);
    }
    return OV_EXIT_OK;
}

static int run(int argc, char **argv)
{
    int left;
    int done = ov_cli_parse(&ov_cmd_segment, NULL, 0, argc, argv, &left);
    if (done >= 0)
        return done;
    if (left < 2)
        return ov_cli_usage(&ov_cmd_segment, "say `verify` or `inspect` and at least one file");
    if (strcmp(argv[1], "verify") == 0)
        return verify(left - 1, argv + 2);
    if (strcmp(argv[1], "inspect") == 0)
        return inspect(left - 1, argv + 2);
    return ov_cli_usage(&ov_cmd_segment, "'%s' is neither `verify` nor `inspect`", argv[1]);
}

const ov_command ov_cmd_segment = {
    .name = "segment",
    .usage = "verify|inspect FILE...",
    .about = "Look inside segment files, or check every byte of them",
    .run = run,
};
