package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/web/ui"
)

// buildQuestion is asked before a tree is built, which is for good: what the list
// has.
type buildQuestion struct {
	Campaign airdrop.Campaign
	Sure     string      // what the answer names, see sureOf
	Lines    [][2]string // of the list's report, for people
	Again    bool        // the list was replaced since it was asked
}

// sureOf names the list that an operator has looked at: another one is asked about
// again.
func sureOf(c airdrop.Campaign) string { return fmt.Sprintf("%d rows, %s", c.Count, c.Total.Dec()) }

// buildTree asks once more, with the figures of the list, and builds when the answer is
// about the list that is there.
func (p *airdropPages) buildTree(rw http.ResponseWriter, r *http.Request) (string, error) {
	id, sure := chi.URLParam(r, "id"), r.PostFormValue("sure")
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		return "", err
	}
	if c.State == airdrop.Listed && sure != sureOf(c) {
		q := &buildQuestion{Campaign: c, Sure: sureOf(c), Again: sure != ""}
		if c.Report != nil {
			q.Lines = c.Report.Lines()
		}
		return "", p.showCampaignWith(rw, r, id, http.StatusOK, campaignData{Question: q})
	}
	if c, err = p.service.BuildTree(r.Context(), airdrop.BuildRequest{ID: id}); err != nil {
		return "", err
	}
	return "The tree is built over " + ui.Plural(c.Count, "wallet", "wallets") + ". Its root is final: publish it where people can compare it.", nil
}

func (p *airdropPages) editCampaign(_ http.ResponseWriter, r *http.Request) (string, error) {
	c, err := p.service.EditCampaign(r.Context(), airdrop.CampaignEdit{
		ID: chi.URLParam(r, "id"), Name: strings.TrimSpace(r.PostFormValue("name")),
		Description: strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("description"), "\r\n", "\n")),
	})
	if err != nil {
		return "", err
	}
	return "The campaign is called “" + c.Name + "” now.", nil
}

// deleteCampaign deletes a draft whose name the operator has typed, so that nobody
// deletes one by a slip.
func (p *airdropPages) deleteCampaign(_ http.ResponseWriter, r *http.Request) (string, error) {
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: chi.URLParam(r, "id")})
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(r.PostFormValue("confirm")) != c.Name {
		return "", fault.New(fault.Invalid, "the campaign is still there: type its name to delete it").With(fault.Field{Name: "confirm", Message: "is the campaign's name, “" + c.Name + "”"})
	}
	if _, err := p.service.DeleteCampaign(r.Context(), airdrop.CampaignDeletion{ID: c.ID}); err != nil {
		return "", err
	}
	return "The campaign “" + c.Name + "” is deleted, with its list.", nil
}
