/* `ovate ingest schedule`: the schedules of a folder and when they run next. */
#pragma once

/* words[0] is what stands behind `schedule`; an exit code. */
int ov_schedule_cmd(const char *dir, int count, char **words);
