package keccak_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheAssemblyIsWhatTheGeneratorWrites(t *testing.T) {
	generator := filepath.Join(t.TempDir(), "gen")
	build := exec.Command("go", "build", "-o", generator, "./gen")
	build.Env = append(os.Environ(), "GOOS=", "GOARCH=") // it runs here, also when these tests are made for elsewhere
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, engine := range []string{"avx512", "avx2"} {
		name := engine + "_amd64.s"
		fresh := filepath.Join(t.TempDir(), name)
		if out, err := exec.Command(generator, "-write", engine, "-out", fresh).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want, err := os.ReadFile(fresh)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what gen writes: run go generate in this folder", name)
		}
	}
}
