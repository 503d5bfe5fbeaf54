package webtest

import (
	"context"
	"sync"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/events"
	"banyan/platform/events/outbox"
	"banyan/platform/fault"
	"banyan/platform/host"
	"banyan/platform/jobs"
	"banyan/platform/upkeep"
)

// Upkeep is one module's events, jobs and webhooks in memory.
type Upkeep struct {
	mu      sync.Mutex
	letters []outbox.DeadLetter
	jobs    []jobs.Summary
	failing error
	*Hooks
	Replayed []string // ids, and consumers for all
}

var _ upkeep.Service = (*Upkeep)(nil)

func sampleUpkeep() *Upkeep {
	letter := outbox.DeadLetter{
		Consumer: "reputation", Attempts: 10, LastError: "the wallet is not known to reputation", ParkedAt: time.UnixMilli(SampleMS),
		Event: events.Event{ID: "01936f4e-2c1f-7c3a-9d5e-1f2a3b4c5d6e", Topic: "reputation.activity", Key: SampleWallet(3).String(), Time: SampleMS, Payload: []byte(`{"kind":"review.published","text":"<b>&</b>"}`)},
	}
	return &Upkeep{
		Hooks:   sampleHooks(),
		letters: []outbox.DeadLetter{letter},
		jobs: []jobs.Summary{
			{ID: 12, Kind: "epoch", State: jobs.Running, Stage: "writing scores", Progress: 4200, Work: 10000, Runs: 2, CreatedMS: SampleMS},
			{ID: 11, Kind: "epoch", State: jobs.Failed, Runs: 1, Error: "the seeds are gone: choose some on the page Seeds", CreatedMS: SampleMS - 60_000, EndedMS: SampleMS - 50_000},
			{ID: 10, Kind: "epoch", State: jobs.Done, Runs: 1, CreatedMS: SampleMS - 3_600_000, EndedMS: SampleMS - 3_500_000},
		},
	}
}

// Fail has every call end with this error; nil: no longer.
func (u *Upkeep) Fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failing = err
}

// Consumers implements upkeep.Service.
func (u *Upkeep) Consumers(context.Context, upkeep.ConsumersQuery) (upkeep.Consumers, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.letters) == 0 && len(u.Replayed) == 0 {
		return upkeep.Consumers{}, u.failing
	}
	return upkeep.Consumers{Consumers: []outbox.Status{{
		Consumer: "reputation", Topic: "reputation.activity", Lag: 3, Parked: 1, Dead: int64(len(u.letters)), MovedAt: time.UnixMilli(SampleMS),
	}}}, u.failing
}

// DeadLetters implements upkeep.Service.
func (u *Upkeep) DeadLetters(context.Context, upkeep.DeadLettersQuery) (upkeep.DeadLetterPage, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return upkeep.DeadLetterPage{Letters: u.letters}, u.failing
}

// Replay implements upkeep.Service.
func (u *Upkeep) Replay(_ context.Context, q upkeep.ReplayRequest) (upkeep.Replayed, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failing != nil {
		return upkeep.Replayed{}, u.failing
	}
	u.Replayed = append(append(u.Replayed, q.Events...), q.Consumer)
	count := int64(len(u.letters))
	u.letters = nil
	return upkeep.Replayed{Count: count}, nil
}

// Jobs implements upkeep.Service.
func (u *Upkeep) Jobs(context.Context, upkeep.JobsQuery) (upkeep.JobPage, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return upkeep.JobPage{Jobs: u.jobs}, u.failing
}

// CancelJob implements upkeep.Service.
func (u *Upkeep) CancelJob(_ context.Context, q upkeep.JobCancellation) (upkeep.JobCanceled, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, j := range u.jobs {
		if j.ID == q.ID && !j.State.Ended() {
			u.jobs[i].State, u.jobs[i].EndedMS, u.jobs[i].Error = jobs.Canceled, SampleMS, "the job was cancelled"
			return upkeep.JobCanceled(q), u.failing
		}
	}
	return upkeep.JobCanceled{}, fault.NoSuch("job", "there is no job %d that could be cancelled: it has ended; load the list again", q.ID)
}

// Backups are backups in memory.
type Backups struct {
	mu     sync.Mutex
	status host.BackupStatus
}

// Status has the backup that Start asked for from the second call on.
func (b *Backups) Status(context.Context) (host.BackupStatus, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.status
	if b.status.Running {
		name := "banyan-20260301T100000Z.banyan"
		b.status = host.BackupStatus{Folder: found.Folder, Every: found.Every, Keep: found.Keep, Good: time.UnixMilli(SampleMS), Last: name, Files: append([]host.BackupFile{{Name: name, Bytes: 12 << 20, Made: time.UnixMilli(SampleMS)}}, found.Files...)}
	}
	return found, nil
}

// Every gives the site a schedule, whose last backup failed.
func (b *Backups) Every(every time.Duration, keep int, failed *fault.Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Folder, b.status.Every, b.status.Keep, b.status.Err = "/var/lib/banyan/backups", every, keep, failed
	b.status.FailedAt, b.status.Good, b.status.Next = time.UnixMilli(SampleMS+60_000), time.UnixMilli(SampleMS), time.UnixMilli(SampleMS+120_000)
}

// Start asks for a backup.
func (b *Backups) Start(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status.Running {
		return fault.New(fault.Conflict, "a backup is being made just now: wait until it is there")
	}
	b.status.Folder, b.status.Running, b.status.Since = "/var/lib/banyan/backups", true, time.UnixMilli(SampleMS)
	return nil
}

func sampleAbout() host.About {
	return host.About{
		Version: "1.2.0", Revision: "0123456789abcdef0123456789abcdef01234567", Go: "go1.26", Platform: "linux/amd64", Process: 4711, Host: "otter",
		Started: time.UnixMilli(SampleMS), PublicURL: "https://banyan.example", Listen: "127.0.0.1:8080", Admin: "127.0.0.1:8090", Data: "/var/lib/banyan",
		Database: database.SQLite, Modules: []string{"reputation", "exchange-review", "airdrop"},
	}
}

func sampleSettings() ([]config.Setting, error) {
	return []config.Setting{
		{Key: "data", Value: "/var/lib/banyan", Source: "banyan.yaml:1"},
		{Key: "listen", Value: "127.0.0.1:8080"},
		{Key: "database.url", Value: "postgres://banyan@db:5432/banyan", Source: "BANYAN_DATABASE_URL"},
		{Key: "identity.operators", Value: SampleWallet(1).String() + ", " + SampleWallet(2).String(), Source: "banyan.yaml:7"},
	}, nil
}
