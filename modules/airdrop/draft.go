package airdrop

import (
	"context"

	"banyan/platform/merkle"
	"banyan/platform/seam"
)

// Drafts is what operators do with a campaign whose tree is not built yet. Such a
// campaign is theirs alone: for everybody else it does not exist.
type Drafts interface {
	// EditCampaign changes how a campaign is called and described. Invalid: see
	// CampaignEdit. NotFound. Conflict: its tree is built, and people know it by its
	// name.
	EditCampaign(context.Context, CampaignEdit) (Campaign, error)
	// DeleteCampaign deletes a campaign with its list and its rules. NotFound, also
	// when it was deleted before. Conflict: its tree is built, or work on it runs.
	DeleteCampaign(context.Context, CampaignDeletion) (CampaignDeleted, error)
	// ListWork returns how far an upload or a build of a campaign is. It is known where
	// the work is done: another process answers that there is none. Whoever asked for
	// the work cancels it by ending the request. NotFound.
	ListWork(context.Context, CampaignQuery) (ListWork, error)
}

// ListWork is how far work on a campaign's list is: a progress.Work, whose package this
// contract does not import, to stay light.
type ListWork struct {
	Stage string `json:"stage"` // reading, hashing or storing; "" = nothing is done now
	Done  int64  `json:"done"`  // units
	Total int64  `json:"total"` // 0 = not known
}

var (
	editCampaign = seam.Write[CampaignEdit, Campaign](Contract, "editCampaign", "PUT /campaigns/{id}", seam.Operators,
		"Change the name and the description of a campaign that is not built")
	deleteCampaign = seam.Write[CampaignDeletion, CampaignDeleted](Contract, "deleteCampaign", "DELETE /campaigns/{id}", seam.Operators,
		"Delete a campaign that is not built")
	listWork = seam.Read[CampaignQuery, ListWork](Contract, "listWork", "GET /campaigns/{id}/work", seam.Operators,
		"How far an upload or a build is", seam.Ignore("stage"), seam.Ignore("done"), seam.Ignore("total")) // only one process does it
)

func bindDrafts(s Drafts) []seam.Binding {
	return []seam.Binding{editCampaign.To(s.EditCampaign), deleteCampaign.To(s.DeleteCampaign), listWork.To(s.ListWork)}
}

// CampaignEdit has the texts of a campaign as they shall be, within the bounds of
// CampaignDraft.
type CampaignEdit struct {
	ID          string `path:"id" json:"-"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Validate refuses texts that a new campaign could not have.
func (e CampaignEdit) Validate() error {
	return CampaignDraft{Name: e.Name, Description: e.Description, Symbol: "TOKEN", Format: merkle.OZ}.Validate()
}

// CampaignDeletion names the campaign to delete.
type CampaignDeletion struct {
	ID string `path:"id" json:"-"`
}

// CampaignDeleted says which campaign is gone.
type CampaignDeleted struct {
	ID string `json:"id"`
}

// ListWork implements Drafts.
func (c Client) ListWork(ctx context.Context, q CampaignQuery) (ListWork, error) {
	return listWork.Call(ctx, c.route, q)
}

// EditCampaign implements Drafts.
func (c Client) EditCampaign(ctx context.Context, q CampaignEdit) (Campaign, error) {
	return editCampaign.Call(ctx, c.route, q)
}

// DeleteCampaign implements Drafts.
func (c Client) DeleteCampaign(ctx context.Context, q CampaignDeletion) (CampaignDeleted, error) {
	return deleteCampaign.Call(ctx, c.route, q)
}
