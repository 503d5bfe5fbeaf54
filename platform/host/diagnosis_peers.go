package host

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"banyan/platform/certificates"
	"banyan/platform/chain"
	"banyan/platform/events/jetstream"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/identity/signin"
	"banyan/platform/ratelimit"
	"banyan/platform/rollout"
	"banyan/platform/seam/client"
)

func (l Loaded) lookAtCertificates(_ context.Context, d *Diagnosis, now func() time.Time) {
	if !l.Settings.TLS.Enabled() {
		return
	}
	const what = "certificate"
	source, err := l.openCertificates(now)
	if err != nil {
		d.fail(what, err)
		return
	}
	left := source.Expires().Sub(now())
	switch {
	case left < 0:
		d.add(what, Failure, "ended at %s: run banyan certs issue", source.Expires().Format(time.DateTime))
	case left < 30*24*time.Hour:
		d.add(what, Warning, "ends in %d days: run banyan certs issue", int(left.Hours()/24))
	default:
		d.add(what, Good, "holds until %s", source.Expires().Format(time.DateOnly))
	}
}

func (l Loaded) openCertificates(now func() time.Time) (*certificates.Source, error) {
	name := l.Settings.Module
	if name == "" {
		name = rollout.Trunk
	}
	t := l.Settings.TLS
	return certificates.Open(certificates.Files{Cert: t.Cert, Key: t.Key, CA: t.CA}, certificates.Options{Name: name, Now: now, Log: slog.New(slog.DiscardHandler)})
}

// lookAtModules asks the processes that the settings name: whether they answer, which
// version of the contract they have, and what their clock says.
func (l Loaded) lookAtModules(ctx context.Context, d *Diagnosis, now func() time.Time) {
	if l.Settings.Module != "" {
		l.lookAtPeer(ctx, d, now, "trunk", l.Settings.Identity.TrunkURL+"/api/openapi.json", rollout.Trunk, 0)
		return
	}
	away, err := l.Elsewhere(ctx)
	if err != nil {
		away = nil // lookAtDatabases says so
	}
	for _, m := range l.Modules {
		addresses := l.Settings.Modules[m.Name()].URL
		if at := away[m.Name()]; at != "" {
			addresses = []string{at}
		}
		for _, address := range addresses {
			l.lookAtPeer(ctx, d, now, "module "+m.Name()+" at "+address, address+m.Contract.Probe(), m.Name(), m.Contract.Version)
		}
	}
}

// lookAtPeer asks one address; version is the contract's, 0 = it has none.
func (l Loaded) lookAtPeer(ctx context.Context, d *Diagnosis, now func() time.Time, what, address, peer string, version int) {
	dial, err := l.Settings.peersPolicy().To([]string{address})
	if err != nil {
		d.fail(what, err)
		return
	}
	transport := client.NewTransport()
	transport.DialContext = dial
	defer transport.CloseIdleConnections()
	if l.Settings.TLS.Enabled() {
		source, err := l.openCertificates(now)
		if err != nil {
			return // said already
		}
		transport.TLSClientConfig = source.ClientConfig(peer)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		d.fail(what, fault.Wrap(err, fault.Invalid, "the address is not a URL"))
		return
	}
	asked := now()
	response, err := (&http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(request)
	if err != nil {
		d.add(what, Failure, "does not answer: does the process run, and do both sides have tls.* or neither? (%s)", client.ClassOf(err))
		return
	}
	_ = response.Body.Close() // its headers say all
	if theirs := response.Header.Get(client.HeaderContract); version > 0 && theirs != strconv.Itoa(version) {
		if theirs == "" {
			d.add(what, Failure, "is not this module's process: check the address")
			return
		}
		d.add(what, Warning, "has version %s of the contract, and this program version %d: the newer side understands both; update the other", theirs, version)
	} else {
		d.add(what, Good, "answers")
	}
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		// The header has whole seconds.
		if ahead := at.Add(500 * time.Millisecond).Sub(asked); ahead.Abs() > time.Second {
			d.clock("clock of "+what, ahead)
		}
	}
}

func (l Loaded) lookAtChains(ctx context.Context, d *Diagnosis, _ func() time.Time) {
	if len(l.Settings.Chain.Nodes) == 0 {
		return
	}
	chains := chain.Open(l.Settings.Chain, slog.New(slog.DiscardHandler))
	defer chains.Close()
	for _, node := range chains.Try(ctx) {
		if node.Err != nil {
			d.add("node of chain "+node.Name, Failure, "%v", node.Err)
		} else {
			d.add("node of chain "+node.Name, Good, "answers for this chain")
		}
	}
}

func (l Loaded) lookAtBroker(ctx context.Context, d *Diagnosis, _ func() time.Time) {
	if l.Settings.Events.Broker != outbox.NATS {
		return
	}
	const what = "broker of events"
	b, err := jetstream.Open(l.Settings.Events.NATS, slog.New(slog.DiscardHandler))
	if err != nil {
		d.fail(what, err)
		return
	}
	defer b.Close()
	if err := b.Try(ctx); err != nil {
		d.fail(what, err)
		return
	}
	d.add(what, Good, "NATS answers, and JetStream is on")
}

func (l Loaded) lookAtRedis(ctx context.Context, d *Diagnosis, _ func() time.Time) {
	if !l.Settings.Redis.Enabled() {
		return
	}
	const what = "limits of all replicas"
	shared, err := ratelimit.Open(l.Settings.Redis)
	if err == nil {
		err = errors.Join(shared.Try(ctx), shared.Close())
	}
	if err != nil {
		d.fail(what, err)
		return
	}
	d.add(what, Good, "Redis answers")
}

func (l Loaded) lookAtProvider(ctx context.Context, d *Diagnosis, now func() time.Time) {
	provider := l.Settings.Identity.OIDC.Open(now)
	if provider == nil || l.Settings.Module != "" {
		return
	}
	const what = "provider of sign-ins"
	if err := provider.Try(ctx); err != nil {
		d.add(what, Failure, "%s: check identity.oidc.issuer, which is written as the provider writes it, and that this machine reaches it. Wallets sign in as always", strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	d.add(what, Good, "%s answers; its callback is %s%s", l.Settings.Identity.OIDC.Issuer, l.Settings.PublicURL, signin.CallbackPath)
}

func (l Loaded) lookAtTracing(ctx context.Context, d *Diagnosis, _ func() time.Time) {
	u, err := url.Parse(l.Settings.Tracing.Endpoint.Reveal())
	if err != nil || u.Host == "" {
		return // there is none
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		d.add("tracing.endpoint", Warning, "nothing listens at %s: traces are lost until something does", host)
		return
	}
	_ = connection.Close() // it was opened
	d.add("tracing.endpoint", Good, "something listens at %s", host)
}
