package exchangereview

import "context"

// ProveUse implements Service.
func (c Client) ProveUse(ctx context.Context, q Transaction) (Review, error) {
	return proveUse.Call(ctx, c.route, q)
}

// RecheckProof implements Service.
func (c Client) RecheckProof(ctx context.Context, q ProofQuery) (Review, error) {
	return recheckProof.Call(ctx, c.route, q)
}

// PrepareAttestation implements Service.
func (c Client) PrepareAttestation(ctx context.Context, q AttestationDraft) (PreparedAttestation, error) {
	return prepareAttestation.Call(ctx, c.route, q)
}

// AttestUse implements Service.
func (c Client) AttestUse(ctx context.Context, q SignedAttestation) (Review, error) {
	return attestUse.Call(ctx, c.route, q)
}
