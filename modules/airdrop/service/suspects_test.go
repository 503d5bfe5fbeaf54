package service_test

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

const sybilRules = `
version: 1
decimals: 18
sources:
  members: {kind: list, values: {points: 0}}
  clusters: {kind: sybils}
eligible: members
deny:
  - {source: clusters, reason: probably one of many wallets of one person}
allocation:
  - {name: points, to: members, each: 10}
`

// person has a key of its own.
type person struct {
	key    *ecdsa.PrivateKey
	wallet wallet.Address
}

func newPerson(t *testing.T) person {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return person{key, wallet.Address(crypto.PubkeyToAddress(key.PublicKey))}
}

func (p person) signedIn() context.Context {
	return identity.With(context.Background(), identity.Caller{Wallet: p.wallet, Role: identity.Member})
}

// signs prepares an appeal and signs what the wallet is shown.
func (p person) signs(t *testing.T, w *fixture, d airdrop.AppealDraft) airdrop.SignedAppeal {
	t.Helper()
	d.Wallet = p.wallet
	prepared := must(w.PrepareAppeal(anybody, d))(t)
	hash := airdrop.AppealHash("banyan.example", prepared.Appeal)
	signed, err := crypto.Sign(hash[:], p.key)
	if err != nil {
		t.Fatal(err)
	}
	prepared.Appeal.Signature = exchangereview.Signature(signed)
	return prepared.Appeal
}

// suspected is a campaign whose preview leaves two people out, as one cluster, and one of
// another; a fourth is not flagged.
func (w *fixture) suspected(t *testing.T, people [4]person) airdrop.Course {
	t.Helper()
	c := w.drafted(t, draft(merkle.OZ))
	must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: sybilRules}))(t)
	members, clusters := "address,points\n", "address,cluster,score,flagged,reason\n"
	for i, p := range people {
		members += fmt.Sprintf("%s,%d\n", p.wallet, i+1)
		clusters += fmt.Sprintf("%s,%d,0.9%d,%v,transfers tie %d candidates together\n", p.wallet, 1+i/2, i, i < 3, i+8)
	}
	must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "members", Body: strings.NewReader(members)}))(t)
	must(w.UploadInput(operator, airdrop.InputUpload{ID: c.ID, Source: "clusters", Body: strings.NewReader(clusters)}))(t)
	return w.collected(t, c.ID)
}

func (w *fixture) collected(t *testing.T, id string) airdrop.Course {
	t.Helper()
	must(w.Collect(operator, airdrop.CourseChange{ID: id}))(t)
	return w.reaches(t, id, airdrop.Previewed)
}

// Flagged wallets wait for operators; a decision pays them or says in public why not; an
// appeal that they have signed is decided, too; and the list has all of it, and can be
// computed again from the files.
func TestSuspectsAppealAndAreDecided(t *testing.T) {
	eachWayWith(t, service.Options{Site: "banyan.example"}, func(t *testing.T, w *fixture) {
		w.work(t)
		people := [4]person{newPerson(t), newPerson(t), newPerson(t), newPerson(t)}
		course := w.suspected(t, people)
		id := course.Campaign
		queue := must(w.Suspects(operator, airdrop.SuspectsQuery{ID: id, Limit: 2}))(t)
		rest := must(w.Suspects(operator, airdrop.SuspectsQuery{ID: id, Limit: 2, Cursor: queue.Next}))(t)
		if len(queue.Suspects) != 2 || len(rest.Suspects) != 1 || rest.Next != "" || queue.Counts.Flagged != 3 || !strings.HasPrefix(queue.Suspects[0].Evidence, "transfers tie") {
			t.Fatalf("the queue is %+v, then %+v", queue, rest)
		}
		refused(w.Suspects(people[0].signedIn(), airdrop.SuspectsQuery{ID: id}))(t, fault.Forbidden)

		mine := func(i int) airdrop.SuspectQuery { return airdrop.SuspectQuery{ID: id, Wallet: people[i].wallet} }
		refused(w.Suspect(anybody, mine(0)))(t, fault.NotFound) // nothing is decided, and it is nobody else's business
		if s := must(w.Suspect(people[0].signedIn(), mine(0)))(t); s.State != airdrop.Flagged || s.Score != "0.9" || s.Cluster != "1" || !s.Open {
			t.Errorf("its own wallet sees %+v", s)
		}
		decide := airdrop.SuspectDecision{ID: id, Cluster: "1", As: airdrop.OutLeft, Reason: "  two wallets that pay each other  "}
		if d := must(w.Decide(operator, decide))(t); d.Changed != 2 || d.Counts.LeftOut != 2 || d.Counts.Flagged != 1 {
			t.Errorf("of the cluster: %+v", d)
		}
		decide.Cluster, decide.Wallets = "", []wallet.Address{people[0].wallet, people[3].wallet}
		refused(w.Decide(operator, decide))(t, fault.NotFound)
		refused(w.Freeze(operator, airdrop.FreezeRequest{ID: id, Preview: course.Preview}))(t, fault.Conflict) // it is older than the decisions

		text := "I am one person, and the other wallet is my sister's."
		appeal := people[0].signs(t, w, airdrop.AppealDraft{ID: id, Kind: airdrop.AnAppeal, Text: text})
		forged := appeal
		forged.Wallet = people[1].wallet
		refused(w.Appeal(anybody, forged))(t, fault.Forbidden)
		late := appeal
		late.CreatedMS -= 2 * airdrop.AppealValid
		refused(w.Appeal(anybody, late))(t, fault.Invalid)
		if s := must(w.Appeal(anybody, appeal))(t); s.State != airdrop.Appealed || s.Appeal != text || s.Reason != "two wallets that pay each other" {
			t.Errorf("appealed: %+v", s)
		}
		same(t, "sent again", must(w.Appeal(anybody, appeal))(t).Appeals, 1)
		refused(w.Appeal(anybody, people[0].signs(t, w, airdrop.AppealDraft{ID: id, Kind: airdrop.AnAppeal, Text: text + " Please."})))(t, fault.Conflict)
		refused(w.Appeal(anybody, people[3].signs(t, w, airdrop.AppealDraft{ID: id, Kind: airdrop.AnAppeal, Text: text})))(t, fault.Conflict)
		stranger := newPerson(t)
		refused(w.Appeal(anybody, stranger.signs(t, w, airdrop.AppealDraft{ID: id, Kind: airdrop.AReport, Text: text})))(t, fault.Conflict)

		course = w.collected(t, id)
		if f := refused(w.Freeze(operator, airdrop.FreezeRequest{ID: id, Preview: course.Preview}))(t, fault.Conflict); !strings.Contains(f.Message, "1 appeals") {
			t.Errorf("while an appeal waits: %v", f)
		}
		report := people[3].signs(t, w, airdrop.AppealDraft{ID: id, Kind: airdrop.AReport, Text: "Two others of the list are mine as well."})
		if s := must(w.Appeal(anybody, report))(t); s.State != airdrop.Reported {
			t.Errorf("reported: %+v", s)
		}
		must(w.Decide(operator, airdrop.SuspectDecision{ID: id, Wallets: []wallet.Address{people[0].wallet}, As: airdrop.Paid, Reason: "the sister has signed, too"}))(t)
		must(w.Decide(operator, airdrop.SuspectDecision{ID: id, Wallets: []wallet.Address{people[3].wallet}, As: airdrop.OutLeft, Reason: "it has said so itself"}))(t)
		course = w.collected(t, id)
		must(w.Freeze(operator, airdrop.FreezeRequest{ID: id, Preview: course.Preview}))(t)
		frozen := w.reaches(t, id, airdrop.Frozen)

		for i, want := range []struct{ amount, reason string }{
			{"10000000000000000000", "eligible"}, {"0", "(two wallets that pay each other; transfers tie 9"}, {"0", "(transfers tie 10"}, {"0", "(it has said so itself)"},
		} {
			why := must(w.Why(anybody, airdrop.WhyQuery{ID: id, Wallet: people[i].wallet}))(t)
			if why.Amount.Dec() != want.amount || !strings.Contains(why.Reason, want.reason) {
				t.Errorf("person %d gets %s: %s", i, why.Amount.Dec(), why.Reason)
			}
		}
		seen := must(w.Suspect(operator, mine(0)))(t)
		if seen.State != airdrop.Paid || seen.Open || len(seen.Events) != 3 || seen.Events[0].What != airdrop.OutLeft || seen.Events[1].Text != text || seen.Events[2].By == "" {
			t.Errorf("what happened with the first is %+v", seen)
		}
		if public := must(w.Suspect(anybody, mine(0)))(t); public.Reason != "the sister has signed, too" || public.Events[2].By != "" {
			t.Errorf("everybody sees %+v", public)
		}
		refused(w.Decide(operator, airdrop.SuspectDecision{ID: id, Wallets: []wallet.Address{people[0].wallet}, As: airdrop.OutLeft, Reason: "too late"}))(t, fault.Conflict)
		refused(w.PrepareAppeal(anybody, airdrop.AppealDraft{ID: id, Wallet: people[1].wallet, Kind: airdrop.AnAppeal, Text: text}))(t, fault.Conflict)
		w.reproduced(t, id, *frozen.Root)
	})
}

// Who is flagged no more is forgotten unless something was decided, and a file of nobody
// can be left.
func TestSuspectsOfAnOlderFileAreForgotten(t *testing.T) {
	eachWayWith(t, service.Options{Site: "banyan.example"}, func(t *testing.T, w *fixture) {
		w.work(t)
		people := [4]person{newPerson(t), newPerson(t), newPerson(t), newPerson(t)}
		id := w.suspected(t, people).Campaign
		must(w.Decide(operator, airdrop.SuspectDecision{ID: id, Wallets: []wallet.Address{people[2].wallet}, As: airdrop.Paid, Reason: "known in person"}))(t)
		only := fmt.Sprintf("address,cluster,score,flagged,reason\n%s,7,0.9,true,again\n", people[2].wallet)
		must(w.UploadInput(operator, airdrop.InputUpload{ID: id, Source: "clusters", Body: strings.NewReader(only)}))(t)
		course := w.collected(t, id)
		counts := must(w.Suspects(operator, airdrop.SuspectsQuery{ID: id}))(t).Counts
		same(t, "counts", counts, airdrop.SuspectCounts{Paid: 1})
		if p := must(w.Preview(operator, airdrop.CourseQuery{ID: id}))(t).Preview; p.Count != 4 || len(p.LeftOut) != 0 {
			t.Errorf("the preview is %+v", p)
		}
		must(w.Freeze(operator, airdrop.FreezeRequest{ID: id, Preview: course.Preview}))(t)
		root := *w.reaches(t, id, airdrop.Frozen).Root
		w.reproduced(t, id, root)
	})
}

// Many wallets of one person that all appeal are decided about at once, so that they
// cannot hold up a freeze; without being asked for, appeals are decided one by one.
func TestAClusterIsDecidedWithItsAppeals(t *testing.T) {
	eachWayWith(t, service.Options{Site: "banyan.example"}, func(t *testing.T, w *fixture) {
		w.work(t)
		people := [4]person{newPerson(t), newPerson(t), newPerson(t), newPerson(t)}
		id := w.suspected(t, people).Campaign
		for _, p := range people[:2] {
			must(w.Appeal(anybody, p.signs(t, w, airdrop.AppealDraft{ID: id, Kind: airdrop.AnAppeal, Text: "I am one person, and nobody else is."})))(t)
		}
		decide := airdrop.SuspectDecision{ID: id, Cluster: "1", As: airdrop.OutLeft, Reason: "they pay each other"}
		if d := must(w.Decide(operator, decide))(t); d.Changed != 0 || d.Counts.Appealed != 2 {
			t.Errorf("of those who wait: %+v", d)
		}
		decide.Appealed = true
		if d := must(w.Decide(operator, decide))(t); d.Changed != 2 || d.Counts.Appealed != 0 || d.Counts.LeftOut != 2 {
			t.Errorf("with their appeals: %+v", d)
		}
		course := w.collected(t, id)
		must(w.Freeze(operator, airdrop.FreezeRequest{ID: id, Preview: course.Preview}))(t)
	})
}
