// Package deploy_test holds what is in this folder against the program: alerts and
// dashboards name metrics that exist, manifests settings that exist.
package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"banyan/platform/testenv/testneeds"
)

// metrics are the names that the program's sources give.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	literal := regexp.MustCompile(`"(banyan_[a-z_]+)"`)
	for _, folder := range []string{"../platform", "../modules", "../web"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range literal.FindAllSubmatch(text, -1) {
				names[string(found[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestAlertsAndDashboardsNameMetricsThatExist(t *testing.T) {
	there := metrics(t)
	used := map[string]string{}
	name := regexp.MustCompile(`banyan_[a-z_]+`)
	files, err := filepath.Glob("grafana/*.json")
	if err != nil || len(files) != len(dashboards) {
		t.Fatalf("the dashboards are %v (%v)", files, err)
	}
	for _, path := range append(files, "prometheus/alerts.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range name.FindAllString(string(text), -1) {
			used[found] = path
		}
	}
	for metric, path := range used {
		base := metric
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if !there[metric] && !there[base] {
			t.Errorf("%s has %s, which the program does not have", path, metric)
		}
	}
	if len(used) < 25 {
		t.Errorf("only %d metrics were found", len(used))
	}
}

func TestEachAlertHasATestAndARunbookEntry(t *testing.T) {
	alerts, tests, runbook := read(t, "prometheus/alerts.yaml"), read(t, "prometheus/alerts_test.yaml"), read(t, "RUNBOOK.md")
	names := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(alerts, -1)
	if len(names) < 10 {
		t.Fatalf("%d alerts were found", len(names))
	}
	for _, n := range names {
		if !strings.Contains(alerts, "runbook: RUNBOOK.md#"+strings.ToLower(n[1])) || !strings.Contains(runbook, "\n## "+n[1]+"\n") {
			t.Errorf("%s has no entry in RUNBOOK.md", n[1])
		}
		if !regexp.MustCompile(`alertname: ` + n[1] + `\n\s+exp_alerts: \[\{`).MatchString(tests) {
			t.Errorf("%s is fired in no test", n[1])
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		testneeds.Missing(t, "promtool", "promtool is not installed (Debian's package prometheus)")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "alerts_test.yaml")
	cmd.Dir = "prometheus"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents decodes a file of YAML documents.
func documents(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
	for {
		var one map[string]any
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, one)
	}
}

// The settings that files of this folder set exist, so that a container starts.
func TestFilesSetSettingsThatExist(t *testing.T) {
	known := settings(t)
	variable := regexp.MustCompile(`BANYAN_[A-Z0-9_]+`)
	for _, path := range []string{"Containerfile", "compose.yaml", "systemd/banyan.service", "kubernetes/single/banyan.yaml", "kubernetes/split/banyan.yaml"} {
		found := variable.FindAllString(read(t, path), -1)
		if len(found) == 0 {
			t.Errorf("%s sets nothing", path)
		}
		for _, name := range found {
			if name = strings.TrimSuffix(name, "_FILE"); !known[name] {
				t.Errorf("%s sets %s, which is no setting", path, name)
			}
		}
	}
}

// settings are the environment's names of all keys of config.yaml.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	var walk func(prefix string, values map[string]any)
	walk = func(prefix string, values map[string]any) {
		for key, value := range values {
			name := prefix + "_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
			known[name] = true
			if below, is := value.(map[string]any); is {
				walk(name, below)
			}
		}
	}
	walk("BANYAN", documents(t, "../config.yaml")[0])
	return known
}

// Every pod is restricted, probes the admin address, and has its objects agree.
func TestManifestsAreWhole(t *testing.T) {
	for path, services := range map[string]int{"kubernetes/single/banyan.yaml": 1, "kubernetes/split/banyan.yaml": 1 + len(modules(t))} {
		all := documents(t, path)
		deployments := kind(all, "Deployment")
		if len(deployments) != services || len(kind(all, "Service")) != services || len(kind(all, "NetworkPolicy")) != services {
			t.Errorf("%s: %d deployments, %d services", path, len(deployments), len(kind(all, "Service")))
		}
		for _, d := range deployments {
			labels := at(d, "spec", "template", "metadata", "labels").(map[string]any)
			for key, value := range at(d, "spec", "selector", "matchLabels").(map[string]any) {
				if labels[key] != value {
					t.Errorf("%s: the selector has %s=%v, the pods %v", path, key, value, labels)
				}
			}
			pod := at(d, "spec", "template", "spec").(map[string]any)
			container := pod["containers"].([]any)[0].(map[string]any)
			if at(pod, "securityContext", "runAsNonRoot") != true || at(container, "securityContext", "readOnlyRootFilesystem") != true ||
				at(container, "securityContext", "allowPrivilegeEscalation") != false || at(pod, "securityContext", "seccompProfile", "type") != "RuntimeDefault" {
				t.Errorf("%s: a pod is not restricted", path)
			}
			for probe, says := range map[string]string{"livenessProbe": "/healthz", "readinessProbe": "/readyz", "startupProbe": "/readyz"} {
				if at(container, probe, "httpGet", "path") != says || at(container, probe, "httpGet", "port") != "admin" {
					t.Errorf("%s: the %s is %v", path, probe, container[probe])
				}
			}
			for _, m := range container["volumeMounts"].([]any) {
				name := m.(map[string]any)["name"]
				if !slices.ContainsFunc(pod["volumes"].([]any), func(v any) bool { return v.(map[string]any)["name"] == name }) {
					t.Errorf("%s mounts %v, which is no volume", path, name)
				}
			}
		}
	}
}

func kind(all []map[string]any, name string) (found []map[string]any) {
	for _, one := range all {
		if one["kind"] == name {
			found = append(found, one)
		}
	}
	return found
}

func at(value any, keys ...string) any {
	for _, key := range keys {
		below, is := value.(map[string]any)
		if !is {
			return nil
		}
		value = below[key]
	}
	return value
}

// TestTerraformReplacesWhatTheManifestHas: what it puts image and address in place of is
// there, and it finds each object.
func TestTerraformReplacesWhatTheManifestHas(t *testing.T) {
	program, err := os.ReadFile("terraform/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile("kubernetes/single/banyan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	replaced := regexp.MustCompile(`, "([^"]+)", var\.[a-z_]+\)`).FindAllSubmatch(program, -1)
	if len(replaced) != 2 {
		t.Fatalf("it replaces %q", replaced)
	}
	for _, one := range replaced {
		if !bytes.Contains(manifest, one[1]) {
			t.Errorf("the manifest has no %q to replace", one[1])
		}
	}
	parts := strings.Split(string(manifest), "\n---\n") // as main.tf does
	if len(parts) < 5 {
		t.Errorf("it finds %d objects", len(parts))
	}
	for _, part := range parts {
		var o struct {
			Kind     string            `yaml:"kind"`
			Metadata map[string]string `yaml:"metadata"`
		}
		_ = yaml.Unmarshal([]byte(part), &o) // other metadata than texts is not asked for
		if o.Kind == "" {
			t.Errorf("this is no object: %s", part)
		}
	}
}
