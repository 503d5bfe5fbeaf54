package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"banyan/platform/fault"
	"banyan/web/card"
)

// cardsPath is what the pictures of pages stand below, each by its page's path.
const cardsPath = "/cards"

// card is the picture that others show when a page's address is shared. Pages that no
// module has a picture of have the site's.
func (w *Web) card(rw http.ResponseWriter, r *http.Request) error {
	name := w.ui.NameOf(r)
	what := card.Card{Title: name.Name, Value: name.Description}
	page, isPNG := strings.CutSuffix(w.ui.Plain(r), ".png")
	if !isPNG {
		return fault.New(fault.NotFound, "a picture's address is that of its page below "+cardsPath+", with .png")
	}
	page = strings.TrimPrefix(page, cardsPath)
	for _, s := range w.sections {
		if s.Card == nil {
			continue
		}
		found, err := s.Card(r, page)
		if err != nil {
			return err
		}
		if found != nil {
			what, what.Site = *found, name.Name
		}
	}
	body, err := w.cards.PNG(r.Context(), what)
	if err != nil {
		return err
	}
	writePNG(rw, body)
	return nil
}

func (w *Web) touchIcon(rw http.ResponseWriter, _ *http.Request) error {
	body, err := w.cards.IconPNG()
	if err != nil {
		return err
	}
	writePNG(rw, body)
	return nil
}

// writePNG answers with a picture that other sites may show.
func writePNG(rw http.ResponseWriter, body []byte) {
	h := rw.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = rw.Write(body) // the reader may be gone
}

// manifest says to phones how the site stands on their screen
// (https://www.w3.org/TR/appmanifest/).
func (w *Web) manifest(rw http.ResponseWriter, r *http.Request) error {
	type icon struct {
		Source string `json:"src"`
		Type   string `json:"type"`
		Sizes  string `json:"sizes"`
	}
	name := w.ui.NameOf(r).Name
	body, err := json.Marshal(struct {
		Name       string `json:"name"`
		ShortName  string `json:"short_name"`
		Start      string `json:"start_url"`
		Display    string `json:"display"`
		Background string `json:"background_color"`
		Theme      string `json:"theme_color"`
		Icons      []icon `json:"icons"`
	}{name, name, w.ui.At("/"), "minimal-ui", "#f7f4ec", "#123c2b", []icon{{w.ui.At("/apple-touch-icon.png"), "image/png", fmt.Sprintf("%dx%d", card.Icon, card.Icon)}}})
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/manifest+json")
	rw.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = rw.Write(body) // the reader may be gone
	return nil
}
