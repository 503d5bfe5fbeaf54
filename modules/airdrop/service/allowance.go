package service

import (
	"bytes"
	"context"
	"errors"
	"io"

	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/memory"
)

// allowance is what one VerifyWallets call may cost, by its caller.
type allowance struct {
	sent       int64             // bytes as sent, which are read whole before they are checked; 0: a stream, up to the server's limit
	lines      int               // with text
	decompress decompress.Limits // of the text
	answer     decompress.Limits // of the answer: its ratio to what was sent
	memory     int64             // bytes of the budget that may be in use when more is taken; 0: all of them
}

const (
	// anonymousSent is more bytes than 200,000 lines of wallet,amount take.
	anonymousSent = 16 << 20
	// Up to answerAtLeast bytes an answer may exceed what was sent by any
	// factor; answerRatio is the largest factor for longer ones: a line of 43
	// bytes has an answer of about 110, and one of 2 bytes as well.
	answerAtLeast = 16 << 20
	answerRatio   = 64
)

// allowanceOf returns the allowance of the caller. Anybody can sign in, so
// signing in allows only more lines and a stream that is checked while it
// arrives; operators may compress as they like.
func (s *service) allowanceOf(ctx context.Context) allowance {
	may := allowance{
		lines:  s.options.MaxWallets,
		answer: decompress.Limits{Ratio: answerRatio, AtLeast: answerAtLeast},
	}
	switch caller := identity.From(ctx); {
	case caller.Role >= identity.Operator || caller.Service != "":
		may.decompress, may.answer = decompress.Files(), decompress.Files()
	case caller.Role == identity.Anonymous:
		may.lines, may.sent = s.options.MaxWalletsAnonymous, anonymousSent
		may.memory = s.options.VerifyBytes / 4 * 3 // the rest is for callers who are signed in
	}
	may.decompress.Max = s.options.MaxWalletsBytes
	return may
}

// firstRoom is the first buffer of a body, in bytes.
const firstBuffer = 4 << 10

// readBody reads a whole body into memory that grows as it arrives: a client
// that sends slowly, or never ends, occupies as much as it has sent, and no
// decoder. It fails with fault.TooLarge over most bytes, and as the body does.
func readBody(ctx context.Context, body io.Reader, most int64, share *memory.Share) (*bytes.Reader, error) {
	var whole []byte
	for {
		if len(whole) == cap(whole) {
			size := max(firstBuffer, min(2*cap(whole), int(most)+1))
			if err := share.Take(int64(size - cap(whole))); err != nil {
				return nil, err
			}
			whole = append(make([]byte, 0, size), whole...)
		}
		n, err := body.Read(whole[len(whole):cap(whole)])
		whole = whole[:len(whole)+n]
		switch {
		case int64(len(whole)) > most:
			return nil, fault.Newf(fault.TooLarge,
				"callers who are not signed in send at most %d MiB at a time: sign in, or send it in several parts", most>>20)
		case errors.Is(err, io.EOF):
			return bytes.NewReader(whole), nil
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
}
