/* ovate lineage: where a segment's bytes came from, and where the bytes of an address went: a question to sys.lineage. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "server/cli/cli.h"
#include "server/query/sql_text.h"

static int run(int argc, char **argv)
{
    const char *dir = "./ovate-data", *url = NULL, *format = NULL;
    const ov_opt opts[] = {
        {'d', "data", OV_OPT_TEXT, &dir, "DIR", "ask this data folder (./ovate-data)"},
        {'u', "url", OV_OPT_TEXT, &url, "URL", "ask this server instead"},
        {0, "format", OV_OPT_TEXT, &format, "WORD", "as for `ovate sql`"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_lineage, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (left != 1)
        return ov_cli_usage(&ov_cmd_lineage, "name one segment, task, datasource, address or file");
    ov_buf sql;
    ov_buf_init(&sql);
    ov_buf_add_str(&sql, "SELECT segment_id, task_id, url, \"range\", fetched_at, \"rows\", bytes, sha256, etag FROM sys.lineage WHERE ");
    static const char *const columns[] = {"segment_id", "task_id", "datasource", "url", "sha256"};
    for (size_t i = 0; i < OV_COUNT_OF(columns); i++) {
        ov_buf_addf(&sql, "%s%s = ", i ? " OR " : "", columns[i]);
        ov_sql_add_quoted(&sql, ov_slice_cstr(argv[1]), '\'');
    }
    ov_buf_add_str(&sql, " ORDER BY segment_id, fetched_at, url");
    const char *text = ov_buf_cstr(&sql);
    char *words[10] = {(char *)(uintptr_t) "sql", (char *)(uintptr_t)(url ? "--url" : "--data"), (char *)(uintptr_t)(url ? url : dir)};
    int n = 3;
    if (format) {
        words[n++] = (char *)(uintptr_t) "--format";
        words[n++] = (char *)(uintptr_t)format;
    }
    words[n++] = (char *)(uintptr_t) "--command";
    words[n++] = (char *)(uintptr_t)text;
    int code = text ? ov_cmd_sql.run(n, words) : OV_EXIT_REFUSED;
    ov_buf_fini(&sql);
    return code;
}

const ov_command ov_cmd_lineage = {
    .name = "lineage",
    .usage = "SEGMENT | TASK | DATASOURCE | URL | SHA256   [--data DIR | --url URL]",
    .about = "Tell which bytes a segment came from",
    .more = "ovate lineage gh_issue                    every address that gave rows to it, with its segments",
    .run = run,
};
