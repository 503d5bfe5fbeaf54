package web

import (
	"context"
	"sync"

	"banyan/platform/fault"
	"banyan/platform/requestctx"
)

// trouble is the data of the error page.
type trouble struct {
	Words     words
	Fault     *fault.Fault
	Status    int
	RequestID string
}

// words tell in plain language what happened and what to do.
type words struct{ Title, Advice string }

func troubleWords(code fault.Code) words {
	switch code {
	case fault.NotFound:
		return words{"There is nothing here", "The address may be mistyped, or what was here has moved. The pages below are good places to begin again."}
	case fault.Unauthenticated:
		return words{"Please sign in first", "This page is for people who signed in with their wallet. Signing in costs nothing and shares only your address."}
	case fault.Forbidden:
		return words{"This is not open to you", "You may need another role, or the form was made for another session: load the page again and retry."}
	case fault.Invalid, fault.Unsupported:
		return words{"This could not be understood", "Something in the address or the form was not as expected. Go back, correct it, and send it again."}
	case fault.Misdirected:
		return words{"This site has another name", "What you asked for is not served under the name in your browser's address bar. Open this site by its own address."}
	case fault.Conflict:
		return words{"This does not fit any more", "Somebody or something changed it in the meantime. Load the page again and decide anew."}
	case fault.TooLarge:
		return words{"This is too large", "Send less at once, or ask an operator to raise the limit."}
	case fault.RateLimited:
		return words{"A little slower, please", "Many requests came from your address in a short time. Wait a moment, then go on."}
	case fault.Unavailable, fault.OtherData:
		return words{"A part of Banyan is not answering", "Nothing of yours is lost. The other pages work; try this one again in a minute."}
	case fault.Busy:
		return words{"Many are asking for this just now", "Nothing is broken, and nothing of yours was kept or lost. Try again in a moment."}
	case fault.DeadlineExceeded:
		return words{"That took too long", "The answer did not come in time. Try again; if it stays like this, tell an operator the request's id."}
	case fault.Canceled:
		return words{"The request was called off", "The connection ended before the answer was ready. Load the page again."}
	}
	return words{"Something went wrong on our side", "This is our mistake, not yours. Try again; if it happens again, tell an operator the request's id below."}
}

// missing says which part of a page is not there, and why.
type missing struct {
	Part  string // "Reputation"
	What  string // what cannot be seen: "scores and ranks"
	Fault *fault.Fault
}

// part notes that a part of a page failed while the rest can be shown; nil
// when it did not fail. The log has every such error.
func part(ctx context.Context, err error, name, what string) *missing {
	if err == nil {
		return nil
	}
	requestctx.NoteError(ctx, err)
	return &missing{name, what, fault.From(err)}
}

// together runs the questions of one page at the same time and waits for all:
// with remote modules a page takes as long as the slowest, not their sum.
func together(questions ...func()) {
	var all sync.WaitGroup
	for _, ask := range questions {
		all.Go(ask)
	}
	all.Wait()
}
