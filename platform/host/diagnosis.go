package host

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"banyan/platform/config"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/loopback"
)

// Grade says how good a finding is.
type Grade string

const (
	Good    Grade = "ok"
	Notice  Grade = "note"    // worth knowing
	Warning Grade = "warning" // works, and will or may not
	Failure Grade = "failure" // does not work
)

// Finding is one thing that Diagnose looked at.
type Finding struct {
	What  string `json:"what"` // "data folder", "module airdrop"
	Grade Grade  `json:"grade"`
	Said  string `json:"said"` // what was found, and what to do
}

// Diagnosis is what Diagnose found.
type Diagnosis []Finding

// Failed reports whether something does not work.
func (d Diagnosis) Failed() bool {
	for _, f := range d {
		if f.Grade == Failure {
			return true
		}
	}
	return false
}

func (d *Diagnosis) add(what string, grade Grade, said string, values ...any) {
	*d = append(*d, Finding{What: what, Grade: grade, Said: fmt.Sprintf(said, values...)})
}

// fail adds what err says.
func (d *Diagnosis) fail(what string, err error) {
	d.add(what, Failure, "%s", strings.Join(strings.Fields(problemOf(err)), " "))
}

// problemOf is what people read of an error.
func problemOf(err error) string {
	f := fault.From(err)
	if f.Code == fault.Internal {
		return err.Error()
	}
	text := f.Message
	for _, field := range f.Fields {
		text += "; " + field.Name + " " + field.Message
	}
	return text
}

// diagnosisTime bounds each part of a diagnosis.
const diagnosisTime = 10 * time.Second

// The differences between clocks that are said, and that are wrong: tokens between
// processes live for a minute.
const (
	clockNotice  = 2 * time.Second
	clockFailure = 20 * time.Second
)

// Diagnose looks at what the settings name: the data folder, the databases, the
// certificates, other processes, chains, the broker and clocks. It changes nothing, and
// the program may run meanwhile. Nothing that it says has a secret in it.
func (l Loaded) Diagnose(ctx context.Context, now func() time.Time) Diagnosis {
	var d Diagnosis
	for _, look := range []func(context.Context, *Diagnosis, func() time.Time){
		l.lookAtSite, l.lookAtFolder, l.lookAtDatabases, l.lookAtServer, l.lookAtCertificates, l.lookAtModules, l.lookAtChains, l.lookAtBroker, l.lookAtRedis, l.lookAtProvider, l.lookAtTracing, lookAtLimits,
	} {
		bounded, cancel := context.WithTimeout(ctx, diagnosisTime)
		look(bounded, &d, now)
		cancel()
	}
	return d
}

func (l Loaded) lookAtSite(_ context.Context, d *Diagnosis, _ func() time.Time) {
	s := l.Settings
	switch {
	case s.Module != "":
		d.add("role", Good, "the module %s alone; its trunk is %s", s.Module, s.Identity.TrunkURL)
	case strings.HasPrefix(s.PublicURL, "http://") && !isLoopback(s.PublicURL):
		d.add("public_url", Warning, "%s is not encrypted: wallets and passwords pass in the clear, and browsers hide wallets from such pages. Put a proxy with TLS in front, and write https", s.PublicURL)
	default:
		d.add("public_url", Good, "%s", s.PublicURL)
	}
}

// The free space that is said, and that is too little.
const (
	spaceWarning = 2 << 30
	spaceFailure = 200 << 20
)

func (l Loaded) lookAtFolder(_ context.Context, d *Diagnosis, _ func() time.Time) {
	const what = "data folder"
	folder, err := filepath.Abs(l.Settings.Data)
	if err != nil {
		folder = l.Settings.Data
	}
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.add(what, Notice, "%s is not there yet; the program makes it", folder)
		return
	case err != nil:
		d.add(what, Failure, "%s cannot be read: %v", folder, err)
		return
	case !info.IsDir():
		d.add(what, Failure, "%s is not a folder: name one with the setting data", folder)
		return
	}
	probe, err := os.CreateTemp(folder, ".banyan-doctor-*")
	if err != nil {
		d.add(what, Failure, "%s cannot be written by this user: %v", folder, err)
		return
	}
	_ = probe.Close()           // nothing was written
	_ = os.Remove(probe.Name()) // likewise
	free, known := freeSpace(folder)
	switch {
	case known && free < spaceFailure:
		d.add(what, Failure, "%s has %s left: make room, or writes fail", folder, config.Bytes(free>>20<<20))
	case known && free < spaceWarning:
		d.add(what, Warning, "%s has %s left", folder, config.Bytes(free>>20<<20))
	case info.Mode().Perm()&0o007 != 0 && !l.Settings.Database.Postgres():
		d.add(what, Warning, "%s can be read by every user of this machine, and has the databases with sessions and keys: chmod 700", folder)
	default:
		d.add(what, Good, "%s", folder)
	}
}

func (l Loaded) lookAtDatabases(ctx context.Context, d *Diagnosis, _ func() time.Time) {
	away, err := l.Elsewhere(ctx)
	if err != nil {
		away = nil // the same shows below
	}
	for _, name := range l.Databases() {
		if l.Settings.Module != "" && name != l.Settings.Module {
			continue
		}
		what := "database " + name
		status, err := l.DatabaseStatus(ctx, name)
		switch {
		case err != nil:
			d.fail(what, err)
			if l.Settings.Database.Postgres() {
				return // the others would say the same
			}
		case !status.Exists:
			d.add(what, Notice, "is not there yet; the program makes it")
		case status.Newer() > 0:
			d.add(what, Failure, "was migrated by a newer program (version %d): run that, or restore a backup from before", status.Newer())
		case status.Pending():
			d.add(what, Notice, "is migrated at the next start of this program: make a backup before")
		case away[name] != "" && l.Settings.Module == "":
			d.add(what, Good, "was moved to %s; the copy here is not used any longer", away[name])
		default:
			d.add(what, Good, "is up to date")
		}
	}
}

// lookAtServer looks at the PostgreSQL server.
func (l Loaded) lookAtServer(ctx context.Context, d *Diagnosis, _ func() time.Time) {
	s := l.Settings.Database
	if !s.Postgres() {
		return
	}
	const what = "PostgreSQL"
	server, err := database.Try(ctx, database.URL(s.DSN()), "", l.Databases())
	if err != nil {
		d.fail(what, err)
		return
	}
	needed := s.Connections * len(l.Databases())
	switch {
	case needed > server.MaxConnections:
		d.add(what, Warning, "%s allows %d connections, and this process alone may use %d: lower database.connections, or raise max_connections", server.Version, server.MaxConnections, needed)
	default:
		d.add(what, Good, "%s, answers in %s", server.Version, server.Took.Round(time.Millisecond))
	}
	d.clock("clock of PostgreSQL", server.Ahead)
}

// clock grades how far another clock is ahead of ours.
func (d *Diagnosis) clock(what string, ahead time.Duration) {
	text := ahead.Round(time.Millisecond).String() + " ahead of this machine's"
	if ahead < 0 {
		text = (-ahead).Round(time.Millisecond).String() + " behind this machine's"
	}
	switch {
	case ahead.Abs() >= clockFailure:
		d.add(what, Failure, "%s: tokens between the processes are refused; set both by NTP", text)
	case ahead.Abs() >= clockNotice:
		d.add(what, Warning, "%s: set both by NTP", text)
	default:
		d.add(what, Good, "agrees with this machine's")
	}
}

func isLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && loopback.Host(u.Hostname())
}
