package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"banyan/platform/config"
	"banyan/platform/host"
	"banyan/web/ui"
)

// Backups is what the pages need of host.Backups.
type Backups interface {
	Status(ctx context.Context) (host.BackupStatus, error)
	Start(ctx context.Context) error
}

type settingsData struct {
	All     bool // also those at their default
	Groups  []settingGroup
	Changed int
}

// settingGroup are the settings of one section of config.yaml.
type settingGroup struct {
	Name     string // "" = those without a section
	Settings []config.Setting
}

// settings shows the settings in force, first those that somebody has set.
func (w *Web) settings(rw http.ResponseWriter, r *http.Request) error {
	list, err := w.o.Settings()
	if err != nil {
		return err
	}
	d := settingsData{All: r.URL.Query().Get("all") == "true"}
	for _, s := range list {
		if s.Source != "" {
			d.Changed++
		} else if !d.All {
			continue
		}
		name, _, found := strings.Cut(s.Key, ".")
		if !found {
			name = ""
		}
		if n := len(d.Groups); n == 0 || d.Groups[n-1].Name != name {
			d.Groups = append(d.Groups, settingGroup{Name: name})
		}
		last := &d.Groups[len(d.Groups)-1]
		last.Settings = append(last.Settings, s)
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/settings", ui.Page{Title: "Settings", Nav: "/operator", Data: d})
}

type aboutData struct {
	host.About
	StartedMS int64
}

func (w *Web) about(rw http.ResponseWriter, r *http.Request) error {
	a := w.o.About()
	return w.ui.Show(rw, r, http.StatusOK, "site/about", ui.Page{Title: "Version and build", Nav: "/operator", Data: aboutData{a, a.Started.UnixMilli()}})
}

type backupsData struct {
	Outcome  *ui.Outcome
	Schedule string // "every 24 h"; "" = there is none
	host.BackupStatus
}

// schedule writes how often something is done.
func schedule(every time.Duration) string {
	switch {
	case every == 0:
		return ""
	case every%time.Hour == 0:
		return fmt.Sprintf("every %d h", every/time.Hour)
	}
	return fmt.Sprintf("every %d min", every.Round(time.Minute)/time.Minute)
}

func (w *Web) backups(rw http.ResponseWriter, r *http.Request) error {
	return w.showBackups(rw, r, http.StatusOK, nil)
}

func (w *Web) showBackups(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	found, err := w.o.Backups.Status(r.Context())
	if err != nil {
		return err
	}
	d := backupsData{Outcome: done, Schedule: schedule(found.Every), BackupStatus: found}
	page := ui.Page{Title: "Backups", Nav: "/operator", Data: d}
	if ui.WantsFragment(r, "backups") {
		return w.ui.Fragment(rw, r, "site/backups", "list", page)
	}
	return w.ui.Show(rw, r, status, "site/backups", page)
}

func (w *Web) startBackup(_ http.ResponseWriter, r *http.Request) (string, error) {
	if err := w.o.Backups.Start(r.Context()); err != nil {
		return "", err
	}
	return "A backup is being made. It is listed here when it is there and was read back whole.", nil
}
