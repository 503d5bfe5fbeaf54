package service

import (
	"log/slog"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/memory"
	"banyan/platform/progress"
	"banyan/platform/signature"
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
	// KeepEpochs is how many epochs' scores are kept; 0 = 10.
	KeepEpochs int

	// Contracts asks chains whether smart wallets signed; nil = none is configured.
	Contracts signature.Contracts
	// VouchWeight and ReportWeight are what a vouch and a report weigh, in levels of
	// trust.
	VouchWeight, ReportWeight float64
	Activity                  []reputation.ActivityKind // that counts

	// Schedule is how often epochs are computed, while no operator has said otherwise;
	// 0 = never.
	Schedule time.Duration

	// Updates leads to the Follower of the process; nil = scores stay those of the last
	// epoch.
	Updates *Updates
}

const (
	standardMaxRows    = 5_000_000
	standardKeepEpochs = 10
)

// What imports may cost: bytes of one once decompressed, and of memory to
// decompress those of all operators.
const (
	maxImportBytes   = 2 << 30
	decompressMemory = 512 << 20
)

type service struct {
	o       Options
	imports *memory.Budget
	works   *progress.Table // uploads, by the import's name
	tables  *standingTables
}

var _ reputation.Service = service{}

// New returns the service.
func New(o Options) reputation.Service { return newService(o) }

// NewRunner returns what runs the service's jobs; only the owner of the writes may
// run it.
func NewRunner(o Options) *jobs.Runner {
	s := newService(o)
	return jobs.NewRunner(o.DB, o.Log, epochKind().By(s.computeEpoch), unusedKind().By(s.deleteUnused))
}

func newService(o Options) service {
	if o.MaxRows == 0 {
		o.MaxRows = standardMaxRows
	}
	if o.Method.Method == "" {
		o.Method = trust.Standard()
	}
	o.Trust = o.Trust.WithDefaults()
	if o.KeepEpochs == 0 {
		o.KeepEpochs = standardKeepEpochs
	}
	return service{
		o,
		memory.NewBudget(decompressMemory, "many compressed lists are being imported and their memory is in use: try again in a minute, or send this one uncompressed"),
		new(progress.Table),
		new(standingTables),
	}
}

var errNoEpoch = fault.NoSuch("epoch", "no scores have been computed yet: an operator computes them with POST /api/v1/reputation/epochs")
