package audit

import (
	"context"
	"fmt"
	"strings"

	"banyan/modules/airdrop"
	"banyan/platform/load"
	"banyan/platform/seam"
)

// The writes of a campaign, in their order.
const (
	createCampaign = "airdrop/createCampaign"
	uploadList     = "airdrop/uploadList"
	buildTree      = "airdrop/buildTree"
)

// Airdrop checks that each campaign of the run is there once, with the list and the root
// that were acknowledged.
func Airdrop(route *seam.Route) load.Check {
	s := airdrop.NewClient(route)
	return func(ctx context.Context, r *load.Record) (found []load.Finding, err error) {
		there := make(map[string][]airdrop.Campaign) // by name
		err = eachPage(ctx, func(cursor string) (string, error) {
			list, err := s.Campaigns(ctx, airdrop.CampaignsQuery{Cursor: cursor, Limit: 200})
			for _, c := range list.Campaigns {
				if strings.Contains(c.Name, r.Run) {
					there[c.Name] = append(there[c.Name], c)
				}
			}
			return list.Next, err
		})
		if err != nil {
			return nil, err
		}
		for _, e := range r.Of(createCampaign) {
			found = append(found, judgeCampaign(e, there[e.About])...)
		}
		for _, operation := range []string{uploadList, buildTree} {
			for _, e := range r.Of(operation) {
				found = append(found, judgeList(e, there[e.About])...)
			}
		}
		for _, e := range r.Of(createCampaign) {
			delete(there, e.About)
		}
		for called, campaigns := range there {
			found = append(found, load.Finding{Operation: createCampaign, ID: campaigns[0].ID, Problem: fmt.Sprintf("is called %q and has the run's name, and the log says nothing of it%s", called, times(len(campaigns)))})
		}
		return found, nil
	}
}

func judgeCampaign(e load.Entry, there []airdrop.Campaign) []load.Finding {
	switch {
	case len(there) > 1:
		return []load.Finding{load.Found(e, "is there %d times as %q", len(there), e.About)}
	case !e.Acknowledged():
		return nil
	case len(there) == 0:
		return []load.Finding{load.Found(e, "was acknowledged as %q, and is not there", e.About)}
	case there[0].ID != e.ID:
		return []load.Finding{load.Found(e, "was acknowledged as %q, which is %s", e.About, there[0].ID)}
	}
	return nil
}

// judgeList judges what was acknowledged of a campaign's list and tree.
func judgeList(e load.Entry, there []airdrop.Campaign) []load.Finding {
	if !e.Acknowledged() || len(there) == 0 { // a missing campaign is named already
		return nil
	}
	c := there[0]
	got := fmt.Sprintf("%d rows", c.Count)
	if e.Operation == buildTree {
		if got = "no root"; c.Root != nil {
			got = c.Root.String()
		}
	}
	if got != e.Digest {
		return []load.Finding{load.Found(e, "was acknowledged with %s, and has %s", e.Digest, got)}
	}
	return nil
}
