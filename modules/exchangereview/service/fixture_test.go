package service_test

import (
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/modules/exchangereview/service"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/testenv/seamtest"
	"banyan/platform/testenv/testclock"
	"banyan/platform/wallet"
)

const site = "banyan.example:8443"

// fixture is the module as its callers use it, on one database and through one
// route.
type fixture struct {
	exchangereview.Client
	db         *database.DB
	options    service.Options
	reputation *standings
	clock      *testclock.Clock
	service    exchangereview.Service
	way        *seamtest.Way
	by         seamtest.Open
}

// eachWay runs a test {in process, over HTTP} × {SQLite, PostgreSQL}, on the
// starter directory.
func eachWay(t *testing.T, test func(t *testing.T, w *fixture)) {
	t.Helper()
	eachEmptyWay(t, func(t *testing.T, w *fixture) {
		if _, err := service.LoadStarter(t.Context(), w.options); err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
}

func eachEmptyWay(t *testing.T, test func(t *testing.T, w *fixture)) {
	t.Helper()
	seamtest.Ways(t, exchangereview.Name, func(t *testing.T, db *database.DB, way seamtest.Open) { test(t, open(t, db, way)) })
}

// open starts the module on a database.
func open(t testing.TB, db *database.DB, way seamtest.Open) *fixture {
	t.Helper()
	w := &fixture{db: db, reputation: &standings{trust: map[wallet.Address]float64{}}, clock: testclock.At(time.UnixMilli(1_790_000_000_000))}
	w.options = service.Options{
		DB: db, Site: site, Reputation: w.reputation, Clock: w.clock.Now,
		ReputationWait: time.Minute, // a busy machine must not change a review's weight
	}
	w.start(t, way)
	return w
}

// start returns the module with the options.
func (w *fixture) start(t testing.TB, way seamtest.Open) {
	t.Helper()
	w.service = service.New(w.options)
	w.by = way
	w.way = way(t, exchangereview.Contract, exchangereview.Bind(w.service))
	w.Client = exchangereview.NewClient(w.way.Route)
}

// restart starts the module again with the options as they are now.
func (w *fixture) restart(t testing.TB) {
	t.Helper()
	w.start(t, w.by)
}

// standings is a reputation with the answers of the test. Whom it trusts or
// distrusts it has known for years.
type standings struct {
	mu      sync.Mutex
	epoch   int64
	trust   map[wallet.Address]float64 // below 0: distrusted
	young   bool                       // nobody was seen before today
	failure error
	panics  bool
	calls   int
	asked   int
	hold    chan struct{} // when set, answers wait for it
	entered chan struct{} // when set, receives at each call
}

func (s *standings) Weights(ctx context.Context, q reputation.WeightsQuery) (reputation.Weights, error) {
	if err := q.Validate(); err != nil {
		return reputation.Weights{}, err
	}
	if identity.From(ctx) != (identity.Caller{Service: exchangereview.Name}) {
		return reputation.Weights{}, errors.New("the module must call as itself, not as " + identity.From(ctx).Name())
	}
	s.mu.Lock()
	hold, entered := s.hold, s.entered
	s.mu.Unlock()
	if entered != nil {
		entered <- struct{}{}
	}
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return reputation.Weights{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.asked += len(q.Wallets)
	if s.panics {
		panic("a defect of reputation")
	}
	if s.failure != nil {
		return reputation.Weights{}, s.failure
	}
	answer := reputation.Weights{Epoch: s.epoch}
	for _, w := range q.Wallets {
		v := reputation.Weight{Wallet: w, Standing: reputation.NoStanding}
		if x, known := s.trust[w]; known && s.epoch > 0 {
			if v.Standing = reputation.Distrusted; !s.young {
				v.FirstSeenMS = 1_577_836_800_000
			}
			if x > 0 {
				v.Standing, v.WeightPPM = reputation.Trusted, int(x*reputation.MaxWeight)
			}
		}
		answer.Weights = append(answer.Weights, v)
	}
	return answer, nil
}

// set starts an epoch in which these writers are trusted so much.
func (s *standings) set(epoch int64, trust map[*writer]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch, s.trust = epoch, map[wallet.Address]float64{}
	for w, p := range trust {
		s.trust[w.wallet] = p
	}
}

func (s *standings) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// writer is a person with a wallet.
type writer struct {
	key    *ecdsa.PrivateKey
	wallet wallet.Address
}

// numbered returns the same writer in every run.
func numbered(t testing.TB, n int) *writer {
	t.Helper()
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[24:], uint64(n)+1)
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return &writer{key, wallet.Address(crypto.PubkeyToAddress(key.PublicKey))}
}

// sign signs the review.
func (a *writer) sign(t testing.TB, r exchangereview.SignedReview) exchangereview.SignedReview {
	t.Helper()
	digest := exchangereview.NewDigester(site).Hash(&r)
	made, err := crypto.Sign(digest[:], a.key)
	if err != nil {
		t.Fatal(err)
	}
	made[64] += 27
	r.Signature = exchangereview.Signature(made)
	return r
}

func (a *writer) draft(slug string, overall int) exchangereview.ReviewDraft {
	return exchangereview.ReviewDraft{
		Slug: slug, Wallet: a.wallet, Overall: overall, Text: "Of " + slug + ": ✓\nline two",
		Aspects: exchangereview.Aspects[int]{Withdrawals: 1, Support: 2, Fees: 3, Execution: 4, Security: 5, Ease: overall},
	}
}

// prepare returns a signed review made as a page does it.
func (w *fixture) prepare(t testing.TB, a *writer, slug string, overall int) exchangereview.SignedReview {
	t.Helper()
	prepared := must(w.PrepareReview(anybody, a.draft(slug, overall)))(t)
	return a.sign(t, prepared.Review)
}

// publish prepares, signs and publishes.
func (w *fixture) publish(t testing.TB, a *writer, slug string, overall int) exchangereview.Review {
	t.Helper()
	return must(w.PublishReview(anybody, w.prepare(t, a, slug, overall)))(t)
}

// withdraw takes the writer's review back as a page does it.
func (w *fixture) withdraw(t testing.TB, a *writer, slug string) exchangereview.Review {
	t.Helper()
	return must(w.WithdrawReview(anybody, w.withdrawal(t, a, slug)))(t)
}

// withdrawal prepares and signs.
func (w *fixture) withdrawal(t testing.TB, a *writer, slug string) exchangereview.SignedWithdrawal {
	t.Helper()
	prepared := must(w.PrepareWithdrawal(anybody, exchangereview.WithdrawalDraft{Slug: slug, Wallet: a.wallet}))(t).Withdrawal
	digest := exchangereview.NewDigester(site).HashWithdrawal(&prepared)
	made, err := crypto.Sign(digest[:], a.key)
	if err != nil {
		t.Fatal(err)
	}
	prepared.Signature = exchangereview.Signature(made)
	return prepared
}

// rating reads an exchange's rating, and checks that all sums are exact.
func (w *fixture) rating(t testing.TB, slug string) exchangereview.Rating {
	t.Helper()
	if err := service.VerifySums(t.Context(), w.db); err != nil {
		t.Error(err)
	}
	return must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: slug}))(t).Rating
}

// rows counts the rows of each table that a publication writes.
func (w *fixture) rows(t testing.TB) (counts [3]int) {
	t.Helper()
	for i, table := range []string{"review", "reviewer", "event_outbox"} {
		if err := w.db.Read().Get(t.Context(), &counts[i], `SELECT COUNT(*) FROM `+table); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

func (w *fixture) jobs() *service.Jobs { return service.NewJobs(w.options) }

func as(role identity.Role) context.Context {
	return identity.With(context.Background(), identity.Caller{Wallet: wallet.Address{19: 7}, Role: role})
}

var (
	operator = as(identity.Operator)
	anybody  = context.Background()
)

// must returns a call's answer and fails the test on its error.
func must[A any](answer A, err error) func(t testing.TB) A {
	return func(t testing.TB) A {
		t.Helper()
		if err != nil {
			t.Fatalf("%v", err)
		}
		return answer
	}
}

// refused checks the code of a call's error, and that it has a message.
func refused[A any](_ A, err error) func(t testing.TB, code fault.Code, says string) *fault.Fault {
	return func(t testing.TB, code fault.Code, says string) *fault.Fault {
		t.Helper()
		f := fault.From(err)
		if f == nil || f.Code != code {
			t.Errorf("got error %v, want code %s", err, code)
			return &fault.Fault{}
		}
		text := f.Message
		for _, field := range f.Fields {
			text += " " + field.String()
		}
		if !strings.Contains(text, says) {
			t.Errorf("got %q, want it to contain %q", text, says)
		}
		return f
	}
}

func upload(text string) exchangereview.ExchangeUpload {
	return exchangereview.ExchangeUpload{Body: strings.NewReader(text)}
}
