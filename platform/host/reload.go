package host

import (
	"context"
	"errors"
	"fmt"
	"reflect"

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

// Reload puts what may change while the program runs into force: the certificate
// files, log.level and legacy.take. All other settings need a restart. What is
// refused stays as it was, and the log says why. Calls must not overlap.
func (p *Process) Reload(ctx context.Context, reread func() (Loaded, error)) {
	err := p.reloadCertificates(ctx)
	loaded, problem := reread()
	if problem == nil {
		problem = p.reloadSettings(ctx, loaded.Settings)
	}
	if err = errors.Join(err, problem); err != nil {
		p.log.ErrorContext(ctx, "not all was reloaded; what was refused stays as it was", "error", err)
		return
	}
	p.log.InfoContext(ctx, "reloaded: certificates, log.level and legacy.take are those of today; other settings need a restart")
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
	if p.legacy == nil {
		return nil
	}
	if err := p.legacy.SetTake(next.Legacy.Take); err != nil {
		return fmt.Errorf("legacy.take: %w", err)
	}
	return nil
}
