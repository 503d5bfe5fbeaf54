package service

import (
	"context"
	"strings"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/identity"
)

// EditCampaign implements airdrop.Drafts.
func (s *service) EditCampaign(ctx context.Context, e airdrop.CampaignEdit) (airdrop.Campaign, error) {
	c, err := s.store.editCampaign(ctx, e.ID, strings.TrimSpace(e.Name), e.Description)
	return c.Campaign, err
}

// DeleteCampaign implements airdrop.Drafts. The rows of its list and its rules' files
// belong to nobody then: they are dropped like those of interrupted uploads.
func (s *service) DeleteCampaign(ctx context.Context, d airdrop.CampaignDeletion) (airdrop.CampaignDeleted, error) {
	listID, err := s.store.deleteCampaign(ctx, d.ID)
	if err != nil {
		return airdrop.CampaignDeleted{}, err
	}
	if listID != "" {
		s.lists.drop(ctx, listID)
	}
	return airdrop.CampaignDeleted(d), nil
}

// isVisible reports whether the caller may know of a campaign: until its tree is
// built it is the operators' alone.
func isVisible(ctx context.Context, c *airdrop.Campaign) bool {
	return c.State == airdrop.Built || seesDrafts(ctx)
}

func seesDrafts(ctx context.Context) bool { return identity.From(ctx).Role >= identity.Operator }

func errPublished(what string) error {
	return fault.Newf(fault.Conflict, "the tree of this campaign is built, so it cannot be %s: people hold proofs of it; begin another campaign instead", what)
}
