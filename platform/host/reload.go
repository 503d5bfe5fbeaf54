package host

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"banyan/platform/config"
)

// Reread reads the settings again and leaves those in the modules' descriptors
// alone, which a running program uses.
func (p Program) Reread(o config.Options) (Loaded, error) {
	beside := p
	beside.Modules = make([]Module, len(p.Modules))
	for i, m := range p.Modules {
		if m.Settings != nil {
			m.Settings = reflect.New(reflect.TypeOf(m.Settings).Elem()).Interface()
		}
		beside.Modules[i] = m
	}
	return beside.Load(o)
}

// reloadable are the settings that Reload puts into force.
var reloadable = []string{"log.level", "legacy.take", "events.broker", natsSettings + "*", flagSettings + "*"}

// What begins the names of all settings of NATS, and of who is shown which feature.
const (
	natsSettings = "events.nats."
	flagSettings = "flags."
)

// Reload puts what may change while the program runs into force: the certificate
// files and what reloadable names. Other settings need a restart, and the log names
// those that differ from what runs. What is refused stays as it was, and the log says
// why. Calls must not overlap.
func (p *Process) Reload(ctx context.Context, reread func() (Loaded, error)) {
	err := p.reloadCertificates(ctx)
	loaded, problem := reread()
	var waiting []string
	if problem == nil {
		waiting, problem = p.needRestart(loaded.Source)
		problem = errors.Join(problem, p.reloadSettings(ctx, loaded.Settings))
	}
	if problem == nil {
		p.reloaded.Store(loaded.Source)
	}
	if len(waiting) > 0 {
		p.log.WarnContext(ctx, "settings have changed that need a restart; until then the old values are in force", "settings", strings.Join(waiting, ", "))
	}
	if err = errors.Join(err, problem); err != nil {
		p.log.ErrorContext(ctx, "not all was reloaded; what was refused stays as it was", "error", err)
		return
	}
	p.log.InfoContext(ctx, "reloaded: the certificate files, "+strings.Join(reloadable, ", ")+" are in force as they are now")
}

// needRestart returns the settings that differ from those of the start, but those
// that Reload puts into force.
func (p *Process) needRestart(next *config.Loaded) ([]string, error) {
	changed, err := p.source.Changed(next)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(changed, p.reloads), nil
}

// reloads reports whether Reload puts a setting into force.
func (p *Process) reloads(key string) bool {
	if strings.HasPrefix(key, natsSettings) || strings.HasPrefix(key, flagSettings) {
		return true
	}
	return slices.Contains(reloadable, key) && (key != "legacy.take" || p.legacy != nil)
}

func (p *Process) reloadCertificates(ctx context.Context) error {
	if p.certificates == nil {
		return nil
	}
	changed, err := p.certificates.Reload()
	if changed {
		p.log.InfoContext(ctx, "new certificate files are in force", "until", p.certificates.Expires())
	}
	return err
}

func (p *Process) reloadSettings(ctx context.Context, next *Settings) error {
	if level := next.Log.Level.Slog(); level != p.logLevel.Level() {
		p.log.InfoContext(ctx, "what is logged changes", "log.level", next.Log.Level)
		p.logLevel.Set(level)
	}
	if p.features != nil {
		p.features.Set(next.Flags)
	}
	if err := p.broker.change(ctx, next.Events, p.log); err != nil {
		return err
	}
	if p.legacy == nil {
		return nil
	}
	if err := p.legacy.SetTake(next.Legacy.Take); err != nil {
		return fmt.Errorf("legacy.take: %w", err)
	}
	return nil
}
