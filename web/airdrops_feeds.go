package web

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/wallet"
	"banyan/web/ui"
)

// remindBefore are how many days before the end a feed reminds of what is unclaimed.
var remindBefore = []int{30, 7, 1}

func (p *airdropPages) mountFeeds(r chi.Router) {
	r.Get("/airdrops/{id}/reminders.atom", p.site.Handle(p.remindersAtom))
	r.Get("/airdrops/{id}/reminders.json", p.site.Handle(p.remindersJSON))
}

// reminder is an entry of a campaign's feed.
type reminder struct {
	id, title, text string
	atMS            int64
}

// reminders returns what happened with the claims of a campaign, and what is unclaimed
// before the end by the chain's clock, the newest first; of a wallet that is named, what it has not claimed.
func (p *airdropPages) reminders(r *http.Request) (c airdrop.Campaign, all []reminder, err error) {
	if c, err = p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: chi.URLParam(r, "id")}); err != nil {
		return c, nil, err
	}
	d, err := p.service.Distributor(r.Context(), airdrop.CampaignQuery{ID: c.ID})
	if err != nil {
		return c, nil, err
	}
	left := fmt.Sprintf("%s %s of %s are unclaimed.", ui.Units(d.Remaining, c.Decimals), c.Symbol, ui.Units(c.Total, c.Decimals))
	remind := !d.Remaining.IsZero()
	if asked := r.URL.Query().Get("wallet"); asked != "" {
		of, err := wallet.Parse(asked)
		if err != nil {
			return c, nil, err
		}
		call, err := p.service.ClaimCall(r.Context(), airdrop.ClaimQuery{ID: c.ID, Wallet: of})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return c, nil, err
		}
		remind = err == nil && (call.State == airdrop.ClaimOpen || call.State == airdrop.ClaimWaiting)
		left = fmt.Sprintf("%s has %s %s to claim.", of, ui.Units(call.Due, c.Decimals), c.Symbol)
	}
	for _, e := range d.Reached {
		all = append(all, reminder{"reached:" + e.Phase, c.Name + ": " + phaseTitles[e.Phase], phaseTitles[e.Phase] + ".", e.TimeMS})
	}
	for _, days := range remindBefore {
		at := d.EndMS - int64(days)*dayMS
		if remind && d.EndMS > 0 && at <= d.ReadToMS && d.ReadToMS < d.EndMS {
			title := fmt.Sprintf("%s: claims end in %s", c.Name, ui.Plural(days, "day", "days"))
			all = append(all, reminder{fmt.Sprintf("end:%d", days), title, left + " Claims end on " + time.UnixMilli(d.EndMS).UTC().Format("2 January 2006, 15:04 UTC") + ".", at})
		}
	}
	slices.SortStableFunc(all, func(a, b reminder) int { return int(b.atMS/1000 - a.atMS/1000) })
	return c, all, nil
}

var phaseTitles = map[string]string{
	airdrop.Funded: "The contract has all tokens", airdrop.Opened: "Claims are open", airdrop.Finished: "Claims have ended", airdrop.Swept: "What was left is withdrawn",
}

func (p *airdropPages) remindersAtom(rw http.ResponseWriter, r *http.Request) error {
	c, all, err := p.reminders(r)
	if err != nil {
		return err
	}
	self, page := p.site.Absolute("/airdrops/", c.ID, "/reminders.atom"), p.site.Absolute("/airdrops/", c.ID)
	if r.URL.RawQuery != "" {
		self += "?" + r.URL.RawQuery
	}
	f := atomFeed{ID: self, Title: "Claims of " + c.Name, Updated: rfc3339(c.CreatedMS), Links: []atomLink{{"self", self}, {"alternate", page}}}
	for i, e := range all {
		if i == 0 {
			f.Updated = rfc3339(e.atMS)
		}
		f.Entries = append(f.Entries, atomEntry{ID: "urn:banyan:airdrop:" + c.ID + ":" + e.id, Title: e.title, Updated: rfc3339(e.atMS), Author: c.Name, Link: atomLink{Href: page}, Content: e.text})
	}
	text, err := xml.Marshal(f)
	if err != nil {
		return err
	}
	return elsewhere(rw, "application/atom+xml; charset=utf-8", append([]byte(xml.Header), text...))
}

func (p *airdropPages) remindersJSON(rw http.ResponseWriter, r *http.Request) error {
	c, all, err := p.reminders(r)
	if err != nil {
		return err
	}
	page := p.site.Absolute("/airdrops/", c.ID)
	items := make([]jsonItem, len(all))
	for i, e := range all {
		items[i] = jsonItem{"urn:banyan:airdrop:" + c.ID + ":" + e.id, page, e.title, e.text, rfc3339(e.atMS)}
	}
	self := strings.TrimSuffix(page+"/reminders.json?"+r.URL.RawQuery, "?")
	text, err := json.Marshal(jsonFeedOf{"https://jsonfeed.org/version/1.1", "Claims of " + c.Name, page, self, items})
	if err != nil {
		return err
	}
	return elsewhere(rw, "application/feed+json", text)
}
