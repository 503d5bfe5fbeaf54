package service_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/exchangereview"
	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/signature"
)

// signEAS signs what a wallet is shown of an attestation.
func (a *writer) signEAS(t testing.TB, p exchangereview.PreparedEAS) attestation.Package {
	t.Helper()
	text, err := json.Marshal(p.TypedData)
	if err != nil {
		t.Fatal(err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(text, &typed); err != nil {
		t.Fatal(err)
	}
	hash, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		t.Fatal(err)
	}
	made, err := crypto.Sign(hash, a.key)
	if err != nil {
		t.Fatal(err)
	}
	made[64] += 27
	p.Attestation.Sig.Signature = made
	return p.Attestation
}

// attested signs the live review of a writer as an attestation, and keeps it.
func (w *fixture) attested(t testing.TB, a *writer, slug string) attestation.Package {
	t.Helper()
	prepared := must(w.PrepareEAS(anybody, exchangereview.EASDraft{Slug: slug, Wallet: a.wallet, ChainID: 10}))(t)
	return must(w.PublishEAS(anybody, exchangereview.EASUpload{Slug: slug, Wallet: a.wallet, Attestation: a.signEAS(t, prepared)}))(t)
}

func (w *fixture) eas(slug string, a *writer) (attestation.Package, error) {
	return w.ReviewEAS(anybody, exchangereview.EASQuery{Slug: slug, Wallet: a.wallet})
}

// An attestation is checked by what it has alone: as the EAS SDK does, then the review in
// it.
func TestAReviewAsAnAttestation(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		refused(w.PrepareEAS(anybody, exchangereview.EASDraft{Slug: "kraken", Wallet: a.wallet}))(t, fault.NotFound, "no review")
		review := w.publish(t, a, "kraken", 4)
		refused(w.eas("kraken", a))(t, fault.NotFound, "has not signed")
		w.attested(t, a, "kraken")

		text, err := json.Marshal(must(w.eas("kraken", a))(t))
		if err != nil {
			t.Fatal(err)
		}
		// The SDK's own vector has numbers, and no list of the domain's fields.
		asVector := strings.NewReplacer(`"chainId":"10"`, `"chainId":10`, `"expirationTime":"0"`, `"expirationTime":0`).Replace(string(text))
		for _, form := range []string{string(text), asVector} {
			p, err := attestation.Parse([]byte(form))
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Sig.Check(); err != nil {
				t.Fatal(err)
			}
			if by, err := signature.Recover(p.Sig.Digest(), p.Sig.Signature); err != nil || by != a.wallet || p.Signer != a.wallet {
				t.Errorf("signed by %s (%v), signer %s", by, err, p.Signer)
			}
			if p.Sig.Domain != attestation.DomainOf(10) || p.Sig.Message.Schema.Hash() != exchangereview.ReviewSchemaUID() || !p.Sig.Message.Revocable {
				t.Errorf("got %+v", p.Sig)
			}
			checkEASData(t, p.Sig.Message.Data, &review)
		}
		page := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t)
		if got := page.Reviews[0].EASMS; got != w.clock.Now().UnixMilli()/1000*1000 {
			t.Errorf("the review says that it is attested at %d", got)
		}
	})
}

// checkEASData reads the data as any program with the schema does.
func checkEASData(t *testing.T, data []byte, want *exchangereview.Review) {
	t.Helper()
	var list abi.Arguments
	for _, member := range strings.Split(exchangereview.ReviewSchema, ",") {
		kind, name, _ := strings.Cut(member, " ")
		made, err := abi.NewType(kind, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, abi.Argument{Name: name, Type: made})
	}
	is := map[string]any{}
	if err := list.UnpackIntoMap(is, data); err != nil {
		t.Fatal(err)
	}
	r := exchangereview.SignedReview{
		Slug: is["exchange"].(string), Wallet: want.Wallet, Overall: int(is["overall"].(uint8)), Text: is["text"].(string), CreatedMS: int64(is["createdAt"].(uint64)),
		Aspects: exchangereview.Aspects[int]{
			Withdrawals: int(is["withdrawals"].(uint8)), Support: int(is["support"].(uint8)), Fees: int(is["fees"].(uint8)),
			Execution: int(is["execution"].(uint8)), Security: int(is["security"].(uint8)), Ease: int(is["ease"].(uint8)),
		},
		Previous: is["previous"].([32]byte),
	}
	digest := exchangereview.NewDigester(is["site"].(string)).Hash(&r)
	by, err := signature.Recover(digest, is["reviewSignature"].([]byte))
	if err != nil || by != want.Wallet || digest != want.Hash {
		t.Errorf("the review in it, %+v, is signed by %s (%v)", r, by, err)
	}
}

func TestAnAttestationIsOfTheReviewThatIsShown(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, other := numbered(t, 1), numbered(t, 2)
		w.publish(t, a, "kraken", 4)
		w.publish(t, a, "okx", 4)
		prepared := must(w.PrepareEAS(anybody, exchangereview.EASDraft{Slug: "kraken", Wallet: a.wallet}))(t)
		publish := func(slug string, by *writer, p attestation.Package) (attestation.Package, error) {
			return w.PublishEAS(anybody, exchangereview.EASUpload{Slug: slug, Wallet: by.wallet, Attestation: p})
		}
		good := a.signEAS(t, prepared)
		refused(publish("kraken", a, prepared.Attestation))(t, fault.Invalid, "signature: is missing")
		refused(publish("kraken", a, other.signEAS(t, prepared)))(t, fault.Forbidden, "signed by "+other.wallet.String())
		refused(publish("okx", a, good))(t, fault.Conflict, "not of the review as it is now")
		refused(publish("kraken", other, good))(t, fault.NotFound, "no review")
		changed := good
		changed.Sig.Message.Data = append([]byte{}, changed.Sig.Message.Data...)
		changed.Sig.Message.Data[2*32+31] ^= 1 // overall
		refused(publish("kraken", a, changed))(t, fault.Invalid, "uid: is not the UID")
		for field, change := range map[string]func(*attestation.Message){
			"message.recipient":      func(m *attestation.Message) { m.Recipient = other.wallet },
			"message.refUID":         func(m *attestation.Message) { m.RefUID = attestation.Hash{1} },
			"message.expirationTime": func(m *attestation.Message) { m.ExpirationTime = m.Time + 1 },
			"message.revocable":      func(m *attestation.Message) { m.Revocable = false },
			"message.time":           func(m *attestation.Message) { m.Time *= 1000 },
			"message.schema":         func(m *attestation.Message) { m.Schema = attestation.SchemaID("0x" + strings.Repeat("12", 32)) },
			"version":                func(m *attestation.Message) { m.Version, m.Salt = attestation.Version1, nil },
		} {
			m := good.Sig.Message
			change(&m)
			made := attestation.New(good.Sig.Domain, m)
			refused(publish("kraken", a, a.signEAS(t, exchangereview.PreparedEAS{TypedData: made.Document(), Attestation: attestation.Package{Sig: made, Signer: a.wallet}})))(t, fault.Invalid, field)
		}
		must(publish("kraken", a, good))(t)
		must(publish("kraken", a, good))(t) // once more is the same

		w.clock.Pass(time.Minute)
		w.publish(t, a, "kraken", 5)
		refused(w.eas("kraken", a))(t, fault.NotFound, "has not signed")
		refused(publish("kraken", a, good))(t, fault.Conflict, "edited meanwhile")
		w.attested(t, a, "kraken")
		decide := func(action string) {
			t.Helper()
			must(w.Moderate(as(identity.Moderator), exchangereview.Decision{Slug: "kraken", Wallet: a.wallet, Action: action, Reason: "A reason."}))(t)
		}
		decide(exchangereview.ActionRemove)
		refused(w.eas("kraken", a))(t, fault.NotFound, "no review")
		decide(exchangereview.ActionRestore)
		must(w.eas("kraken", a))(t)
		w.withdraw(t, a, "kraken")
		refused(w.eas("kraken", a))(t, fault.NotFound, "no review")
		var left int
		if err := w.db.Read().Get(t.Context(), &left, `SELECT COUNT(*) FROM review_eas`); err != nil || left != 0 {
			t.Errorf("%d attestations of a review that was taken back are left (%v)", left, err)
		}
		refused(w.PrepareEAS(anybody, exchangereview.EASDraft{Slug: "okx", Wallet: a.wallet, ChainID: 1 << 60}))(t, fault.Invalid, "chain_id")
	})
}

// An attestation has all that a review is, so another installation of the site takes it as
// one; the longest has room.
func TestAnAttestationIsImportedAsTheReviewThatItHas(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		draft := a.draft("kraken", 2)
		draft.Text = strings.Repeat("𝔅", exchangereview.MaxText)
		review := must(w.PublishReview(anybody, a.sign(t, must(w.PrepareReview(anybody, draft))(t).Review)))(t)
		w.attested(t, a, "kraken")
		text, err := json.Marshal(must(w.eas("kraken", a))(t))
		if err != nil {
			t.Fatal(err)
		}
		line := string(text) + "\n"

		other := w.installedAgain(t)
		if got := other.imported(t, line); got.Stored != 1 || got.Refused != 0 {
			t.Fatalf("imported: %+v", got)
		}
		if got := other.imported(t, line); got.Known != 1 || got.Stored+got.Refused != 0 {
			t.Errorf("once more: %+v", got)
		}
		if again, err := json.Marshal(must(other.eas("kraken", a))(t)); err != nil || string(again) != string(text) {
			t.Errorf("what was imported is\n%s\nand was\n%s (%v)", again, text, err)
		}
		if got := must(other.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t); got.Versions[0].Hash != review.Hash || got.Versions[0].Text != draft.Text {
			t.Errorf("imported %+v", got.Versions[0])
		}

		refusedLine := func(line, says string) {
			t.Helper()
			got := other.imported(t, line)
			if got.Refused != 1 || got.Stored != 0 || !strings.Contains(got.Reasons[0].Message, says) {
				t.Errorf("imported %+v, want refused: %s", got, says)
			}
		}
		refusedLine(strings.Replace(line, `"r":"0x`, `"r":"0x00`, 1), "the signature must have r and s")
		refusedLine(strings.Replace(line, `"signer":"`+a.wallet.String(), `"signer":"`+numbered(t, 2).wallet.String(), 1), "signed by "+a.wallet.String())
		refusedLine(`{"sig": {}}`, "signer")

		// What its wallet has signed as an attestation alone is no review of this site.
		forged := must(w.eas("kraken", a))(t)
		m := forged.Sig.Message
		m.Data = append([]byte{}, m.Data...)
		m.Data[2*32+31] = 5 // overall
		made := attestation.New(forged.Sig.Domain, m)
		forgedText, err := json.Marshal(a.signEAS(t, exchangereview.PreparedEAS{TypedData: made.Document(), Attestation: attestation.Package{Sig: made, Signer: a.wallet}}))
		if err != nil {
			t.Fatal(err)
		}
		refusedLine(string(forgedText), "this review was signed by")
		other.options.Site = "other.example"
		other.restart(t)
		refusedLine(line, "signed for "+site)
	})
}

// The UID is the name of the schema for other programs: it never changes.
func TestTheSchemaOfReviewsStaysTheSame(t *testing.T) {
	const want = "0x989df5d7318fdc2528eab277cb1f819cd8815920fba73505292b29329b44df9d"
	packed := append([]byte(exchangereview.ReviewSchema), make([]byte, 20)...)
	if got := exchangereview.ReviewSchemaUID(); got != attestation.Hash(crypto.Keccak256(append(packed, 1))) || got.String() != want {
		t.Errorf("got %s", got)
	}
}
