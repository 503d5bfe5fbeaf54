package reputation

import (
	"context"

	"banyan/platform/seam"
)

var (
	epochOf = seam.Read[EpochNumber, Epoch](Contract, "epochOf", "GET /epochs/{number}", seam.Public,
		"One epoch, with its parameters, statistics and root")
	epochs = seam.Read[EpochsQuery, EpochPage](Contract, "epochs", "GET /epochs", seam.Public,
		"Epochs, newest first")
	computing = seam.Read[ComputingQuery, Computing](Contract, "computingEpoch", "GET /epochs/computing", seam.Public,
		"How the computation of an epoch does")
	cancelEpoch = seam.Write[CancelRequest, Computing](Contract, "cancelEpoch", "POST /epochs/computing/cancel", seam.Operators,
		"End the computation of an epoch")
	proof = seam.Read[ProofQuery, Proof](Contract, "proof", "GET /scores/{wallet}/proof", seam.Public,
		"Prove a wallet's score against an epoch's root")
	history = seam.Read[HistoryQuery, HistoryPage](Contract, "history", "GET /scores/{wallet}/history", seam.Public,
		"How a wallet's score changed, and what changed it")
	outlook = seam.Read[OutlookQuery, Outlook](Contract, "outlook", "GET /scores/{wallet}/outlook", seam.Public,
		"What would change a wallet's score, and by how much")
	compare = seam.Read[CompareQuery, Comparison](Contract, "compare", "GET /compare", seam.Public,
		"Two wallets side by side")
	scoreStream = seam.Read[WalletStream, seam.Stream](Contract, "scoreStream", "POST /scores/stream", seam.Public,
		"The standing of up to 100,000 wallets, a JSON line for each", seam.Expensive())
	epochScores = seam.Read[EpochNumber, seam.Stream](Contract, "epochScores", "GET /epochs/{number}/scores", seam.Public,
		"What an epoch says of all wallets, as CSV", seam.Expensive())
	holdEpoch = seam.Write[EpochHold, Epoch](Contract, "holdEpoch", "POST /epochs/{number}/hold", seam.Modules,
		"Keep the scores of an epoch while somebody needs them", seam.Idempotent())
	releaseEpoch = seam.Write[EpochHold, Epoch](Contract, "releaseEpoch", "POST /epochs/{number}/release", seam.Modules,
		"Keep the scores of an epoch no longer than others", seam.Idempotent())
	bound = seam.Read[BoundQuery, Bound](Contract, "bound", "POST /bound", seam.Public,
		"How much trust a set of wallets can hold at most")
)

func bindEpochs(s Epochs) []seam.Binding {
	return []seam.Binding{
		epochOf.To(s.EpochOf),
		epochs.To(s.Epochs),
		computing.To(s.ComputingEpoch),
		cancelEpoch.To(s.CancelEpoch),
		proof.To(s.Proof),
		history.To(s.History),
		outlook.To(s.Outlook),
		compare.To(s.Compare),
		scoreStream.To(s.ScoreStream),
		epochScores.To(s.EpochScores),
		holdEpoch.To(s.HoldEpoch),
		releaseEpoch.To(s.ReleaseEpoch),
		bound.To(s.Bound),
	}
}

// EpochOf implements Epochs.
func (c Client) EpochOf(ctx context.Context, q EpochNumber) (Epoch, error) {
	return epochOf.Call(ctx, c.route, q)
}

// Epochs implements Epochs.
func (c Client) Epochs(ctx context.Context, q EpochsQuery) (EpochPage, error) {
	return epochs.Call(ctx, c.route, q)
}

// ComputingEpoch implements Epochs.
func (c Client) ComputingEpoch(ctx context.Context, q ComputingQuery) (Computing, error) {
	return computing.Call(ctx, c.route, q)
}

// CancelEpoch implements Epochs.
func (c Client) CancelEpoch(ctx context.Context, q CancelRequest) (Computing, error) {
	return cancelEpoch.Call(ctx, c.route, q)
}

// Proof implements Epochs.
func (c Client) Proof(ctx context.Context, q ProofQuery) (Proof, error) {
	return proof.Call(ctx, c.route, q)
}

// History implements Epochs.
func (c Client) History(ctx context.Context, q HistoryQuery) (HistoryPage, error) {
	return history.Call(ctx, c.route, q)
}

// Outlook implements Epochs.
func (c Client) Outlook(ctx context.Context, q OutlookQuery) (Outlook, error) {
	return outlook.Call(ctx, c.route, q)
}

// Compare implements Epochs.
func (c Client) Compare(ctx context.Context, q CompareQuery) (Comparison, error) {
	return compare.Call(ctx, c.route, q)
}

// ScoreStream implements Epochs.
func (c Client) ScoreStream(ctx context.Context, q WalletStream) (seam.Stream, error) {
	return scoreStream.Call(ctx, c.route, q)
}

// Bound implements Epochs.
func (c Client) Bound(ctx context.Context, q BoundQuery) (Bound, error) {
	return bound.Call(ctx, c.route, q)
}

// EpochScores implements Epochs.
func (c Client) EpochScores(ctx context.Context, q EpochNumber) (seam.Stream, error) {
	return epochScores.Call(ctx, c.route, q)
}

// HoldEpoch implements Epochs.
func (c Client) HoldEpoch(ctx context.Context, q EpochHold) (Epoch, error) {
	return holdEpoch.Call(ctx, c.route, q)
}

// ReleaseEpoch implements Epochs.
func (c Client) ReleaseEpoch(ctx context.Context, q EpochHold) (Epoch, error) {
	return releaseEpoch.Call(ctx, c.route, q)
}
