package service_test

import (
	"slices"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
)

// Until its tree is built, a campaign is the operators' alone.
func TestDraftsArePrivate(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		public := w.built(t, draft(merkle.OZ), three())
		hidden := w.drafted(t, draft(merkle.OZ))
		seen := func(role identity.Role) (ids []string) {
			for _, c := range must(w.Campaigns(as(role), airdrop.CampaignsQuery{}))(t).Campaigns {
				ids = append(ids, c.ID)
			}
			return ids
		}
		for range 2 { // as a draft, and with a list
			if ids := seen(identity.Member); !slices.Equal(ids, []string{public.ID}) {
				t.Errorf("a member sees %v, want %s alone", ids, public.ID)
			}
			if ids := seen(identity.Operator); len(ids) != 2 {
				t.Errorf("an operator sees %v", ids)
			}
			if f := refused(w.Campaign(anybody, airdrop.CampaignQuery{ID: hidden.ID}))(t, fault.NotFound); f.Missing != "campaign" {
				t.Errorf("a hidden campaign is refused with %+v, as an unknown one is not", f)
			}
			must(w.UploadList(operator, airdrop.ListUpload{ID: hidden.ID, Body: strings.NewReader(three())}))(t)
		}
		must(w.BuildTree(operator, airdrop.BuildRequest{ID: hidden.ID}))(t)
		must(w.Campaign(anybody, airdrop.CampaignQuery{ID: hidden.ID}))(t)
	})
}

func TestDraftsAreRenamedAndDeleted(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(three())}))(t)
		edited := must(w.EditCampaign(operator, airdrop.CampaignEdit{ID: c.ID, Name: " Season two ", Description: "again"}))(t)
		if edited.Name != "Season two" || edited.Description != "again" || edited.Count != 3 || edited.State != airdrop.Listed {
			t.Errorf("edited to %+v", edited)
		}
		same(t, "read again", must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t), edited)
		if f := refused(w.EditCampaign(operator, airdrop.CampaignEdit{ID: c.ID, Name: " "}))(t, fault.Invalid); len(f.Fields) != 1 || f.Fields[0].Name != "name" {
			t.Errorf("a campaign without a name is refused with %+v", f)
		}

		if gone := must(w.DeleteCampaign(operator, airdrop.CampaignDeletion{ID: c.ID}))(t); gone.ID != c.ID {
			t.Errorf("deleted %+v", gone)
		}
		refused(w.DeleteCampaign(operator, airdrop.CampaignDeletion{ID: c.ID}))(t, fault.NotFound)
		refused(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t, fault.NotFound)
		for _, table := range []string{"campaign", "list", "list_chunk"} {
			var left int
			if err := w.db.Read().Get(t.Context(), &left, `SELECT count(*) FROM `+table); err != nil || left != 0 {
				t.Errorf("%d rows of %s are left, %v", left, table, err)
			}
		}

		ready := w.built(t, draft(merkle.OZ), three())
		refused(w.EditCampaign(operator, airdrop.CampaignEdit{ID: ready.ID, Name: "another"}))(t, fault.Conflict)
		refused(w.DeleteCampaign(operator, airdrop.CampaignDeletion{ID: ready.ID}))(t, fault.Conflict)
		refused(w.DeleteCampaign(operator, airdrop.CampaignDeletion{ID: "nowhere"}))(t, fault.NotFound)
	})
}

// The report of a list is there until the tree is built, for who decides about it.
func TestTheReportStaysUntilTheTreeIsBuilt(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		twice := three() + numbered(1).String() + ",100\n"
		sent := must(w.UploadList(operator, airdrop.ListUpload{ID: c.ID, OnDuplicate: "sum", Body: strings.NewReader(twice)}))(t)
		read := must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t)
		if read.Report == nil || read.Report.Merged != 1 || read.Report.Rows != 4 {
			t.Fatalf("read again, the list was read as %+v", read.Report)
		}
		same(t, "the report", read, sent)
		must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t)
		if built := must(w.Campaign(anybody, airdrop.CampaignQuery{ID: c.ID}))(t); built.Report != nil {
			t.Errorf("a built campaign shows how its list was read: %+v", built.Report)
		}
	})
}

// Rules go with their campaign, and work that runs is not cut off.
func TestACampaignWithRulesIsDeletedWithThem(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		must(w.SetRules(operator, airdrop.RulesDraft{ID: c.ID, Rules: campaignRules}))(t)
		must(w.DeleteCampaign(operator, airdrop.CampaignDeletion{ID: c.ID}))(t)
		refused(w.Course(operator, airdrop.CourseQuery{ID: c.ID}))(t, fault.NotFound)
	})
}
