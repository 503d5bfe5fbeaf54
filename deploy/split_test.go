package deploy_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"text/template"
)

// service is a process of the split topology.
type service struct {
	Name      string // of the Kubernetes objects
	Module    string // "" for the trunk
	Variable  string // of the module in settings
	Replicas  int
	Component string
}

var split = template.Must(template.New("split").Parse(`# The trunk and each module as a service of its own, on PostgreSQL: two of each, so that any one can go.
# Written by ` + "`make generate`" + ` from deploy/split_test.go; what to do first stands in deploy/README.md.
apiVersion: v1
kind: ServiceAccount
metadata: {name: banyan}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ConfigMap
metadata: {name: banyan}
data:
  BANYAN_PUBLIC_URL: https://banyan.example.org
  BANYAN_DATABASE_URL: postgres://banyan@postgres:5432/banyan
  BANYAN_DATABASE_CONNECTIONS: "8"
  BANYAN_IDENTITY_TRUNK_URL: https://banyan:8443
  BANYAN_HTTP_DRAIN_DELAY: 5s
  BANYAN_TLS_CA: /ca/ca.crt
  BANYAN_TLS_CERT: /tls/tls.crt
  BANYAN_TLS_KEY: /tls/tls.key
{{- range .}}{{if .Module}}
  BANYAN_MODULES_{{.Variable}}_MODE: remote
  BANYAN_MODULES_{{.Variable}}_URL: https://{{.Name}}:8443
{{- end}}{{end}}
{{- range .}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{.Name}}, labels: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}}
spec:
  replicas: {{.Replicas}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector: {matchLabels: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}}
  template:
    metadata: {labels: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}}
    spec:
      serviceAccountName: banyan
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}}
      containers:
        - name: banyan
          image: banyan:latest
          args: [serve{{if .Module}}, --module, {{.Module}}{{end}}]
          envFrom: [{configMapRef: {name: banyan}}]
          env:
            - {name: BANYAN_LISTEN, value: "0.0.0.0:8443"}
            - {name: BANYAN_DATABASE_PASSWORD, valueFrom: {secretKeyRef: {name: banyan-database, key: password}}}
          ports:
            - {name: https, containerPort: 8443}
            - {name: admin, containerPort: 8081}
          # Alive says nothing about the database: a restart would not help it.
          livenessProbe: {httpGet: {path: /healthz, port: admin}, periodSeconds: 10, failureThreshold: 3}
          readinessProbe: {httpGet: {path: /readyz, port: admin}, periodSeconds: 5}
          startupProbe: {httpGet: {path: /readyz, port: admin}, periodSeconds: 2, failureThreshold: 150} # migrations
          resources: {requests: {cpu: 250m, memory: 256Mi}, limits: {memory: 1Gi}}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          volumeMounts:
            - {name: data, mountPath: /data} # trees, which are made again from the lists
            - {name: temporary, mountPath: /tmp}
            - {name: ca, mountPath: /ca, readOnly: true}
            - {name: tls, mountPath: /tls, readOnly: true}
      volumes:
        - {name: data, emptyDir: {sizeLimit: 5Gi}}
        - {name: temporary, emptyDir: {sizeLimit: 1Gi}}
        - {name: ca, configMap: {name: banyan-ca}}
        - {name: tls, secret: {secretName: {{.Name}}-tls, defaultMode: 0440}}
---
apiVersion: v1
kind: Service
metadata: {name: {{.Name}}}
spec:
  {{- if .Module}}
  clusterIP: None # its callers balance by themselves, over all addresses of the name
  {{- end}}
  selector: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}
  ports: [{name: https, port: 8443, targetPort: https}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{.Name}}}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: {{.Name}}}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: banyan, app.kubernetes.io/component: {{.Component}}}}
  policyTypes: [Ingress]
  ingress:
    - {{if .Module}}from: [{podSelector: {matchLabels: {app.kubernetes.io/name: banyan}}}]
      {{end}}ports: [{port: https}]
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
      ports: [{port: admin}]
{{- end}}
---
# The trunk does most of the work for pages; a module's processes are few and easily raised by hand.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: banyan}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: banyan}
  minReplicas: 2
  maxReplicas: 6
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 300}}
`))

// modules are those of main's list.
func modules(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../main.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if name, is := strings.CutPrefix(path, "banyan/modules/"); is && strings.HasSuffix(name, "/service") {
			text, err := os.ReadFile("../modules/" + strings.TrimSuffix(name, "/service") + "/" + strings.TrimSuffix(name, "/service") + ".go")
			if err != nil {
				t.Fatal(err)
			}
			_, after, found := strings.Cut(string(text), "const Name = \"")
			if !found {
				t.Fatalf("%s names no module", path)
			}
			name, _, _ = strings.Cut(after, `"`)
			names = append(names, name)
		}
	}
	return names
}

func TestTheSplitManifestIsCurrent(t *testing.T) {
	services := []service{{Name: "banyan", Replicas: 2, Component: "trunk"}}
	for _, name := range modules(t) {
		services = append(services, service{
			Name: "banyan-" + name, Module: name, Variable: strings.ToUpper(strings.ReplaceAll(name, "-", "_")), Replicas: 2, Component: name,
		})
	}
	if len(services) < 4 {
		t.Fatalf("main.go has the modules %v", services)
	}
	var text bytes.Buffer
	if err := split.Execute(&text, services); err != nil {
		t.Fatal(err)
	}
	const path = "kubernetes/split/banyan.yaml"
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, text.Bytes()) {
		t.Error(fmt.Errorf("%s is not what deploy/split_test.go makes (%w): run make generate", path, err))
	}
}
