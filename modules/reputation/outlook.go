package reputation

import "banyan/platform/wallet"

// OutlookQuery names a wallet.
type OutlookQuery struct {
	Wallet wallet.Address `path:"wallet" json:"-"`
}

// Outlook is what would change a wallet's score: each effect alone, beside the current
// epoch, computed by the method with the trust that its wallets have. What it would do
// to the trust of others is left out, so the points are "about".
type Outlook struct {
	Epoch   int64    `json:"epoch"`
	Score   int      `json:"score"`
	Effects []Effect `json:"effects"` // what raises it first, the largest first
}

// What an Effect is about.
const (
	EffectVouch    = "vouch"     // a trusted wallet that does not rate it yet vouches for it
	EffectRaise    = "raise"     // one that trusts it says so with the highest level
	EffectTakeBack = "take_back" // one that distrusts it takes that back
	EffectConduct  = "conduct"   // it takes back a rating that the trusted contradict
	EffectExpiry   = "expiry"    // a statement expires
)

// Effect is one thing that would change a score.
type Effect struct {
	What   string         `json:"what"`
	From   wallet.Address `json:"from"`            // whose statement it is; of conduct whom it is about
	Points float64        `json:"points"`          // of 1000, with its sign
	AtMS   int64          `json:"at_ms,omitempty"` // of expiry, UTC
}
