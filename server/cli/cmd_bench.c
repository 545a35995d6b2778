/*
 * ovate bench gen: the benchmark's rows on standard output. The suite itself is bench/run.
 */
#include <string.h>
#include <unistd.h>

#include "server/cli/cli.h"
#include "server/cli/stations.h"

static int run(int argc, char **argv)
{
    ov_stations_options o = {0};
    int64_t stations = OV_STATIONS_DEFAULT;
    const ov_opt opts[] = {
        {'n', "rows", OV_OPT_COUNT, &o.rows, "N", "how many rows; 10k and 2M are numbers too"},
        {0, "stations", OV_OPT_NUMBER, &stations, "N", "how many stations (2700)"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_bench, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (left != 1 || strcmp(argv[1], "gen") != 0)
        return ov_cli_usage(&ov_cmd_bench, "say `gen`");
    if (o.rows == 0)
        return ov_cli_usage(&ov_cmd_bench, "say how many rows: --rows 250, or 10M");
    if (stations < 1 || stations > OV_STATIONS_MAX)
        return ov_cli_usage(&ov_cmd_bench, "--stations takes a number from 1 to %d",
                            OV_STATIONS_MAX);
    o.stations = (uint32_t)stations;
    ov_error err = OV_ERROR_INIT;
    return ov_stations_write(&o, STDOUT_FILENO, &err) == OV_OK ? OV_EXIT_OK : ov_cli_fail(&err);
}

const ov_command ov_cmd_bench = {
    .name = "bench",
    .usage = "gen --rows N [--stations N]",
    .about = "Make the benchmark's rows: stations of a city, as CSV",
    .more = "The same numbers give the same bytes on every machine. bench/run in the source tree "
            "is the suite.",
    .run = run,
};
