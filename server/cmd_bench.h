/*
 * `ovate bench`: what the benchmark needs from the binary. argv[0] is the first word after "bench".
 */
#pragma once

/* Runs the subcommand; returns the exit status: 0 done, 2 wrong use, 3 write error. */
int ov_cmd_bench(int argc, char **argv);
