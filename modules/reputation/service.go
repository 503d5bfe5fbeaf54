package reputation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"banyan/modules/reputation/rank"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/fault"
	"banyan/platform/once"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Options are what the module stands on and its settings.
type Options struct {
	DB      *database.DB
	Log     *slog.Logger
	Clock   func() time.Time
	Seeds   []wallet.Address // where trust enters; those not in the graph are left out
	Alpha   float64          // 0 = trust.DefaultAlpha
	Epsilon float64          // 0 = trust.DefaultEpsilon
	MaxRows int              // of one import; 0 = 5,000,000
}

const (
	standardMaxRows = 5_000_000
	standardLimit   = 50
)

type service struct{ o Options }

var _ Service = service{}

// New makes the service.
func New(o Options) Service {
	if o.MaxRows == 0 {
		o.MaxRows = standardMaxRows
	}
	return service{o}
}

// ImportTrust implements Service. All rows are read before the first is
// written, and they are written as one: an upload is kept whole or not at all.
func (s service) ImportTrust(ctx context.Context, q TrustUpload) (TrustImported, error) {
	type pair struct{ source, target wallet.Address }
	var rows []rank.Row[wallet.Address]
	at := make(map[pair]int)
	wallets := make(map[wallet.Address]struct{})
	read, err := rank.Read(ctx, q.Body, rank.Wallet, func(r rank.Row[wallet.Address]) error {
		wallets[r.Source], wallets[r.Target] = struct{}{}, struct{}{}
		key := pair{r.Source, r.Target}
		if i, said := at[key]; said { // a later line is the source's later word
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
		return TrustImported{}, err
	}
	w := once.Write{
		DB: s.o.DB, Operation: "importTrust", Key: seam.IdempotencyKey(ctx), Request: fingerprint(rows), LookFirst: true,
	}
	return once.Do(ctx, w, func(ctx context.Context, keep once.Keep[TrustImported]) (TrustImported, error) {
		answer := TrustImported{Edges: read.Rows, Wallets: len(wallets), PassedOver: rank.Passed(read)}
		err := s.o.DB.Write(ctx, func(tx *database.Tx) error {
			if err := saveEdges(ctx, tx, rows); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// fingerprint tells one upload from another by what it says, however it was
// written down.
func fingerprint(rows []rank.Row[wallet.Address]) once.Fingerprint {
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

var errNoEpoch = fault.New(fault.NotFound, "no scores have been computed yet: an operator starts it with POST /api/v1/reputation/epochs")

// CurrentEpoch implements Service.
func (s service) CurrentEpoch(ctx context.Context, _ EpochQuery) (Epoch, error) {
	row, err := readCurrentEpoch(ctx, s.o.DB.Read())
	if database.IsNoRows(err) {
		return Epoch{}, errNoEpoch
	}
	if err != nil {
		return Epoch{}, fmt.Errorf("read the current epoch: %w", err)
	}
	return Epoch(row), nil
}

// Score implements Service.
func (s service) Score(ctx context.Context, q ScoreQuery) (Score, error) {
	answer := Score{Standing: Standing{Wallet: q.Wallet}, Components: []Component{}, Activity: []ActivityCount{}}
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
			answer.Activity = append(answer.Activity, ActivityCount(a))
		}
		return err
	})
	if err != nil {
		return Score{}, err
	}
	if !scored && len(answer.Activity) == 0 {
		return Score{}, fault.Newf(fault.NotFound, "the wallet %s is not known here: nobody has trusted it and it has not been active", q.Wallet)
	}
	return answer, nil
}

func (r scoreRow) standing() Standing {
	return Standing{Wallet: r.Wallet, Score: r.Score, Rank: r.Rank, Percentile: r.Percentile}
}

// Scores implements Service.
func (s service) Scores(ctx context.Context, q ScoresQuery) (Scores, error) {
	answer := Scores{Standings: make([]Standing, len(q.Wallets))}
	known := make(map[wallet.Address]Standing, len(q.Wallets))
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

// Leaderboard implements Service. A cursor names its epoch, so that the pages
// of one walk fit together; when that epoch is gone, the walk ends with a
// conflict instead of a mixture.
func (s service) Leaderboard(ctx context.Context, q LeaderboardQuery) (Leaderboard, error) {
	if q.Limit == 0 {
		q.Limit = standardLimit
	}
	answer := Leaderboard{Standings: []Standing{}}
	epoch, after, err := parseCursor(q.Cursor)
	if err != nil {
		return answer, err
	}
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		if q.Cursor == "" {
			current, err := readCurrentEpoch(ctx, r)
			if database.IsNoRows(err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read the current epoch: %w", err)
			}
			epoch = current.Number
		} else if kept, err := epochKept(ctx, r, epoch); err != nil || !kept {
			if err != nil {
				return fmt.Errorf("look for an epoch: %w", err)
			}
			return fault.New(fault.Conflict, "the scores were computed anew since the first page: begin again without a cursor")
		}
		answer.Epoch = epoch
		rows, err := readPlaces(ctx, r, epoch, after, q.Limit+1)
		if err != nil {
			return err
		}
		if len(rows) > q.Limit {
			rows = rows[:q.Limit]
			answer.Next = formatCursor(epoch, rows[len(rows)-1].Place)
		}
		for _, row := range rows {
			answer.Standings = append(answer.Standings, row.standing())
		}
		return nil
	})
	return answer, err
}

func formatCursor(epoch int64, place int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", epoch, place))
}

func parseCursor(cursor string) (epoch int64, place int, err error) {
	if cursor == "" {
		return 0, 0, nil
	}
	wrong := fault.New(fault.Invalid, "this cursor is not one of ours").With(
		fault.Field{Name: "cursor", Message: "send the next of the last answer, or none to begin"})
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, 0, wrong
	}
	first, second, _ := strings.Cut(string(text), ".")
	epoch, err1 := strconv.ParseInt(first, 10, 64)
	place, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || epoch < 1 || place < 1 {
		return 0, 0, wrong
	}
	return epoch, place, nil
}

// Record implements Service.
func (s service) Record(ctx context.Context, batch events.Batch) (events.Receipt, error) {
	count := ActivityTopic.Handler(func(ctx context.Context, tx *database.Tx, _ events.Event, a Activity) error {
		if a.Kind == "" || len(a.Kind) > 100 || a.Wallet.IsZero() {
			return fault.New(fault.Invalid, "an activity needs a wallet and a kind of at most 100 characters")
		}
		return countActivity(ctx, tx, a)
	})
	return events.Consume(ctx, s.o.DB, Name, batch, count)
}
