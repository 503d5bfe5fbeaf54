package web

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
)

// The charts say in words what they draw, and stay inside of their frames.
func TestChartsOfClaims(t *testing.T) {
	day := func(n int64, amount uint64) airdrop.ClaimDay {
		return airdrop.ClaimDay{DayMS: n * dayMS, Rows: 1, Amount: *uint256.NewInt(amount)}
	}
	p := &payment{Share: 0.75}
	p.Promised = *uint256.NewInt(1000)
	if p.ClaimsChart() != "" || p.VestingChart() != "" {
		t.Error("a chart of nothing is drawn")
	}
	p.Days, p.Claimed, p.ClaimedRows = []airdrop.ClaimDay{day(20_000, 100), day(20_002, 400)}, *uint256.NewInt(750), 9
	// 250 were claimed before the days that are kept: the line begins at a quarter.
	got := string(p.ClaimsChart())
	for _, want := range []string{`aria-label="Claimed over time: from 4 October 2024 to 7 October 2024, 75.0 % of the total, by 9 claims."`, `points="0.0,120.0 0.0,120.0 200.0,104.0 400.0,104.0 600.0,40.0 600.0,40.0"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the chart is %s, without %s", got, want)
		}
	}
	p.Vesting = &airdrop.Vesting{StartMS: 20_000 * dayMS, CliffMS: 25 * dayMS, DurationMS: 100 * dayMS}
	p.ReadToMS = 20_050 * dayMS
	got = string(p.VestingChart())
	for _, want := range []string{"nothing until 29 October 2024, 25 % then, all on 12 January 2025; 50.0 % now.", `points="0,160 150.0,160 150.0,120.0 600,0"`, `points="300.0,0 300.0,160"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the chart is %s, without %s", got, want)
		}
	}
	if span(3*dayMS) != "3 days" || span(7_200_000) != "2 hours" || span(1000) != "1 second" {
		t.Errorf("spans are %s, %s, %s", span(3*dayMS), span(7_200_000), span(1000))
	}
}
