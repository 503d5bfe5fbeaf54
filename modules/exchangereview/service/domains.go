package service

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/publicnet"
	"banyan/platform/wallet"
)

// Domains reads what the owners of domains publish.
type Domains interface {
	// Records returns the TXT records of a name.
	Records(ctx context.Context, name string) ([]string, error)
	// File returns a file of at most maxClaimFile bytes.
	File(ctx context.Context, address string) ([]byte, error)
}

const (
	domainWait   = 5 * time.Second // for a record or a file
	domainsAsked = 4               // at the same time
	maxClaimFile = 4 << 10
	claimFile    = "/.well-known/banyan-claim.txt"
	claimRecord  = "_banyan."
)

// internet is the Domains of the public Internet.
type internet struct {
	resolver *net.Resolver
	client   *http.Client
}

func newInternet() Domains {
	return internet{net.DefaultResolver, publicnet.Client(domainWait)}
}

func (i internet) Records(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, domainWait)
	defer cancel()
	return i.resolver.LookupTXT(ctx, name)
}

func (i internet) File(ctx context.Context, address string) ([]byte, error) {
	return publicnet.Get(ctx, i.client, address, maxClaimFile)
}

// claimPlaces are where the owner of a website's domain names a wallet, and how.
type claimPlaces struct{ record, file, contains string }

// placesOfClaim returns the zero value for an exchange without a website.
func placesOfClaim(site, slug, website string, of wallet.Address) (p claimPlaces) {
	u, err := url.Parse(website)
	if err != nil || u.Hostname() == "" {
		return p
	}
	p.contains = "banyan-claim=" + site + "/" + slug + "/" + of.String()
	p.file = "https://" + u.Host + claimFile
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		p.record = claimRecord + strings.TrimPrefix(u.Hostname(), "www.")
	}
	return p
}

// named fails unless the domain names the wallet, and returns where it does.
func (s *service) named(ctx context.Context, method string, p claimPlaces) (at string, err error) {
	select {
	case s.domainSlots <- struct{}{}:
		defer func() { <-s.domainSlots }()
	default:
		return "", fault.Newf(fault.Busy, "%d domains are being asked already: try again in a moment", domainsAsked)
	}
	var lines []string
	switch method {
	case exchangereview.ClaimByDNS:
		if p.record == "" {
			return "", noDomain()
		}
		at = p.record
		lines, err = s.domains.Records(ctx, at)
		var none *net.DNSError
		if errors.As(err, &none) && none.IsNotFound {
			lines, err = nil, nil
		}
	default:
		if p.file == "" {
			return "", noDomain()
		}
		at = p.file
		var body []byte
		if body, err = s.domains.File(ctx, at); err == nil {
			for scan := bufio.NewScanner(bytes.NewReader(body)); scan.Scan(); {
				lines = append(lines, scan.Text())
			}
		}
	}
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, at+" cannot be read: "+err.Error())
	}
	for _, line := range lines {
		if strings.EqualFold(strings.TrimSpace(line), p.contains) {
			return at, nil
		}
	}
	return "", fault.Newf(fault.Forbidden, "%s does not name this wallet: publish %q there, wait until it is seen everywhere, and claim again", at, p.contains)
}

func noDomain() error {
	return fault.New(fault.Conflict, "the directory has no domain of this exchange that could name a wallet: ask the operators to add its website")
}
