package process_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var setupLink = regexp.MustCompile(`http://[^"\s]*/setup/[A-Za-z0-9_-]+`)

// printedLink waits for the link that a process prints after it has begun to serve.
func printedLink(t *testing.T, p *process) *url.URL {
	t.Helper()
	var link string
	eventually(t, "the link of the setup", func() bool {
		link = setupLink.FindString(p.logged())
		return link != ""
	})
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestTheFirstOperatorIsMadeInTheBrowser: a new installation prints a link; the wallet
// that signs in and opens it becomes the operator, once; and then no link is made.
func TestTheFirstOperatorIsMadeInTheBrowser(t *testing.T) {
	here := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	p := here.start(t, nil)
	link := printedLink(t, p)
	b := newBrowser(t, p.url)
	if page := b.get(link.Path); !strings.Contains(page, "First sign in") || !strings.Contains(page, `sign-in?next=%2fsetup%2f`) {
		t.Errorf("the page of the link does not lead to the sign-in: %s", page)
	}
	b.signIn(newAuthor(1))
	page := b.get(link.Path)
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if !strings.Contains(page, newAuthor(1).address.String()) || token == nil {
		t.Fatalf("the page of the link has no form: %s", page)
	}
	if status := b.post(link.Path, url.Values{"csrf": {token[1]}}); status != http.StatusOK {
		t.Fatalf("the form answers %d", status)
	}
	if page := b.get("/operator"); !strings.Contains(page, "Operator") {
		t.Errorf("the operator's page is %s", page)
	}
	if status, _ := b.ask("GET", link.Path, nil); status != http.StatusConflict {
		t.Errorf("the link after its use answers %d", status)
	}
	cmd := exec.Command(banyanPath, "setup", "link")
	cmd.Env, cmd.Dir = append(os.Environ(), here.env...), t.TempDir()
	if said, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(said), "there is an operator already") {
		t.Errorf("banyan setup link: %v %s", err, said)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if again := here.start(t, nil); setupLink.MatchString(again.logged()) {
		t.Errorf("a link is made although there is an operator: %s", again.logged())
	}
}

// TestAnotherSetupLinkIsMadeByTheCommand: it replaces the one before.
func TestAnotherSetupLinkIsMadeByTheCommand(t *testing.T) {
	here := place{[]string{"BANYAN_DATA=" + t.TempDir()}}
	p := here.start(t, nil)
	first := printedLink(t, p)
	cmd := exec.Command(banyanPath, "setup", "link")
	cmd.Env, cmd.Dir = append(os.Environ(), here.env...), t.TempDir()
	said, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	second, err := url.Parse(strings.TrimSpace(string(said)))
	if err != nil || second.Path == first.Path {
		t.Fatalf("the command prints %s", said)
	}
	b := newBrowser(t, p.url)
	for path, want := range map[string]int{first.Path: http.StatusNotFound, second.Path: http.StatusOK, "/setup/x": http.StatusNotFound} {
		if status, text := b.ask("GET", path, nil); status != want {
			t.Errorf("%s answers %d, want %d: %s", path, status, want, text)
		}
	}
	var problem struct{ Code string }
	if status, text := b.ask("POST", second.Path, url.Values{}); status != http.StatusUnauthorized && status != http.StatusForbidden {
		_ = json.Unmarshal([]byte(text), &problem)
		t.Errorf("nobody becomes the operator: %d %s", status, text)
	}
}
