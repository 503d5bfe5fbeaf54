package ownership

import "banyan/platform/fault"

// The owners of data that no process may write: their names are no process's. The
// claim's URL then says where the data went, or came from (platform/transfer).
const (
	Moved    = "moved"    // the data was moved to another database
	Arriving = "arriving" // it is being moved into this one
)

// Elsewhere reports whether the data is in another database, or not yet whole in
// this one. A take does not change such a claim.
func (c Claim) Elsewhere() bool { return c.Owner == Moved || c.Owner == Arriving }

// refuseElsewhere fails with fault.Conflict for a claim that is Elsewhere.
func (c Claim) refuseElsewhere(module string) error {
	switch c.Owner {
	case Moved:
		return fault.Newf(fault.Conflict, "the data of %s was moved from this database to %s by `banyan database copy`: set database.url to that one, or copy the data back with the same command", module, c.URL)
	case Arriving:
		return fault.Newf(fault.Conflict, "the copy of the data of %s from %s into this database was not finished: run the same `banyan database copy` again, or start with the settings from before it", module, c.URL)
	}
	return nil
}
