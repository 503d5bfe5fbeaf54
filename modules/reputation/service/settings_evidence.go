package service

import (
	"fmt"
	"strconv"
	"strings"

	"banyan/modules/reputation"
	"banyan/platform/attestation"
	"banyan/platform/config"
)

func (s Settings) checkEvidence(c *config.Checks) {
	if !(s.VouchWeight >= 0 && s.VouchWeight <= attestation.MaxLevel) {
		c.Wrong("vouch_weight", "is %v, must be from 0 to 10", s.VouchWeight)
	}
	if !(s.ReportWeight >= attestation.MinLevel && s.ReportWeight <= 0) {
		c.Wrong("report_weight", "is %v, must be from -10 to 0", s.ReportWeight)
	}
	seen := make(map[string]bool)
	for _, a := range s.Activity {
		if seen[a.Kind] {
			c.Wrong("activity", "names %s twice", a.Kind)
		}
		seen[a.Kind] = true
	}
}

// CountedActivity says what a kind of activity counts: "review.published 1 3/day"
// is one point each, for at most three of a day.
type CountedActivity struct{ reputation.ActivityKind }

// UnmarshalText reads KIND WEIGHT CAP/day.
func (a *CountedActivity) UnmarshalText(text []byte) error {
	cells := strings.Fields(string(text))
	if len(cells) != 3 || !strings.HasSuffix(cells[2], "/day") || len(cells[0]) > 100 {
		return fmt.Errorf("%q is not a kind, its weight and its cap, like review.published 1 3/day", text)
	}
	weight, err := strconv.ParseFloat(cells[1], 64)
	if err != nil || !(weight >= 0 && weight <= 1000) {
		return fmt.Errorf("the weight %q of %s is not a number from 0 to 1000", cells[1], cells[0])
	}
	perDay, err := strconv.Atoi(strings.TrimSuffix(cells[2], "/day"))
	if err != nil || perDay < 1 || perDay > 1000 {
		return fmt.Errorf("the cap %q of %s is not a number from 1 to 1000 a day, like 3/day", cells[2], cells[0])
	}
	a.ActivityKind = reputation.ActivityKind{Kind: cells[0], Weight: weight, PerDay: perDay}
	return nil
}

// MarshalText returns the text form.
func (a CountedActivity) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%s %s %d/day", a.Kind, strconv.FormatFloat(a.Weight, 'g', -1, 64), a.PerDay), nil
}

func (s Settings) activity() []reputation.ActivityKind {
	kinds := make([]reputation.ActivityKind, len(s.Activity))
	for i, a := range s.Activity {
		kinds[i] = a.ActivityKind
	}
	return kinds
}
