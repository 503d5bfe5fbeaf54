package airdrop

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/holiman/uint256"

	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// plainClaim is a Claim as encoding/json would write it.
type plainClaim Claim

func TestAClaimIsWrittenAsEncodingJSONWould(t *testing.T) {
	full := Claim{
		Campaign: "abcdefghij", Wallet: wallet.MustParse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), Index: 1<<64 - 1,
		Amount: *uint256.MustFromDecimal("115792089237316195423570985008687907853269984665640564039457584007913129639935"),
		Leaf:   merkle.Hash{1}, Proof: []merkle.Hash{{2}, {3}, {4}}, Root: merkle.Hash{31: 5},
	}
	for i := range 256 { // every byte
		if i%merkle.HashSize == 0 {
			full.Proof = append(full.Proof, merkle.Hash{})
		}
		full.Proof[len(full.Proof)-1][i%merkle.HashSize] = byte(i)
	}
	alone := full
	alone.Proof = []merkle.Hash{}
	strange := full
	strange.Campaign = "<\"\u2028ü\x00>"
	for name, c := range map[string]Claim{"full": full, "one wallet": alone, "zero": {}, "a strange id": strange} {
		plain := plainClaim(c)
		want, err := json.Marshal(&plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(c) // by value, as the seam does
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		var back Claim
		if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, c) && name != "a strange id" {
			t.Errorf("%s: read back as %+v, %v", name, back, err)
		}
	}
}

// The golden text is what clients in other languages parse.
func TestTheJSONOfTheContract(t *testing.T) {
	root := merkle.Hash{0xab}
	for _, c := range []struct {
		value any
		want  string
	}{
		{
			Campaign{
				ID: "abcdefghij", Name: "One", Format: merkle.OZ, Symbol: "BAN", Decimals: 18, State: Built, Count: 2,
				Total: *uint256.MustFromDecimal("20000000000000000000"), Root: &root, CreatedMS: 1, BuiltMS: 2,
			},
			`{"id":"abcdefghij","name":"One","description":"","format":"oz","symbol":"BAN","decimals":18,"state":"built","count":2,` +
				`"total":"20000000000000000000","root":"0xab00000000000000000000000000000000000000000000000000000000000000","created_ms":1,"built_ms":2}`,
		},
		{
			CampaignPage{Campaigns: []Campaign{{ID: "x", State: Draft}}, Next: "c"},
			`{"campaigns":[{"id":"x","name":"","description":"","format":"","symbol":"","decimals":0,"state":"draft","count":0,` +
				`"total":"0","created_ms":0}],"next":"c"}`,
		},
		{
			Claim{Campaign: "abcdefghij", Index: 3, Amount: *uint256.NewInt(7), Proof: []merkle.Hash{{1}}},
			`{"campaign":"abcdefghij","wallet":"0x0000000000000000000000000000000000000000","index":3,"amount":"7",` +
				`"leaf":"0x0000000000000000000000000000000000000000000000000000000000000000",` +
				`"proof":["0x0100000000000000000000000000000000000000000000000000000000000000"],` +
				`"root":"0x0000000000000000000000000000000000000000000000000000000000000000"}`,
		},
		{Verdict{Line: 1, Address: "0x", Status: Invalid, Reason: "short"}, `{"line":1,"address":"0x","status":"invalid","reason":"short"}`},
	} {
		got, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}
