package service

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"math"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/decompress"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/memory"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// Options are the module's dependencies and settings.
type Options struct {
	DB       *database.DB
	Log      *slog.Logger
	Clock    func() time.Time
	Seeds    []wallet.Address // of the pre-trust
	Method   trust.Parameters // of no method = trust.Standard()
	Trust    trust.Options
	HalfLife time.Duration // of statements; 0 = they do not fade
	MaxRows  int           // of one import; 0 = 5,000,000
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
	if o.Method.Method == "" {
		o.Method = trust.Standard()
	}
	o.Trust = o.Trust.WithDefaults()
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
