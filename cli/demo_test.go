package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDemosAddressIsOfThisMachine(t *testing.T) {
	for listen, want := range map[string][2]string{
		"127.0.0.1:8080":      {"127.0.0.1:8080", "http://127.0.0.1:8080"},
		"127.1.2.3:80":        {"127.1.2.3:80", "http://127.1.2.3:80"},
		"[::1]:8080":          {"[::1]:8080", "http://[::1]:8080"},
		"localhost:8080":      {"127.0.0.1:8080", "http://localhost:8080"}, // /etc/hosts may lead it anywhere
		"demo.localhost:8080": {"127.0.0.1:8080", "http://demo.localhost:8080"},
	} {
		address, url, err := demoAddress(t.Context(), listen)
		if err != nil || address != want[0] || url != want[1] {
			t.Errorf("%s: listens on %s as %s, %v; want %v", listen, address, url, err, want)
		}
	}
	address, url, err := demoAddress(t.Context(), "localhost:0")
	if err != nil || strings.HasSuffix(address, ":0") || strings.TrimPrefix(address, "127.0.0.1:") != strings.TrimPrefix(url, "http://localhost:") {
		t.Errorf("on a free port: listens on %s as %s, %v", address, url, err)
	}
}

func TestAFolderIsFoundWhereTheTemporaryOneCannotBeWritten(t *testing.T) {
	nowhere, there := filepath.Join(t.TempDir(), "missing"), t.TempDir()
	folder, err := temporaryFolder([]string{nowhere, there}, "x-")
	if err != nil || filepath.Dir(folder) != there {
		t.Errorf("made %s, %v", folder, err)
	}
	if _, err := temporaryFolder([]string{nowhere}, "x-"); err == nil || !strings.Contains(err.Error(), "set TMPDIR") {
		t.Errorf("without any: %v", err)
	}
	if places := temporaryPlaces(); places[0] != os.TempDir() {
		t.Errorf("looks at %v first", places)
	}
}
