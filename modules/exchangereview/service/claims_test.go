package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

// published is what the owners of domains publish.
type published struct {
	mu      sync.Mutex
	records map[string][]string
	files   map[string]string
	entered chan struct{} // when set, receives at each question
	hold    chan struct{} // and is waited for
}

func (p *published) Records(_ context.Context, name string) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered != nil {
		p.entered <- struct{}{}
		<-p.hold
	}
	if texts := p.records[name]; texts != nil {
		return texts, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (p *published) File(_ context.Context, address string) ([]byte, error) {
	if text, there := p.files[address]; there {
		return []byte(text), nil
	}
	return nil, errors.New("it answered with the status 404")
}

// signDocument signs what a wallet is shown, as a wallet does it: from the document.
func (a *writer) signDocument(t testing.TB, document exchangereview.TypedData) exchangereview.Signature {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(text, &typed); err != nil {
		t.Fatal(err)
	}
	hash, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		t.Fatal(err)
	}
	made, err := crypto.Sign(hash, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return exchangereview.Signature(made)
}

func (w *fixture) signedClaim(t testing.TB, a *writer, slug, method string) exchangereview.SignedClaim {
	t.Helper()
	prepared := must(w.PrepareClaim(anybody, exchangereview.ClaimDraft{Slug: slug, Wallet: a.wallet, Method: method}))(t)
	prepared.Claim.Signature = a.signDocument(t, prepared.TypedData)
	return prepared.Claim
}

// lists puts a wallet of an exchange into the directory.
func (w *fixture) lists(t testing.TB, slug string, a *writer) {
	t.Helper()
	must(w.ImportExchanges(operator, upload(`[{"id": "`+slug+`", "name": "Kraken", "kind": "cex", "wallets": ["`+a.wallet.String()+`"]}]`)))(t)
}

func (w *fixture) signedReply(t testing.TB, a *writer, slug string, to *writer, text string) exchangereview.SignedReply {
	t.Helper()
	prepared := must(w.PrepareReply(anybody, exchangereview.ReplyDraft{Slug: slug, Reviewer: to.wallet, Text: text}))(t)
	prepared.Reply.Signature = a.signDocument(t, prepared.TypedData)
	return prepared.Reply
}

func TestAListedWalletClaimsAProfileAndAnswers(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		desk, stranger, a := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		w.lists(t, "kraken", desk)
		w.publish(t, a, "kraken", 2)
		refused(w.PrepareReply(anybody, exchangereview.ReplyDraft{Slug: "kraken", Reviewer: a.wallet, Text: "x"}))(t, fault.Conflict, "not claimed")
		refused(w.ClaimProfile(anybody, w.signedClaim(t, stranger, "kraken", exchangereview.ClaimByAddress)))(t, fault.Forbidden, "does not list")
		forged := w.signedClaim(t, stranger, "kraken", exchangereview.ClaimByAddress)
		forged.Wallet = desk.wallet
		refused(w.ClaimProfile(anybody, forged))(t, fault.Forbidden, "not by")
		elsewhere := w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)
		elsewhere.Slug = "okx"
		refused(w.ClaimProfile(anybody, elsewhere))(t, fault.Forbidden, "")
		if e := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t); e.Claimed {
			t.Error("refused claims hold")
		}

		claim := must(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)))(t)
		if !claim.Holds || claim.Wallet != desk.wallet || claim.UntilMS != w.clock.Now().Add(exchangereview.ClaimFor).UnixMilli() {
			t.Errorf("%+v", claim)
		}
		if e := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t); !e.Claimed || len(e.Wallets) != 1 {
			t.Errorf("%+v", e)
		}
		refused(w.PublishReply(anybody, w.signedReply(t, stranger, "kraken", a, "I am the exchange")))(t, fault.Forbidden, "not by")
		signed := w.signedReply(t, desk, "kraken", a, "We are sorry.")
		reply := must(w.PublishReply(anybody, signed))(t)
		shown := func() *exchangereview.Reply {
			return must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews[0].Reply
		}
		if got := shown(); got == nil || *got != reply || got.Text != "We are sorry." || got.Wallet != desk.wallet {
			t.Errorf("shown %+v, want %+v", got, reply)
		}
		if h := must(w.History(anybody, exchangereview.HistoryQuery{Slug: "kraken", Wallet: a.wallet}))(t); h.Versions[0].Reply == nil {
			t.Error("the history has no answer")
		}
		refused(w.PublishReply(anybody, signed))(t, fault.Conflict, "later answer")
		w.clock.Pass(time.Second)
		must(w.PublishReply(anybody, w.signedReply(t, desk, "kraken", a, "It is solved.")))(t)
		if got := shown(); got.Text != "It is solved." {
			t.Errorf("%+v", got)
		}
		w.clock.Pass(time.Second)
		late := w.signedReply(t, desk, "kraken", a, "Third")
		w.publish(t, a, "kraken", 5)
		refused(w.PublishReply(anybody, late))(t, fault.Conflict, "edited")
		if got := shown(); got == nil || got.Text != "It is solved." {
			t.Errorf("after an edit: %+v", got)
		}
		w.clock.Pass(time.Second)
		must(w.PublishReply(anybody, w.signedReply(t, desk, "kraken", a, "")))(t)
		if got := shown(); got != nil {
			t.Errorf("taken back: %+v", got)
		}
	})
}

func TestADomainNamesTheWalletThatClaims(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		desk, other := numbered(t, 1), numbered(t, 2)
		domains := &published{records: map[string][]string{}, files: map[string]string{}}
		w.options.Domains = domains
		w.restart(t)
		prepared := must(w.PrepareClaim(anybody, exchangereview.ClaimDraft{Slug: "kraken", Wallet: desk.wallet, Method: exchangereview.ClaimByDNS}))(t)
		if prepared.Record != "_banyan.kraken.com" || prepared.File != "https://www.kraken.com/.well-known/banyan-claim.txt" ||
			prepared.Contains != "banyan-claim="+site+"/kraken/"+desk.wallet.String() {
			t.Errorf("%+v", prepared)
		}
		refused(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByDNS)))(t, fault.Forbidden, "does not name this wallet")
		refused(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByFile)))(t, fault.Unavailable, "404")
		domains.records[prepared.Record] = []string{"v=spf1 -all", prepared.Contains}
		if c := must(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByDNS)))(t); c.CheckedAt != prepared.Record {
			t.Errorf("%+v", c)
		}
		refused(w.ClaimProfile(anybody, w.signedClaim(t, other, "kraken", exchangereview.ClaimByDNS)))(t, fault.Forbidden, "does not name")
		domains.files[prepared.File] = "# ours\r\n banyan-claim=" + site + "/kraken/" + other.wallet.String() + "\r\n"
		must(w.ClaimProfile(anybody, w.signedClaim(t, other, "kraken", exchangereview.ClaimByFile)))(t)
		all := must(w.Claims(anybody, exchangereview.ClaimsQuery{Slug: "kraken"}))(t).Claims
		if len(all) != 2 || !all[0].Holds || all[0].Wallet != other.wallet || all[1].Holds || all[1].EndedBy != exchangereview.EndedByClaim {
			t.Errorf("%+v", all)
		}
	})
}

func TestTooManyDomainsAreNotAskedAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		desk := numbered(t, 1)
		domains := &published{entered: make(chan struct{}), hold: make(chan struct{})}
		w.options.Domains = domains
		w.restart(t)
		signed := w.signedClaim(t, desk, "kraken", exchangereview.ClaimByDNS)
		var waiting sync.WaitGroup
		busy := make(chan error, 20)
		for range 20 {
			waiting.Go(func() {
				_, err := w.ClaimProfile(anybody, signed)
				busy <- err
			})
		}
		<-domains.entered // one asks, others wait behind it, and those beyond the limit are refused
		for range 16 {
			if err := <-busy; !fault.Is(err, fault.Busy) {
				t.Errorf("%v", err)
			}
		}
		go func() {
			for range domains.entered {
			}
		}()
		close(domains.hold)
		waiting.Wait()
		close(domains.entered)
	})
}

func TestAClaimExpiresIsGivenBackOrEnded(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		desk, stranger, a := numbered(t, 1), numbered(t, 2), numbered(t, 3)
		w.lists(t, "kraken", desk)
		w.publish(t, a, "kraken", 2)
		claimed := func() bool {
			return must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t).Claimed
		}
		claim := func() {
			must(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)))(t)
		}
		claim()
		w.clock.Pass(exchangereview.ClaimFor)
		if claimed() {
			t.Error("a claim holds for longer than a year")
		}
		refused(w.PrepareReply(anybody, exchangereview.ReplyDraft{Slug: "kraken", Reviewer: a.wallet}))(t, fault.Conflict, "not claimed")
		claim()
		w.clock.Pass(time.Second)
		refused(w.ClaimProfile(anybody, w.signedClaim(t, stranger, "kraken", exchangereview.ClaimWithdraw)))(t, fault.Conflict, "not claimed by this wallet")
		back := w.signedClaim(t, desk, "kraken", exchangereview.ClaimWithdraw)
		if c := must(w.ClaimProfile(anybody, back))(t); c.Holds || c.EndedBy != exchangereview.EndedByExchange || claimed() {
			t.Errorf("%+v", c)
		}
		w.clock.Pass(time.Second)
		claim()
		refused(w.ClaimProfile(anybody, back))(t, fault.Conflict, "not claimed by this wallet") // it was of the claim before

		must(w.PublishReply(anybody, w.signedReply(t, desk, "kraken", a, "Click here.")))(t)
		refused(w.EndClaim(anybody, exchangereview.ClaimEnd{Slug: "kraken", Reason: "x"}))(t, fault.Unauthenticated, "")
		refused(w.EndClaim(operator, exchangereview.ClaimEnd{Slug: "kraken"}))(t, fault.Invalid, "say why")
		ended := must(w.EndClaim(operator, exchangereview.ClaimEnd{Slug: "kraken", Reason: "The wallet was stolen.", BarDays: 30}))(t)
		if ended.Holds || ended.EndedBy != exchangereview.EndedByOperator || claimed() {
			t.Errorf("%+v", ended)
		}
		if r := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t).Reviews[0]; r.Reply != nil {
			t.Errorf("an answer in the name of an ended claim is shown: %+v", r.Reply)
		}
		log := must(w.ModerationLog(anybody, exchangereview.LogQuery{}))(t).Decisions
		if len(log) != 1 || log[0].Reason != "The wallet was stolen." || log[0].Wallet != desk.wallet {
			t.Errorf("%+v", log)
		}
		refused(w.EndClaim(operator, exchangereview.ClaimEnd{Slug: "kraken", Reason: "again"}))(t, fault.NotFound, "not claimed")
		w.clock.Pass(time.Second)
		refused(w.ClaimProfile(anybody, w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)))(t, fault.Forbidden, "refuses others until")
		w.clock.Pass(31 * 24 * time.Hour)
		ctx := seam.WithIdempotencyKey(anybody, "claim-1")
		signed := w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)
		first := must(w.ClaimProfile(ctx, signed))(t)
		if again := must(w.ClaimProfile(ctx, signed))(t); again != first {
			t.Errorf("again %+v, first %+v", again, first)
		}
		if all := must(w.Claims(anybody, exchangereview.ClaimsQuery{Slug: "kraken"}))(t).Claims; len(all) != 4 {
			t.Errorf("%d claims", len(all))
		}
		old := w.signedClaim(t, desk, "kraken", exchangereview.ClaimByAddress)
		w.clock.Pass(time.Hour)
		refused(w.ClaimProfile(anybody, old))(t, fault.Invalid, "more than 10 minutes ago")
	})
}
