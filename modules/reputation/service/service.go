package service

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/decompress"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/memory"
	"banyan/platform/page"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Options are the module's dependencies and settings.
type Options struct {
	DB      *database.DB
	Log     *slog.Logger
	Clock   func() time.Time
	Seeds   []wallet.Address // of the pre-trust; those not in the graph are left out
	Alpha   float64          // 0 = trust.DefaultAlpha
	Epsilon float64          // 0 = trust.DefaultEpsilon
	MaxRows int              // of one import; 0 = 5,000,000
}

const standardMaxRows = 5_000_000

// What imports may cost: bytes of one once decompressed, and of memory to
// decompress those of all operators.
const (
	maxImportBytes   = 2 << 30
	decompressMemory = 512 << 20
)

type service struct {
	o       Options
	imports *memory.Budget
}

var _ reputation.Service = service{}

// New returns the service.
func New(o Options) reputation.Service {
	if o.MaxRows == 0 {
		o.MaxRows = standardMaxRows
	}
	return service{o, memory.NewBudget(decompressMemory, "many compressed lists are being imported and their memory is in use: try again in a minute, or send this one uncompressed")}
}

// ImportTrust implements Service. All rows are read before the first is
// written, and they are written in one transaction: an upload is kept whole or
// not at all.
func (s service) ImportTrust(ctx context.Context, q reputation.TrustUpload) (reputation.TrustImported, error) {
	type pair struct{ source, target wallet.Address }
	var rows []trustlist.Row[wallet.Address]
	at := make(map[pair]int)
	wallets := make(map[wallet.Address]struct{})
	share := s.imports.Share(0)
	defer share.Return()
	limits := decompress.Files()
	limits.Max, limits.Reserve = maxImportBytes, share.Take
	read, err := trustlist.Read(ctx, q.Body, limits, trustlist.Wallet, func(r trustlist.Row[wallet.Address]) error {
		wallets[r.Source], wallets[r.Target] = struct{}{}, struct{}{}
		key := pair{r.Source, r.Target}
		if i, said := at[key]; said { // a later line is the source's later statement
			rows[i] = r
			return nil
		}
		if len(rows) == s.o.MaxRows {
			return fault.Newf(fault.TooLarge, "the upload has more than %d edges: send it in parts", s.o.MaxRows)
		}
		at[key] = len(rows)
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		return reputation.TrustImported{}, err
	}
	w := idempotency.Write{
		DB: s.o.DB, Operation: "importTrust", Key: seam.IdempotencyKey(ctx), Request: fingerprint(rows), LookFirst: true,
	}
	return idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[reputation.TrustImported]) (reputation.TrustImported, error) {
		answer := reputation.TrustImported{Edges: read.Rows, Wallets: len(wallets), PassedOver: trustlist.Passed(read)}
		err := s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := saveEdges(ctx, tx, rows); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// fingerprint identifies an upload by its edges, however they were formatted.
func fingerprint(rows []trustlist.Row[wallet.Address]) idempotency.Fingerprint {
	return func() (sum [sha256.Size]byte, err error) {
		h := sha256.New()
		line := make([]byte, 0, 2*len(wallet.Address{})+16)
		for _, r := range rows {
			line = append(append(line[:0], r.Source[:]...), r.Target[:]...)
			line = binary.BigEndian.AppendUint64(line, math.Float64bits(r.Weight))
			line = binary.BigEndian.AppendUint64(line, uint64(r.Time))
			h.Write(line)
		}
		return [sha256.Size]byte(h.Sum(nil)), nil
	}
}

var errNoEpoch = fault.NoSuch("epoch", "no scores have been computed yet: an operator computes them with POST /api/v1/reputation/epochs")

// CurrentEpoch implements Service.
func (s service) CurrentEpoch(ctx context.Context, _ reputation.EpochQuery) (reputation.Epoch, error) {
	row, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if database.IsNoRows(err) {
		return reputation.Epoch{}, errNoEpoch
	}
	if err != nil {
		return reputation.Epoch{}, fmt.Errorf("read the current epoch: %w", err)
	}
	return reputation.Epoch(row), nil
}

// Score implements Service.
func (s service) Score(ctx context.Context, q reputation.ScoreQuery) (reputation.Score, error) {
	answer := reputation.Score{Standing: reputation.Standing{Wallet: q.Wallet}, Components: []reputation.Component{}, Activity: []reputation.ActivityCount{}}
	scored := false
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if err != nil && !database.IsNoRows(err) {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch, answer.TimeMS = epoch.Number, epoch.TimeMS
		row, err := readScore(ctx, r, epoch.Number, q.Wallet)
		switch {
		case database.IsNoRows(err):
		case err != nil:
			return fmt.Errorf("read a score: %w", err)
		default:
			scored = true
			answer.Standing = row.standing()
			if answer.Components, err = decodeReasons(row.Reasons); err != nil {
				return err
			}
		}
		activity, err := readActivity(ctx, r, q.Wallet)
		for _, a := range activity {
			answer.Activity = append(answer.Activity, reputation.ActivityCount(a))
		}
		return err
	})
	if err != nil {
		return reputation.Score{}, err
	}
	if !scored && len(answer.Activity) == 0 {
		return reputation.Score{}, fault.NoSuch("wallet", "the wallet %s is not known here: nobody trusts it and it has not been active", q.Wallet)
	}
	return answer, nil
}

func (r scoreRow) standing() reputation.Standing {
	return reputation.Standing{Wallet: r.Wallet, Score: r.Score, Rank: r.Rank, Percentile: r.Percentile}
}

// Scores implements Service.
func (s service) Scores(ctx context.Context, q reputation.ScoresQuery) (reputation.Scores, error) {
	answer := reputation.Scores{Standings: make([]reputation.Standing, len(q.Wallets))}
	known := make(map[wallet.Address]reputation.Standing, len(q.Wallets))
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if database.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch = epoch.Number
		rows, err := readStandings(ctx, r, epoch.Number, q.Wallets)
		for _, row := range rows {
			known[row.Wallet] = row.standing()
		}
		return err
	})
	for i, w := range q.Wallets {
		standing, ok := known[w]
		if !ok {
			standing.Wallet = w
		}
		answer.Standings[i] = standing
	}
	return answer, err
}

// boardPlace is a position in the leaderboard of one epoch.
type boardPlace struct {
	Epoch int64 `json:"epoch"`
	Place int   `json:"place"` // 1 = the first
}

// Leaderboard implements Service. A cursor names its epoch, so that the pages
// of one walk are consistent; when that epoch is deleted, the walk ends with a
// conflict instead of mixing epochs.
func (s service) Leaderboard(ctx context.Context, q reputation.LeaderboardQuery) (reputation.Leaderboard, error) {
	answer := reputation.Leaderboard{Standings: []reputation.Standing{}}
	list := page.NewList[boardPlace]("leaderboard")
	after, err := list.After(q.Cursor, boardPlace{})
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		if q.Cursor == "" {
			current, err := readCurrentEpoch(ctx, r)
			if database.IsNoRows(err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the current epoch: %w", err)
			}
			after.Epoch = current.Number
		} else if kept, err := epochKept(ctx, r, after.Epoch); err != nil || !kept {
			if err != nil {
				return fmt.Errorf("look for an epoch: %w", err)
			}
			return fault.New(fault.Conflict, "the scores of the first page were replaced by newer ones: leave the cursor out to start again at the first page")
		}
		answer.Epoch = after.Epoch
		rows, err := readPlaces(ctx, r, after.Epoch, after.Place, size+1)
		if err != nil {
			return err
		}
		rows, answer.Next = page.Cut(list, rows, size, func(row scoreRow) boardPlace { return boardPlace{after.Epoch, row.Place} })
		for _, row := range rows {
			answer.Standings = append(answer.Standings, row.standing())
		}
		return nil
	})
	return answer, err
}

// Record implements Service.
func (s service) Record(ctx context.Context, batch events.Batch) (events.Receipt, error) {
	count := outbox.Handle(reputation.ActivityTopic, func(ctx context.Context, tx *database.Tx, _ events.Event, a reputation.Activity) error {
		if a.Kind == "" || len(a.Kind) > 100 || a.Wallet.IsZero() {
			return fault.New(fault.Invalid, "an activity needs a wallet and a kind of at most 100 characters")
		}
		return countActivity(ctx, tx, a)
	})
	return outbox.Consume(ctx, s.o.DB, reputation.Name, batch, count)
}
