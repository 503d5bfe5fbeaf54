package seam

import (
	"context"
	"hash/fnv"
	"io"
	"reflect"
	"time"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam/timeout"
	"banyan/platform/wallet"
)

const defaultCanaryTimeout = 2 * time.Second

// callCanary asks the remote first and this process when that fails. The
// remote gets at most half of the caller's time, so that there is time left for
// the answer from here.
func (o Operation[Q, A]) callCanary(ctx context.Context, r *Route, s *state, q Q) (A, error) {
	m := &r.meters[o.d.index]
	most := r.options.CanaryTimeout
	bound := timeout.WithOwn
	if deadline, set := ctx.Deadline(); set && time.Until(deadline)/2 < most {
		most, bound = time.Until(deadline)/2, context.WithTimeout // the caller's haste says nothing about the remote
	}
	attempt, cancel := bound(ctx, most)
	start := timeout.Clock()
	answer, err := callRemote[Q, A](attempt, s.remote, o.d, q)
	judged := m.Remote.Observe(attempt, timeout.Clock()-start, err).Judged()
	cancel()
	if judged {
		m.Canary.Add(1)
	} else {
		m.Unjudged.Add(1)
	}
	if err == nil || ctx.Err() != nil || !fallsBack(err) {
		return answer, err
	}
	if judged {
		m.Fallbacks.Add(1)
	}
	return o.callHere(ctx, r, q)
}

// fallsBack reports whether an error of the remote says nothing about the
// request: this process may well have the answer. Unsupported is a remote of
// another release, rate_limited one that counts all our callers as one.
func fallsBack(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Internal, fault.Unavailable, fault.DeadlineExceeded, fault.Unsupported, fault.RateLimited, fault.Busy:
		return true
	default:
		return false
	}
}

// inCanary reports whether a call belongs to the share that goes to the remote.
// It is so for one caller in every replica and at every call, so that nobody
// sees two truths in turn; and who is in stays in when the share grows. The key
// is
//
//	a person            their wallet
//	an API client       its name
//	anybody else, and   the wallet that the request is about, or without one
//	Banyan's modules    the whole request
//
// A module is not one caller here: its calls are those of a whole site.
func inCanary(ctx context.Context, d *description, q reflect.Value, share float64) bool {
	h := fnv.New64a()
	// The module's name sees to it that the first to try one module are not
	// always the first to try the others.
	_, _ = io.WriteString(h, d.contract.Module+"\x00")
	caller := identity.From(ctx)
	switch {
	case !caller.Wallet.IsZero():
		_, _ = h.Write(caller.Wallet[:])
	case caller.Service == "" && caller.Subject != "":
		_, _ = io.WriteString(h, caller.Subject)
	default:
		if w, found := d.request.wallet(q); found {
			_, _ = h.Write(w[:])
			break
		}
		_, _ = io.WriteString(h, d.id+"\x00")
		if target, body, err := d.request.encode(q); err == nil { // an error shows when the call is made
			_, _ = io.WriteString(h, target)
			if body != nil {
				_, _ = io.Copy(h, body)
			}
		}
	}
	return fraction(h.Sum64()) < share
}

// fraction spreads a hash over [0, 1). FNV alone leaves like keys close
// together; the mixing is MurmurHash3's finalizer
// (https://github.com/aappleby/smhasher, public domain).
func fraction(h uint64) float64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return float64(h>>11) / (1 << 53)
}

var walletType = reflect.TypeFor[wallet.Address]()

// wallet returns the address that stands in the request's path or query, when
// one does.
func (c *requestCodec) wallet(q reflect.Value) (w wallet.Address, found bool) {
	for _, params := range [][]param{c.path, c.query} {
		for _, p := range params {
			if p.typ == walletType {
				if w = q.Field(p.index).Interface().(wallet.Address); !w.IsZero() {
					return w, true
				}
			}
		}
	}
	return w, false
}
