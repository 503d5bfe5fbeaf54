package database

import "github.com/prometheus/client_golang/prometheus"

// The metrics of a database. All but those of connections are SQLite's.
var (
	databaseLabel = []string{"database"}
	writesDesc    = prometheus.NewDesc("banyan_database_writes_total", "Writes committed.", databaseLabel, nil)
	withdrawnDesc = prometheus.NewDesc("banyan_database_writes_withdrawn_total", "Writes whose callers gave up before they ran.", databaseLabel, nil)
	waitingDesc   = prometheus.NewDesc("banyan_database_writes_waiting", "Writes waiting for the writer.", databaseLabel, nil)
	queueDesc     = prometheus.NewDesc("banyan_database_write_queue_size", "Capacity of the queue of waiting writes.", databaseLabel, nil)
	waitDesc      = prometheus.NewDesc("banyan_database_write_wait_seconds", "Time from the call of a write until it runs.", databaseLabel, nil)
	turnDesc      = prometheus.NewDesc("banyan_database_write_turn_seconds", "How long the running write has held the writer; 0 when none runs.", databaseLabel, nil)
	groupDesc     = prometheus.NewDesc("banyan_database_group_size", "Writes that share one transaction.", databaseLabel, nil)
	regroupedDesc = prometheus.NewDesc("banyan_database_groups_regrouped_total", "Groups that failed as a whole and were run again one by one.", databaseLabel, nil)
	discardedDesc = prometheus.NewDesc("banyan_database_connections_discarded_total", "Writing connections closed because even a rollback failed.", databaseLabel, nil)
	walDesc       = prometheus.NewDesc("banyan_database_wal_bytes", "Size of the write-ahead log.", databaseLabel, nil)
	oldestDesc    = prometheus.NewDesc("banyan_database_oldest_read_seconds", "Age of the oldest running read in this process, which keeps the write-ahead log from being reused.", databaseLabel, nil)
	openDesc      = prometheus.NewDesc("banyan_database_connections", "Open connections for reading; with PostgreSQL all connections.", databaseLabel, nil)
	inUseDesc     = prometheus.NewDesc("banyan_database_connections_in_use", "Connections of banyan_database_connections that are in use.", databaseLabel, nil)
	connWaitsDesc = prometheus.NewDesc("banyan_database_connection_waits_total", "Times that a caller waited for a connection.", databaseLabel, nil)
)

// Collector is a prometheus.Collector of the Stats of these databases.
type Collector []*DB

var _ prometheus.Collector = Collector(nil)

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		writesDesc, withdrawnDesc, waitingDesc, queueDesc, waitDesc, turnDesc, groupDesc, regroupedDesc, discardedDesc,
		walDesc, oldestDesc, openDesc, inUseDesc, connWaitsDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for _, db := range c {
		db.collect(ch)
	}
}

func (db *DB) collect(ch chan<- prometheus.Metric) {
	db = db.now()
	s := db.Stats()
	gauge := func(d *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, s.Database)
	}
	counter := func(d *prometheus.Desc, value int64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), s.Database)
	}
	gauge(openDesc, float64(s.Connections))
	gauge(inUseDesc, float64(s.InUse))
	counter(connWaitsDesc, s.ConnWaits)
	if db.writer == nil {
		return
	}
	counter(writesDesc, s.Written)
	counter(withdrawnDesc, s.Withdrawn)
	gauge(waitingDesc, float64(s.Waiting))
	gauge(queueDesc, float64(s.QueueSize))
	ch <- db.writer.counts.waits.Metric(waitDesc, 4, s.Database) // one bound per factor of four keeps the number of series small
	gauge(turnDesc, s.Turn.Seconds())
	ch <- db.writer.counts.sizes.histogram(s.Database)
	counter(regroupedDesc, s.Regrouped)
	counter(discardedDesc, s.Discarded)
	gauge(walDesc, float64(s.WAL))
	gauge(oldestDesc, s.OldestRead.Seconds())
}

func (g *groupSizes) histogram(database string) prometheus.Metric {
	members, groups := g.members.Load(), uint64(0)
	cumulative := make(map[float64]uint64, len(g.buckets))
	for i := range g.buckets {
		groups += g.buckets[i].Load()
		cumulative[float64(int(1)<<i)] = groups
	}
	return prometheus.MustNewConstHistogram(groupDesc, groups, float64(members), cumulative, database)
}
