package webtest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// SampleMS is the sample's "now": 1 March 2026, noon.
const SampleMS = 1772366400000

// SampleWallet is the n-th wallet of the sample, best ranked first.
func SampleWallet(n int) wallet.Address {
	return wallet.Address(crypto.Keccak256([]byte(fmt.Sprintf("sample wallet %d", n)))[12:])
}

// sampleRanked is how many wallets of the sample have a score.
const sampleRanked = 40

func sampleReputation() *Reputation {
	m := &Reputation{Epoch: reputation.Epoch{
		Number: 12, TimeMS: SampleMS - 3600_000, Wallets: sampleRanked, Edges: 1864, Seeds: 3, Iterations: 31, Alpha: 0.15, Epsilon: 1e-10, Method: "banyan", Ranked: sampleRanked, Kept: true,
		Parameters: reputation.Parameters{Method: "banyan", Alpha: 0.15, HalfLife: "off"}, Statistics: reputation.Statistics{Distribution: []int{3, 9, 16, 12}},
	}}
	var whole float64
	for i := range sampleRanked {
		whole += 1 / math.Pow(float64(i+1), 0.8)
	}
	for i := range sampleRanked {
		score := 0.97 - float64(i)/sampleRanked*0.9
		s := reputation.Score{Standing: reputation.Standing{
			Wallet: SampleWallet(i), Standing: reputation.Trusted, Score: int(score * reputation.MaxScore), WeightPPM: int(score * reputation.MaxWeight),
			Value: score, Share: 1 / math.Pow(float64(i+1), 0.8) / whole, Rank: i + 1, Percentile: float64(sampleRanked-i) / sampleRanked,
		}, Epoch: 12, TimeMS: m.Epoch.TimeMS}
		a, b := SampleWallet(i+7), SampleWallet(i+12)
		s.Components = []reputation.Component{
			{Kind: reputation.FromTrust, From: &a, Weight: 8, TimeMS: SampleMS - 40*86400_000, Share: score * 0.57},
			{Kind: reputation.FromSeed, Share: score * 0.42},
			{Kind: reputation.FromDistrust, From: &b, Weight: -3, Share: score * -0.1},
			{Kind: reputation.FromOthers, Count: 17, Share: score * 0.11},
		}
		s.Activity = []reputation.ActivityCount{{Kind: "review.published", Count: int64(i%4 + 1), LastMS: SampleMS - 86400_000}}
		if i == 3 {
			s.Provisional = &reputation.Provisional{Standing: reputation.Trusted, Score: s.Standing.Score + 8, WeightPPM: s.WeightPPM + 8000, TimeMS: SampleMS}
		}
		m.Ranked = append(m.Ranked, s)
	}
	m.sampleEvidence()
	m.Entries = sampleHistory()
	m.Plan = reputation.Schedule{Seconds: 3600, NextMS: SampleMS + 3600_000, Setting: true}
	return m
}

var sampleNames = []string{
	"Meridian", "Kestrel Exchange", "Northlight", "Saltmarsh Swap", "Harbour & Quay", "Tidewater", "Lanternfish DEX", "Oakbridge",
	"Fernway", "Quillmarket", "Basalt", "Cinder Swap", "Windrose", "Larkspur", "Ironwood", "Marlin", "Pebble Pool", "Sundial",
	"Thistle", "Umber", "Vireo", "Willowbank", "Yarrow Swap", "Zephyr", "Ashlar", "Brindle", "Coppice", "Dovetail",
}

var sampleTexts = []string{
	"Withdrawals arrive within minutes, also on the busy days in January. Support answered a question about a stuck deposit in under an hour and explained what had happened.",
	"Solid. Fees are what the table says.\n\nThe only thing I miss is a way to export trades by tax year.",
	"Spreads widen a lot at night, and the app logs me out twice a day. My funds were never in doubt, though.",
	"",
	"Two of my withdrawals were held for four days “for review” without a word. They came in the end, but I would not keep more there than I can spare for a week.",
	"I have used it daily for three years: quick, dull, dependable. That is what I want.",
}

func sampleExchanges() *Exchanges {
	m := &Exchanges{Weights: map[wallet.Address]float64{}, NowMS: func() int64 { return SampleMS }}
	for i, name := range sampleNames {
		e := exchangereview.Exchange{
			Slug: strings.NewReplacer(" ", "-", "&", "and").Replace(strings.ToLower(name)), Name: name, Kind: exchangereview.Centralised,
			Website: "https://www.example.com/" + strings.ToLower(name[:3]), Year: 2012 + i%11, Countries: []string{"MT", "SG", "US"}[i%3 : i%3+1],
		}
		maker, taker := 0.0008+float64(i%5)*0.0004, 0.001+float64(i%7)*0.0005
		e.MakerFee, e.TakerFee = &maker, &taker
		if i%3 == 0 {
			e.Kind, e.Countries, e.Chains = exchangereview.Decentralised, nil, []string{"ethereum", "arbitrum", "base", "polygon", "bnb-chain"}[:1+i%5]
		}
		e.Claimed = e.Slug == sampleClaimed
		m.Listed = append(m.Listed, e)
		for j := range (i * 5) % 14 {
			overall := 5 - (i/4+j*j)%5
			writer := SampleWallet((i*3 + j*5) % (sampleRanked + 5))
			weight := max(0.05, 1-float64((i*3+j*5)%(sampleRanked+5))/(sampleRanked+5))
			m.Written = append(m.Written, exchangereview.Review{
				Exchange: e.Slug, Wallet: writer, Overall: overall,
				Aspects: exchangereview.Aspects[int]{
					Withdrawals: overall, Support: 1 + (overall+j)%5, Fees: 1 + (i+j)%5, Execution: min(5, overall+1), Security: max(2, overall), Ease: 4,
				},
				Text: sampleTexts[(i+j)%len(sampleTexts)], CreatedMS: SampleMS - int64(j)*5*86400_000 - int64(i)*3600_000, Version: 1 + j%7/6,
				Hash: exchangereview.Hash(crypto.Keccak256([]byte(name), []byte{byte(j)})), Weight: weight,
			})
		}
	}
	m.claimSample()
	return m
}

func sampleAirdrop(t testing.TB, reader wallet.Address) *Airdrop {
	t.Helper()
	m := &Airdrop{NowMS: func() int64 { return SampleMS }}
	must := func(c airdrop.Campaign, err error) airdrop.Campaign {
		if err != nil {
			t.Fatalf("make the sample campaigns: %v", err)
		}
		return c
	}
	list := func(first int, amount string) *strings.Reader {
		var text strings.Builder
		for i := first; i < first+60; i++ {
			fmt.Fprintf(&text, "%s,%d%s\n", SampleWallet(i), 100+i*7, amount)
		}
		fmt.Fprintf(&text, "%s,1234%s\n", reader, amount)
		return strings.NewReader(text.String())
	}
	ctx := context.Background()
	for i, draft := range []airdrop.CampaignDraft{
		{Name: "First readers", Description: "For the wallets that wrote the first thousand signed reviews.", Format: merkle.OZ, Symbol: "BNY", Decimals: 18},
		{Name: "Canopy season two", Description: "Rewards for wallets that others trusted during the second season.", Format: merkle.Uniswap, Symbol: "CNPY", Decimals: 6},
		{Name: "Long roots", Description: "For those who have been here since the beginning.", Format: merkle.OZ, Symbol: "BNY", Decimals: 18},
		{Name: "Seedlings", Format: merkle.OZ, Symbol: "SEED", Decimals: 0},
	} {
		c := must(m.CreateCampaign(ctx, draft))
		if i < 3 {
			zeros := strings.Repeat("0", draft.Decimals)
			must(m.UploadList(ctx, airdrop.ListUpload{ID: c.ID, Body: list(i*5, zeros)}))
		}
		if i < 2 {
			must(m.BuildTree(ctx, airdrop.BuildRequest{ID: c.ID}))
		}
	}
	return m
}

// sampleHistory is a history with a reason of every kind, the last change first.
func sampleHistory() []reputation.HistoryEntry {
	const day = 86400_000
	var all []reputation.HistoryEntry
	before := 0
	for i, score := range []int{310, 480, 455, 620, 560} {
		expired, revoked, moved := SampleWallet(3), SampleWallet(4), SampleWallet(5)
		all = append([]reputation.HistoryEntry{{
			Epoch: int64(8 + i), TimeMS: SampleMS - int64(40-9*i)*day, Standing: reputation.Trusted, Score: score, Before: before, Rank: 9 - i, RankBefore: 10 - i,
			Changes: []reputation.Change{
				{What: reputation.ReasonGone, Cause: reputation.CauseExpired, Kind: reputation.FromTrust, From: &expired, Weight: 5, Points: -42.4},
				{What: reputation.ReasonGone, Cause: reputation.CauseRevoked, Kind: reputation.FromDistrust, From: &revoked, Weight: -3, Points: 12.1},
				{What: reputation.ReasonMoved, Cause: reputation.CauseOutvoted, Kind: reputation.FromTrust, From: &moved, Weight: 8, Points: -9.7},
			},
		}}, all...)
		before = score
	}
	return all
}
