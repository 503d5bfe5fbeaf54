package siwe_test

import (
	"testing"

	"banyan/platform/identity/signin/siwe"
	"banyan/platform/wallet"
)

// FuzzParse: no text makes the parser panic, and a message that was read,
// written and read again is the same message.
func FuzzParse(f *testing.F) {
	f.Add(full().String())
	f.Add("a wants you to sign in with your Ethereum account:\n0x0000000000000000000000000000000000000000\n\n\n" +
		"URI: a:\nVersion: 1\nChain ID: 0\nNonce: 00000000\nIssued At: 2026-01-01T00:00:00Z\nRequest ID: \nResources:")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := siwe.Parse(text)
		if err != nil {
			return
		}
		again, err := siwe.Parse(m.String())
		if err != nil || !same(again, m) {
			t.Errorf("%q: read again: %+v, %v\nwas %+v", text, again, err, m)
		}
	})
}

// FuzzBuild: whatever parts Build takes, Parse gives back exactly these parts.
func FuzzBuild(f *testing.F) {
	m := full()
	f.Add(m.Scheme, m.Domain, []byte{1}, m.Statement, m.URI, m.ChainID, m.Nonce, string(m.IssuedAt), string(m.NotBefore), m.RequestID, "a:b")
	f.Fuzz(func(t *testing.T, scheme, domain string, address []byte, statement, uri string, chain uint64, nonce, issued, before, request, resource string) {
		m := siwe.Message{
			Scheme: scheme, Domain: domain, Statement: statement, URI: uri, ChainID: chain, Nonce: nonce,
			IssuedAt: siwe.Stamp(issued), NotBefore: siwe.Stamp(before), RequestID: request,
		}
		var a wallet.Address
		copy(a[:], address)
		m.Address = a
		if resource != "" {
			m.Resources = []string{resource}
		}
		text, err := siwe.Build(m)
		if err != nil {
			return
		}
		if back, err := siwe.Parse(text); err != nil || !same(back, m) {
			t.Errorf("%q reads back as %+v, %v\nwas %+v", text, back, err, m)
		}
	})
}
