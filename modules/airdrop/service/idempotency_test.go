package service_test

import (
	"context"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

func TestARepeatedUploadAndBuildHaveOneEffect(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		c := w.drafted(t, draft(merkle.OZ))
		ctx := seam.WithIdempotencyKey(operator, "season-1")
		upload := func(ctx context.Context, amount string) (airdrop.Campaign, error) {
			return w.UploadList(ctx, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(numbered(1).String() + "," + amount + "\n")})
		}
		first := must(upload(ctx, "5"))(t)
		must(upload(operator, "6"))(t)
		same(t, "the upload again", must(upload(ctx, "5"))(t), first)
		if now := must(w.Campaign(operator, airdrop.CampaignQuery{ID: c.ID}))(t); now.Total.Uint64() == first.Total.Uint64() {
			t.Error("the repeated upload has replaced a later list")
		}
		refused(upload(ctx, "7"))(t, fault.Conflict)

		built := must(w.BuildTree(ctx, airdrop.BuildRequest{ID: c.ID}))(t)
		same(t, "the build again", must(w.BuildTree(ctx, airdrop.BuildRequest{ID: c.ID}))(t), built)
		same(t, "the upload after the build", must(upload(ctx, "5"))(t), first)
		refused(upload(operator, "5"))(t, fault.Conflict)
		refused(upload(seam.WithIdempotencyKey(operator, "season-2"), "5"))(t, fault.Conflict)
	})
}

// The answers are lost after the module has done the work.
func TestLostAnswersAreNotSecondEffects(t *testing.T) {
	databasetest.Each(t, airdrop.Name, func(t *testing.T, db *database.DB) {
		w := open(t, service.Options{DB: db}, seamtest.OverHTTP)
		w.way.Lose(1)
		c := must(w.CreateCampaign(operator, draft(merkle.OZ)))(t)
		if page := must(w.Campaigns(operator, airdrop.CampaignsQuery{}))(t); len(page.Campaigns) != 1 || page.Campaigns[0].ID != c.ID {
			t.Errorf("one create whose answer was lost left %d campaigns", len(page.Campaigns))
		}
		ctx := seam.WithIdempotencyKey(operator, "list-1")
		upload := func() (airdrop.Campaign, error) {
			return w.UploadList(ctx, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(numbered(1).String() + ",5\n")})
		}
		w.way.Lose(1)
		refused(upload())(t, fault.Unavailable) // a stream cannot be sent again by the seam
		if got := must(upload())(t); got.Count != 1 {
			t.Errorf("the list has %d rows", got.Count)
		}
		w.way.Lose(1)
		w.way.Requests.Store(0)
		if got := must(w.BuildTree(operator, airdrop.BuildRequest{ID: c.ID}))(t); got.Root == nil || w.way.Requests.Load() != 2 {
			t.Errorf("built as %+v after %d requests", got, w.way.Requests.Load())
		}
	})
}
