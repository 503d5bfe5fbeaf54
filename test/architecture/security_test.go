package architecture_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// SECURITY.md says of every requirement of OWASP ASVS 5.0, levels 1 and 2, by which
// test it is met.
func TestTheSecurityTableNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func (Test\w+)`)
	err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, found := range declared.FindAllSubmatch(content, -1) {
			tests[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := []string{"met", "partly", "not applicable", "decided against"}
	seen := make(map[string]bool)
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \| ([^|]*) \| (.*) \|$`).FindAllStringSubmatch(string(text), -1) {
		if seen[row[1]] {
			t.Errorf("%s is answered twice", row[1])
		}
		seen[row[1]] = true
		if !slices.Contains(answers, row[2]) || len(row[3]) < 5 {
			t.Errorf("%s is answered %q: %q", row[1], row[2], row[3])
		}
	}
	if len(seen) != 253 { // the requirements of levels 1 and 2 in version 5.0.0
		t.Errorf("%d requirements are answered, want 253", len(seen))
	}
	for _, named := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(text), -1) {
		if !tests[named[1]] {
			t.Errorf("SECURITY.md names %s, which is not a test", named[1])
		}
	}
}
