package process_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"banyan/platform/testenv/testneeds"
)

// TestAProgramOfAnotherModuleCallsBanyan builds a program of a Go module of its
// own without a C compiler, and lets it call a running server.
func TestAProgramOfAnotherModuleCallsBanyan(t *testing.T) {
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum")) // the test downloads nothing
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	program, err := os.ReadFile(filepath.Join(root, "test", "client", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.go": string(program),
		"go.mod":  "module outside.example\n\ngo 1.26.0\n\nrequire banyan v0.0.0\n\nreplace banyan => " + repository + "\n",
		"go.sum":  string(sums),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "outside", ".")
	build.Dir, build.Env = folder, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("a program of another module does not build: %v\n%s", err, out)
	}
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	seed, friend := newAuthor(0).address.String(), newAuthor(1).address.String()
	server := p.start(t, []string{"BANYAN_REPUTATION_SEEDS=" + seed}, "--listen", testneeds.Address(t))
	run := exec.CommandContext(t.Context(), filepath.Join(folder, "outside"), server.url, seed, friend)
	run.Env = []string{"BANYAN_TOKEN=" + p.token(t)}
	var errOut bytes.Buffer
	run.Stderr = &errOut
	out, err := run.Output()
	if err != nil {
		t.Fatalf("the program failed: %v\n%s%s", err, out, &errOut)
	}
	want := strings.Join([]string{
		"no epoch: not_found",
		"anybody computes: unauthenticated",
		"a wrong token: unauthenticated",
		"no wallets: invalid wallets",
		"imported: 1 <nil>",
		"epoch: 1 <nil>",
		"the friend has the rank 2 <nil>",
		"no name: invalid",
		"the claim is proven: true",
	}, "\n") + "\n"
	if string(out) != want {
		t.Errorf("the program printed\n%s\nwant\n%s", out, want)
	}
}
