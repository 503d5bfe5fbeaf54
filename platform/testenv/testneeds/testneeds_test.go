package testneeds_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"banyan/platform/testenv/testneeds"
)

// spy is a test that is watched from outside.
type spy struct {
	testing.TB
	ended string
}

func (s *spy) Skip(...any)  { s.end("skipped") }
func (s *spy) Fatal(...any) { s.end("failed") }

func (s *spy) end(how string) {
	s.ended = how
	runtime.Goexit()
}

// ends runs a test to its end.
func ends(t *testing.T, test func(t testing.TB)) string {
	s := &spy{TB: t, ended: "passed"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(s)
	}()
	<-done
	return s.ended
}

func TestDataIsFoundOrSkippedOrAskedFor(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("BANYAN_TEST_DATA", folder)
	t.Setenv("BANYAN_TEST_REQUIRE", "")
	if err := os.MkdirAll(filepath.Join(folder, "oz"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "oz", "a.csv"), []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := string(testneeds.ReadData(t, "oz/a.csv")); got != "a" {
		t.Errorf("read %q", got)
	}
	for required, want := range map[string]string{"": "skipped", "postgres,chromium": "skipped", "postgres,data": "failed"} {
		t.Setenv("BANYAN_TEST_REQUIRE", required)
		if got := ends(t, func(t testing.TB) { testneeds.Data(t, "oz/b.csv") }); got != want {
			t.Errorf("without the data and with %q the test %s", required, got)
		}
	}
}

func TestDataStandsBesideTheRepository(t *testing.T) {
	t.Setenv("BANYAN_TEST_DATA", "")
	t.Setenv("BANYAN_TEST_REQUIRE", "")
	repository := filepath.Join(t.TempDir(), "main")
	deep := filepath.Join(repository, "modules", "airdrop")
	list := filepath.Join(repository, "..", "shared", "data", "list.csv")
	for _, folder := range []string{deep, filepath.Dir(list)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{filepath.Join(repository, "go.mod"): "module banyan", list: "a"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(deep)
	if got := string(testneeds.ReadData(t, "list.csv")); got != "a" {
		t.Errorf("read %q", got)
	}
	t.Chdir(t.TempDir())
	if got := ends(t, func(t testing.TB) { testneeds.Data(t, "list.csv") }); got != "failed" {
		t.Errorf("outside the repository the test %s", got)
	}
}

func TestAnAddressIsFreeAndGivenOnce(t *testing.T) {
	given := make(map[string]bool)
	for range 100 {
		address := testneeds.Address(t)
		if given[address] {
			t.Errorf("%s was given twice", address)
		}
		given[address] = true
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}
