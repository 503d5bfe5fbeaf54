package web

import (
	"encoding/xml"
	"net/http"
	"path"
	"strings"

	"banyan/platform/wallet"
	"banyan/web/ui"
)

// Found is one thing that a search found.
type Found struct {
	Kind  string // Exchange, Airdrop
	Title string
	Path  string
}

// foundShown is how much a module adds to a search.
const foundShown = 20

type searchData struct {
	Asked   string
	Found   []Found
	Missing []*ui.Missing
}

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 200

// search looks through all modules; a wallet's address leads to its page.
func (w *Web) search(rw http.ResponseWriter, r *http.Request) error {
	d := searchData{Asked: strings.TrimSpace(r.URL.Query().Get("q"))}
	d.Asked = strings.ToValidUTF8(d.Asked[:min(len(d.Asked), maxSearch)], "")
	if written, err := wallet.Read(d.Asked, 0); err == nil {
		w.ui.GoTo(rw, r, walletPath, "/", written.Address)
		return nil
	}
	if d.Asked != "" {
		d.Found, d.Missing = w.find(r, d.Asked)
	}
	return w.ui.Show(rw, r, http.StatusOK, "site/search", ui.Page{Title: "Search", Data: d, Description: "Find an exchange, an airdrop or a wallet."})
}

func (w *Web) find(r *http.Request, text string) (all []Found, missing []*ui.Missing) {
	sections := inMenu(w.sections)
	found, errs := make([][]Found, len(sections)), make([]error, len(sections))
	var questions []func()
	for i, s := range sections {
		if s.Find != nil {
			questions = append(questions, func() { found[i], errs[i] = s.Find(r, text) })
		}
	}
	ui.Together(questions...)
	for i, s := range sections {
		all = append(all, found[i][:min(foundShown, len(found[i]))]...)
		if m := ui.Part(r.Context(), errs[i], s.Title, "what "+s.Title+" has"); m != nil {
			missing = append(missing, m)
		}
	}
	return all, missing
}

// suggest says what an address that leads nowhere may have meant.
func (w *Web) suggest(r *http.Request) []ui.Entry {
	last := strings.ToLower(path.Base(r.URL.Path))
	if len(last) < 2 || len(last) > maxSearch {
		return nil
	}
	var list []ui.Entry
	for _, e := range w.ui.Menu() {
		if name := strings.TrimPrefix(e.Path, "/"); strings.HasPrefix(name, last) || strings.HasPrefix(last, name) {
			list = append(list, e)
		}
	}
	for len(last) > 2 && len(list) == 0 { // a mistyped end: look for less of it
		found, _ := w.find(r, last) // a module that is gone has no advice
		for _, f := range found {
			list = append(list, ui.Entry{Path: f.Path, Label: f.Title})
		}
		last = last[:max(2, len(last)*2/3)]
		if last == path.Base(r.URL.Path) || len(last) == 2 {
			break
		}
	}
	return list[:min(5, len(list))]
}

// robots says what search engines may read.
func (w *Web) robots(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = rw.Write([]byte("User-agent: *\nDisallow: " + w.ui.At("/operator") + "\nDisallow: " + w.ui.At("/sign-in") + "\nDisallow: " + w.ui.At("/sessions") +
		"\nDisallow: " + w.ui.At("/setup/") + "\nDisallow: " + w.ui.At("/search") + "\nDisallow: " + w.ui.At("/api/") + "\n\nSitemap: " + w.ui.Absolute("/sitemap.xml") + "\n")) // the reader may be gone
}

type sitemap struct {
	XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []place  `xml:"url"`
}

type place struct {
	Location string `xml:"loc"`
}

// sitemap lists the pages worth reading (https://www.sitemaps.org/protocol.html).
func (w *Web) sitemap(rw http.ResponseWriter, r *http.Request) error {
	m := sitemap{URLs: []place{{w.ui.Absolute("/")}, {w.ui.Absolute("/docs")}}}
	for _, s := range inMenu(w.sections) {
		if s.Menu.Path != "" {
			m.URLs = append(m.URLs, place{w.ui.Absolute(s.Menu.Path)})
		}
		if s.Find == nil {
			continue
		}
		found, err := s.Find(r, "")
		if err != nil {
			return err // half a map would say that the rest is gone
		}
		for _, f := range found {
			m.URLs = append(m.URLs, place{w.ui.Absolute(f.Path)})
		}
	}
	body, err := xml.Marshal(m)
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/xml; charset=utf-8")
	rw.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = rw.Write(append([]byte(xml.Header), body...)) // the reader may be gone
	return nil
}
