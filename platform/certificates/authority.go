package certificates

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"banyan/platform/atomicfile"
	"banyan/platform/fault"
)

// The files of a folder of certificates, beside NAME.crt and NAME.key for each
// process. ca.key signs certificates and is needed for nothing else: keep it
// off the servers.
const (
	authorityName = "ca"
	certSuffix    = ".crt"
	keySuffix     = ".key"
)

// How long certificates are valid.
const (
	AuthorityLife = 10 * 365 * 24 * time.Hour
	DefaultLife   = 365 * 24 * time.Hour // renewal is manual, so not too short
	LongestLife   = 825 * 24 * time.Hour // the longest that TLS clients in general accept of a private authority
	backdated     = 5 * time.Minute      // the clocks of two machines differ
)

// FilesIn returns the files of one process in a folder that Init and Issue made.
func FilesIn(folder, name string) Files {
	return Files{
		Cert: filepath.Join(folder, name+certSuffix), Key: filepath.Join(folder, name+keySuffix),
		CA: filepath.Join(folder, authorityName+certSuffix),
	}
}

// Init creates an authority: a folder with ca.crt and ca.key. It fails with
// fault.Conflict when there is one, because the certificates it issued would
// become invalid.
func Init(folder string, now time.Time) (Certificate, error) {
	at := FilesIn(folder, authorityName)
	for _, path := range []string{at.Cert, at.Key} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return Certificate{}, fault.Newf(fault.Conflict, "%s exists already: issue certificates with it, or choose another folder", path)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Certificate{}, fmt.Errorf("create the folder for certificates: %w", err)
	}
	key, err := newKey()
	if err != nil {
		return Certificate{}, err
	}
	draft, err := newDraft("Banyan CA", now, AuthorityLife)
	if err != nil {
		return Certificate{}, err
	}
	draft.IsCA, draft.BasicConstraintsValid, draft.MaxPathLenZero = true, true, true
	draft.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return sign(at, draft, draft, key, key)
}

// Request is the subject of a new certificate.
type Request struct {
	Name  string        // the module, or Trunk
	Hosts []string      // DNS names and IP addresses; none = those of the certificate that is renewed, or the name and this machine
	Life  time.Duration // 0 = DefaultLife; never longer than the authority's
}

// Issue creates NAME.crt and NAME.key with the authority in the folder, and
// replaces existing ones: renewing is issuing again, with a new key. Running
// processes load the new files without a restart. It fails with fault.Invalid,
// and with fault.NotFound when the folder has no authority.
func Issue(folder string, r Request, now time.Time) (Certificate, error) {
	if err := CheckName(r.Name); err != nil {
		return Certificate{}, err
	}
	if r.Name == authorityName {
		return Certificate{}, fault.Newf(fault.Invalid, "%q is the authority's own name", r.Name)
	}
	if r.Life == 0 {
		r.Life = DefaultLife
	}
	if r.Life < time.Hour || r.Life > LongestLife {
		return Certificate{}, fault.Newf(fault.Invalid, "a certificate must be valid for an hour to %d days", LongestLife/(24*time.Hour))
	}
	ca, caKey, err := readAuthority(folder, now)
	if err != nil {
		return Certificate{}, err
	}
	at := FilesIn(folder, r.Name)
	if len(r.Hosts) == 0 {
		if r.Hosts, err = hostsBefore(at.Cert, r.Name); err != nil {
			return Certificate{}, err
		}
	}
	key, err := newKey()
	if err != nil {
		return Certificate{}, err
	}
	draft, err := newDraft("Banyan "+r.Name, now, r.Life)
	if err != nil {
		return Certificate{}, err
	}
	if draft.NotAfter.After(ca.NotAfter) {
		draft.NotAfter = ca.NotAfter
	}
	draft.KeyUsage = x509.KeyUsageDigitalSignature
	draft.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	draft.URIs = []*url.URL{uriOf(r.Name)}
	if draft.DNSNames, draft.IPAddresses, err = splitHosts(r.Hosts); err != nil {
		return Certificate{}, err
	}
	return sign(at, draft, ca, key, caKey)
}

// List describes the certificates of a folder, the authority first.
func List(folder string) ([]Certificate, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+certSuffix))
	if err != nil {
		return nil, fmt.Errorf("look for certificates in %s: %w", folder, err)
	}
	if len(paths) == 0 {
		return nil, fault.Newf(fault.NotFound, "there are no certificates in %s: create an authority with `banyan certs init --dir %s`", folder, folder)
	}
	var all []Certificate
	for _, path := range paths {
		found, err := readCertificates(path)
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			all = append(all, describe(path, c))
		}
	}
	slices.SortStableFunc(all, func(a, b Certificate) int {
		if a.Authority != b.Authority {
			return map[bool]int{true: -1, false: 1}[a.Authority]
		}
		return cmp.Compare(a.File, b.File)
	})
	return all, nil
}

// Certificate describes a certificate for people.
type Certificate struct {
	File      string    `json:"file"`
	Name      string    `json:"name"` // of the process, "" for an authority
	Authority bool      `json:"authority"`
	Hosts     []string  `json:"hosts"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"` // hexadecimal
	From      time.Time `json:"from"`
	Until     time.Time `json:"until"`
}

func describe(path string, c *x509.Certificate) Certificate {
	hosts := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return Certificate{
		File: path, Name: nameIn(c), Authority: c.IsCA, Hosts: hosts, Issuer: c.Issuer.CommonName,
		Serial: c.SerialNumber.Text(16), From: c.NotBefore.UTC(), Until: c.NotAfter.UTC(),
	}
}

// hostsBefore returns the hosts of the certificate that is being renewed;
// without one, the process's name, as container networks resolve it, and this
// machine.
func hostsBefore(path, name string) ([]string, error) {
	before, err := readCertificates(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{name, "localhost", "127.0.0.1", "::1"}, nil
	case err != nil:
		return nil, err
	}
	return describe(path, before[0]).Hosts, nil
}

func splitHosts(hosts []string) (names []string, ips []net.IP, err error) {
	for _, host := range hosts {
		switch ip := net.ParseIP(strings.Trim(host, "[]")); {
		case ip != nil:
			ips = append(ips, ip)
		case host == "" || strings.ContainsAny(host, " /:@_"):
			return nil, nil, fault.Newf(fault.Invalid, "%q is neither a host name nor an IP address: write it without scheme and port", host)
		default:
			names = append(names, host)
		}
	}
	return names, ips, nil
}

// newKey returns an ECDSA P-256 key: TLS 1.3 needs nothing larger, and every
// client supports it, unlike Ed25519.
func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	return key, nil
}

func newDraft(commonName string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280, 4.1.2.2: positive, at most 20 bytes
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: commonName},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(life),
	}, nil
}

// sign creates the certificate and writes the key before it: a reader that sees
// the new certificate finds its key.
func sign(at Files, draft, issuer *x509.Certificate, key *ecdsa.PrivateKey, issuerKey crypto.Signer) (Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, draft, issuer, key.Public(), issuerKey)
	if err != nil {
		return Certificate{}, fmt.Errorf("sign a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, fmt.Errorf("encode a key: %w", err)
	}
	if err := replace(at.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return Certificate{}, err
	}
	if err := replace(at.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return Certificate{}, err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{}, fmt.Errorf("read the new certificate: %w", err)
	}
	return describe(at.Cert, made), nil
}

// replace writes a file atomically.
func replace(path string, text []byte, mode fs.FileMode) error {
	return atomicfile.Replace(path, mode, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

func readAuthority(folder string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	at := FilesIn(folder, authorityName)
	all, err := readCertificates(at.Cert)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.Newf(fault.NotFound, "there is no authority in %s: create one with `banyan certs init --dir %s`", folder, folder)
	}
	if err != nil {
		return nil, nil, err
	}
	if now.After(all[0].NotAfter) {
		return nil, nil, fault.Newf(fault.Conflict, "the authority in %s ended on %s: create a new one in another folder", folder, all[0].NotAfter.Format(time.DateOnly))
	}
	key, err := readKey(at.Key)
	if err != nil {
		return nil, nil, err
	}
	if public, ok := all[0].PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(key.Public()) {
		return nil, nil, fault.Newf(fault.Conflict, "%s is not the key of %s: put a certificate and its own key into the folder", at.Key, at.Cert)
	}
	return all[0], key, nil
}

func readKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fault.Newf(fault.Invalid, "%s has no PEM key", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, path+" has no readable key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.Newf(fault.Invalid, "%s has a key that cannot sign", path)
	}
	return signer, nil
}

func readCertificates(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a certificate: %w", err)
	}
	return parseCertificates(path, text)
}

// parseCertificates reads every certificate of a PEM text, at least one.
func parseCertificates(path string, text []byte) (all []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, path+" has a certificate that cannot be parsed")
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fault.Newf(fault.Invalid, "%s has no PEM certificate", path)
	}
	return all, nil
}
