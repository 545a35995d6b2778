// go-druid, the library under Grafana's Druid plugin: its health check, native queries of every kind it builds, SQL with
// the extra members that it sends, errors.
// main http://host:port; one line a check: "ok      name" or "FAILED  name: what".
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/grafadruid/go-druid"
	"github.com/grafadruid/go-druid/builder/query"
)

func check(name string, got, want any) {
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) == string(b) {
		fmt.Printf("ok      %s\n", name)
	} else {
		fmt.Printf("FAILED  %s: want %s, got %s\n", name, b, a)
	}
}

const source = `"dataSource":{"type":"table","name":"letters"},"intervals":{"type":"intervals","intervals":["2024-01-01T00:00:00Z/2024-01-04T00:00:00Z"]}`

// Asks what the text says after the library has read it and written it again.
func ask(d *druid.Client, name, text string, want string) {
	var answer any
	q, err := query.Load([]byte(text))
	if err == nil {
		_, err = d.Query().Execute(q, &answer)
	}
	if err != nil {
		fmt.Printf("FAILED  %s: %s\n", name, err)
		return
	}
	var expected any
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		fmt.Printf("FAILED  %s: %s\n", name, err)
		return
	}
	check(name, answer, expected)
}

func main() {
	tries := 0
	d, err := druid.NewClient(os.Args[1], druid.WithHTTPClient(&http.Client{Transport: counter{&tries}}))
	if err != nil {
		fmt.Printf("FAILED  client: %s\n", err)
		return
	}
	status, _, err := d.Common().Status()
	check("status", err == nil && status.Version != "" && status.Memory.TotalMemory > 0, true)
	health, _, err := d.Common().Health()
	check("health", err == nil && bool(*health), true)
	properties, _, err := d.Common().Properties()
	check("properties", err == nil && properties != nil, true)
	discovered, _, err := d.Common().SelfDiscovered()
	check("self discovered", err == nil && discovered.SelfDiscovered, true)

	ask(d, "timeseries", `{"queryType":"timeseries",`+source+`,"granularity":"day","aggregations":[{"type":"count","name":"c"}]}`,
		`[{"timestamp":"2024-01-01T00:00:00.000Z","result":{"c":10}},{"timestamp":"2024-01-02T00:00:00.000Z","result":{"c":10}},{"timestamp":"2024-01-03T00:00:00.000Z","result":{"c":10}}]`)
	ask(d, "topN", `{"queryType":"topN",`+source+`,"granularity":"all","dimension":{"type":"default","dimension":"k","outputName":"k"},"metric":{"type":"numeric","metric":"s"},"threshold":1,"aggregations":[{"type":"longSum","name":"s","fieldName":"n"}]}`,
		`[{"timestamp":"2024-01-01T00:00:00.000Z","result":[{"k":"c","s":155}]}]`)
	ask(d, "groupBy", `{"queryType":"groupBy",`+source+`,"granularity":"all","dimensions":[{"type":"default","dimension":"k","outputName":"k"}],"filter":{"type":"selector","dimension":"k","value":"a"},"aggregations":[{"type":"count","name":"c"}]}`,
		`[{"version":"v1","timestamp":"2024-01-01T00:00:00.000Z","event":{"k":"a","c":10}}]`)
	ask(d, "search", `{"queryType":"search",`+source+`,"searchDimensions":[{"type":"default","dimension":"k"}],"query":{"type":"contains","value":"a"}}`,
		`[{"timestamp":"2024-01-01T00:00:00.000Z","result":[{"dimension":"k","value":"a","count":10}]}]`)
	ask(d, "timeBoundary", `{"queryType":"timeBoundary","dataSource":{"type":"table","name":"letters"},"bound":"maxTime"}`,
		`[{"timestamp":"2024-01-03T00:00:00.000Z","result":{"maxTime":"2024-01-03T00:00:00.000Z"}}]`)
	ask(d, "sql", `{"queryType":"sql","query":"SELECT k, COUNT(*) AS c FROM letters WHERE n > 19 GROUP BY 1 ORDER BY 1","resultFormat":"array","header":true,"context":{"con":"text"}}`,
		`[["k","c"],["a",3],["b",3],["c",4]]`)
	tries = 0
	var answer any
	q, _ := query.Load([]byte(`{"queryType":"sql","query":"SELECT nothing_here FROM letters","resultFormat":"array"}`))
	_, err = d.Query().Execute(q, &answer)
	check("error", err != nil && strings.Contains(err.Error(), "nothing_here"), true)
	check("an error is final: requests sent", tries, 1)
}

type counter struct{ n *int }

func (c counter) RoundTrip(rq *http.Request) (*http.Response, error) {
	*c.n++
	return http.DefaultTransport.RoundTrip(rq)
}
