package service_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"banyan/modules/reputation"
	"banyan/modules/reputation/service"
	"banyan/platform/fault"
	"banyan/platform/testenv/databasetest"
)

func every(seconds int64) reputation.ScheduleDraft {
	return reputation.ScheduleDraft{Seconds: &seconds}
}

func TestConformanceSchedule(t *testing.T) {
	conform(t, func(t *testing.T, s reputation.Service) {
		if got, err := s.Schedule(nobody, reputation.ScheduleQuery{}); err != nil || got != (reputation.Schedule{Setting: true}) {
			t.Errorf("at first: %+v, %v", got, err)
		}
		want := reputation.Schedule{Seconds: 3600, NextMS: now.Add(time.Hour).UnixMilli(), ChangedMS: now.UnixMilli(), ChangedBy: "ops"}
		if got, err := s.SetSchedule(operator, every(3600)); err != nil || got != want {
			t.Errorf("changed: %+v, %v, want %+v", got, err, want)
		}
		if got, err := s.Schedule(nobody, reputation.ScheduleQuery{}); err != nil || got != want {
			t.Errorf("then: %+v, %v", got, err)
		}
		if off, err := s.SetSchedule(operator, every(0)); err != nil || off.Seconds != 0 || off.NextMS != 0 || off.Setting {
			t.Errorf("off: %+v, %v", off, err)
		}
		if back, err := s.SetSchedule(operator, reputation.ScheduleDraft{}); err != nil || !back.Setting || back.ChangedBy != "ops" {
			t.Errorf("as the settings again: %+v, %v", back, err)
		}
		for _, wrong := range []reputation.ScheduleDraft{every(-1), every(40_000_000)} {
			if _, err := s.SetSchedule(operator, wrong); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", wrong, err)
			}
		}
	})
}

// Epochs are computed on schedule: a change of it counts at once, and a program that
// begins again goes on with what was planned.
func TestEpochsAreComputedOnSchedule(t *testing.T) {
	db := databasetest.SQLite(t, reputation.Name)
	o := options(db)
	o.Clock = time.Now
	running(t, o)
	s := service.New(o)
	if _, err := importText(s, sampleGraph()); err != nil {
		t.Fatal(err)
	}
	scheduled := func() (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = service.NewJobs(o).Run(ctx) // it ends with the context alone
		}()
		return func() { cancel(); <-ended }
	}
	reached := func(number int64) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; {
			if e, err := s.CurrentEpoch(nobody, reputation.EpochQuery{}); err == nil && e.Number >= number {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("epoch %d is not computed", number)
			}
			runtime.Gosched()
		}
	}
	stop := scheduled()
	if _, err := s.SetSchedule(operator, every(1)); err != nil {
		t.Fatal(err)
	}
	reached(2)
	stop()
	planned, err := s.Schedule(nobody, reputation.ScheduleQuery{})
	if err != nil || planned.NextMS == 0 {
		t.Fatalf("%+v, %v", planned, err)
	}
	defer scheduled()()
	reached(3)
}
