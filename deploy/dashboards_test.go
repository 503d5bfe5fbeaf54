package deploy_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write grafana/*.json again")

// panel is one chart: a query of Prometheus per line.
type panel struct {
	title, unit string
	about       string
	lines       []line
}

type line struct{ query, legend string }

// dashboards are those of grafana/; `make generate` writes them from here.
var dashboards = map[string]struct {
	title  string
	panels []panel
}{
	"requests": {"Banyan: requests and processes", []panel{
		{"Requests a second", "reqps", "By status class.", []line{{`sum by (class) (label_replace(rate(banyan_http_requests_total[$__rate_interval]), "class", "${1}xx", "status", "(.).*"))`, "{{class}}"}}},
		{"Time of an answer", "s", "From the headers of the request to the end of the answer.", quantiles(`banyan_http_request_duration_seconds_bucket`, "")},
		{"Slowest routes, 99th percentile", "s", "", []line{{`topk(10, histogram_quantile(0.99, sum by (le, route) (rate(banyan_http_request_duration_seconds_bucket[$__rate_interval]))))`, "{{route}}"}}},
		{"Requests and uploads under way", "short", "", []line{{`sum by (instance) (banyan_http_requests_in_flight)`, "requests {{instance}}"}, {`sum by (instance) (banyan_http_uploads)`, "slow uploads {{instance}}"}}},
		{"Refused", "cps", "Connections and uploads that a limit refused, by the setting.", []line{{`sum by (reason) (rate(banyan_http_connections_refused_total[$__rate_interval]))`, "connections: {{reason}}"}, {`sum by (reason) (rate(banyan_http_uploads_refused_total[$__rate_interval]))`, "uploads: {{reason}}"}}},
		{"Limits shared by the replicas", "bool", "Without redis.url each process counts by itself, and this is 1.", []line{{`banyan_http_shared_limits_reached`, "{{instance}}"}}},
		{"Memory", "bytes", "", []line{{`process_resident_memory_bytes{job=~".*banyan.*"}`, "{{instance}}"}}},
		{"Processor", "percentunit", "1 is one core.", []line{{`rate(process_cpu_seconds_total{job=~".*banyan.*"}[$__rate_interval])`, "{{instance}}"}}},
		{"Open files, of what is allowed", "percentunit", "", []line{{`process_open_fds{job=~".*banyan.*"} / process_max_fds{job=~".*banyan.*"}`, "{{instance}}"}}},
	}},
	"modules": {"Banyan: modules and their routes", []panel{
		{"Mode of each route", "short", "1 for the mode that is in force.", []line{{`max by (module, mode) (banyan_seam_route_mode) == 1`, "{{module}}: {{mode}}"}}},
		{"Share that is led to the remote", "percent", "Of reads in shadow, of callers in canary.", []line{{`max by (module) (banyan_seam_route_percent)`, "{{module}}"}}},
		{"Calls a second", "cps", "", []line{{`sum by (module, side) (rate(banyan_seam_call_seconds_count[$__rate_interval]))`, "{{module}}, {{side}}"}}},
		{"Time of a call, 99th percentile", "s", "", []line{{`histogram_quantile(0.99, sum by (le, module, side) (rate(banyan_seam_call_seconds_bucket[$__rate_interval])))`, "{{module}}, {{side}}"}}},
		{"Errors, by whose fault", "cps", "", []line{{`sum by (module, side, fault) (rate(banyan_seam_call_errors_total[$__rate_interval]))`, "{{module}}, {{side}}: {{fault}}"}}},
		{"Reads compared in shadow", "cps", "", []line{{`sum by (module, result) (rate(banyan_seam_shadow_total[$__rate_interval]))`, "{{module}}: {{result}}"}}},
		{"Reads of the canary", "cps", "", []line{{`sum by (module, answered) (rate(banyan_seam_canary_total[$__rate_interval]))`, "{{module}}: {{answered}}"}}},
		{"Rollbacks by the guard", "short", "", []line{{`sum by (module) (increase(banyan_seam_rollbacks_total[1h]))`, "{{module}}"}}},
		{"Endpoints that get no calls", "short", "", []line{{`max by (module, endpoint, class, state) (banyan_seam_endpoint_state{state!="closed"}) == 1`, "{{module}} {{endpoint}}, {{class}}: {{state}}"}}},
		{"Calls sent again", "cps", "", []line{{`sum by (module, result) (rate(banyan_seam_retries_total[$__rate_interval]))`, "{{module}}: {{result}}"}}},
	}},
	"database": {"Banyan: databases", []panel{
		{"Writes a second", "cps", "", []line{{`sum by (database) (rate(banyan_database_writes_total[$__rate_interval]))`, "{{database}}"}}},
		{"Wait of a write", "s", "From its call until it runs; SQLite has one writer.", quantiles(`banyan_database_write_wait_seconds_bucket`, "database")},
		{"Queue of the writer, of its capacity", "percentunit", "", []line{{`max by (database) (banyan_database_writes_waiting / banyan_database_write_queue_size)`, "{{database}}"}}},
		{"Writes that share a transaction", "short", "", []line{{`sum by (database) (rate(banyan_database_group_size_sum[$__rate_interval])) / sum by (database) (rate(banyan_database_group_size_count[$__rate_interval]))`, "{{database}}"}}},
		{"Groups that ran again one by one, withdrawn writes", "cps", "", []line{{`sum by (database) (rate(banyan_database_groups_regrouped_total[$__rate_interval]))`, "again {{database}}"}, {`sum by (database) (rate(banyan_database_writes_withdrawn_total[$__rate_interval]))`, "withdrawn {{database}}"}}},
		{"Write-ahead log", "bytes", "", []line{{`max by (database) (banyan_database_wal_bytes)`, "{{database}}"}}},
		{"Oldest read, running write", "s", "A read that runs long keeps the log from being reused.", []line{{`max by (database) (banyan_database_oldest_read_seconds)`, "read {{database}}"}, {`max by (database) (banyan_database_write_turn_seconds)`, "write {{database}}"}}},
		{"Connections in use", "percentunit", "Of those that are open.", []line{{`sum by (database) (banyan_database_connections_in_use) / sum by (database) (banyan_database_connections)`, "{{database}}"}}},
	}},
	"events": {"Banyan: events between modules", []panel{
		{"Waiting for delivery", "short", "Counted up to 10,000.", []line{{`max by (publisher, consumer) (banyan_events_waiting)`, "{{publisher}} to {{consumer}}"}}},
		{"Age of the oldest", "s", "", []line{{`max by (publisher, consumer) (banyan_events_oldest_seconds)`, "{{publisher}} to {{consumer}}"}}},
		{"Broker reached", "bool", "", []line{{`banyan_events_broker_connected`, "{{instance}}"}}},
		{"Failed deliveries in a row", "short", "", []line{{`max by (publisher, consumer) (banyan_events_failures)`, "{{publisher}} to {{consumer}}"}}},
		{"Tried again later, dead letters", "short", "", []line{{`max by (publisher, consumer) (banyan_events_retry_pending)`, "later: {{publisher}} to {{consumer}}"}, {`max by (publisher, consumer) (banyan_events_dead)`, "dead: {{publisher}} to {{consumer}}"}}},
		{"Webhooks: attempts a second", "cps", "By whether the receiver took the message.", []line{{`sum by (module, result) (rate(banyan_webhooks_attempts_total[$__rate_interval]))`, "{{module}}: {{result}}"}}},
		{"Webhooks: waiting, dead letters", "short", "", []line{{`max by (module, endpoint) (banyan_webhooks_waiting)`, "waiting: {{module}} {{endpoint}}"}, {`max by (module, endpoint) (banyan_webhooks_dead)`, "dead: {{module}} {{endpoint}}"}}},
	}},
}

func quantiles(buckets, by string) []line {
	label, group := "", "le"
	if by != "" {
		label, group = " {{"+by+"}}", "le, "+by
	}
	all := make([]line, 0, 2)
	for _, q := range []string{"0.5", "0.99"} {
		all = append(all, line{`histogram_quantile(` + q + `, sum by (` + group + `) (rate(` + buckets + `[$__rate_interval])))`, q + label})
	}
	return all
}

func TestDashboardsAreCurrent(t *testing.T) {
	for name, d := range dashboards {
		source := map[string]any{"type": "prometheus", "uid": "${source}"}
		panels := make([]any, len(d.panels))
		for i, p := range d.panels {
			targets := make([]any, len(p.lines))
			for n, l := range p.lines {
				targets[n] = map[string]any{"refId": string(rune('A' + n)), "expr": l.query, "legendFormat": l.legend, "datasource": source}
			}
			panels[i] = map[string]any{
				"id": i + 1, "type": "timeseries", "title": p.title, "description": p.about, "datasource": source, "targets": targets,
				"gridPos":     map[string]any{"h": 8, "w": 12, "x": i % 2 * 12, "y": i / 2 * 8},
				"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.unit, "min": 0}, "overrides": []any{}},
			}
		}
		text, err := json.MarshalIndent(map[string]any{
			"uid": "banyan-" + name, "title": d.title, "tags": []string{"banyan"}, "schemaVersion": 39, "editable": true,
			"description": "Written by `make generate` from deploy/dashboards_test.go.",
			"time":        map[string]any{"from": "now-6h", "to": "now"}, "refresh": "30s", "panels": panels,
			"templating": map[string]any{"list": []any{map[string]any{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}}},
		}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("grafana", name+".json")
		text = append(text, '\n')
		if *update {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if there, err := os.ReadFile(path); err != nil || string(there) != string(text) {
			t.Errorf("%s is not what deploy/dashboards_test.go makes (%v): run make generate", path, err)
		}
	}
}
