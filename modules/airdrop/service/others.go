package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"banyan/modules/airdrop/rules"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Reputation is what campaigns need of reputation.
type Reputation interface {
	CurrentEpoch(context.Context, reputation.EpochQuery) (reputation.Epoch, error)
	HoldEpoch(context.Context, reputation.EpochHold) (reputation.Epoch, error)
	ReleaseEpoch(context.Context, reputation.EpochHold) (reputation.Epoch, error)
	EpochScores(context.Context, reputation.EpochNumber) (seam.Stream, error)
	Attestations(context.Context, reputation.AttestationsQuery) (reputation.AttestationPage, error)
}

// Reviews is what campaigns need of exchange-review.
type Reviews interface {
	Exchanges(context.Context, exchangereview.ExchangesQuery) (exchangereview.ExchangePage, error)
	Reviews(context.Context, exchangereview.ReviewsQuery) (exchangereview.ReviewPage, error)
}

// collected reports whether other modules know a source, or its chain does; others are
// uploaded.
func collected(s rules.Source) bool {
	return s.OnChain() || s.Kind == rules.Reputation || s.Kind == rules.Reviews || s.Kind == rules.Attestations
}

// collectSource makes the file of a source that another module or a chain knows, once in a run. A
// file that was uploaded for it stays.
func (s *service) collectSource(ctx context.Context, j *jobs.Job, q courseJob, source rules.Source, p jobs.Progress) error {
	inputs, err := s.store.inputs(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return err
	}
	in, there := inputs[source.Name]
	if !collected(source) || there && (in.Run == 0 || in.Run == q.Run) {
		return nil
	}
	if err := j.Step(ctx, p, nil); err != nil {
		return err
	}
	in = inputRow{}
	var write func(w io.Writer) error
	switch source.Kind {
	case rules.Holders, rules.Averages, rules.Callers:
		in, write, err = s.readFromChain(ctx, j, q, source)
	case rules.Reputation:
		var epoch reputation.Epoch
		if epoch, err = s.hold(ctx, j, q, source, p); err == nil {
			in.Epoch, in.EpochRoot, in.Name = epoch.Number, epoch.Root, fmt.Sprintf("epoch-%d.csv", epoch.Number)
			var stream seam.Stream
			stream, err = s.options.Reputation.EpochScores(asModule(ctx), reputation.EpochNumber{Number: epoch.Number})
			write = stream.Write
		}
	case rules.Reviews:
		in.Name, write = "reviews.csv", func(w io.Writer) error { return s.writeReviews(ctx, w) }
	default:
		in.Name, write = "attestations.csv", func(w io.Writer) error { return s.writeAttestations(ctx, w, source.Of) }
	}
	if err != nil {
		return err
	}
	kept, err := s.keepWritten(ctx, write)
	if err != nil {
		return err
	}
	table, _, err := rules.ReadTable(ctx, s.files.open(ctx, kept.id), source, s.reading())
	if err != nil {
		return err
	}
	in.Campaign, in.Source, in.Run = q.Campaign, source.Name, q.Run
	in.FileID, in.SHA256, in.Bytes, in.Rows = kept.id, kept.sha256, kept.bytes, table.Rows
	return j.Step(ctx, p, func(tx *database.Tx) error { return s.store.setInput(ctx, tx, in) })
}

// keepWritten stores what write writes.
func (s *service) keepWritten(ctx context.Context, write func(io.Writer) error) (keptFile, error) {
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(writer)
		written <- err
		_ = writer.CloseWithError(err) // it never fails
	}()
	kept, err := s.files.keep(ctx, reader)
	_ = reader.Close() // write ends, also when keeping failed
	if failed := <-written; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return kept, failed
	}
	return kept, err
}

// hold keeps the epoch of a source from being deleted. That it is held is noted first,
// so that it is released whatever happens.
func (s *service) hold(ctx context.Context, j *jobs.Job, q courseJob, source rules.Source, p jobs.Progress) (reputation.Epoch, error) {
	if s.options.Reputation == nil {
		return reputation.Epoch{}, errNoModule(rules.Reputation)
	}
	row, err := s.store.course(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return reputation.Epoch{}, err
	}
	number := row.HeldEpoch
	if number == 0 {
		if number = source.Epoch; number == 0 {
			current, err := s.options.Reputation.CurrentEpoch(asModule(ctx), reputation.EpochQuery{})
			if err != nil {
				return current, err
			}
			number = current.Number
		}
		err := j.Step(ctx, p, func(tx *database.Tx) error {
			_, err := s.store.changeCourse(ctx, tx, q.Campaign, func(now *courseRow) error {
				now.HeldEpoch = number
				return nil
			})
			return err
		})
		if err != nil {
			return reputation.Epoch{}, err
		}
	}
	return s.options.Reputation.HoldEpoch(asModule(ctx), reputation.EpochHold{Number: number, Holder: holder(q.Campaign)})
}

func errNoModule(kind string) error {
	return fault.Newf(fault.Unavailable, "this process cannot ask for sources of kind %s: upload a file for it", kind)
}

// mostReviews and mostAttestations bound what is collected.
const (
	mostReviews      = 5_000_000
	mostAttestations = 5_000_000
)

// writeReviews writes how many reviews each wallet has that count.
func (s *service) writeReviews(ctx context.Context, w io.Writer) error {
	if s.options.Reviews == nil {
		return errNoModule(rules.Reviews)
	}
	counts, seen := make(map[wallet.Address]int), 0
	exchanges := exchangereview.ExchangesQuery{Sort: exchangereview.ByName, Limit: 200}
	for {
		page, err := s.options.Reviews.Exchanges(asModule(ctx), exchanges)
		if err != nil {
			return err
		}
		for _, e := range page.Exchanges {
			if e.Rating.Reviews+e.Rating.Held == 0 {
				continue
			}
			reviews := exchangereview.ReviewsQuery{Slug: e.Slug, Sort: exchangereview.ByOldest, Limit: 200}
			for {
				found, err := s.options.Reviews.Reviews(asModule(ctx), reviews)
				if err != nil {
					return err
				}
				for _, r := range found.Reviews {
					if r.State == exchangereview.Counted {
						counts[r.Wallet]++
					}
				}
				if seen += len(found.Reviews); seen > mostReviews {
					return fault.Newf(fault.TooLarge, "there are more than %d reviews: upload a file for the source", mostReviews)
				}
				if reviews.Cursor = found.Next; found.Next == "" {
					break
				}
			}
		}
		if exchanges.Cursor = page.Next; page.Next == "" {
			return writeCounts(w, "reviews", counts)
		}
	}
}

// writeAttestations writes how many wallets attest something of each wallet.
func (s *service) writeAttestations(ctx context.Context, w io.Writer, kind string) error {
	if s.options.Reputation == nil {
		return errNoModule(rules.Attestations)
	}
	if kind == "" {
		kind = attestation.Vouch
	}
	schema, known := attestation.SchemaOf(kind)
	if !known {
		return fault.Newf(fault.Invalid, "there are no attestations of kind %q: choose trust, vouch or report", kind)
	}
	by := make(map[wallet.Address]map[wallet.Address]bool)
	query, seen := reputation.AttestationsQuery{Schema: schema.UID(), State: reputation.Live, Limit: 200}, 0
	for {
		page, err := s.options.Reputation.Attestations(asModule(ctx), query)
		if err != nil {
			return err
		}
		for _, a := range page.Attestations {
			if kind == attestation.Trust && a.Level <= 0 { // of distrust
				continue
			}
			if by[a.Subject] == nil {
				by[a.Subject] = make(map[wallet.Address]bool)
			}
			by[a.Subject][a.Attester] = true
		}
		if seen += len(page.Attestations); seen > mostAttestations {
			return fault.Newf(fault.TooLarge, "there are more than %d attestations: upload a file for the source", mostAttestations)
		}
		if query.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	counts := make(map[wallet.Address]int, len(by))
	for subject, attesters := range by {
		counts[subject] = len(attesters)
	}
	return writeCounts(w, "attesters", counts)
}

// writeCounts writes address,NAME by address.
func writeCounts(w io.Writer, name string, counts map[wallet.Address]int) error {
	wallets := make([]wallet.Address, 0, len(counts))
	for of := range counts {
		wallets = append(wallets, of)
	}
	slices.SortFunc(wallets, func(a, b wallet.Address) int { return slices.Compare(a[:], b[:]) })
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "address,%s\n", name)
	for _, of := range wallets {
		fmt.Fprintf(out, "%s,%d\n", of, counts[of])
	}
	return out.Flush()
}
