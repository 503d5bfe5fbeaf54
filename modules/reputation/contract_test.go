package reputation_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/events"
	"banyan/platform/seam"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
	"banyan/platform/wallet"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles compares what processes send each other with the files of
// the contract's version; see package contracttest for what to do when it
// fails.
func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, reputation.Contract, contracttest.Options{
		Dir: "testdata/contract", Update: *update,
		Known: append(signedForms(), events.Event{Topic: reputation.ActivityTopic.Name(), Payload: json.RawMessage(`{"wallet":"0x52908400098527886E0F7030069857D2E4169EE7"}`)}),
		Also:  map[string]any{"activity.event": reputation.Activity{}, "scoreStream.line": reputation.Standing{}, "epochScores.line": "0x52908400098527886E0F7030069857D2E4169EE7,612,41,0.870000,0.612000", "exportAttestations.line": attestation.Package{}},
	})
}

// TestAccessOfEveryOperation tries each as every kind of caller.
func TestAccessOfEveryOperation(t *testing.T) {
	accesstest.Check(t, reputation.Contract, func(r *seam.Route) any { return reputation.NewClient(r) })
}

// signedForms are examples of what examples cannot be made up for.
func signedForms() []any {
	wallets := [2]wallet.Address{wallet.MustParse("0x52908400098527886E0F7030069857D2E4169EE7"), wallet.MustParse("0x8617E340B3D01FA5F11F306F4090FD50E238070D")}
	schema, _ := attestation.SchemaOf(attestation.Trust)
	signed := attestation.New(attestation.DomainOf(1), attestation.Message{
		Version: attestation.Version2, Schema: attestation.SchemaID(schema.UID().String()), Recipient: wallets[1], Time: 1_700_000_000, Revocable: true,
		Data: attestation.Statement{Kind: attestation.Trust, Subject: wallets[1], Level: 7, Context: "escrow"}.Encode(), Salt: &attestation.Hash{1},
	})
	signed.Signature = append(bytes.Repeat([]byte{0x11}, 64), 27)
	p := attestation.Package{Sig: signed, Signer: wallets[0]}
	return []any{
		p,
		reputation.AttestationUpload{Package: p},
		signed.Document(), signed.Signature,
		attestation.Bytes{1, 2},
		attestation.SchemaID(schema.UID().String()),
		attestation.Hash{2},
		attestation.Uint(1_700_000_000), signed.Types,
		reputation.StatementDraft{Attester: wallets[0], Subject: wallets[1], Kind: "trust", Level: 7, Context: "escrow", ChainID: 10, Expires: 1_800_000_000},
		reputation.AttestationsQuery{Attester: wallets[0], Subject: wallets[1], State: "live", Limit: 20},
		reputation.NeighboursQuery{Wallet: wallets[0], Direction: "out", Limit: 20},
		reputation.SchemaDraft{Name: "Met in person", Definition: "bool met", UID: attestation.SchemaUID("bool met", wallets[1], true), Resolver: wallets[1], Revocable: true},
		reputation.SeedSetDraft{Name: "founders", Reason: "they began it", Version: 1, Seeds: []reputation.Seed{{Wallet: wallets[0], Weight: 2, Reason: "founder"}}},
		reputation.SeedSetRemoval{Name: "founders", Reason: "they left"},
		reputation.TrustUpload{Import: "otc", Replace: true, Hold: true, Body: strings.NewReader("source,target,weight\n")},
		reputation.ImportChangesQuery{Import: "otc", Version: 2},
		reputation.ImportAction{Import: "otc", Version: 2},
		reputation.ImportRemoval{Import: "otc"},
		reputation.ImportWorkQuery{Import: "otc"},
		reputation.ScheduleDraft{Seconds: new(int64(3600))},
	}
}
