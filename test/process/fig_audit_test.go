package process_test

import (
	"fmt"
	"maps"
	"slices"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
)

// audit compares what is stored with what was acknowledged, after the load has
// ended, and returns the number of acknowledged writes. Each is to be found exactly
// once, with nothing beside it, and each review is to have counted once in the
// module next door.
func (c *load) audit(g *cluster) (writes int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.auditReviews(g)
	c.auditCampaigns(g)
	c.auditEpochs(g)
	return len(c.reviews) + len(c.campaigns) + len(c.epochs)
}

func (c *load) auditReviews(g *cluster) {
	c.t.Helper()
	found := make(map[exchangereview.Hash]int)
	for _, r := range g.reviewsOf(reviewedExchange) {
		found[r.Hash]++
	}
	for hash, n := range found {
		if _, acknowledged := c.reviews[hash]; n != 1 || !acknowledged {
			c.t.Errorf("review %s is there %d times, acknowledged: %v", hash, n, acknowledged)
		}
	}
	for hash := range c.reviews {
		if found[hash] == 0 {
			c.t.Errorf("review %s was acknowledged and is not there", hash)
		}
	}
	var exchange exchangereview.Exchange
	g.trunk.must("GET", "/api/v1/exchange-review/exchanges/"+reviewedExchange, "", nil, &exchange)
	if exchange.Rating.Reviews != len(found) {
		c.t.Errorf("the rating counts %d reviews, there are %d", exchange.Rating.Reviews, len(found))
	}
	authors := slices.Collect(maps.Values(c.reviews))
	eventually(c.t, "every review counts as activity of its writer", func() bool {
		for len(authors) > 0 && activity(c.t, g.trunk, authors[0]) > 0 {
			authors = authors[1:]
		}
		return len(authors) == 0
	})
	for _, a := range c.reviews {
		if n := activity(c.t, g.trunk, a); n != 1 {
			c.t.Errorf("the one review of %s counts as %d activities", a.address, n)
		}
	}
}

// reviewsOf are all reviews of an exchange.
func (g *cluster) reviewsOf(slug string) (all []exchangereview.Review) {
	g.t.Helper()
	for cursor, more := "", true; more; more = cursor != "" {
		var page exchangereview.ReviewPage
		g.trunk.must("GET", fmt.Sprintf("/api/v1/exchange-review/exchanges/%s/reviews?limit=200&cursor=%s", slug, cursor), "", nil, &page)
		all, cursor = append(all, page.Reviews...), page.Next
	}
	return all
}

func (c *load) auditCampaigns(g *cluster) {
	c.t.Helper()
	found := map[string]string{}
	names := map[string]int{}
	for cursor, more := "", true; more; more = cursor != "" {
		var page airdrop.CampaignPage
		g.trunk.must("GET", "/api/v1/airdrop/campaigns?limit=200&cursor="+cursor, g.token, nil, &page)
		for _, campaign := range page.Campaigns {
			found[campaign.ID] = campaign.Name
			names[campaign.Name]++
		}
		cursor = page.Next
	}
	for name, n := range names {
		if n != 1 {
			c.t.Errorf("the campaign %q is there %d times", name, n)
		}
	}
	for id, name := range c.campaigns {
		if found[id] != name {
			c.t.Errorf("the campaign %q was acknowledged as %s, where %q is", name, id, found[id])
		}
	}
	if len(found) != len(c.campaigns)+1 { // and the drop
		c.t.Errorf("%d campaigns were acknowledged, and %d are there", len(c.campaigns), len(found)-1)
	}
}

// auditEpochs: each was acknowledged once (compute has seen to that), and the
// last is in force.
func (c *load) auditEpochs(g *cluster) {
	c.t.Helper()
	var now reputation.Epoch
	g.trunk.must("GET", "/api/v1/reputation/epochs/current", "", nil, &now)
	if last := slices.Max(slices.Collect(maps.Keys(c.epochs))); now.Number != last {
		c.t.Errorf("epoch %d is in force, and %d was acknowledged last", now.Number, last)
	}
}
