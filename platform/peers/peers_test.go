package peers_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/peers"
)

func rules(t *testing.T, texts ...string) (all []peers.Rule) {
	t.Helper()
	for _, text := range texts {
		var r peers.Rule
		if err := r.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestAnEntryIsReadBackAsItIsWritten(t *testing.T) {
	for _, text := range []string{"10.0.0.0/8", "10.0.0.7", "10.0.0.7:8081", "fd00::1", "[fd00::1]:8081", "fd00::/8", "[fd00::/8]:8081", "10.0.0.0/8:8081", "rep.internal", "rep.internal:8081", "*.internal"} {
		if got := rules(t, text)[0].String(); got != text {
			t.Errorf("%s is read back as %s", text, got)
		}
	}
	for _, text := range []string{"", "*", "10.0.0", "10.0.0.300", "rep:0", "rep:99999", "http://rep", "a b", "[fd00::1", "rep/8"} {
		if err := new(peers.Rule).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestWhereProcessesMayBe(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings peers.Settings
		options  peers.Options
		url      string
		refused  string // a part of why; "" = allowed
	}{
		{name: "this machine", url: "http://127.0.0.1:8081"},
		{name: "this machine by its name", url: "http://localhost:8081"},
		{name: "this machine by IPv6", url: "http://[::1]:8081"},
		{name: "mapped", url: "http://[::ffff:127.0.0.1]:8081"},
		{name: "another machine in plain", url: "http://10.0.0.7:8081", refused: "tls.cert"},
		{name: "a name in plain", url: "http://rep:8081", refused: "peers.plain_http"},
		{name: "another machine that nobody named", url: "https://10.0.0.7:8081", refused: "peers.allow"},
		{name: "a cloud's credentials", url: "https://169.254.169.254", refused: "peers.allow"},
		{name: "a name that nobody named", url: "https://rep:8081", refused: "peers.allow"},
		{name: "named by the settings", options: peers.Options{Named: []string{"https://rep:8081"}}, url: "https://REP.:8081"},
		{name: "another port of it", options: peers.Options{Named: []string{"https://rep:8081"}}, url: "https://rep:22", refused: "peers.allow"},
		{name: "the port that https implies", options: peers.Options{Named: []string{"https://10.0.0.7"}}, url: "https://10.0.0.7:443"},
		{name: "a network", settings: peers.Settings{Allow: rules(t, "10.0.0.0/8:8081")}, url: "https://10.9.9.9:8081"},
		{name: "another port in a network", settings: peers.Settings{Allow: rules(t, "10.0.0.0/8:8081")}, url: "https://10.9.9.9:8082", refused: "peers.allow"},
		{name: "a list without this machine", settings: peers.Settings{Allow: rules(t, "10.0.0.0/8")}, url: "http://127.0.0.1:6379", refused: "peers.allow"},
		{name: "names below another", settings: peers.Settings{Allow: rules(t, "*.internal")}, url: "https://rep.internal:1"},
		{name: "the other itself", settings: peers.Settings{Allow: rules(t, "*.internal")}, url: "https://internal:1", refused: "peers.allow"},
		{name: "plain where it is wanted", settings: peers.Settings{Allow: rules(t, "rep"), PlainHTTP: true}, url: "http://rep:8081"},
		{name: "plain beside certificates", options: peers.Options{TLS: true}, url: "http://127.0.0.1:8081", refused: "https alone"},
		{name: "certificates", options: peers.Options{TLS: true}, url: "https://127.0.0.1:8081"},
		{name: "another scheme", url: "ftp://127.0.0.1:8081", refused: "not the address of a process"},
		{name: "no such port", url: "http://127.0.0.1:99999", refused: "no port"},
	} {
		err := peers.New(c.settings, c.options).CheckURL(c.url)
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s: %s is refused: %v", c.name, c.url, err)
		case c.refused != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: %s: %v, want a refusal with %q", c.name, c.url, err, c.refused)
		}
	}
}

// A name server may answer with any address, and another one at each question.
func TestTheAddressThatIsDialledIsChecked(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		allow   []string
		url     string
		dials   string
		refused string
	}{
		{name: "this machine", url: "http://localhost:" + port, dials: "127.0.0.1:" + port},
		{name: "a name that leads to this machine's services", allow: []string{"10.0.0.0/8"}, url: "https://rep:" + port, dials: "127.0.0.1:" + port, refused: "peers.allow"},
		{name: "a named name may lead anywhere", allow: []string{"rep"}, url: "https://rep:" + port, dials: "127.0.0.1:" + port},
		{name: "but not to a cloud's credentials", allow: []string{"rep"}, url: "https://rep:80", dials: "169.254.169.254:80", refused: "peers.allow"},
		{name: "plain http leaves this machine", allow: []string{"localhost"}, url: "http://localhost:80", dials: "192.0.2.1:80", refused: "plain http"},
		{name: "another port than the named one", allow: []string{"rep:80"}, url: "https://rep:80", dials: "127.0.0.1:" + port, refused: "peers.allow"},
	} {
		dial, err := peers.New(peers.Settings{Allow: rules(t, c.allow...)}, peers.Options{}).To([]string{c.url})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		conn, err := dial(t.Context(), "tcp", c.dials)
		if err == nil {
			_ = conn.Close()
		}
		var known *fault.Fault
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.refused != "" && (!errors.As(err, &known) || known.Code != fault.Unavailable || !strings.Contains(known.Message, c.refused)):
			t.Errorf("%s: %v, want %q", c.name, err, c.refused)
		}
	}
}
