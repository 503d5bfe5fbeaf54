package service

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/rules"
	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/jobs"
	"banyan/platform/merkle"
	"banyan/platform/progress"
	"banyan/platform/wallet"
)

// waitForWork is how long Freeze waits, below the time-out of a call to a module that
// runs elsewhere.
const waitForWork = 4 * time.Second

// workOnCourse is the work of a courseJob. Each step can be repeated: what an earlier
// run, of a process that ended, has done is found and not done again. What a failure
// or a cancellation leaves is undone by settle.
func (s *service) workOnCourse(ctx context.Context, j *jobs.Job, q courseJob) (number int64, err error) {
	if q.Do == doFreeze {
		err = s.freeze(ctx, j, q)
	} else {
		err = s.collect(ctx, j, q)
	}
	if ctx.Err() != nil {
		return 0, err // the next owner goes on
	}
	if again := s.undo(ctx, q, err); again != nil && err == nil {
		err = again
	}
	return q.Run, err
}

// collect makes the preview of a run.
func (s *service) collect(ctx context.Context, j *jobs.Job, q courseJob) error {
	row, err := s.store.course(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return err
	}
	if row.Preview == q.Run {
		return nil // done by the process before, which ended before it could say so
	}
	if row.Phase != airdrop.Collecting || row.Run != q.Run {
		return fault.Newf(fault.Conflict, "the campaign is %s meanwhile: look at its page, and begin again from there", row.Phase)
	}
	parsed, err := rules.Parse([]byte(row.Rules))
	if err != nil {
		return damaged(q.Campaign, "its rules", err)
	}
	if err := s.forgetParts(ctx, q.Campaign, parsed.Sources...); err != nil { // of rules before
		return err
	}
	for i, source := range parsed.Sources {
		if err := s.collectSource(ctx, j, q, source, jobs.Progress{Stage: "collecting " + source.Name, Done: int64(i), Work: int64(len(parsed.Sources))}); err != nil {
			return fmt.Errorf("the source %s: %w", source.Name, err)
		}
	}
	if err := s.reviewSuspects(ctx, j, q, parsed); err != nil {
		return err
	}
	result, inputs, err := s.evaluate(ctx, j, q.Campaign, parsed)
	if err != nil {
		return err
	}
	return s.preview(ctx, j, q, row, result, inputs)
}

// evaluate reads the files of the sources and evaluates the rules.
func (s *service) evaluate(ctx context.Context, j *jobs.Job, campaign string, parsed *rules.Rules) (*rules.Result, []rules.Input, error) {
	stored, err := s.store.inputs(ctx, s.options.DB.Read(), campaign)
	if err != nil {
		return nil, nil, err
	}
	tables, inputs := make([]*rules.Table, len(parsed.Sources)), make([]rules.Input, len(parsed.Sources))
	for i, source := range parsed.Sources {
		if err := j.Step(ctx, jobs.Progress{Stage: "reading " + source.Name, Done: int64(i), Work: int64(len(parsed.Sources))}, nil); err != nil {
			return nil, nil, err
		}
		in := used(stored, source.Name)
		if tables[i], _, err = rules.ReadTable(ctx, s.files.open(ctx, in.FileID), source, s.reading()); err != nil {
			return nil, nil, err
		}
		if in.EpochRoot != "" {
			if err := rules.CheckEpoch(ctx, source, tables[i], in.EpochRoot); err != nil {
				return nil, nil, err
			}
		}
		inputs[i] = rules.InputOf(source, in.Name, in.SHA256, tables[i])
		inputs[i].BlockHash = in.BlockHash
		if inputs[i].EpochRoot = in.EpochRoot; in.Epoch > 0 {
			inputs[i].Epoch = in.Epoch
		}
	}
	if err := j.Step(ctx, jobs.Progress{Stage: "evaluating the rules"}, nil); err != nil {
		return nil, nil, err
	}
	result, err := parsed.Evaluate(ctx, tables)
	return result, inputs, err
}

// reading are the bounds of a source's file.
func (s *service) reading() rules.ReadOptions {
	limits := decompress.Files()
	limits.Max = s.options.MaxListBytes
	return rules.ReadOptions{Limits: limits, MaxRows: s.options.MaxRows}
}

// preview writes the result under its run, and then makes it the campaign's preview
// and list in one transaction.
func (s *service) preview(ctx context.Context, j *jobs.Job, q courseJob, row courseRow, result *rules.Result, inputs []rules.Input) error {
	if err := s.dropDecisions(ctx, q.Campaign, row.Preview); err != nil { // of a run that did not end
		return err
	}
	if err := s.writeDecisions(ctx, j, q.Campaign, q.Run, result); err != nil {
		return err
	}
	if err := j.Step(ctx, jobs.Progress{Stage: "summing up"}, nil); err != nil {
		return err
	}
	var before iter.Seq2[wallet.Address, uint256.Int]
	var failed error
	if row.Preview != 0 {
		before = s.amountsOf(ctx, q.Campaign, row.Preview, &failed)
	}
	summary := result.Preview(before)
	if failed != nil {
		return failed
	}
	c, err := s.store.campaign(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return err
	}
	list, err := result.List(ctx, c.Format)
	if err != nil {
		return err
	}
	tree, err := merkle.Build(ctx, c.Format, list, merkle.Options{})
	if err != nil {
		return err
	}
	manifest := rules.Manifest{Engine: rules.Engine, Rules: row.Rules, Inputs: inputs, Format: c.Format, Root: tree.Root(), Count: result.Count, Total: result.Total.Dec()}
	next := row
	if next.Summary, next.Manifest, err = encodedBoth(&summary, manifest); err != nil {
		return err
	}
	_, err = s.lists.keep(ctx, q.Campaign, list, nil, progress.Untold, func(ctx context.Context, tx *database.Tx, _ airdrop.Campaign) error {
		_, err := s.store.changeCourse(ctx, tx, q.Campaign, func(now *courseRow) error {
			if now.Phase != airdrop.Collecting || now.Run != q.Run {
				return fault.Newf(fault.Conflict, "the campaign is %s meanwhile: look at its page, and begin again from there", now.Phase)
			}
			now.Phase, now.Preview, now.PreviewMS = airdrop.Previewed, q.Run, tx.Now().UnixMilli()
			now.Summary, now.Manifest = next.Summary, next.Manifest
			return nil
		})
		return err
	})
	return err
}

func encodedBoth(summary *airdrop.Preview, manifest rules.Manifest) (string, string, error) {
	one, err := json.Marshal(summary)
	if err != nil {
		return "", "", fmt.Errorf("encode a preview: %w", err)
	}
	other, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return "", "", fmt.Errorf("encode a manifest: %w", err)
	}
	return string(one), string(other) + "\n", nil
}

// freeze builds the tree of a preview and makes it final.
func (s *service) freeze(ctx context.Context, j *jobs.Job, q courseJob) error {
	row, err := s.store.course(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return err
	}
	if decided(row) && row.Preview == q.Run && row.Phase != airdrop.Cancelled {
		return nil // by the process before
	}
	if err := j.Step(ctx, jobs.Progress{Stage: "building the tree"}, nil); err != nil {
		return err
	}
	var m rules.Manifest
	if err := json.Unmarshal([]byte(row.Manifest), &m); err != nil {
		return damaged(q.Campaign, "its manifest", err)
	}
	_, err = s.build(ctx, airdrop.BuildRequest{ID: q.Campaign}, func(ctx context.Context, tx *database.Tx, c airdrop.Campaign) error {
		if *c.Root != m.Root {
			return errRoot(q.Campaign, m.Root, *c.Root)
		}
		_, err := s.store.changeCourse(ctx, tx, q.Campaign, func(now *courseRow) error {
			if now.Phase != airdrop.Previewed || now.Preview != q.Run || now.Freezing != q.Run {
				return fault.Newf(fault.Conflict, "the campaign is %s meanwhile: look at its page, and begin again from there", now.Phase)
			}
			now.Phase, now.Freezing = airdrop.Frozen, 0
			return nil
		})
		return err
	})
	return err
}

// undo ends the work on a campaign: the epoch that was held is released, and after a
// failure the campaign is where it was before, with the reason.
func (s *service) undo(ctx context.Context, q courseJob, failed error) error {
	row, err := s.store.course(ctx, s.options.DB.Read(), q.Campaign)
	if err != nil {
		return err
	}
	if err := s.release(ctx, row); err != nil {
		return err
	}
	err = s.options.DB.Write(ctx, func(tx *database.Tx) error {
		_, err := s.store.changeCourse(ctx, tx, q.Campaign, func(now *courseRow) error {
			now.HeldEpoch, now.JobID = 0, 0
			if failed == nil || now.Phase == airdrop.Cancelled {
				return nil
			}
			now.Reason = fault.From(failed).Message
			if fields := fault.From(failed).Fields; len(fields) > 0 {
				now.Reason += " (" + fields[0].String() + ")"
			}
			if now.Freezing = 0; now.Phase == airdrop.Collecting {
				now.Phase = airdrop.Draft
			}
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	return s.clean(ctx, row)
}

// clean deletes what a campaign does not need any more.
func (s *service) clean(ctx context.Context, row courseRow) error {
	if decided(row) || row.Phase == airdrop.Cancelled {
		if err := s.forgetParts(ctx, row.Campaign); err != nil {
			return err
		}
	}
	return s.dropDecisions(ctx, row.Campaign, row.Preview)
}

// settle undoes what work left that has ended without doing so: it was given up, or
// cancelled before it began.
func (s *service) settle(ctx context.Context, id string) error {
	row, err := s.store.course(ctx, s.options.DB.Read(), id)
	if err != nil {
		return err
	}
	if row.JobID == 0 {
		if row.Phase == airdrop.Cancelled {
			return s.clean(ctx, row)
		}
		return nil
	}
	status, err := courseKind().Status(ctx, s.options.DB.Read(), row.JobID)
	if err == nil && !status.State.Ended() {
		return nil
	}
	if err == nil {
		err = status.Err
	}
	return s.undo(ctx, courseJob{Campaign: id}, err)
}

// release releases the epoch that a campaign holds.
func (s *service) release(ctx context.Context, row courseRow) error {
	if row.HeldEpoch == 0 || s.options.Reputation == nil {
		return nil
	}
	_, err := s.options.Reputation.ReleaseEpoch(asModule(ctx), reputation.EpochHold{Number: row.HeldEpoch, Holder: holder(row.Campaign)})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("release epoch %s of the reputation: %w", strconv.FormatInt(row.HeldEpoch, 10), err)
	}
	return nil
}

func holder(campaign string) string { return "campaign " + campaign }

// asModule calls another module on the module's own behalf.
func asModule(ctx context.Context) context.Context { return identity.AsService(ctx, airdrop.Name) }
