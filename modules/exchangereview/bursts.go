package exchangereview

import "banyan/platform/page"

// BurstsQuery selects a page of bursts; an empty slug is all exchanges.
type BurstsQuery struct {
	Slug   string `query:"slug" json:"-"`
	Cursor string `query:"cursor" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q BurstsQuery) Validate() error { return page.Standard().Check(q.Limit) }

// BurstPage is a page of bursts.
type BurstPage struct {
	Bursts []Burst `json:"bursts"`
	Next   string  `json:"next,omitempty"` // cursor of the next page, "" = the end
}

// Burst is a day on which an exchange received unusually many reviews. The rules and
// their numbers are those of package bursts.
type Burst struct {
	Exchange string  `json:"exchange"` // slug
	DayMS    int64   `json:"day_ms"`   // UTC, its begin
	Holds    bool    `json:"holds"`    // new reviews of the day are held, because their stars are others than before, too
	Reviews  int     `json:"reviews"`  // of the day and the one before
	Usual    float64 `json:"usual"`    // reviews of two days
	Mix      float64 `json:"mix"`      // G of their stars against those of four weeks
	Held     int     `json:"held"`     // reviews of the exchange that the program holds now
}
