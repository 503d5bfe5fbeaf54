package demo

import (
	"context"
	"fmt"
	"strings"

	"banyan/modules/airdrop"
	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// Airdrop promises tokens to some of the people.
func Airdrop() Part {
	return Part{Fill: func(ctx context.Context, c *Community, route *seam.Route) (Made, error) {
		c.setBehind(0)
		made, err := campaigns(ctx, airdrop.NewClient(route), c)
		if err != nil {
			return Made{}, err
		}
		return Made{
			What: fmt.Sprintf("%d airdrops", len(made)),
			Look: func(url string) string {
				if c.chain != nil {
					return fmt.Sprintf("Claim what is promised to the demo wallet %s, on a chain in this process: %s/airdrops/%s?wallet=%[1]s", c.Wallet(), url, made[0].ID)
				}
				return fmt.Sprintf("Check the demo wallet %s against %s/airdrops/%s", c.Wallet(), url, made[0].ID)
			},
		}, nil
	}}
}

// campaigns makes two airdrops: one the demo wallet is on, and one it is not.
func campaigns(ctx context.Context, s airdrop.Service, c *Community) ([]airdrop.Campaign, error) {
	plans := []struct {
		draft airdrop.CampaignDraft
		on    func(person int) bool
		share func(person int) int // whole tokens
	}{
		{
			draft: airdrop.CampaignDraft{
				Name: "Early roots", Symbol: "ROOT", Decimals: 18, Format: merkle.OZIndexed,
				Description: "For the first 4,000 people of the demo community: the earlier, the more. Invented, like everybody in it.",
			},
			on:    func(person int) bool { return person < 4_000 },
			share: func(person int) int { return 100 + (4_000-person)/4 },
		},
		{
			draft: airdrop.CampaignDraft{
				Name: "New leaves", Symbol: "LEAF", Decimals: 6, Format: merkle.Uniswap,
				Description: "A welcome for those who joined last; the demo wallet came too early for it.",
			},
			on:    func(person int) bool { return person >= 7_500 },
			share: func(person int) int { return 25 + person%50 },
		},
	}
	var made []airdrop.Campaign
	for _, plan := range plans {
		campaign, err := s.CreateCampaign(ctx, plan.draft)
		if err != nil {
			return nil, err
		}
		var csv strings.Builder
		csv.WriteString("address,amount\n")
		for person, w := range c.wallets {
			if plan.on(person) {
				fmt.Fprintf(&csv, "%s,%d.5\n", w, plan.share(person))
			}
		}
		if _, err := s.UploadList(ctx, airdrop.ListUpload{ID: campaign.ID, Decimals: true, Body: strings.NewReader(csv.String())}); err != nil {
			return nil, err
		}
		built, err := s.BuildTree(ctx, airdrop.BuildRequest{ID: campaign.ID})
		if err != nil {
			return nil, err
		}
		made = append(made, built)
	}
	if c.chain != nil { // the first one can be claimed
		if err := publish(ctx, s, c, made[0]); err != nil {
			return nil, err
		}
	}
	return made, nil
}
