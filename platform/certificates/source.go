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
// has both.
type Files struct{ Cert, Key, CA string }

// Options identify this process.
type Options struct {
	Name string           // the process our own certificate must name: the module, or Trunk
	Now  func() time.Time // nil = time.Now
	Log  *slog.Logger     // nil = slog.Default
}

// Source has the certificates in force, and reloads their files:
//
//	            files changed and good
//	in force ───────────────────────────▶ in force (new connections; existing ones stay)
//	   │    files changed and broken
//	   └──────────────────────────────▶ in force as before; the error is logged
type Source struct {
	files   Files
	options Options
	held    atomic.Pointer[material]

	mu     sync.Mutex // one reload at a time
	broken digest     // of the files refused last
	logged digest     // of the files whose error was logged last
	warned time.Time  // when the warning before the end was last logged
}

type digest [sha256.Size]byte

// material is one state of the files, checked. It never changes.
type material struct {
	digest      digest
	certificate tls.Certificate
	authorities *x509.CertPool
}

// How often the files are checked, and when the end of a certificate is logged.
const (
	look      = 2 * time.Second
	warnAhead = 30 * 24 * time.Hour
	warnEvery = 24 * time.Hour
)

// Open reads the files. It fails with fault.Invalid unless they are a complete
// and valid set that names Options.Name, so that a mistake is reported here and
// not by every peer.
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

// Reload checks the files now and reports whether new ones came into force.
// With an error those in force stay.
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

// read returns the digest of what it saw also when a file could not be read.
func (s *Source) read() (t texts, seen digest, err error) {
	h := sha256.New()
	for _, file := range []struct {
		path string
		into *[]byte
	}{{s.files.Cert, &t.cert}, {s.files.Key, &t.key}, {s.files.CA, &t.authority}} {
		text, problem := os.ReadFile(file.path)
		if problem != nil && err == nil {
			err = fault.Wrap(problem, fault.Invalid, "the files for TLS between processes cannot be read: check the settings tls.cert, tls.key and tls.ca, and the permissions of the files")
		}
		one := sha256.Sum256(text)
		h.Write(one[:])
		*file.into = text
	}
	h.Sum(seen[:0])
	return t, seen, err
}

// check returns certificates that can come into force, and refuses those that
// no peer would accept.
func (s *Source) check(t texts) (*material, error) {
	certificate, err := tls.X509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%s and %s are not a certificate and its key", s.files.Cert, s.files.Key))
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
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("the certificate %s is not valid under the authority: issue it again with `banyan certs issue --name %s`", s.files.Cert, s.options.Name))
	}
	if name := nameIn(own); name != s.options.Name {
		return nil, fault.Newf(fault.Invalid, "the certificate %s names %q and this process is %q: each process has a certificate of its own", s.files.Cert, name, s.options.Name)
	}
	return m, nil
}

// Watch reloads changed files until the context ends.
func (s *Source) Watch(ctx context.Context) error {
	periodic.Run(ctx, look, s.follow, periodic.AtOnce())
	return nil
}

// follow is one check of Watch. A new certificate and its key are two files: an
// error at the first check may be half of a renewal, so it is logged at the
// second, and once.
func (s *Source) follow(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.broken
	changed, err := s.reload()
	log, until := s.options.Log, s.Expires()
	switch {
	case err == nil:
		s.logged = digest{}
		if changed {
			s.warned = time.Time{}
			log.InfoContext(ctx, "new certificate files are in force", "until", until)
		}
	case s.broken == before && s.logged != s.broken:
		s.logged = s.broken
		log.ErrorContext(ctx, "the new certificate files are invalid, so the previous ones stay in force: issue the certificate again with `banyan certs issue`", "error", err, "until", until)
	}
	if now := s.options.Now(); until.Sub(now) < warnAhead && now.Sub(s.warned) >= warnEvery {
		s.warned = now
		log.WarnContext(ctx, "the certificate for calls between processes ends soon, or has ended: issue it again with `banyan certs issue`",
			"name", s.options.Name, "until", until)
	}
}

// Expires returns when the certificate in force ends.
func (s *Source) Expires() time.Time { return s.held.Load().certificate.Leaf.NotAfter.UTC() }

// Collector exports when the certificate in force ends, for an alert long
// before.
func Collector(s *Source) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "banyan_tls_certificate_expires_timestamp_seconds",
		Help: "When the certificate for calls between processes ends, in seconds since 1970.",
	}, func() float64 { return float64(s.Expires().Unix()) })
}
