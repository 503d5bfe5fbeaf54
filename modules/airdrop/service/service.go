package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"banyan/modules/airdrop"
	"banyan/platform/chain"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/jobs"
	"banyan/platform/memory"
	"banyan/platform/page"
	"banyan/platform/progress"
	"banyan/platform/seam"
	"banyan/platform/signature"
)

// Options are the module's dependencies and limits. Zero limits are the
// defaults.
type Options struct {
	DB     *database.DB
	Chains *chain.Chains // where distributors are; nil = the settings name no node
	Log    *slog.Logger
	Clock  func() time.Time // nil = time.Now
	Random io.Reader        // of ids, safe for concurrent use; nil = crypto/rand

	MaxRows      int   // rows of one list; 0 = 10,000,000
	MaxListBytes int64 // of an uploaded list once decompressed; 0 = 2 GiB
	TreeBytes    int64 // of built trees kept in memory to serve claims; 0 = 512 MiB

	// Trees is the folder where built trees are kept as files, which all
	// processes of this machine share; it is created when it is needed. "": each
	// process keeps them in its memory.
	Trees string

	// Site is the host of this installation, which wallets sign with an appeal; Contracts
	// asks smart wallets whether they have signed, nil = nobody can.
	Site      string
	Contracts signature.Contracts

	// Reputation and Reviews are what campaigns with rules collect from; nil = a file
	// has to be uploaded instead.
	Reputation Reputation
	Reviews    Reviews

	MaxWallets          int   // lines of one VerifyWallets; 0 = 2,000,000
	MaxWalletsAnonymous int   // the same for callers who are not signed in; 0 = 200,000
	MaxWalletsBytes     int64 // of its text once decompressed; 0 = 256 MiB
	VerifyBytes         int64 // of memory for such checks, all callers together; 0 = 512 MiB
}

// uploadBytes is memory for reading uploaded lists, all operators together:
// their decoders, and the text being read. The rows are not included.
const uploadBytes = 1 << 30

// maxBuilds is how many trees are built at a time: each may need gigabytes, and
// building uses every core anyway.
const maxBuilds = 2

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	o.MaxRows = orDefault(o.MaxRows, 10_000_000)
	o.MaxListBytes = orDefault(o.MaxListBytes, 2<<30)
	o.TreeBytes = orDefault(o.TreeBytes, 512<<20)
	o.MaxWallets = orDefault(o.MaxWallets, 2_000_000)
	o.MaxWalletsAnonymous = orDefault(o.MaxWalletsAnonymous, min(o.MaxWallets, 200_000))
	o.MaxWalletsBytes = orDefault(o.MaxWalletsBytes, 256<<20)
	o.VerifyBytes = orDefault(o.VerifyBytes, 512<<20)
	return o
}

func orDefault[N int | int64](n, standard N) N {
	if n > 0 {
		return n
	}
	return standard
}

// service implements Service.
type service struct {
	options Options
	store   store
	ids     ids
	lists   lists
	files   files // of sources
	kept    treeFiles
	trees   *trees
	works   progress.Table
	builds  chan struct{}  // a slot for each tree being built
	checks  *memory.Budget // of VerifyWallets
	uploads *memory.Budget // of UploadList
}

var _ airdrop.Service = (*service)(nil)

// New returns the module's service. The lists of uploads that ended with a
// killed process are removed by Run (jobs.go).
func New(o Options) airdrop.Service { return newService(o) }

// NewRunner returns what runs the work on campaigns; only the owner of the writes may
// run it.
func NewRunner(o Options) *jobs.Runner {
	s := newService(o)
	return jobs.NewRunner(o.DB, s.options.Log, courseKind().By(s.workOnCourse))
}

func newService(o Options) *service {
	o = o.withDefaults()
	s := &service{
		options: o,
		store:   store{o.DB},
		lists:   newLists(o),
		files:   files{store: store{o.DB}, ids: ids{random: o.Random}},
		kept:    treeFiles{options: o, store: store{o.DB}},
		ids:     ids{random: o.Random},
		builds:  make(chan struct{}, maxBuilds),
		checks:  memory.NewBudget(o.VerifyBytes, "many long checks are running and their memory is in use: try again in a minute, or send fewer wallets at a time"),
		uploads: memory.NewBudget(uploadBytes, "many lists are being uploaded and their memory is in use: try again in a minute, or send this one uncompressed"),
	}
	s.trees = newTrees(o.TreeBytes, s.loadTree)
	return s
}

func (o Options) nowMS() int64 { return o.Clock().UnixMilli() }

// errBuilt refuses a change of a built campaign.
func errBuilt() error {
	return fault.New(fault.Conflict, "the campaign is built and its root may be in a contract, so it cannot change: create a new campaign for another list")
}

// CreateCampaign implements Service. The same caller with the same idempotency
// key gets the campaign that the first call made.
func (s *service) CreateCampaign(ctx context.Context, d airdrop.CampaignDraft) (airdrop.Campaign, error) {
	return idempotency.Do(ctx, s.idempotent(ctx, "createCampaign", idempotency.Of(d)), func(ctx context.Context, keep idempotency.Keep[airdrop.Campaign]) (airdrop.Campaign, error) {
		return s.create(ctx, d, keep)
	})
}

// idempotent returns a write whose answer is kept under the caller's
// idempotency key.
func (s *service) idempotent(ctx context.Context, operation string, request idempotency.Fingerprint) idempotency.Write {
	return idempotency.Write{DB: s.options.DB, Operation: operation, Key: seam.IdempotencyKey(ctx), Request: request}
}

func (s *service) create(ctx context.Context, d airdrop.CampaignDraft, keep idempotency.Keep[airdrop.Campaign]) (airdrop.Campaign, error) {
	c := airdrop.Campaign{
		Name: strings.TrimSpace(d.Name), Description: d.Description, Format: d.Format,
		Symbol: strings.TrimSpace(d.Symbol), Decimals: d.Decimals, State: airdrop.Draft, CreatedMS: s.options.nowMS(),
	}
	for range idAttempts {
		var err error
		if c.ID, err = s.ids.draw(campaignIDLength); err != nil {
			return airdrop.Campaign{}, err
		}
		added, err := s.store.insertCampaign(ctx, c, identity.From(ctx).Name(), keep)
		if err != nil {
			return airdrop.Campaign{}, fmt.Errorf("create campaign: %w", err)
		}
		if added {
			return c, nil
		}
	}
	return airdrop.Campaign{}, fmt.Errorf("create campaign: %d random ids in a row exist already, so the random source repeats itself", idAttempts)
}

// Campaign implements Service.
func (s *service) Campaign(ctx context.Context, q airdrop.CampaignQuery) (airdrop.Campaign, error) {
	c, err := s.store.campaign(ctx, s.options.DB.Read(), q.ID)
	if err == nil && !isVisible(ctx, &c.Campaign) {
		return airdrop.Campaign{}, errNoCampaign()
	}
	return c.Campaign, err
}

// Campaigns implements Service.
func (s *service) Campaigns(ctx context.Context, q airdrop.CampaignsQuery) (airdrop.CampaignPage, error) {
	list := campaignList()
	after, err := list.After(q.Cursor, position{CreatedMS: math.MaxInt64})
	if err != nil {
		return airdrop.CampaignPage{}, err
	}
	size := page.Standard().Size(q.Limit)
	found, err := s.store.campaigns(ctx, after, size+1, seesDrafts(ctx))
	if err != nil {
		return airdrop.CampaignPage{}, err
	}
	size = page.Fit(found, size, func(c *airdrop.Campaign) int { return len(c.Name) + len(c.Description) })
	found, next := page.Cut(list, found, size, func(c airdrop.Campaign) position { return position{c.CreatedMS, c.ID} })
	return airdrop.CampaignPage{Campaigns: found, Next: next}, nil
}

// UploadList implements Service. The list is read and checked as a whole before
// anything is written; then it is written beside the old one, and the last,
// small transaction makes it the campaign's list. A list that is sent again
// with its key has to be read before it is known to be the same.
func (s *service) UploadList(ctx context.Context, u airdrop.ListUpload) (airdrop.Campaign, error) {
	c, err := s.store.campaign(ctx, s.options.DB.Read(), u.ID)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	if c.State == airdrop.Built && seam.IdempotencyKey(ctx) == "" {
		return airdrop.Campaign{}, errBuilt()
	}
	tell, end := s.works.Begin(c.ID)
	defer end()
	rows, report, err := s.readList(ctx, u, c.Campaign, tell)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	if err := s.byHand(ctx, s.options.DB.Read(), c.ID); err != nil {
		return airdrop.Campaign{}, err
	}
	w := s.idempotent(ctx, "uploadList", listFingerprint(c.ID, rows))
	w.LookFirst = true
	listed, err := idempotency.Do(ctx, w, func(ctx context.Context, keep idempotency.Keep[airdrop.Campaign]) (airdrop.Campaign, error) {
		if c.State == airdrop.Built {
			return airdrop.Campaign{}, errBuilt()
		}
		return s.lists.keep(ctx, c.ID, rows, report, tell, func(ctx context.Context, tx *database.Tx, c airdrop.Campaign) error {
			if err := s.byHand(ctx, tx, c.ID); err != nil { // rules came meanwhile
				return err
			}
			return keep(ctx, tx, c)
		})
	})
	if err == nil {
		listed.Report = report
	}
	return listed, err
}

// BuildTree implements Service. The tree is built outside of any transaction;
// two concurrent builds compute the same root, and the second finds it stored.
func (s *service) BuildTree(ctx context.Context, q airdrop.BuildRequest) (airdrop.Campaign, error) {
	return idempotency.Do(ctx, s.idempotent(ctx, "buildTree", idempotency.Of(q.ID)), func(ctx context.Context, keep idempotency.Keep[airdrop.Campaign]) (airdrop.Campaign, error) {
		if err := s.byHand(ctx, s.options.DB.Read(), q.ID); err != nil {
			return airdrop.Campaign{}, err
		}
		return s.build(ctx, q, keep)
	})
}

func (s *service) build(ctx context.Context, q airdrop.BuildRequest, keep idempotency.Keep[airdrop.Campaign]) (airdrop.Campaign, error) {
	c, err := s.store.campaign(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	switch c.State {
	case airdrop.Built:
		return c.Campaign, nil
	case airdrop.Draft:
		return airdrop.Campaign{}, errNoList(c.ID)
	}
	tell, end := s.works.Begin(c.ID)
	defer end()
	c, tree, err := s.buildStored(ctx, q.ID, tell)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	tell(progress.Storing, 0, 0)
	built, err := s.store.setBuilt(ctx, c.ID, c.listID, tree.Root(), s.options.nowMS(), keep)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	if *built.Root != tree.Root() {
		return airdrop.Campaign{}, errRoot(c.ID, *built.Root, tree.Root())
	}
	ready, err := s.serve(ctx, built, tree)
	if err != nil {
		return airdrop.Campaign{}, err
	}
	s.trees.put(ready)
	ready.leave()
	return built.Campaign, nil
}

func errNoList(campaign string) error {
	return fault.New(fault.Conflict, "the campaign has no list yet: upload it on its page, or with PUT /api/v1/airdrop/campaigns/"+campaign+"/list")
}

// enterBuild waits for a slot among the trees being built.
func (s *service) enterBuild(ctx context.Context) (leave func(), err error) {
	select {
	case s.builds <- struct{}{}:
		return sync.OnceFunc(func() { <-s.builds }), nil
	case <-ctx.Done():
		return nil, fault.From(ctx.Err())
	}
}

// Claim implements Service. A file that turns out to be damaged is replaced
// before the answer.
func (s *service) Claim(ctx context.Context, q airdrop.ClaimQuery) (airdrop.Claim, error) {
	c, err := s.claim(ctx, q)
	err, again := s.dropDamaged(ctx, err)
	if again {
		c, err = s.claim(ctx, q)
		err, _ = s.dropDamaged(ctx, err)
	}
	return c, err
}

func (s *service) claim(ctx context.Context, q airdrop.ClaimQuery) (airdrop.Claim, error) {
	t, err := s.trees.get(ctx, q.ID)
	if err != nil {
		return airdrop.Claim{}, err
	}
	defer t.leave()
	return t.claim(q.Wallet)
}
