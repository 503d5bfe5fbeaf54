package attestation_test

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"pgregory.net/rapid"

	"banyan/platform/attestation"
	"banyan/platform/fault"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

// TestTheVectorOfVersion2 compares UID and digest with those that ethers made.
func TestTheVectorOfVersion2(t *testing.T) {
	text := testneeds.ReadData(t, "eas/eas_offchain_v2_vector.json")
	var want struct{ Digest, UID, Signer string }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	p, err := attestation.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Sig.Check(); err != nil {
		t.Fatal(describe(err))
	}
	if got := p.Sig.Digest().String(); got != want.Digest {
		t.Errorf("digest %s, want %s", got, want.Digest)
	}
	if p.Sig.UID.String() != want.UID || p.Signer.String() != want.Signer || len(p.Sig.Signature) != 65 {
		t.Errorf("read %+v", p)
	}
}

func describe(err error) string {
	f := fault.From(err)
	if f == nil {
		return "no error"
	}
	text := f.Message
	for _, field := range f.Fields {
		text += "; " + field.String()
	}
	return text
}

var (
	subject = wallet.MustParse("0x52908400098527886E0F7030069857D2E4169EE7")
	salt    = attestation.Hash{7}
)

func trustMessage(level int, context string) attestation.Message {
	schema, _ := attestation.SchemaOf(attestation.Trust)
	return attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(schema.UID().String()), Recipient: subject, Time: 1_700_000_000,
		ExpirationTime: 1_800_000_000, Revocable: true, Data: attestation.Statement{Kind: attestation.Trust, Subject: subject, Level: level, Context: context}.Encode(), Salt: &salt,
	}
}

// TestDigestsAreThoseOfWallets compares both versions, and revocations, with the
// digest that go-ethereum makes of the document for eth_signTypedData_v4.
func TestDigestsAreThoseOfWallets(t *testing.T) {
	second := trustMessage(-7, "escrow")
	first := second
	first.Version, first.Salt = attestation.Version1, nil
	for _, m := range []attestation.Message{first, second} {
		s := attestation.New(attestation.DomainOf(10), m)
		if got, want := s.Digest().String(), walletDigest(t, s.Document()); got != want {
			t.Errorf("version %d: digest %s, a wallet signs %s", m.Version, got, want)
		}
	}
	r := attestation.Revocation{UID: attestation.Hash{1, 2}, Attester: subject, Time: 1_700_000_000, ChainID: 8453}
	if got, want := r.Digest().String(), walletDigest(t, r.Document()); got != want {
		t.Errorf("revocation: digest %s, a wallet signs %s", got, want)
	}
}

func walletDigest(t *testing.T, document any) string {
	t.Helper()
	text, err := json.Marshal(document)
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
	return "0x" + hex.EncodeToString(hash)
}

// The UID of version 1 is packed like that of version 2, without the salt.
func TestTheUIDOfVersion1(t *testing.T) {
	m := trustMessage(3, "")
	m.Version, m.Salt, m.RefUID = attestation.Version1, nil, attestation.Hash{9}
	packed := []byte{0, 1}
	packed = append(packed, m.Schema...)
	packed = append(packed, subject[:]...)
	packed = append(packed, make([]byte, 20)...)
	packed = append(packed, big.NewInt(int64(m.Time)).FillBytes(make([]byte, 8))...)
	packed = append(packed, big.NewInt(int64(m.ExpirationTime)).FillBytes(make([]byte, 8))...)
	packed = append(packed, 1)
	packed = append(packed, m.RefUID[:]...)
	packed = append(packed, m.Data...)
	packed = append(packed, 0, 0, 0, 0)
	if got := attestation.New(attestation.DomainOf(1), m).UID; got != attestation.Hash(crypto.Keccak256(packed)) {
		t.Errorf("UID %s", got)
	}
}

// TestJSONComesBack: what is written is read again, and in the forms of others.
func TestJSONComesBack(t *testing.T) {
	p := attestation.Package{Sig: attestation.New(attestation.DomainOf(1), trustMessage(5, "audit")), Signer: subject}
	p.Sig.Signature = append(make(attestation.Signature, 64), 28)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var alone struct{ Sig json.RawMessage }
	if err := json.Unmarshal(text, &alone); err != nil {
		t.Fatal(err)
	}
	numbers := strings.NewReplacer(`"chainId":"1"`, `"chainId":1`, `"time":"1700000000"`, `"time":1700000000`).Replace(string(text))
	inMessage := strings.Replace(string(text), `"sig":{"version":2,`, `"sig":{`, 1)
	more := strings.Replace(string(text), `"message":{`, `"message":{"nonce":"0","attester":"0x00",`, 1)
	asHex := strings.Replace(string(text), `"signature":{"r":"0x`+strings.Repeat("0", 64)+`","s":"0x`+strings.Repeat("0", 64)+`","v":28}`,
		`"signature":"0x`+strings.Repeat("0", 128)+`1c"`, 1)
	for name, form := range map[string]string{
		"as written": string(text), "sig alone": string(alone.Sig), "numbers": numbers, "version in the message": inMessage, "further fields": more, "hex signature": asHex,
	} {
		back, err := attestation.Parse([]byte(form))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "sig alone" {
			back.Signer = subject
		}
		again, _ := json.Marshal(back)
		if string(again) != string(text) {
			t.Errorf("%s reads as %s, want %s", name, again, text)
		}
		if err := back.Sig.Check(); err != nil {
			t.Errorf("%s: %s", name, describe(err))
		}
	}
}

func TestWhatIsNoAttestationIsRefusedByItsField(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*attestation.Signed)
		field  string
	}{
		"another UID":       {func(s *attestation.Signed) { s.UID[0]++ }, "uid"},
		"changed data":      {func(s *attestation.Signed) { s.Message.Data[63]++ }, "uid"},
		"legacy":            {func(s *attestation.Signed) { s.Version, s.Message.Version = 0, 0 }, "legacy"},
		"version 3":         {func(s *attestation.Signed) { s.Version, s.Message.Version = 3, 3 }, "version"},
		"two versions":      {func(s *attestation.Signed) { s.Message.Version = 1 }, "message.version"},
		"no salt":           {func(s *attestation.Signed) { s.Message.Salt = nil }, "message.salt"},
		"other types":       {func(s *attestation.Signed) { s.Types["Attest"][2].Type = "bytes20" }, "types"},
		"more types":        {func(s *attestation.Signed) { s.Types["More"] = nil }, "types"},
		"no types":          {func(s *attestation.Signed) { s.Types = nil }, "types"},
		"another primary":   {func(s *attestation.Signed) { s.PrimaryType = "Attestation" }, "primaryType"},
		"another name":      {func(s *attestation.Signed) { s.Domain.Name = "EAS" }, "domain.name"},
		"no domain version": {func(s *attestation.Signed) { s.Domain.Version = "" }, "domain.version"},
		"no chain":          {func(s *attestation.Signed) { s.Domain.ChainID = 0 }, "domain.chainId"},
		"a short schema":    {func(s *attestation.Signed) { s.Message.Schema = "0x12" }, "message.schema"},
		"much data":         {func(s *attestation.Signed) { s.Message.Data = make([]byte, attestation.MaxData+1) }, "message.data"},
		"born expired":      {func(s *attestation.Signed) { s.Message.ExpirationTime = s.Message.Time }, "message.expirationTime"},
		"no signature":      {func(s *attestation.Signed) { s.Signature = nil }, "signature"},
	} {
		s := attestation.New(attestation.DomainOf(1), trustMessage(5, ""))
		s.Signature = make([]byte, 65)
		if err := s.Check(); err != nil {
			t.Fatal(describe(err))
		}
		c.change(&s)
		if err := s.Check(); !fault.Is(err, fault.Invalid) || !strings.Contains(describe(err), c.field) {
			t.Errorf("%s: %s, want %s", name, describe(err), c.field)
		}
	}
}

func TestStatementsComeBackFromTheirData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := attestation.Statement{Kind: rapid.SampledFrom([]string{attestation.Trust, attestation.Vouch, attestation.Report}).Draw(t, "kind"), Subject: subject}
		text := strings.TrimSpace(rapid.StringOfN(rapid.RuneFrom([]rune("aé漢 .z")), 0, 64, -1).Draw(t, "text"))
		if want.Kind == attestation.Trust {
			want.Level, want.Context = rapid.IntRange(-10, 10).Draw(t, "level"), text
		} else {
			want.Note = text
		}
		schema, _ := attestation.SchemaOf(want.Kind)
		got, err := schema.Decode(want.Encode())
		if err != nil || got != want {
			t.Errorf("%+v comes back as %+v, %v", want, got, err)
		}
	})
}

func TestDataOfOtherTypesIsRefused(t *testing.T) {
	schema, _ := attestation.SchemaOf(attestation.Trust)
	good := attestation.Statement{Kind: attestation.Trust, Subject: subject, Level: -3, Context: "x"}.Encode()
	for name, change := range map[string]func([]byte) []byte{
		"nothing":           func([]byte) []byte { return nil },
		"cut":               func(b []byte) []byte { return b[:100] },
		"more":              func(b []byte) []byte { return append(b, make([]byte, 32)...) },
		"a bytes32 subject": func(b []byte) []byte { b[0] = 0x22; return b },
		"level 128":         func(b []byte) []byte { copy(b[32:64], append(make([]byte, 31), 128)); return b },
		"level 11":          func(b []byte) []byte { copy(b[32:64], append(make([]byte, 31), 11)); return b },
		"level -11":         func(b []byte) []byte { b[63] = 0xf5; return b },
		"level half":        func(b []byte) []byte { b[32] = 0; return b },
		"a far offset":      func(b []byte) []byte { b[95] = 0xff; return b },
		"a huge offset":     func(b []byte) []byte { b[64] = 0xff; return b },
		"a huge length":     func(b []byte) []byte { b[100] = 0xff; return b },
		"dirty padding":     func(b []byte) []byte { b[len(b)-1] = 1; return b },
		"not UTF-8":         func(b []byte) []byte { b[128] = 0xff; return b },
		"a control":         func(b []byte) []byte { b[128] = 7; return b },
		"a space":           func(b []byte) []byte { b[128] = ' '; return b },
		"nobody":            func(b []byte) []byte { copy(b[:32], make([]byte, 32)); return b },
	} {
		if got, err := schema.Decode(change(append([]byte{}, good...))); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s reads as %+v, %v", name, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	p := attestation.Package{Sig: attestation.New(attestation.DomainOf(1), trustMessage(5, "audit")), Signer: subject}
	p.Sig.Signature = make(attestation.Signature, 65)
	text, _ := json.Marshal(p)
	f.Add(text)
	f.Add([]byte(`{"sig":{"signature":"0x"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := attestation.Parse(text)
		if err != nil || p.Sig.Check() != nil {
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := attestation.Parse(again)
		if err != nil || back.Sig.Digest() != p.Sig.Digest() || back.Sig.UID != p.Sig.UID {
			t.Errorf("%s comes back as %s, %v", text, again, err)
		}
	})
}
