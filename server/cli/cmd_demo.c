/*
 * ovate demo: sample rows and a server in one step, for a first look. The rows go the way any rows
 * go: a CSV file, an ingestion spec, `ovate ingest`, `ovate server`.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "server/cli/cli.h"
#include "server/cli/stations.h"

static const char SPEC_HEAD[] =
    "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":{\"dataSource\":\"seoulbike\","
    "\"timestampSpec\":{\"column\":\"__time\",\"format\":\"iso\"},\"dimensionsSpec\":{"
    "\"dimensions\":["
    "\"stationId\",\"stationName\",{\"type\":\"double\",\"name\":\"stationLatitude\"},"
    "{\"type\":\"double\",\"name\":\"stationLongitude\"},{\"type\":\"long\",\"name\":"
    "\"rackTotCnt\"},"
    "{\"type\":\"long\",\"name\":\"parkingBikeTotCnt\"},{\"type\":\"long\",\"name\":\"shared\"}]},"
    "\"granularitySpec\":{\"segmentGranularity\":\"DAY\",\"rollup\":false}},"
    "\"ioConfig\":{\"type\":\"index_parallel\",\"inputFormat\":{\"type\":\"csv\","
    "\"findColumnsFromHeader\":true},"
    "\"inputSource\":{\"type\":\"local\",\"files\":[";
static const char SPEC_TAIL[] = "]}},\"tuningConfig\":{\"type\":\"index_parallel\"}}}";

static ov_status write_rows(const char *csv, uint64_t rows, ov_error *err)
{
    int fd;
    OV_TRY(ov_file_open(csv, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666, &fd, err));
    ov_stations_options o = {.rows = rows, .stations = OV_STATIONS_DEFAULT};
    ov_status st = ov_stations_write(&o, fd, err);
    ov_error ignored = OV_ERROR_INIT;
    ov_status closed = ov_file_close(fd, csv, st == OV_OK ? err : &ignored);
    return st == OV_OK ? closed : st;
}

static ov_status write_spec(const char *path, const char *csv, ov_error *err)
{
    ov_buf spec;
    ov_jsonw w;
    ov_buf_init(&spec);
    ov_buf_add_str(&spec, SPEC_HEAD);
    ov_jsonw_init(&w, &spec);
    ov_jsonw_cstr(&w, NULL, csv);
    ov_buf_add_str(&spec, SPEC_TAIL);
    ov_status st = ov_buf_check(&spec, err);
    if (st == OV_OK)
        st = ov_file_write_atomic(path, ov_buf_slice(&spec), err);
    ov_buf_fini(&spec);
    return st;
}

/* The sample table, made in a folder of its own below the data folder, which goes again. */
static int load(const char *dir, uint64_t rows)
{
    char work[4096], csv[4096 + 16], spec[4096 + 16];
    ov_error err = OV_ERROR_INIT;
    if (snprintf(work, sizeof work, "%s/demo-rows", dir) >= (int)sizeof work) {
        ov_fail(&err, OV_INVALID, "the path of the data folder is too long");
        return ov_cli_fail(&err);
    }
    snprintf(csv, sizeof csv, "%s/stations.csv", work);
    snprintf(spec, sizeof spec, "%s/stations.json", work);
    ov_status st = ov_dir_make(work, &err);
    if (st == OV_OK)
        st = write_rows(csv, rows, &err);
    if (st == OV_OK)
        st = write_spec(spec, csv, &err);
    char *ingest[] = {"ingest", "run", spec, "--data", (char *)(uintptr_t)dir, NULL};
    int code =
        st == OV_OK ? ov_cmd_ingest.run((int)OV_COUNT_OF(ingest) - 1, ingest) : ov_cli_fail(&err);
    if (ov_dir_remove_all(work, &err) != OV_OK && code == OV_EXIT_OK)
        code = ov_cli_fail(&err);
    return code;
}

static bool is_free(int64_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* the server will say it */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool free_now = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return free_now;
}

/* A first look should not end at a port: the next one that is free does as well. */
static int64_t some_port(void)
{
    enum { FIRST = 8888, TRIES = 20 };
    for (int64_t port = FIRST; port < FIRST + TRIES; port++)
        if (is_free(port))
            return port;
    return FIRST;
}

static int run(int argc, char **argv)
{
    const char *dir = "./ovate-demo";
    int64_t port = -1;
    uint64_t rows = 1000000;
    const ov_opt opts[] = {
        {'d', "data", OV_OPT_TEXT, &dir, "DIR",
         "where the rows go (./ovate-demo); there already, they are kept"},
        {'p', "port", OV_OPT_NUMBER, &port, "N", "port of the server (8888, or the next that is free)"},
        {'n', "rows", OV_OPT_COUNT, &rows, "N", "rows to make, such as 250k or 10M (1M)"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_demo, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (left > 0)
        return ov_cli_usage(&ov_cmd_demo, "'%s' is not expected here", argv[1]);
    if (port == -1)
        port = some_port();
    if (rows == 0 || port < 1 || port > 65535)
        return ov_cli_usage(&ov_cmd_demo,
                            "--rows takes a positive number, --port one from 1 to 65535");
    char ready[4096], number[24];
    snprintf(ready, sizeof ready, "%s/demo-ready", dir); /* there once the rows are */
    if (!ov_file_exists(ready)) {
        printf("Making %llu rows of bike stations in %s\n", (unsigned long long)rows, dir);
        fflush(stdout);
        ov_error err = OV_ERROR_INIT;
        int code = load(dir, rows);
        if (code != OV_EXIT_OK)
            return code;
        if (ov_file_write_atomic(ready, OV_SLICE_LIT("\n"), &err) != OV_OK)
            return ov_cli_fail(&err);
    }
    printf("Ovate answers at http://127.0.0.1:%lld until Ctrl-C. In another terminal:\n\n"
           "  ovate sql --url http://127.0.0.1:%lld \"SELECT stationName, COUNT(*) AS "
           "empty_minutes FROM seoulbike"
           " WHERE parkingBikeTotCnt = 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 10\"\n\n",
           (long long)port, (long long)port);
    fflush(stdout);
    snprintf(number, sizeof number, "%lld", (long long)port);
    char *server[] = {"server", "--data", (char *)(uintptr_t)dir, "--port", number, NULL};
    return ov_cmd_server.run((int)OV_COUNT_OF(server) - 1, server);
}

const ov_command ov_cmd_demo = {
    .name = "demo",
    .usage = "[--data DIR] [--port N] [--rows N]",
    .about = "Sample rows and a server in one step",
    .run = run,
};
