/*
 * `ovate bench gen --rows N [--stations N]`: the benchmark's rows on standard output. The suite
 * itself is bench/run.
 */
#include "server/cmd_bench.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/stations.h"

static const char USAGE[] =
    "usage: ovate bench gen --rows N [--stations N]\n"
    "\n"
    "Writes N rows of bike stations as CSV to standard output, the same bytes for the same "
    "numbers\n"
    "(2,700 stations unless given, one reading a station and minute). N may end in k or M.\n"
    "The benchmark suite itself is bench/run in the source tree.\n";

static int refuse(const char *words, const char *word)
{
    fprintf(stderr, "ovate bench: %s%s%s\n%s", words, word ? ": " : "", word ? word : "", USAGE);
    return 2;
}

/* "250", "10k", "2M"; false for anything else. */
static bool read_count(const char *text, uint64_t *out)
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

static int generate(int argc, char **argv)
{
    uint64_t rows = 0, stations = OV_STATIONS_DEFAULT;
    for (int i = 0; i < argc; i += 2) {
        uint64_t *to = strcmp(argv[i], "--rows") == 0       ? &rows
                       : strcmp(argv[i], "--stations") == 0 ? &stations
                                                            : NULL;
        if (!to)
            return refuse("unknown option", argv[i]);
        if (i + 1 == argc || !read_count(argv[i + 1], to))
            return refuse("a whole number must follow", argv[i]);
    }
    if (rows == 0)
        return refuse("--rows says how many rows", NULL);
    ov_error err = OV_ERROR_INIT;
    ov_stations_options options = {
        .rows = rows, .stations = stations > UINT32_MAX ? UINT32_MAX : (uint32_t)stations};
    ov_status st = ov_stations_write(&options, STDOUT_FILENO, &err);
    if (st == OV_OK)
        return 0;
    fprintf(stderr, "ovate bench: %s\n", err.text);
    return st == OV_INVALID ? 2 : 3;
}

int ov_cmd_bench(int argc, char **argv)
{
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (argc == 0 || strcmp(argv[0], "gen") != 0)
        return refuse(argc ? "unknown word" : "what?", argc ? argv[0] : NULL);
    return generate(argc - 1, argv + 1);
}
