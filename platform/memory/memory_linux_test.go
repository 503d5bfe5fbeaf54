package memory

import (
	"os"
	"path/filepath"
	"testing"
)

func written(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestTheMemoryOfTheSystem(t *testing.T) {
	const meminfo = "MemTotal:       24689764 kB\nMemFree:          812 kB\nMemAvailable:   22000000 kB\nBuffers:  1 kB\n"
	folder := written(t, map[string]string{"meminfo": meminfo, "odd": "MemAvailable: much\nMemAvailable:\n"})
	for name, want := range map[string]int64{"meminfo": 22_000_000 << 10, "odd": 0, "missing": 0} {
		if got := systemMemory(filepath.Join(folder, name)); got != want {
			t.Errorf("%s: %d bytes are available, want %d", name, got, want)
		}
	}
}

func TestTheMemoryOfAContainer(t *testing.T) {
	const stat = "anon 1000000\nfile 900000000\nanon_thp 7\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"a limit":         {map[string]string{"memory.max": "5000000\n", "memory.stat": stat}, 4_000_000},
		"no account":      {map[string]string{"memory.max": "5000000\n"}, 5_000_000},
		"all of it used":  {map[string]string{"memory.max": "900000\n", "memory.stat": stat}, 1},
		"no limit":        {map[string]string{"memory.max": "max\n", "memory.stat": stat}, 0},
		"not a container": {nil, 0},
	} {
		if got := containerMemory(written(t, c.files)); got != c.want {
			t.Errorf("%s: %d bytes are left, want %d", name, got, c.want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	if got := Available(); got <= 0 {
		t.Errorf("a Linux system reports its available memory, got %d", got)
	}
}
