package host

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// backupFigures are the metrics of backups. Those of the database are read by the task,
// so that a scrape waits for nothing.
type backupFigures struct {
	every    time.Duration
	good     atomic.Int64 // UTC seconds of the last one that was made; 0 = none
	failures atomic.Int64
}

func newBackupFigures(every time.Duration) *backupFigures { return &backupFigures{every: every} }

func (f *backupFigures) failed() { f.failures.Add(1) }

var (
	backupGood = prometheus.NewDesc("banyan_backup_last_success_timestamp_seconds",
		"When the last backup was begun that was made and read back whole, in seconds since 1970; 0 = none.", nil, nil)
	backupEvery = prometheus.NewDesc("banyan_backup_schedule_seconds",
		"How often a backup is to be made (backup.every); 0 = only when an operator asks for one.", nil, nil)
	backupFailures = prometheus.NewDesc("banyan_backup_failures_total",
		"Backups that this process has failed to make.", nil, nil)
)

// Describe implements prometheus.Collector.
func (f *backupFigures) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(f, out) }

// Collect implements prometheus.Collector.
func (f *backupFigures) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(backupGood, prometheus.GaugeValue, float64(f.good.Load()))
	out <- prometheus.MustNewConstMetric(backupEvery, prometheus.GaugeValue, f.every.Seconds())
	out <- prometheus.MustNewConstMetric(backupFailures, prometheus.CounterValue, float64(f.failures.Load()))
}

// refresh reads what other processes have made, too.
func (b *Backups) refresh(ctx context.Context) {
	state, err := b.runs.State(ctx)
	switch {
	case err != nil: // the health of the database says so; the age grows meanwhile
	case state.Good != nil:
		b.figures.good.Store(state.Good.Started.Unix())
	}
}
