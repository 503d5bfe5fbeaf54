package airdrop

import (
	"context"

	"banyan/platform/seam"
)

var (
	suspects = seam.Read[SuspectsQuery, SuspectPage](Contract, "suspects", "GET /campaigns/{id}/suspects", seam.Operators,
		"Wallets that are flagged, appeal or report themselves")
	suspect = seam.Read[SuspectQuery, Suspect](Contract, "suspect", "GET /campaigns/{id}/suspects/{wallet}", seam.Public,
		"Why a wallet is left out, or was flagged and is paid")
	decide = seam.Write[SuspectDecision, Decided](Contract, "decide", "POST /campaigns/{id}/suspects/decide", seam.Operators,
		"Pay flagged wallets, or leave them out", seam.Idempotent())
	prepareAppeal = seam.Read[AppealDraft, PreparedAppeal](Contract, "prepareAppeal", "POST /campaigns/{id}/appeals/prepare", seam.Public,
		"The document that a wallet signs to appeal")
	appeal = seam.Write[SignedAppeal, Suspect](Contract, "appeal", "POST /campaigns/{id}/appeals", seam.Public,
		"Appeal against being left out, or report oneself", seam.Idempotent())
)

func bindSuspects(s Suspects) []seam.Binding {
	return []seam.Binding{
		suspects.To(s.Suspects), suspect.To(s.Suspect), decide.To(s.Decide), prepareAppeal.To(s.PrepareAppeal), appeal.To(s.Appeal),
	}
}

// Suspects implements Service.
func (c Client) Suspects(ctx context.Context, q SuspectsQuery) (SuspectPage, error) {
	return suspects.Call(ctx, c.route, q)
}

// Suspect implements Service.
func (c Client) Suspect(ctx context.Context, q SuspectQuery) (Suspect, error) {
	return suspect.Call(ctx, c.route, q)
}

// Decide implements Service.
func (c Client) Decide(ctx context.Context, q SuspectDecision) (Decided, error) {
	return decide.Call(ctx, c.route, q)
}

// PrepareAppeal implements Service.
func (c Client) PrepareAppeal(ctx context.Context, q AppealDraft) (PreparedAppeal, error) {
	return prepareAppeal.Call(ctx, c.route, q)
}

// Appeal implements Service.
func (c Client) Appeal(ctx context.Context, q SignedAppeal) (Suspect, error) {
	return appeal.Call(ctx, c.route, q)
}
