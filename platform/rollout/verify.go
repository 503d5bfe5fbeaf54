package rollout

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/ownership"
	"banyan/platform/seam"
	"banyan/platform/seam/client"
)

// asksAtOnce bounds how many endpoints are asked at once.
const asksAtOnce = 8

// Verified is what the endpoints of a module answered when they were asked which
// data they have. None of them has other data.
type Verified struct {
	Same   int   // endpoints that have the same data
	Older  error // fault.Unsupported: one is of a release that says it otherwise, or not at all; nil = none
	Silent error // why one of them could not be asked; nil = all answered
}

// Verify asks every endpoint of the remote, which is made from this contract,
// which data it has, each of them for at most wait. Fails with fault.OtherData,
// naming each address, when some have other data than the trunk, whose id
// dataID is. What the others said stands in Verified.
func (c *HandoverContract) Verify(ctx context.Context, remote *seam.Remote, dataID string, wait time.Duration) (Verified, error) {
	ctx = identity.AsService(ctx, Trunk)
	var (
		mu    sync.Mutex
		found Verified
		other *fault.Fault
		where []string
		group errgroup.Group
	)
	group.SetLimit(asksAtOnce)
	for _, one := range remote.Each() {
		group.Go(func() error {
			asking, cancel := context.WithTimeout(ctx, wait)
			defer cancel()
			state, err := c.Client(seam.NewRemoteRoute(c.seam, one)).State(asking)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case fault.Is(err, fault.Unsupported):
				found.Older = fault.Newf(fault.Unsupported,
					"the process of the module %s at %s is of another release, and this program does not understand which data it has: bring both to one release, then try again",
					c.seam.Module, one.URL())
			case err != nil:
				found.Silent = err
			case state.DataID != dataID:
				where = append(where, one.URL())
				other = client.OtherData(c.seam.Module, dataID, state.DataID)
			default:
				found.Same++
			}
			return nil
		})
	}
	_ = group.Wait() // every outcome is in found
	if other == nil {
		return found, nil
	}
	slices.Sort(where)
	other.Message = "at " + strings.Join(where, ", ") + ": " + other.Message
	return found, other
}

// TakenHere checks a take by the trunk's own row, which own reads: it must say
// what the process that took has answered. Fails with fault.OtherData when it
// does not, and the take was made in a copy of the database: nothing has changed
// here.
func TakenHere(ctx context.Context, own *ownership.Ownership, taken ownership.Claim) (ownership.Claim, error) {
	here, err := own.Current(ctx)
	if err != nil {
		return here, err
	}
	if here.Epoch < taken.Epoch {
		return here, fault.Newf(fault.OtherData,
			"the process of the module %s has a copy of the data of this program: it took the writes in its copy (epoch %d) and not here (epoch %d). "+
				"Point its setting database.url (PostgreSQL) or data (SQLite) at the database itself and start it again",
			own.Module(), taken.Epoch, here.Epoch)
	}
	return here, nil
}
