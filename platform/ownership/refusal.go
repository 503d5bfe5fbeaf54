package ownership

import (
	"errors"
	"fmt"
	"strconv"

	"banyan/platform/fault"
)

// The fields of a refusal: a client recognises it over HTTP by them.
const (
	fieldOwner = "owner"
	fieldURL   = "owner_url"
	fieldEpoch = "epoch"
)

// lost returns the refusal of a process that is not the owner.
func (o *Ownership) lost(c Claim) error {
	if c.Epoch == 0 && o.self.Waits {
		return c.refusal("this process waits for the data of " + o.module + ": start it over the trunk's database, or move the data here (banyan module move " + o.module + " --to URL)")
	}
	if c.Epoch == 0 {
		return c.refusal("the writes of " + o.module + " have no owner: its database was restored from before this program started; restart the program")
	}
	if c.Owner == Moving {
		return c.refusal("the data of " + o.module + " is being moved to another database; nothing was written, send the write again")
	}
	if c.Elsewhere() {
		return c.refusal("the data of " + o.module + " was moved to another database: nothing was written, send the write again; if that does not help, an operator must restart this process with the new settings")
	}
	return c.refusal(fmt.Sprintf("%s does not own the writes of %s: since ownership epoch %d %s; nothing was written, send the write there",
		o.self.Name, o.module, c.Epoch, c.holder()))
}

// holder returns "they belong to …", for messages.
func (c Claim) holder() string {
	if c.Owner == "" {
		return "they belong to nobody"
	}
	switch {
	case c.Elsewhere():
		return "the data is in another database"
	case c.URL == "":
		return "they belong to " + c.Owner
	}
	return "they belong to " + c.Owner + " at " + c.URL
}

// refusal is read by callers: where a database is, which the URL of a claim that is
// Elsewhere says, is none of their business.
func (c Claim) refusal(message string) error {
	if c.Elsewhere() {
		c.URL = ""
	}
	return fault.New(fault.Conflict, message).With(
		fault.Field{Name: fieldOwner, Message: c.Owner},
		fault.Field{Name: fieldURL, Message: c.URL},
		fault.Field{Name: fieldEpoch, Message: strconv.FormatInt(c.Epoch, 10)},
	)
}

// IsLost reports whether a write was refused because its process is not, or its
// route's ownership epoch is no longer, the owner's. It had no effect: send it to
// the owner, with the same idempotency key. It works on both sides of the seam.
func IsLost(err error) bool {
	_, is := OwnerOf(err)
	return is
}

// OwnerOf returns the claim that a refusal names, without its time; false for
// any other error.
func OwnerOf(err error) (Claim, bool) {
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != fault.Conflict {
		return Claim{}, false
	}
	var c Claim
	found := 0
	for _, field := range f.Fields {
		switch field.Name {
		case fieldOwner:
			c.Owner = field.Message
		case fieldURL:
			c.URL = field.Message
		case fieldEpoch:
			epoch, err := strconv.ParseInt(field.Message, 10, 64)
			if err != nil {
				return Claim{}, false
			}
			c.Epoch = epoch
		default:
			continue
		}
		found++
	}
	return c, found == 3
}
