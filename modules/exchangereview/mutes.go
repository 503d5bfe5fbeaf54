package exchangereview

import (
	"context"

	"banyan/platform/fault"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Mutes are wallets whose reviews a reader does not want to see. They are the reader's
// alone: nobody else is shown them, they are in no export, and they change no rating and
// no order.
type Mutes interface {
	// MuteWallet mutes a wallet for the caller, or ends that; both may be said again.
	// Invalid: it is the caller's own. Conflict: the caller has MaxMuted.
	MuteWallet(context.Context, Mute) (Muted, error)
	// MutedWallets lists what the caller has muted, the latest first.
	MutedWallets(context.Context, MutedQuery) (MutedWallets, error)
}

// The wallet is not in the path: paths are logged.
var (
	muteWallet = seam.Write[Mute, Muted](Contract, "muteWallet", "POST /mutes", seam.SignedIn,
		"Hide a wallet's reviews from the caller, or show them again")
	mutedWallets = seam.Read[MutedQuery, MutedWallets](Contract, "mutedWallets", "GET /mutes", seam.SignedIn,
		"The wallets whose reviews the caller has hidden, the latest first",
		seam.Ignore("wallets")) // operators see differences, and this is nobody else's
)

func bindMutes(s Mutes) []seam.Binding {
	return []seam.Binding{muteWallet.To(s.MuteWallet), mutedWallets.To(s.MutedWallets)}
}

// MaxMuted is how many wallets one wallet can mute.
const MaxMuted = 200

// Mute says whether a wallet is muted from now on.
type Mute struct {
	Wallet wallet.Address `json:"wallet"`
	Muted  bool           `json:"muted"`
}

// Validate refuses a mute of nobody.
func (m Mute) Validate() error {
	if !m.Wallet.IsZero() {
		return nil
	}
	return fault.New(fault.Invalid, "nobody is named to be muted: see the fields").
		With(fault.Field{Name: "wallet", Message: "is missing: send the wallet that writes the reviews"})
}

// Muted is a wallet that the caller has muted.
type Muted struct {
	Wallet  wallet.Address `json:"wallet"`
	MutedMS int64          `json:"muted_ms"` // UTC; 0 = it is not muted
}

// MutedQuery asks for all that the caller has muted.
type MutedQuery struct{}

// MutedWallets are up to MaxMuted.
type MutedWallets struct {
	Wallets []Muted `json:"wallets"`
}

// MuteWallet implements Mutes.
func (c Client) MuteWallet(ctx context.Context, q Mute) (Muted, error) {
	return muteWallet.Call(ctx, c.route, q)
}

// MutedWallets implements Mutes.
func (c Client) MutedWallets(ctx context.Context, q MutedQuery) (MutedWallets, error) {
	return mutedWallets.Call(ctx, c.route, q)
}
