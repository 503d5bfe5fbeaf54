package service

import "banyan/platform/page"

// position is a position in the order of campaigns: newest first, and by id
// among those of one millisecond.
type position struct {
	CreatedMS int64  `json:"created_ms"`
	ID        string `json:"id"`
}

// campaignList is the order in which campaigns are listed.
func campaignList() page.List[position] { return page.NewList[position]("campaigns") }
