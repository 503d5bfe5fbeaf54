package service_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/signature"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// signer is a wallet of a test.
type signer struct{ key *ecdsa.PrivateKey }

func keyed(t testing.TB, n int) signer {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(fmt.Sprint("wallet ", n))))
	if err != nil {
		t.Fatal(err)
	}
	return signer{key}
}

func (s signer) wallet() wallet.Address {
	return wallet.Address(crypto.PubkeyToAddress(s.key.PublicKey))
}

func (s signer) sign(t testing.TB, digest attestation.Hash) attestation.Signature {
	t.Helper()
	signature, err := crypto.Sign(digest[:], s.key)
	if err != nil {
		t.Fatal(err)
	}
	signature[64] += 27
	return signature
}

// statement is what a test's wallet says, at a time after the tests' clock.
type statement struct {
	subject wallet.Address
	level   int
	context string
	after   int64 // seconds
	expires int64 // seconds after the clock; 0 = never
	change  func(*attestation.Message)
	version uint16
}

func (s signer) attest(t testing.TB, what statement) attestation.Package {
	t.Helper()
	schema, _ := attestation.SchemaOf(attestation.Trust)
	said := attestation.Statement{Kind: attestation.Trust, Subject: what.subject, Level: what.level, Context: what.context}
	m := attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(schema.UID().String()), Recipient: what.subject,
		Time: attestation.Uint(now.Unix() + what.after), Revocable: true, Data: said.Encode(), Salt: &attestation.Hash{1},
	}
	if what.version == attestation.Version1 {
		m.Version, m.Salt = attestation.Version1, nil
	}
	if what.expires != 0 {
		m.ExpirationTime = attestation.Uint(now.Unix() + what.expires)
	}
	if what.change != nil {
		what.change(&m)
	}
	p := attestation.Package{Sig: attestation.New(attestation.DomainOf(1), m), Signer: s.wallet()}
	p.Sig.Signature = s.sign(t, p.Sig.Digest())
	return p
}

func (s signer) revoke(t testing.TB, uid attestation.Hash, at int64) reputation.SignedRevocation {
	t.Helper()
	r := attestation.Revocation{UID: uid, Attester: s.wallet(), Time: attestation.Uint(now.Unix() + at), ChainID: 1}
	return reputation.SignedRevocation{Attester: s.wallet(), UID: uid, Time: r.Time, ChainID: 1, Signature: s.sign(t, r.Digest())}
}

func post(s reputation.Service, p attestation.Package) (reputation.Attestation, error) {
	return s.Attest(nobody, reputation.AttestationUpload{Package: p})
}

// trustOf lists what counts of a wallet, as from-weight pairs.
func edgesOf(t *testing.T, s reputation.Service, w wallet.Address, direction string) string {
	t.Helper()
	page, err := s.Neighbours(nobody, reputation.NeighboursQuery{Wallet: w, Direction: direction})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, n := range page.Neighbours {
		list = append(list, fmt.Sprintf("%s %v %s", n.Wallet.Short(), n.Weight, n.Kind))
	}
	return strings.Join(list, ", ")
}

func TestConformanceTrustGivenReplacedAndTakenBack(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ann, subject := keyed(t, 1), person(5)
		prepared, err := s.PrepareAttestation(nobody, reputation.StatementDraft{Attester: ann.wallet(), Subject: subject, Level: 6, Context: "escrow", ChainID: 10})
		if err != nil {
			t.Fatal(err)
		}
		first := prepared.Attestation
		first.Sig.Signature = ann.sign(t, first.Sig.Digest())
		stored, err := post(s, first)
		if err != nil || stored.State != reputation.Live || !stored.Counts || stored.Level != 6 || stored.Context != "escrow" || stored.Subject != subject {
			t.Fatalf("stored %+v, %v", stored, describe(err))
		}
		if got := edgesOf(t, s, subject, ""); got != ann.wallet().Short()+" 6 trust" {
			t.Errorf("into the subject: %s", got)
		}
		// a second statement of the same second replaces it
		again, err := s.PrepareAttestation(nobody, reputation.StatementDraft{Attester: ann.wallet(), Subject: subject, Level: -4, Context: "escrow"})
		if err != nil {
			t.Fatal(err)
		}
		second := again.Attestation
		second.Sig.Signature = ann.sign(t, second.Sig.Digest())
		if _, err := post(s, second); err != nil {
			t.Fatal(describe(err))
		}
		// and one in another context does not
		if _, err := post(s, ann.attest(t, statement{subject: subject, level: 2, context: "code", version: attestation.Version1})); err != nil {
			t.Fatal(describe(err))
		}
		short := subject.Short()
		if got := edgesOf(t, s, ann.wallet(), reputation.Out); got != short+" 2 trust, "+short+" -4 trust" {
			t.Errorf("out of the attester: %s", got)
		}
		takeBack, err := s.PrepareRevocation(nobody, reputation.RevocationDraft{Attester: ann.wallet(), UID: second.Sig.UID, ChainID: 10})
		if err != nil {
			t.Fatal(err)
		}
		revocation := takeBack.Revocation
		revocation.Attester, revocation.UID = ann.wallet(), second.Sig.UID
		signed := attestation.Revocation{UID: revocation.UID, Attester: revocation.Attester, Time: revocation.Time, ChainID: attestation.Uint(revocation.ChainID)}
		revocation.Signature = ann.sign(t, signed.Digest())
		if got, err := s.Revoke(nobody, revocation); err != nil || got.State != reputation.Revoked || got.Counts || got.Why != "it was taken back" {
			t.Fatalf("revoked: %+v, %s", got, describe(err))
		}
		if got := edgesOf(t, s, ann.wallet(), reputation.Out); got != short+" 2 trust" {
			t.Errorf("what was replaced counts again: %s", got)
		}
		page, err := s.Attestations(nobody, reputation.AttestationsQuery{Subject: subject})
		var states []string
		for _, a := range page.Attestations {
			states = append(states, fmt.Sprintf("%d %s", a.Level, a.State))
		}
		if history := strings.Join(states, ", "); err != nil || history != "2 live, -4 revoked, 6 replaced" {
			t.Errorf("history: %s, %v", history, err)
		}
		for name, err := range map[string]error{
			"the revoked one again":  errorOf(post(s, second)),
			"the replaced one again": errorOf(post(s, first)),
			"the revocation again":   errorOf(s.Revoke(nobody, revocation)),
			"an older one":           errorOf(post(s, ann.attest(t, statement{subject: subject, level: 9, context: "escrow", after: -100}))),
		} {
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
		for about, says := range map[wallet.Address]string{subject: "counts from the next epoch on", person(4711): "nobody trusts it"} {
			if _, err := s.Score(nobody, reputation.ScoreQuery{Wallet: about}); !fault.Is(err, fault.NotFound) || !strings.Contains(describe(err), says) {
				t.Errorf("the score of %s: %s", about, describe(err))
			}
		}
		if _, err := post(s, ann.attest(t, statement{subject: subject, level: 9, context: "escrow", after: 5})); err != nil {
			t.Errorf("trust cannot be given again: %s", describe(err))
		}
	})
}

func errorOf(_ reputation.Attestation, err error) error { return err }

func TestConformanceAttestationsThatAreRefused(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ann, bob := keyed(t, 1), keyed(t, 2)
		good := statement{subject: person(5), level: 5}
		forged := ann.attest(t, good)
		forged.Signer = bob.wallet()
		changed := func(f func(*attestation.Message)) attestation.Package {
			with := good
			with.change = f
			return ann.attest(t, with)
		}
		signature := func(f func(attestation.Signature) attestation.Signature) attestation.Package {
			p := ann.attest(t, good)
			p.Sig.Signature = f(p.Sig.Signature)
			return p
		}
		for name, c := range map[string]struct {
			p    attestation.Package
			code fault.Code
			says string
		}{
			"by somebody else": {forged, fault.Forbidden, "was signed by"},
			"changed data": {func() attestation.Package {
				p := ann.attest(t, good)
				p.Sig = attestation.New(p.Sig.Domain, p.Sig.Message)
				p.Sig.Message.Data = attestation.Statement{Kind: attestation.Trust, Subject: person(5), Level: 10}.Encode()
				p.Sig.UID = attestation.New(p.Sig.Domain, p.Sig.Message).UID
				p.Sig.Signature = ann.attest(t, good).Sig.Signature
				return p
			}(), fault.Forbidden, "changed afterwards"},
			"expired":          {ann.attest(t, statement{subject: person(5), level: 5, after: -100, expires: -1}), fault.Invalid, "expired"},
			"of the future":    {ann.attest(t, statement{subject: person(5), level: 5, after: 601}), fault.Invalid, "future"},
			"in milliseconds":  {ann.attest(t, statement{subject: person(5), level: 5, after: now.UnixMilli()}), fault.Invalid, "milliseconds"},
			"about itself":     {ann.attest(t, statement{subject: ann.wallet(), level: 5}), fault.Invalid, "own attester"},
			"level 11":         {ann.attest(t, statement{subject: person(5), level: 11}), fault.Invalid, "level"},
			"another receiver": {changed(func(m *attestation.Message) { m.Recipient = person(6) }), fault.Invalid, "recipient"},
			"not revocable":    {changed(func(m *attestation.Message) { m.Revocable = false }), fault.Invalid, "revocable"},
			"other types":      {changed(func(m *attestation.Message) { m.Data = m.Data[:64] }), fault.Invalid, "schema"},
			"unknown schema":   {changed(func(m *attestation.Message) { m.Schema = unknownSchema }), fault.Invalid, "not known here"},
			"no signature":     {signature(func(attestation.Signature) attestation.Signature { return nil }), fault.Invalid, "signature"},
			"64 bytes":         {signature(func(s attestation.Signature) attestation.Signature { return s[:64] }), fault.Invalid, "compact form of EIP-2098"},
			"short":            {signature(func(s attestation.Signature) attestation.Signature { return s[:40] }), fault.Invalid, "40 bytes"},
			"v is 29":          {signature(func(s attestation.Signature) attestation.Signature { s[64] = 29; return s }), fault.Invalid, "v, is 29"},
			"a high s":         {signature(highS), fault.Invalid, "high s"},
			"a smart wallet's": {signature(func(s attestation.Signature) attestation.Signature { return append(s, s...) }), fault.Unsupported, "needs a chain"},
		} {
			if _, err := post(s, c.p); !fault.Is(err, c.code) || !strings.Contains(describe(err), c.says) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
		if page, err := s.Attestations(nobody, reputation.AttestationsQuery{}); err != nil || len(page.Attestations) != 0 {
			t.Errorf("after all of that there are %d, %v", len(page.Attestations), err)
		}
		// hardware wallets end with 0 and 1
		if _, err := post(s, signature(func(s attestation.Signature) attestation.Signature { s[64] -= 27; return s })); err != nil {
			t.Errorf("v of 0 and 1: %s", describe(err))
		}
		// the UID has no attester: another may say the very same
		if _, err := post(s, bob.attest(t, good)); err != nil {
			t.Errorf("the same words of another wallet: %s", describe(err))
		}
	})
}

const unknownSchema = attestation.SchemaID("0x3333333333333333333333333333333333333333333333333333333333333333")

// highS returns the second form of a signature.
func highS(s attestation.Signature) attestation.Signature {
	flipped := append(attestation.Signature{}, s...)
	other := new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(s[32:64]))
	other.FillBytes(flipped[32:64])
	flipped[64] = 27 + 28 - flipped[64]
	return flipped
}

func TestConformanceExpiryEndsTrustByItself(t *testing.T) {
	var clock atomic.Int64
	seamtest.Ways(t, reputation.Name, func(t *testing.T, db *database.DB, open seamtest.Open) {
		clock.Store(now.UnixMilli())
		o := options(db)
		o.Clock = func() time.Time { return time.UnixMilli(clock.Load()) }
		s := reputation.NewClient(open(t, reputation.Contract, reputation.Bind(service.New(o))).Route)
		ann := keyed(t, 1)
		p := ann.attest(t, statement{subject: person(5), level: 5, after: -50, expires: 1})
		if _, err := post(s, p); err != nil {
			t.Fatal(describe(err))
		}
		if got := edgesOf(t, s, person(5), reputation.In); got == "" {
			t.Error("it does not count before it expires")
		}
		clock.Add(1000)
		if got := edgesOf(t, s, person(5), reputation.In); got != "" {
			t.Errorf("after it expired: %s", got)
		}
		got, err := s.Attestation(nobody, reputation.AttestationQuery{Attester: ann.wallet(), UID: p.Sig.UID})
		if err != nil || got.State != reputation.Expired || got.Counts || got.ExpiresMS != now.Add(time.Second).UnixMilli() {
			t.Errorf("got %+v, %v", got, err)
		}
		if page, err := s.Attestations(nobody, reputation.AttestationsQuery{State: reputation.Live}); err != nil || len(page.Attestations) != 0 {
			t.Errorf("live: %d, %v", len(page.Attestations), err)
		}
	})
}

func TestConformanceRevocationsThatAreRefused(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ann, bob := keyed(t, 1), keyed(t, 2)
		p := ann.attest(t, statement{subject: person(5), level: 5})
		if _, err := post(s, p); err != nil {
			t.Fatal(describe(err))
		}
		byBob := bob.revoke(t, p.Sig.UID, 0)
		byBob.Attester = ann.wallet()
		for name, c := range map[string]struct {
			r    reputation.SignedRevocation
			code fault.Code
		}{
			"by somebody else":      {byBob, fault.Forbidden},
			"of what nobody stored": {bob.revoke(t, p.Sig.UID, 0), fault.NotFound},
			"of the future":         {ann.revoke(t, p.Sig.UID, 700), fault.Invalid},
			"from before":           {ann.revoke(t, p.Sig.UID, -1), fault.Invalid},
			"unsigned":              {reputation.SignedRevocation{Attester: ann.wallet(), UID: p.Sig.UID, Time: attestation.Uint(now.Unix()), ChainID: 1}, fault.Invalid},
		} {
			if _, err := s.Revoke(nobody, c.r); !fault.Is(err, c.code) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
		if got := edgesOf(t, s, person(5), reputation.In); got == "" {
			t.Error("the trust is gone")
		}
	})
}

func TestConformanceImportAndExport(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ann, bob := keyed(t, 1), keyed(t, 2)
		var all []attestation.Package
		for i := range 5 {
			all = append(all, ann.attest(t, statement{subject: person(10 + i), level: i + 1, after: -1000}))
		}
		late := ann.attest(t, statement{subject: person(10), level: 9, after: -2000}) // older than the one above
		forged := bob.attest(t, statement{subject: person(5), level: 5})
		forged.Signer = ann.wallet()
		text, err := json.Marshal(append(append([]attestation.Package{}, all...), forged, late))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.ImportAttestations(operator, reputation.AttestationsUpload{Body: bytes.NewReader(text)})
		if err != nil || got.Stored != 6 || got.Refused != 1 || got.Known != 0 || len(got.Reasons) != 1 || got.Reasons[0].Line != 6 {
			t.Fatalf("imported %+v, %s", got, describe(err))
		}
		if edges := edgesOf(t, s, person(10), reputation.In); edges != ann.wallet().Short()+" 1 trust" {
			t.Errorf("an older statement that came later counts: %s", edges)
		}
		stream, err := s.ExportAttestations(nobody, reputation.ExportQuery{Attester: ann.wallet()})
		if err != nil {
			t.Fatal(err)
		}
		var exported bytes.Buffer
		if err := stream.Write(&exported); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(exported.String(), "\n"); lines != 6 {
			t.Errorf("%d lines were exported", lines)
		}
		got, err = s.ImportAttestations(operator, reputation.AttestationsUpload{Body: &exported})
		if err != nil || got.Stored != 0 || got.Known != 6 || got.Refused != 0 {
			t.Errorf("the export comes back as %+v, %s", got, describe(err))
		}
		for name, body := range map[string]string{"empty": "", "no JSON": "a,b,1\n", "cut": `[{"sig":`, "cut array": string(text[:len(text)-1])} {
			if _, err := s.ImportAttestations(operator, reputation.AttestationsUpload{Body: strings.NewReader(body)}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, describe(err))
			}
		}
		if _, err := s.ImportAttestations(operator, reputation.AttestationsUpload{Body: io.LimitReader(endless{}, 1<<30)}); !fault.Is(err, fault.TooLarge) && !fault.Is(err, fault.Invalid) {
			t.Errorf("without an end: %v", describe(err))
		}
	})
}

// endless is the beginning of a JSON text without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '['
	}
	return len(p), nil
}

// TestConformanceTheVectorOfEAS takes the attestation that ethers made: valid at once,
// stored when its schema is registered, and never counted.
func TestConformanceTheVectorOfEAS(t *testing.T) {
	text := testneeds.ReadData(t, "eas/eas_offchain_v2_vector.json")
	conform(t, func(t *testing.T, s reputation.Service) {
		p, err := attestation.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		verified, err := s.VerifyAttestation(nobody, reputation.AttestationUpload{Package: p})
		if err != nil || !verified.Valid || verified.Counts || verified.Signer.String() != "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A" {
			t.Fatalf("verified %+v, %v", verified, err)
		}
		if _, err := post(s, p); !fault.Is(err, fault.Invalid) {
			t.Errorf("of an unknown schema: %v", describe(err))
		}
		if _, err := s.RegisterSchema(member, reputation.SchemaDraft{Name: "theirs", UID: p.Sig.Message.Schema.Hash()}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a member registered a schema: %v", err)
		}
		if _, err := s.RegisterSchema(operator, reputation.SchemaDraft{Name: "theirs", UID: p.Sig.Message.Schema.Hash()}); err != nil {
			t.Fatal(describe(err))
		}
		stored, err := post(s, p)
		if err != nil || stored.State != reputation.Live || stored.Counts || stored.Kind != "" || stored.Subject.String() != "0x000000000000000000000000000000000000dEaD" {
			t.Errorf("stored %+v, %s", stored, describe(err))
		}
		if got := edgesOf(t, s, stored.Subject, reputation.In); got != "" {
			t.Errorf("it counts: %s", got)
		}
		schemas, err := s.Schemas(nobody, reputation.SchemasQuery{})
		if err != nil || len(schemas.Schemas) != 4 || schemas.Schemas[0].Kind != attestation.Trust || schemas.Schemas[3].Counts {
			t.Errorf("schemas %+v, %v", schemas, err)
		}
		p.Sig.Message.Data[3]++
		if v, err := s.VerifyAttestation(nobody, reputation.AttestationUpload{Package: p}); err != nil || v.Valid || len(v.Problems) == 0 {
			t.Errorf("changed, it is %+v, %v", v, err)
		}
	})
}

func TestConformanceAttestationsPageByPage(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ann := keyed(t, 1)
		for i := range 7 {
			if _, err := post(s, ann.attest(t, statement{subject: person(10 + i), level: 1})); err != nil {
				t.Fatal(describe(err))
			}
		}
		if _, err := importText(s, fmt.Sprintf("%s,%s,4\n%s,%s,5\n", ann.wallet(), person(10), ann.wallet(), person(3))); err != nil {
			t.Fatal(err)
		}
		seen := map[wallet.Address]bool{}
		q := reputation.AttestationsQuery{Attester: ann.wallet(), Limit: 3}
		for pages := 0; ; pages++ {
			page, err := s.Attestations(nobody, q)
			if err != nil || pages > 3 {
				t.Fatalf("page %d: %v", pages, err)
			}
			for _, a := range page.Attestations {
				seen[a.Subject] = true
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
		if len(seen) != 7 {
			t.Errorf("%d of 7 attestations listed", len(seen))
		}
		var edges []reputation.Neighbour
		n := reputation.NeighboursQuery{Wallet: ann.wallet(), Direction: reputation.Out, Limit: 2}
		for pages := 0; ; pages++ {
			page, err := s.Neighbours(nobody, n)
			if err != nil || pages > 6 {
				t.Fatalf("page %d: %v", pages, err)
			}
			edges = append(edges, page.Neighbours...)
			if n.Cursor = page.Next; n.Cursor == "" {
				break
			}
		}
		if len(edges) != 9 || edges[7].Source != "trust@1" || edges[7].Wallet != person(3) || edges[8].Weight != 4 {
			t.Errorf("edges %+v", edges)
		}
		for _, bad := range []reputation.AttestationsQuery{{Limit: 201}, {State: "dead"}, {Cursor: "?"}} {
			if _, err := s.Attestations(nobody, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		if _, err := s.Neighbours(nobody, reputation.NeighboursQuery{Wallet: ann.wallet(), Direction: "up"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("direction up: %v", err)
		}
	})
}

// An answer that was lost is sent again under the request's key.
func TestConformanceAnAttestationThatIsSentTwiceIsStoredOnce(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		ctx := seam.WithIdempotencyKey(nobody, "once")
		p := keyed(t, 1).attest(t, statement{subject: person(5), level: 5})
		first, err := s.Attest(ctx, reputation.AttestationUpload{Package: p})
		if err != nil {
			t.Fatal(describe(err))
		}
		again, err := s.Attest(ctx, reputation.AttestationUpload{Package: p})
		if err != nil || again.StoredMS != first.StoredMS || again.UID != first.UID {
			t.Errorf("again: %+v, %s", again, describe(err))
		}
	})
}

// ownedBy is a chain with one smart wallet, which accepts what its owner signs twice.
type ownedBy struct {
	at    wallet.Address
	owner wallet.Address
}

func (c ownedBy) HasCode(_ context.Context, chainID uint64, account wallet.Address, _ []byte) (bool, error) {
	if chainID != 1 {
		return false, signature.ErrNoSuchChain
	}
	return account == c.at, nil
}

func (c ownedBy) Accepts(_ context.Context, _ uint64, _ wallet.Address, digest [32]byte, s []byte) (accepted bool, block uint64, err error) {
	if len(s) != 130 {
		return false, 1, nil
	}
	by, err := signature.Recover(digest, s[:65])
	return err == nil && by == c.owner, 1, nil
}

func TestConformanceASmartWalletIsAskedOfItsChain(t *testing.T) {
	seamtest.Ways(t, reputation.Name, func(t *testing.T, db *database.DB, open seamtest.Open) {
		ann, smart := keyed(t, 1), person(77)
		o := options(db)
		o.Contracts = ownedBy{smart, ann.wallet()}
		s := reputation.NewClient(open(t, reputation.Contract, reputation.Bind(service.New(o))).Route)
		p := ann.attest(t, statement{subject: person(5), level: 5})
		p.Signer, p.Sig.Signature = smart, append(p.Sig.Signature, p.Sig.Signature...)
		stored, err := post(s, p)
		if err != nil || stored.Attester != smart || !stored.Counts || len(stored.Package.Sig.Signature) != 130 {
			t.Fatalf("stored %+v, %s", stored, describe(err))
		}
		r := attestation.Revocation{UID: p.Sig.UID, Attester: smart, Time: attestation.Uint(now.Unix()), ChainID: 1}
		once := ann.sign(t, r.Digest())
		q := reputation.SignedRevocation{Attester: smart, UID: p.Sig.UID, Time: r.Time, ChainID: 1, Signature: once}
		if _, err := s.Revoke(nobody, q); !fault.Is(err, fault.Forbidden) {
			t.Errorf("revoked by one signature: %v", describe(err))
		}
		q.Signature = append(once, once...)
		if got, err := s.Revoke(nobody, q); err != nil || got.State != reputation.Revoked {
			t.Errorf("revoked %+v, %s", got, describe(err))
		}
		if _, err := s.Score(nobody, reputation.ScoreQuery{Wallet: person(5)}); !strings.Contains(describe(err), "does not count any more") {
			t.Errorf("the score of whom somebody had trusted: %s", describe(err))
		}
	})
}
