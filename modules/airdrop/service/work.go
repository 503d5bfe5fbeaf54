package service

import (
	"context"

	"banyan/modules/airdrop"
)

// ListWork implements Service.
func (s *service) ListWork(ctx context.Context, q airdrop.CampaignQuery) (airdrop.ListWork, error) {
	if _, err := s.store.campaign(ctx, s.options.DB.Read(), q.ID); err != nil {
		return airdrop.ListWork{}, err
	}
	return airdrop.ListWork(s.works.Of(q.ID)), nil
}
