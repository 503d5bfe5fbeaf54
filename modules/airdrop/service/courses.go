package service

import (
	"context"
	"fmt"
	"strings"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/idempotency"
	"banyan/platform/identity"
	"banyan/platform/jobs"
)

// courseJob is work on a campaign: collecting its run, or freezing its preview.
type courseJob struct {
	Campaign string `json:"campaign"`
	Do       string `json:"do"` // collect or freeze
	Run      int64  `json:"run"`
}

const (
	doCollect = "collect"
	doFreeze  = "freeze"
)

// courseKind is the kind of job that works on campaigns.
func courseKind() jobs.Kind[courseJob, int64] { return jobs.NewKind[courseJob, int64]("campaign") }

// write is an idempotent change of a campaign's course.
func (s *service) write(ctx context.Context, operation string, request any, id string, change func(ctx context.Context, tx *database.Tx) error) (airdrop.Course, error) {
	fingerprint := idempotency.Of(struct {
		ID      string
		Request any
	}{id, request})
	return idempotency.Do(ctx, s.idempotent(ctx, operation, fingerprint), func(ctx context.Context, keep idempotency.Keep[airdrop.Course]) (answer airdrop.Course, err error) {
		err = s.options.DB.Write(ctx, func(tx *database.Tx) error {
			if err := change(ctx, tx); err != nil {
				return err
			}
			if answer, err = s.describe(ctx, tx, id); err != nil {
				return err
			}
			return keep(ctx, tx, answer)
		})
		return answer, err
	})
}

// SetRules implements Courses.
func (s *service) SetRules(ctx context.Context, d airdrop.RulesDraft) (airdrop.Course, error) {
	parsed, err := rules.Parse([]byte(d.Rules))
	if err != nil {
		return airdrop.Course{}, err
	}
	return s.write(ctx, "setRules", d.Rules, d.ID, func(ctx context.Context, tx *database.Tx) error {
		c, err := s.store.lockCampaign(ctx, tx, d.ID)
		if err != nil {
			return err
		}
		if err := fits(parsed, c.Campaign); err != nil {
			return err
		}
		row, err := s.store.course(ctx, tx, d.ID)
		if fault.Is(err, fault.NotFound) {
			row, err = courseRow{Campaign: d.ID, Phase: airdrop.Draft, ChangedMS: tx.Now().UnixMilli()}, nil
		}
		if err != nil {
			return err
		}
		if err := changeable(row); err != nil {
			return err
		}
		inputs, err := s.store.inputs(ctx, tx, d.ID)
		if err != nil {
			return err
		}
		for name, in := range inputs { // what is not needed any more, was collected, or made from another
			if parsed.Source(name) == nil || in.Run > 0 {
				if err := s.store.dropInputs(ctx, tx, d.ID, name); err != nil {
					return err
				}
			}
		}
		row.Rules, row.Phase, row.Reason = d.Rules, airdrop.Draft, ""
		return s.store.saveCourse(ctx, tx, row)
	})
}

// fits refuses rules that are not for a campaign.
func fits(parsed *rules.Rules, c airdrop.Campaign) error {
	var epoch int64
	for _, source := range parsed.Sources {
		if source.Epoch > 0 && epoch > 0 && source.Epoch != epoch {
			return fault.New(fault.Invalid, "the rules cannot be used: see the lines").With(
				fault.Field{Name: "epoch", Line: source.Line, Message: "is another than that of the source before: a campaign is computed from one epoch"})
		}
		epoch = max(epoch, source.Epoch)
	}
	switch {
	case c.State == airdrop.Built:
		return errBuilt()
	case parsed.Decimals != c.Decimals:
		return fault.Newf(fault.Invalid, "the rules are for a token with %d decimals, and the campaign's has %d: correct decimals in the rules", parsed.Decimals, c.Decimals)
	case !c.Format.Plain():
		return fault.New(fault.Invalid, "rules say a wallet and an amount, and the leaves of this campaign have other values: upload its list")
	}
	return nil
}

// changeable refuses changes of what a campaign is computed from.
func changeable(row courseRow) error {
	switch {
	case row.Freezing != 0:
		return fault.New(fault.Conflict, "the campaign is being frozen: wait until that has ended")
	case row.Phase == airdrop.Draft || row.Phase == airdrop.Previewed:
		return nil
	case row.Phase == airdrop.Collecting:
		return fault.New(fault.Conflict, "the campaign is being collected: wait for the end, or cancel it")
	}
	return fault.Newf(fault.Conflict, "the campaign is %s and does not change any more: create a new one", row.Phase)
}

// Collect implements Courses. Who collects while it is collected is answered the same.
func (s *service) Collect(ctx context.Context, q airdrop.CourseChange) (airdrop.Course, error) {
	return s.write(ctx, "collect", nil, q.ID, func(ctx context.Context, tx *database.Tx) error {
		inputs, err := s.store.inputs(ctx, tx, q.ID)
		if err != nil {
			return err
		}
		_, err = s.store.changeCourse(ctx, tx, q.ID, func(row *courseRow) error {
			if row.Phase == airdrop.Collecting {
				return nil
			}
			if err := changeable(*row); err != nil {
				return err
			}
			if err := s.complete(*row, inputs); err != nil {
				return err
			}
			row.Phase, row.Reason, row.Run = airdrop.Collecting, "", row.Run+1
			row.JobID, err = courseKind().Add(ctx, tx, courseJob{q.ID, doCollect, row.Run})
			return err
		})
		return err
	})
}

// complete refuses a campaign whose sources lack files.
func (s *service) complete(row courseRow, inputs map[string]inputRow) error {
	parsed, err := rules.Parse([]byte(row.Rules))
	if err != nil {
		return damaged(row.Campaign, "its rules", err)
	}
	var missing []string
	for _, source := range parsed.Sources {
		in, ok := inputs[source.Name]
		switch {
		case !ok && !collected(source):
			missing = append(missing, source.Name)
		case !ok && source.OnChain():
			if _, err := s.options.views(source.Chain); err != nil {
				return fmt.Errorf("the source %s has no file: %w", source.Name, err)
			}
		case ok && in.Run == 0 && source.SHA256 != "" && source.SHA256 != in.SHA256:
			return fault.Newf(fault.Conflict, "the file of the source %s has the SHA-256 %s, and the rules name %s: upload it again", source.Name, in.SHA256, source.SHA256)
		}
	}
	if len(missing) > 0 {
		return fault.Newf(fault.Conflict, "these sources have no file yet: %s; upload each on the page of the rules, or with PUT /api/v1/airdrop/campaigns/%s/inputs/SOURCE", strings.Join(missing, ", "), row.Campaign)
	}
	return nil
}

// Course implements Courses.
func (s *service) Course(ctx context.Context, q airdrop.CourseQuery) (airdrop.Course, error) {
	return s.describe(ctx, s.options.DB.Read(), q.ID)
}

// describe returns the course of a campaign.
func (s *service) describe(ctx context.Context, from database.Queryer, id string) (airdrop.Course, error) {
	row, err := s.store.course(ctx, from, id)
	if err != nil {
		return airdrop.Course{}, err
	}
	c, err := s.store.campaign(ctx, from, id)
	if err != nil {
		return airdrop.Course{}, err
	}
	answer := airdrop.Course{Campaign: id, Phase: row.Phase, Rules: row.Rules, Sources: []airdrop.CourseSource{}, Preview: row.Preview, Reason: row.Reason, ChangedMS: row.ChangedMS, Root: c.Root}
	parsed, err := rules.Parse([]byte(row.Rules))
	if err != nil {
		return answer, damaged(id, "its rules", err)
	}
	inputs, err := s.store.inputs(ctx, from, id)
	if err != nil {
		return answer, err
	}
	for _, source := range parsed.Sources {
		in := used(inputs, source.Name)
		answer.Sources = append(answer.Sources, airdrop.CourseSource{
			Name: source.Name, Kind: source.Kind, Collected: collected(source) && (in.FileID == "" || in.Run > 0),
			File: in.Name, SHA256: in.SHA256, Bytes: in.Bytes, Rows: in.Rows, Epoch: in.Epoch, EpochRoot: in.EpochRoot,
		})
	}
	if row.JobID == 0 {
		return answer, nil
	}
	status, err := courseKind().Status(ctx, from, row.JobID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return answer, err
	}
	answer.Working = err == nil && !status.State.Ended()
	answer.Stage, answer.Progress, answer.Work = status.Stage, status.Progress, status.Work
	return answer, nil
}

// Freeze implements Courses. Who freezes what is being frozen is answered the same; it
// waits some seconds for the end.
func (s *service) Freeze(ctx context.Context, q airdrop.FreezeRequest) (airdrop.Course, error) {
	answer, err := s.write(ctx, "freeze", q.Preview, q.ID, func(ctx context.Context, tx *database.Tx) error {
		_, err := s.store.changeCourse(ctx, tx, q.ID, func(row *courseRow) (err error) {
			switch {
			case decided(*row) && row.Phase != airdrop.Cancelled && row.Preview == q.Preview, row.Freezing != 0 && row.Freezing == q.Preview:
				return nil
			case row.Preview != q.Preview && row.Preview > 0:
				return fault.Newf(fault.Conflict, "the latest preview is number %d, not %d: look at it before you freeze it", row.Preview, q.Preview)
			case row.Phase != airdrop.Previewed:
				return fault.Newf(fault.Conflict, "the campaign is %s: what is frozen is a preview of its rules and files as they are; collect it again, and look at the new preview", row.Phase)
			}
			waiting, err := s.store.suspectCounts(ctx, tx, q.ID)
			if err != nil {
				return err
			}
			if waiting.Appealed > 0 {
				return fault.Newf(fault.Conflict, "%d appeals of wallets that are left out wait for a decision: decide about them, and make a preview of what follows", waiting.Appealed)
			}
			row.Freezing, row.Reason = q.Preview, ""
			row.JobID, err = courseKind().Add(ctx, tx, courseJob{q.ID, doFreeze, q.Preview})
			return err
		})
		return err
	})
	if err != nil {
		return answer, err
	}
	row, err := s.store.course(ctx, s.options.DB.Read(), q.ID)
	if err != nil || row.JobID == 0 {
		return s.describe(ctx, s.options.DB.Read(), q.ID)
	}
	if _, err := courseKind().Wait(ctx, s.options.DB, row.JobID, waitForWork); err != nil && !fault.Is(err, fault.NotFound) {
		return answer, err
	}
	return s.describe(ctx, s.options.DB.Read(), q.ID)
}

// Advance implements Courses.
func (s *service) Advance(ctx context.Context, q airdrop.PhaseChange) (airdrop.Course, error) {
	return s.write(ctx, "advance", q, q.ID, func(ctx context.Context, tx *database.Tx) error {
		_, err := s.store.changeCourse(ctx, tx, q.ID, func(row *courseRow) error {
			if next := airdrop.After(row.Phase); next == "" || next != q.Phase {
				return fault.Newf(fault.Conflict, "the campaign is %s: from there it goes %s", row.Phase, orNowhere(next))
			}
			row.Phase, row.Reason = q.Phase, strings.TrimSpace(q.Reason)
			return s.store.addPhase(ctx, tx, phaseRow{Campaign: q.ID, Phase: q.Phase, TimeMS: tx.Now().UnixMilli(), Balance: "0", Claimed: "0", By: identity.From(ctx).Name(), Reason: row.Reason})
		})
		return err
	})
}

func orNowhere(phase string) string {
	if phase == "" {
		return "nowhere by this operation"
	}
	return "to " + phase
}

// Cancel implements Courses.
func (s *service) Cancel(ctx context.Context, q airdrop.PhaseChange) (airdrop.Course, error) {
	var before courseRow
	answer, err := s.write(ctx, "cancel", q, q.ID, func(ctx context.Context, tx *database.Tx) error {
		row, err := s.store.changeCourse(ctx, tx, q.ID, func(row *courseRow) error {
			switch before = *row; row.Phase {
			case airdrop.Cancelled:
				return nil
			case airdrop.Swept:
				return fault.New(fault.Conflict, "the campaign is swept: there is nothing left to cancel, so begin another campaign")
			}
			row.Phase, row.Reason, row.Freezing = airdrop.Cancelled, strings.TrimSpace(q.Reason), 0
			if !decided(before) {
				row.Preview, row.Summary, row.Manifest = 0, "", ""
			}
			return nil
		})
		if err != nil || before.Phase == airdrop.Cancelled {
			return err
		}
		if row.JobID != 0 {
			if _, err := courseKind().Cancel(ctx, tx, row.JobID); err != nil {
				return err
			}
		}
		if decided(before) { // its root may be in a contract: whoever can claim still gets the proof
			return nil
		}
		if err := s.store.dropInputs(ctx, tx, q.ID); err != nil {
			return err
		}
		return s.store.dropList(ctx, tx, q.ID)
	})
	if err != nil {
		return answer, err
	}
	if err := s.settle(ctx, q.ID); err != nil { // otherwise the next sweep does
		s.options.Log.WarnContext(ctx, "what a cancelled campaign left is not removed yet: trying again in a minute", "campaign", q.ID, "error", err)
	}
	return s.describe(ctx, s.options.DB.Read(), q.ID)
}

// errRuled refuses what is for lists by hand.
func errRuled() error {
	return fault.New(fault.Conflict, "the list of this campaign is computed from its rules: collect and freeze it, or create another campaign for a list by hand")
}

// byHand fails with fault.Conflict when a campaign has rules.
func (s *service) byHand(ctx context.Context, from database.Queryer, id string) error {
	_, err := s.store.course(ctx, from, id)
	switch {
	case err == nil:
		return errRuled()
	case fault.Is(err, fault.NotFound):
		return nil
	}
	return fmt.Errorf("look for the rules of a campaign: %w", err)
}
