#include "server/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

static void print_help(const ov_command *cmd, const ov_opt *opts, size_t count)
{
    printf("%s\n\nUsage: ovate %s %s\n", cmd->about, cmd->name, cmd->usage);
    if (count)
        printf("\nOptions:\n");
    for (size_t i = 0; i < count; i++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s --%s %s", opts[i].letter ? '-' : ' ',
                 opts[i].letter ? opts[i].letter : ' ', opts[i].letter ? "," : " ", opts[i].name,
                 opts[i].what ? opts[i].what : "");
        printf("  %-28s %s\n", left, opts[i].help);
    }
    printf("  %-28s %s\n", "-h, --help", "this text");
    if (cmd->more)
        printf("\n%s\n", cmd->more);
}

int ov_cli_usage(const ov_command *cmd, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "ovate %s: ", cmd->name);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\nUsage: ovate %s %s   (ovate %s --help tells more)\n", cmd->name, cmd->usage,
            cmd->name);
    va_end(args);
    return OV_EXIT_USAGE;
}

int ov_cli_fail(const ov_error *err)
{
    fprintf(stderr, "ovate: %s\n", err->text);
    if (err->sys_errno) /* the system refused, whatever that means to the caller */
        return OV_EXIT_UNREACHABLE;
    switch (err->code) {
    case OV_IO:
    case OV_BUSY:
    case OV_NOMEM:
    case OV_CORRUPT:
        return OV_EXIT_UNREACHABLE;
    case OV_TIMEOUT:
        return OV_EXIT_TIME;
    case OV_CANCELLED:
        return OV_EXIT_INTERRUPTED;
    default:
        return OV_EXIT_REFUSED;
    }
}

static bool parse_number(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return *text && *end == '\0' && errno == 0;
}

static bool parse_count(const char *text, uint64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    uint64_t unit = *end == 'k' ? 1000 : *end == 'M' ? 1000000 : 1;
    end += unit != 1;
    *out = n * unit;
    return errno == 0 && *end == '\0' && n <= UINT64_MAX / unit;
}

static bool parse_size(const char *text, uint64_t *out)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"k", 1e3},
                 {"kB", 1e3},
                 {"KB", 1e3},
                 {"M", 1e6},
                 {"MB", 1e6},
                 {"G", 1e9},
                 {"GB", 1e9},
                 {"KiB", 1024.0},
                 {"MiB", 1048576.0},
                 {"GiB", 1073741824.0},
                 {"TB", 1e12},
                 {"TiB", 1099511627776.0}};
    char *end;
    double v = strtod(text, &end);
    if (end == text || !(v >= 0)) /* also what is no number */
        return false;
    for (size_t i = 0; i < OV_COUNT_OF(units); i++)
        if (strcmp(end, units[i].unit) == 0 && v * units[i].factor <= 1e18) {
            *out = (uint64_t)(v * units[i].factor);
            return true;
        }
    return false;
}

static const ov_opt *find_option(const ov_opt *opts, size_t count, const char *arg,
                                 const char **value)
{
    *value = NULL;
    if (arg[1] != '-') {
        for (size_t i = 0; i < count; i++)
            if (opts[i].letter && opts[i].letter == arg[1]) {
                if (arg[2])
                    *value = arg + 2;
                return &opts[i];
            }
        return NULL;
    }
    const char *eq = strchr(arg, '=');
    size_t n = eq ? (size_t)(eq - arg - 2) : strlen(arg + 2);
    for (size_t i = 0; i < count; i++)
        if (strlen(opts[i].name) == n && strncmp(opts[i].name, arg + 2, n) == 0) {
            if (eq)
                *value = eq + 1;
            return &opts[i];
        }
    return NULL;
}

static int unknown_option(const ov_command *cmd, const ov_opt *opts, size_t count, const char *arg)
{
    size_t best = SIZE_MAX;
    const char *name = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d = ov_edit_distance(ov_slice_cstr(arg + 2), ov_slice_cstr(opts[i].name), 4);
        if (arg[1] == '-' && d < 4 && d < best) {
            best = d;
            name = opts[i].name;
        }
    }
    if (name)
        return ov_cli_usage(cmd, "there is no option %s; did you mean --%s?", arg, name);
    return ov_cli_usage(cmd, "there is no option %s", arg);
}

static int set_option(const ov_command *cmd, const ov_opt *o, const char *value)
{
    switch (o->kind) {
    case OV_OPT_FLAG:
        if (value)
            return ov_cli_usage(cmd, "--%s takes no value", o->name);
        *(bool *)o->out = true;
        return -1;
    case OV_OPT_TEXT:
        *(const char **)o->out = value;
        return -1;
    case OV_OPT_NUMBER:
        if (!parse_number(value, o->out))
            return ov_cli_usage(cmd, "--%s takes a whole number, not '%s'", o->name, value);
        return -1;
    case OV_OPT_COUNT:
        if (!parse_count(value, o->out))
            return ov_cli_usage(cmd, "--%s takes a number such as 250, 10k or 2M, not '%s'", o->name, value);
        return -1;
    case OV_OPT_SIZE:
        if (!parse_size(value, o->out))
            return ov_cli_usage(cmd, "--%s takes a size such as 512MiB or 2GB, not '%s'", o->name,
                                value);
        return -1;
    }
    return -1;
}

/* A dash alone is standard input, and a statement may begin with a comment: no option has a blank behind its dashes. */
static bool is_option(const char *arg)
{
    return arg[0] == '-' && arg[1] != '\0' && !(arg[1] == '-' && isspace((unsigned char)arg[2]));
}

int ov_cli_parse(const ov_command *cmd, const ov_opt *opts, size_t count, int argc, char **argv,
                 int *left)
{
    int kept = 0;
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (only_words || !is_option(arg)) {
            argv[1 + kept++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            only_words = true;
            continue;
        }
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(cmd, opts, count);
            return OV_EXIT_OK;
        }
        const char *value;
        const ov_opt *o = find_option(opts, count, arg, &value);
        if (!o)
            return unknown_option(cmd, opts, count, arg);
        if (o->kind != OV_OPT_FLAG && !value) {
            if (i + 1 == argc)
                return ov_cli_usage(cmd, "--%s needs a value (%s)", o->name, o->what);
            value = argv[++i];
        }
        int bad = set_option(cmd, o, value);
        if (bad >= 0)
            return bad;
    }
    *left = kept;
    return -1;
}
