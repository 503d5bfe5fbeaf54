package service

import (
	"context"
	"encoding/json"
	"io"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/seam"
)

// shown returns a course whose preview the caller may see.
func (s *service) shown(ctx context.Context, id string) (courseRow, error) {
	row, err := s.store.course(ctx, s.options.DB.Read(), id)
	if err != nil {
		return row, err
	}
	caller := identity.From(ctx)
	switch {
	case row.Preview == 0:
		return row, fault.NoSuch("preview", "there is no preview yet: collect on the page of the rules, or with POST /api/v1/airdrop/campaigns/%s/collect", id)
	case !decided(row) && caller.Role < identity.Operator && caller.Service == "":
		return row, fault.New(fault.Forbidden, "who gets what is not decided yet: ask again when the campaign is frozen")
	}
	return row, nil
}

// decided reports whether the list of a campaign is final.
func decided(row courseRow) bool {
	switch row.Phase {
	case airdrop.Draft, airdrop.Collecting, airdrop.Previewed:
		return false
	}
	return row.Preview > 0
}

// Preview implements Courses.
func (s *service) Preview(ctx context.Context, q airdrop.CourseQuery) (airdrop.CoursePreview, error) {
	row, err := s.shown(ctx, q.ID)
	if err != nil {
		return airdrop.CoursePreview{}, err
	}
	p := airdrop.CoursePreview{Campaign: q.ID, Number: row.Preview, TimeMS: row.PreviewMS}
	if err := json.Unmarshal([]byte(row.Summary), &p.Preview); err != nil {
		return p, damaged(q.ID, "its preview", err)
	}
	return p, nil
}

// Why implements Courses.
func (s *service) Why(ctx context.Context, q airdrop.WhyQuery) (airdrop.Why, error) {
	row, err := s.shown(ctx, q.ID)
	if err != nil {
		return airdrop.Why{}, err
	}
	answer := airdrop.Why{Campaign: q.ID, Wallet: q.Wallet, Reason: rules.UnknownWallet, Final: decided(row)}
	d, found, err := s.decisionOf(ctx, q.ID, row.Preview, q.Wallet)
	if found {
		answer.Amount, answer.Reason = d.amount, d.reason
	}
	return answer, err
}

// Manifest implements Courses.
func (s *service) Manifest(ctx context.Context, q airdrop.CourseQuery) (seam.Stream, error) {
	row, err := s.store.course(ctx, s.options.DB.Read(), q.ID)
	if err != nil {
		return seam.Stream{}, err
	}
	if !decided(row) {
		return seam.Stream{}, fault.New(fault.Conflict, "the campaign is not frozen yet, so its list may still change: ask again when it is")
	}
	return seam.Stream{ContentType: "application/json", Write: func(w io.Writer) error {
		_, err := io.WriteString(w, row.Manifest)
		return err
	}}, nil
}
