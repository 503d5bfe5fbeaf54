package service

import (
	"strings"
	"testing"

	"banyan/modules/airdrop/list"
	"banyan/platform/appendjson"
	"banyan/platform/wallet"
)

// Whatever a line contained, its finding is decoded as it was encoded, and the
// next one starts where it ends.
func FuzzFindings(f *testing.F) {
	f.Add(1, 7, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "")
	f.Add(3, 1<<30, "0xZZ", "is not an address")
	f.Add(1<<20, 0, "0X5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", "")
	f.Fuzz(func(t *testing.T, line, at int, address, reason string) {
		if line < 0 || at < 0 || line > 1<<40 {
			return // list counts lines and rows from zero
		}
		who, err := wallet.Parse(address)
		outcomes := []byte{notAWallet}
		if err == nil {
			outcomes = []byte{notAWallet, onList, notOnList, otherAmount}
		}
		var packed findings
		for i, outcome := range outcomes {
			q := &list.Question{Line: line * (i + 1), Address: []byte(address), Wallet: who}
			packed = packed.add(finding{line: q.Line, outcome: outcome, at: at, reason: []byte(reason)}, q, line*i)
		}
		for i, outcome := range outcomes {
			var got finding
			got, packed = packed.next(line * i)
			want := string(appendjson.Text(nil, address))
			if got.line != line*(i+1) || got.outcome != outcome || string(got.appendAddress(nil)) != want {
				t.Errorf("finding %d of %q came back as %+v with the address %s", i, address, got, got.appendAddress(nil))
			}
			if outcome == notAWallet && string(got.reason) != reason {
				t.Errorf("the reason %q came back as %q", reason, got.reason)
			}
			if (outcome == onList || outcome == otherAmount) && got.at != at {
				t.Errorf("position %d came back as %d", at, got.at)
			}
		}
		if len(packed) != 0 {
			t.Errorf("%d bytes are left", len(packed))
		}
	})
}

func TestOrdinaryAddressesAreEncodedCompactly(t *testing.T) {
	for address, want := range map[string]int{
		strings.ToLower("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"): 23,
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":                  28,
	} {
		q := &list.Question{Line: 1, Address: []byte(address), Wallet: wallet.MustParse(address)}
		if packed := (findings{}).add(finding{line: 1, outcome: onList, at: 5}, q, 0); len(packed) != want {
			t.Errorf("%s takes %d bytes, want %d", address, len(packed), want)
		}
	}
}
