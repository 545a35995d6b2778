/*
 * ovate: one binary, several commands. Each lives in its own cmd_*.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/map_guard.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "server/cli/cli.h"

static const ov_command *const commands[] = {&ov_cmd_server,  &ov_cmd_ingest, &ov_cmd_sql,
                                             &ov_cmd_segment, &ov_cmd_bench,  &ov_cmd_demo,
                                             &ov_cmd_lineage};

static void print_usage(FILE *to)
{
    fprintf(to, "Ovate %s: Apache Druid's job in one binary.\n\nUsage: ovate COMMAND [options]\n\n",
            OV_VERSION);
    for (size_t i = 0; i < OV_COUNT_OF(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->about);
    fprintf(to, "\n`ovate COMMAND --help` explains one. Start with:\n\n"
                "  ovate ingest git .                   # history of the git clone you are in\n"
                "  ovate sql \"SELECT author, COUNT(*) FROM git_commits GROUP BY 1 ORDER BY 2 DESC "
                "LIMIT 10\"\n"
                "  ovate server                         # the same over HTTP, for dashboards\n");
}

static int unknown_command(const char *word)
{
    fprintf(stderr, "ovate: there is no command '%s'", word);
    for (size_t i = 0; i < OV_COUNT_OF(commands); i++)
        if (ov_edit_distance(ov_slice_cstr(word), ov_slice_cstr(commands[i]->name), 3) < 3) {
            fprintf(stderr, "; did you mean '%s'?", commands[i]->name);
            break;
        }
    fprintf(stderr, "\n`ovate --help` lists the commands.\n");
    return OV_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    ov_map_guard_install();
    ov_mem_setup();
    ov_hash_init();
    if (argc < 2) {
        print_usage(stderr);
        return OV_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_usage(stdout);
        return OV_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        printf("ovate %s\n", OV_VERSION);
        return OV_EXIT_OK;
    }
    for (size_t i = 0; i < OV_COUNT_OF(commands); i++)
        if (strcmp(word, commands[i]->name) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    return unknown_command(word);
}
