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

// allowance is what one VerifyWallets may cost, by who asks for it.
type allowance struct {
	sent       int64             // bytes as they are sent, which are read as a whole first; 0: a stream, and the server's limit
	lines      int               // with text
	decompress decompress.Limits // of the text
	answer     decompress.Limits // of the answer: its proportion to what was sent
	memory     int64             // bytes of the budget that may be in use when more is taken; 0: all of them
}

const (
	// anonymousSent is more than 200,000 lines of wallet,amount have.
	anonymousSent = 16 << 20
	// answerAtLeast is so short an answer that it may be larger than what was sent
	// by any factor, and answerRatio that factor for longer ones: a line of 43
	// bytes has an answer of about 110, and one of 2 bytes as well.
	answerAtLeast = 16 << 20
	answerRatio   = 64
)

// allowed tells callers apart. Anybody can sign in, so that alone earns more
// lines and a stream, which goes on while it arrives; who runs the place may pack
// as they like.
func (s *service) allowed(ctx context.Context) allowance {
	may := allowance{
		lines:  s.options.MaxWallets,
		answer: decompress.Limits{Ratio: answerRatio, AtLeast: answerAtLeast},
	}
	switch caller := identity.From(ctx); {
	case caller.Role >= identity.Operator || caller.Service != "":
		may.decompress, may.answer = decompress.Files(), decompress.Files()
	case caller.Role == identity.Anonymous:
		may.lines, may.sent = s.options.MaxWalletsAnonymous, anonymousSent
		may.memory = s.options.VerifyBytes / 4 * 3 // the rest is for those who signed in
	}
	may.decompress.Max = s.options.MaxWalletsBytes
	return may
}

// firstRoom is how much memory a body has at first, in bytes.
const firstRoom = 4 << 10

// arrived reads a body as a whole into memory, which grows with what arrives: a
// client that sends slowly, or never ends, holds what it has sent and nothing
// that unpacks it. Fails with fault.TooLarge over most bytes, and as the body
// does.
func arrived(ctx context.Context, body io.Reader, most int64, share *memory.Share) (*bytes.Reader, error) {
	var whole []byte
	for {
		if len(whole) == cap(whole) {
			size := max(firstRoom, min(2*cap(whole), int(most)+1))
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
