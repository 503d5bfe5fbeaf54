package service

import (
	"context"
	"time"

	"banyan/platform/periodic"
)

const (
	// abandonedAfter is how long a list without a campaign stays untouched
	// before it counts as abandoned. An upload touches its list with every
	// chunk, many times a second.
	abandonedAfter = 5 * time.Minute
	// sweepEvery is the interval of Run.
	sweepEvery = time.Minute
)

// Jobs is the module's background work.
type Jobs struct {
	lists   lists
	files   treeFiles
	service *service
}

// NewJobs returns the background work of the module; o as for New.
func NewJobs(o Options) *Jobs {
	o = o.withDefaults()
	return &Jobs{lists: newLists(o), files: treeFiles{options: o, store: store{o.DB}}, service: newService(o)}
}

// Run deletes the lists of interrupted uploads and unfinished tree files, at
// the start and then every minute, until ctx ends. Several processes may run it
// on one database and one folder.
func (j *Jobs) Run(ctx context.Context) error {
	periodic.Run(ctx, sweepEvery, func(ctx context.Context) {
		if err := j.lists.sweep(ctx); err != nil && ctx.Err() == nil {
			j.lists.options.Log.WarnContext(ctx, "abandoned lists could not be looked for and take space: trying again in a minute", "error", err)
		}
		j.files.sweep(ctx)
		if err := j.service.sweepCourses(ctx); err != nil && ctx.Err() == nil {
			j.lists.options.Log.WarnContext(ctx, "what campaigns left could not be removed and takes space: trying again in a minute", "error", err)
		}
	}, periodic.AtOnce())
	return nil
}

// sweep deletes the lists that are abandoned now.
func (l lists) sweep(ctx context.Context) error {
	before := l.options.Clock().Add(-abandonedAfter).UnixMilli()
	left, err := l.store.abandoned(ctx, before)
	if err != nil {
		return err
	}
	for _, id := range left {
		if err := l.delete(ctx, id, before); err != nil {
			return err
		}
		l.options.Log.InfoContext(ctx, "deleted the list of an interrupted upload", "list", id)
	}
	return nil
}

// sweepCourses settles work that has ended without doing so, and deletes files that no
// source has.
func (s *service) sweepCourses(ctx context.Context) error {
	rows, err := s.store.working(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.settle(ctx, row.Campaign); err != nil {
			return err
		}
	}
	before := s.options.Clock().Add(-abandonedAfter).UnixMilli()
	for deleted := int64(1); deleted > 0; {
		if deleted, err = s.store.sweepFiles(ctx, before, deletedAtOnce); err != nil {
			return err
		}
	}
	return nil
}
