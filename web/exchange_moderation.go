package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/exchangereview"
	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

func (p *exchangePages) mountModeration(r chi.Router) {
	r.Get("/exchanges/-/moderation", p.site.Handle(p.moderation))
	r.Post("/exchanges/-/moderation", p.site.Form(p.moderate))
	r.Post("/exchanges/-/mutes", p.site.Form(p.site.Behind(feature.Mutes, p.mute)))
	r.Post("/exchanges/{slug}/reviews/{wallet}/vote", p.site.Form(p.vote))
	r.Post("/exchanges/{slug}/reviews/{wallet}/report", p.site.Form(p.report))
}

// vote says whether a review helped.
func (p *exchangePages) vote(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	slug := chi.URLParam(r, "slug")
	_, err = p.service.VoteOnReview(r.Context(), exchangereview.Vote{Slug: slug, Wallet: writer, Helpful: r.FormValue("helpful") == "yes"})
	if err != nil {
		return err
	}
	p.site.GoTo(rw, r, "/exchanges/", slug)
	return nil
}

// report asks moderators to look at a review.
func (p *exchangePages) report(rw http.ResponseWriter, r *http.Request) error {
	writer, err := ui.PathWallet(r)
	if err != nil {
		return err
	}
	slug := chi.URLParam(r, "slug")
	_, err = p.service.ReportReview(r.Context(), exchangereview.Report{Slug: slug, Wallet: writer, Reason: r.FormValue("reason"), Text: r.FormValue("text")})
	if err != nil {
		return err
	}
	p.site.GoTo(rw, r, "/exchanges/", slug)
	return nil
}

type moderationData struct {
	Queue   *exchangereview.Queue // nil for those who may not decide
	Log     exchangereview.ModerationLog
	Bursts  []exchangereview.Burst
	Missing *ui.Missing
	ui.Pager
}

// moderation shows what was decided, and to moderators what waits.
func (p *exchangePages) moderation(rw http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var d moderationData
	var queueErr, logErr error
	ui.Together(func() {
		var queue exchangereview.Queue
		if queue, queueErr = p.service.ModerationQueue(ctx, exchangereview.QueueQuery{Limit: exchangesPerPage}); queueErr == nil {
			d.Queue = &queue
		}
	}, func() {
		d.Log, logErr = p.service.ModerationLog(ctx, exchangereview.LogQuery{Cursor: r.URL.Query().Get("cursor"), Limit: exchangesPerPage})
	})
	bursts, burstsErr := p.service.Bursts(ctx, exchangereview.BurstsQuery{Limit: exchangesPerPage})
	if d.Bursts = bursts.Bursts; logErr == nil {
		logErr = burstsErr
	}
	if fault.Is(logErr, fault.Invalid) {
		return logErr
	}
	if logErr == nil && !fault.Is(queueErr, fault.Forbidden) && !fault.Is(queueErr, fault.Unauthenticated) {
		logErr = queueErr
	}
	d.Missing, d.Pager = ui.Part(ctx, logErr, "Exchange reviews", "the moderation"), ui.PagerOf(r, d.Log.Next)
	return p.site.Show(rw, r, http.StatusOK, "exchanges/moderation", ui.Page{
		Title: "Moderation", Nav: "/exchanges", Data: d, Description: "What moderators decided about reviews, and why.",
	})
}

// moderate decides about a review or its writer.
func (p *exchangePages) moderate(rw http.ResponseWriter, r *http.Request) error {
	d := exchangereview.Decision{Action: r.FormValue("action"), Reason: r.FormValue("reason"), Slug: r.FormValue("slug")}
	if text := r.FormValue("wallet"); text != "" {
		if err := d.Wallet.UnmarshalText([]byte(text)); err != nil {
			return err
		}
	}
	switch d.Action {
	case exchangereview.ActionRelease, exchangereview.ActionConfirm:
		d.Wallet = wallet.Address{} // about all held reviews of the exchange
	case exchangereview.ActionSuspend, exchangereview.ActionPremoderate, exchangereview.ActionClear:
		d.Slug = "" // about the wallet
		if text := r.FormValue("days"); text != "" && d.Action != exchangereview.ActionClear {
			days, err := strconv.Atoi(text)
			if err != nil || days < 1 || days > 3650 {
				return fault.New(fault.Invalid, "the days are 1 to 3650, or empty for no end")
			}
			d.UntilMS = time.Now().Add(time.Duration(days) * 24 * time.Hour).UnixMilli()
		}
	}
	if _, err := p.service.Moderate(r.Context(), d); err != nil {
		return err
	}
	p.site.GoTo(rw, r, "/exchanges/-/moderation")
	return nil
}
