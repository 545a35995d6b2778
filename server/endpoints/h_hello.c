/* GET /: who opens the address in a browser learns what answers there. */
#include "server/handlers.h"

void ov_h_hello(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_addf(&b,
                "Ovate " OV_VERSION " answers here what Apache Druid would; there is no page to look at.\n\n"
                "  ovate sql --url http://%s\n"
                "  curl -d 'SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES' http://%s/druid/v2/sql\n\n"
                "Superset, Grafana, Metabase, Turnilo and JDBC take this address as that of a Druid router.\n"
                "/status/health, /metrics, /druid/coordinator/v1/datasources and /druid/indexer/v1/tasks can be read from here.\n",
                app->address, app->address);
    ov_respond(rq, 200, "text/plain; charset=utf-8", ov_buf_slice(&b));
    ov_buf_fini(&b);
}
