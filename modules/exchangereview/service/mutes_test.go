package service_test

import (
	"bytes"
	"testing"
	"time"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/wallet"
)

func TestAReaderMutesWalletsForThemselvesAlone(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		reader, other, loud, second := numbered(t, 1), numbered(t, 2), numbered(t, 3), numbered(t, 4)
		w.publish(t, loud, "kraken", 1)
		before := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t)
		reviews := must(w.Reviews(anybody, exchangereview.ReviewsQuery{Slug: "kraken"}))(t)
		muted := func(by *writer) []exchangereview.Muted {
			t.Helper()
			return must(w.MutedWallets(by.signedIn(), exchangereview.MutedQuery{}))(t).Wallets
		}
		if got := muted(reader); got == nil || len(got) != 0 {
			t.Errorf("at first: %v", got)
		}
		since := w.clock.Now().UnixMilli()
		first := must(w.MuteWallet(reader.signedIn(), exchangereview.Mute{Wallet: loud.wallet, Muted: true}))(t)
		if first != (exchangereview.Muted{Wallet: loud.wallet, MutedMS: since}) {
			t.Errorf("muted %+v", first)
		}
		w.clock.Pass(time.Minute)
		if again := must(w.MuteWallet(reader.signedIn(), exchangereview.Mute{Wallet: loud.wallet, Muted: true}))(t); again != first {
			t.Errorf("muted again: %+v", again)
		}
		must(w.MuteWallet(reader.signedIn(), exchangereview.Mute{Wallet: second.wallet, Muted: true}))(t)
		if got := muted(reader); len(got) != 2 || got[0].Wallet != second.wallet || got[1] != first {
			t.Errorf("muted: %+v", got)
		}

		// Nobody else has it, and it changes nothing that others see.
		if got := muted(other); len(got) != 0 {
			t.Errorf("another reader has %v", got)
		}
		if got := muted(loud); len(got) != 0 {
			t.Errorf("the muted one has %v", got)
		}
		if after := must(w.Exchange(anybody, exchangereview.ExchangeQuery{Slug: "kraken"}))(t); after.Rating != before.Rating {
			t.Errorf("the rating has changed: %+v", after.Rating)
		}
		again := must(w.Reviews(reader.signedIn(), exchangereview.ReviewsQuery{Slug: "kraken"}))(t)
		if len(again.Reviews) != 1 || again.Reviews[0].Hash != reviews.Reviews[0].Hash {
			t.Errorf("the reviews have changed: %+v", again)
		}
		stream := must(w.ExportReviews(anybody, exchangereview.ReviewsExport{}))(t)
		var file bytes.Buffer
		if err := stream.Write(&file); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ToLower(file.Bytes()), bytes.ToLower([]byte(reader.wallet.String()))) || bytes.Contains(file.Bytes(), []byte("mute")) {
			t.Error("an export has who muted whom")
		}

		if ended := must(w.MuteWallet(reader.signedIn(), exchangereview.Mute{Wallet: loud.wallet}))(t); ended.MutedMS != 0 {
			t.Errorf("unmuted: %+v", ended)
		}
		must(w.MuteWallet(reader.signedIn(), exchangereview.Mute{Wallet: loud.wallet}))(t) // nothing to end
		if got := muted(reader); len(got) != 1 || got[0].Wallet != second.wallet {
			t.Errorf("left: %+v", got)
		}
	})
}

func TestMutesAreBounded(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		a := numbered(t, 1)
		refused(w.MuteWallet(anybody, exchangereview.Mute{Wallet: wallet.Address{19: 1}, Muted: true}))(t, fault.Unauthenticated, "sign in")
		refused(w.MutedWallets(anybody, exchangereview.MutedQuery{}))(t, fault.Unauthenticated, "sign in")
		refused(w.MuteWallet(a.signedIn(), exchangereview.Mute{Muted: true}))(t, fault.Invalid, "wallet: is missing")
		refused(w.MuteWallet(a.signedIn(), exchangereview.Mute{Wallet: a.wallet, Muted: true}))(t, fault.Invalid, "your own")
		for i := range exchangereview.MaxMuted {
			must(w.MuteWallet(a.signedIn(), exchangereview.Mute{Wallet: wallet.Address{18: 1, 19: byte(i)}, Muted: true}))(t)
		}
		one := exchangereview.Mute{Wallet: wallet.Address{17: 1}, Muted: true}
		refused(w.MuteWallet(a.signedIn(), one))(t, fault.Conflict, "the limit")
		must(w.MuteWallet(a.signedIn(), exchangereview.Mute{Wallet: wallet.Address{18: 1}, Muted: true}))(t) // is muted already
		must(w.MuteWallet(a.signedIn(), exchangereview.Mute{Wallet: wallet.Address{18: 1}}))(t)
		must(w.MuteWallet(a.signedIn(), one))(t)
		if got := must(w.MutedWallets(a.signedIn(), exchangereview.MutedQuery{}))(t); len(got.Wallets) != exchangereview.MaxMuted {
			t.Errorf("%d are muted", len(got.Wallets))
		}
	})
}
