package certificates

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/fault"
	"banyan/platform/periodic"
)

// Files are the paths of a process's certificate, its key and the authority's
// certificate, in PEM. While an authority is replaced by another, the file CA
// holds both.
type Files struct{ Cert, Key, CA string }

// Options say who we are.
type Options struct {
	Name string           // the process our own certificate must name: the module, or Trunk
	Now  func() time.Time // nil = time.Now
	Log  *slog.Logger     // nil = slog.Default
}

// Source holds what is in force of the files, and follows them:
//
//	            files changed and good
//	in force ───────────────────────────▶ in force (new connections; old ones go on)
//	   │    files changed and broken
//	   └──────────────────────────────▶ in force as before; the log says what is wrong
type Source struct {
	files   Files
	options Options
	held    atomic.Pointer[material]

	mu     sync.Mutex // one look at a time
	broken digest     // of the files refused last
	told   digest     // of the files complained about last
	warned time.Time  // when the coming end was last said
}

type digest [sha256.Size]byte

// material is one state of the files, checked. It never changes.
type material struct {
	digest      digest
	certificate tls.Certificate
	authorities *x509.CertPool
}

// How often the files are looked at, and how the end of a certificate is told.
const (
	look      = 2 * time.Second
	warnAhead = 30 * 24 * time.Hour
	warnEvery = 24 * time.Hour
)

// Open reads the files. Fails with fault.Invalid when they are not a whole and
// valid set that names Options.Name, so that a mix-up shows here and not at
// every peer.
func Open(f Files, o Options) (*Source, error) {
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	for _, file := range []struct{ setting, path string }{{"tls.cert", f.Cert}, {"tls.key", f.Key}, {"tls.ca", f.CA}} {
		if file.path == "" {
			return nil, fault.New(fault.Invalid, "TLS between processes needs a certificate, its key and the authority's certificate").With(
				fault.Field{Name: file.setting, Message: "is empty: set all three, or none for plain http"})
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Source{files: f, options: o}
	if _, err := s.Reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reload looks at the files now and tells whether others came into force. With
// an error what was in force stays so.
func (s *Source) Reload() (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reload()
}

func (s *Source) reload() (changed bool, err error) {
	text, seen, err := s.read()
	if held := s.held.Load(); err == nil && held != nil && held.digest == seen {
		s.broken = digest{}
		return false, nil
	}
	var next *material
	if err == nil {
		next, err = s.check(text)
	}
	if err != nil {
		s.broken = seen
		return false, err
	}
	next.digest, s.broken = seen, digest{}
	s.held.Store(next)
	return true, nil
}

// texts are the contents of Files.
type texts struct{ cert, key, authority []byte }

// read gives the digest of what it saw also when a file could not be read.
func (s *Source) read() (t texts, seen digest, err error) {
	h := sha256.New()
	for _, file := range []struct {
		path string
		into *[]byte
	}{{s.files.Cert, &t.cert}, {s.files.Key, &t.key}, {s.files.CA, &t.authority}} {
		text, problem := os.ReadFile(file.path)
		if problem != nil && err == nil {
			err = fault.Wrap(problem, fault.Invalid, "the files for TLS between processes cannot be read: look at the settings tls.cert, tls.key and tls.ca")
		}
		one := sha256.Sum256(text)
		h.Write(one[:])
		*file.into = text
	}
	h.Sum(seen[:0])
	return t, seen, err
}

// check makes what can come into force, and refuses what no peer would take.
func (s *Source) check(t texts) (*material, error) {
	certificate, err := tls.X509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%s and %s are no certificate and its key", s.files.Cert, s.files.Key))
	}
	found, err := parseCertificates(s.files.CA, t.authority)
	if err != nil {
		return nil, err
	}
	m := &material{certificate: certificate, authorities: x509.NewCertPool()}
	for _, authority := range found {
		m.authorities.AddCert(authority)
	}
	own := certificate.Leaf
	if err := verify(own, m.authorities, x509.ExtKeyUsageAny, s.options.Now()); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("the certificate %s does not count: issue it again with `banyan certs issue --name %s`", s.files.Cert, s.options.Name))
	}
	if name := nameIn(own); name != s.options.Name {
		return nil, fault.Newf(fault.Invalid, "the certificate %s names %q and this process is %q: each process has a certificate of its own", s.files.Cert, name, s.options.Name)
	}
	return m, nil
}

// Watch follows the files until the context ends.
func (s *Source) Watch(ctx context.Context) error {
	periodic.Run(ctx, look, s.follow, periodic.AtOnce())
	return nil
}

// follow is one look of Watch. A new certificate and its key are two files:
// what is broken at the first look may be half of a renewal, so it is told at
// the second, and once.
func (s *Source) follow(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.broken
	changed, err := s.reload()
	log, until := s.options.Log, s.Expires()
	switch {
	case err == nil:
		s.told = digest{}
		if changed {
			s.warned = time.Time{}
			log.InfoContext(ctx, "new certificate files are in force", "until", until)
		}
	case s.broken == before && s.told != s.broken:
		s.told = s.broken
		log.ErrorContext(ctx, "the new certificate files are broken: the ones before stay in force", "error", err, "until", until)
	}
	if now := s.options.Now(); until.Sub(now) < warnAhead && now.Sub(s.warned) >= warnEvery {
		s.warned = now
		log.WarnContext(ctx, "the certificate for calls between processes ends soon, or has ended: issue it again with `banyan certs issue`",
			"name", s.options.Name, "until", until)
	}
}

// Expires is when the certificate in force ends.
func (s *Source) Expires() time.Time { return s.held.Load().certificate.Leaf.NotAfter.UTC() }

// Collector shows when the certificate in force ends, for an alert long before.
func Collector(s *Source) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "banyan_tls_certificate_expires_timestamp_seconds",
		Help: "When the certificate for calls between processes ends, in seconds since 1970.",
	}, func() float64 { return float64(s.Expires().Unix()) })
}
