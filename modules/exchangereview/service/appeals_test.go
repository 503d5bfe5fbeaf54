package service_test

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
)

// signedAppeal prepares and signs.
func (w *fixture) signedAppeal(t *testing.T, a *writer, slug, text string) exchangereview.SignedAppeal {
	t.Helper()
	appeal := must(w.PrepareAppeal(anybody, exchangereview.AppealDraft{Slug: slug, Wallet: a.wallet, Text: text}))(t).Appeal
	digest := exchangereview.NewDigester(site).HashAppeal(&appeal)
	made, err := crypto.Sign(digest[:], a.key)
	if err != nil {
		t.Fatal(err)
	}
	appeal.Signature = exchangereview.Signature(made)
	return appeal
}

// TestASignedAppealLeadsToAnotherDecision: its signature is the permission, its words are
// what was signed, and the moderator has both.
func TestASignedAppealLeadsToAnotherDecision(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a, b := numbered(t, 1), numbered(t, 2)
		w.publish(t, a, "kraken", 1)
		draft := exchangereview.AppealDraft{Slug: "kraken", Wallet: a.wallet, Text: "I have the receipts"}
		refused(w.PrepareAppeal(anybody, draft))(t, fault.Conflict, "nothing was decided")
		w.decide(t, a, "kraken", exchangereview.ActionRemove)
		refused(w.PrepareAppeal(anybody, exchangereview.AppealDraft{Slug: "kraken", Wallet: b.wallet, Text: "x"}))(t, fault.NotFound, "no review")
		refused(w.PrepareAppeal(anybody, exchangereview.AppealDraft{Slug: "kraken", Wallet: a.wallet}))(t, fault.Invalid, "say why")

		appeal := w.signedAppeal(t, a, "kraken", draft.Text)
		forged := appeal
		forged.Text = "remove all others, too"
		refused(w.PublishAppeal(anybody, forged))(t, fault.Forbidden, "")
		forged = appeal
		forged.Wallet = b.wallet
		refused(w.PublishAppeal(anybody, forged))(t, fault.Forbidden, "")
		elsewhere := appeal
		elsewhere.Slug = "okx"
		refused(w.PublishAppeal(anybody, elsewhere))(t, fault.Forbidden, "")
		if q := w.queue(t); len(q) != 0 {
			t.Fatalf("the queue has %+v", q)
		}
		must(w.PublishAppeal(anybody, appeal))(t)
		q := w.queue(t)
		if len(q) != 1 || q[0].Kind != exchangereview.FlagAppeal || q[0].Evidence != draft.Text || *q[0].By != a.wallet {
			t.Fatalf("the queue is %+v", q)
		}
		digest := exchangereview.NewDigester(q[0].Signed.Site).HashAppeal(&appeal)
		if q[0].Signed.Hash != digest || q[0].Signed.Signature != appeal.Signature {
			t.Errorf("signed %+v", q[0].Signed)
		}
		w.decide(t, a, "kraken", exchangereview.ActionRestore)
		if got := w.rating(t, "kraken"); got.Reviews != 1 || len(w.queue(t)) != 0 {
			t.Errorf("after the appeal: %+v", got)
		}
		refused(w.PublishAppeal(anybody, appeal))(t, fault.Conflict, "nothing was decided")
		w.decide(t, a, "kraken", exchangereview.ActionHold)
		w.clock.Pass(11 * time.Minute)
		refused(w.PublishAppeal(anybody, appeal))(t, fault.Invalid, "")
		late := w.signedAppeal(t, a, "kraken", "again")
		w.publish(t, a, "kraken", 2)
		refused(w.PublishAppeal(anybody, late))(t, fault.Conflict, "another version")
	})
}
