package web

import (
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/wallet"
	"banyan/web/card"
	"banyan/web/ui"
)

// Pages makes what people see of a module, in a site. Its constructor takes the
// route to the module, so that main can name it beside the module.
type Pages func(*ui.Site) Section

// Section is what people see of one module: pages of its own, and parts of the
// pages that all modules share. Only Module and Title must be there.
type Section struct {
	Module string // its name in settings and paths
	Title  string // its name for people
	Folder string // of its templates below templates/; "" = it has none
	// Functions are what its templates call beside those of ui.
	Functions template.FuncMap

	// Menu has its first page. A legacy system may have the same page, and those
	// below it, see ui.Site.List.
	Menu  ui.Entry
	Order int // place in the menu and on the home page, the lowest first; equal ones stand as main lists them
	Intro Intro

	Mount   func(chi.Router)                 // adds its pages
	Operate func(chi.Router, ui.ShowOutcome) // adds its forms for operators; what came of one is shown on the operator page
	Home    func(*http.Request) HomePart     // nil = it has none, as below
	Work    func(*http.Request) OperatorPart // on the operator page
	Wallet  func(*http.Request, wallet.Address) WalletPart
	How     func(*http.Request) HowPart // explains its numbers
	// Card is what the picture of a page says when its address is shared, nil for a page
	// that is not its own.
	Card  func(r *http.Request, path string) (*card.Card, error)
	Steps func(*http.Request) []Step // of the first set-up
	// Find searches what it has by name, "" finds the first of all: for the search, the
	// advice on a wrong address, and the map of the site.
	Find func(r *http.Request, text string) ([]Found, error)

	OperatorPages []ui.Entry // those that its Operate adds
}

// Intro says on the home page what a module is for.
type Intro struct {
	Text   string
	Link   string // to its first page
	Button string // likewise, at the top of the page; "" = none
}

// HomePart is a module's part of the home page.
type HomePart struct {
	Figures []Figure
	Column  template.HTML // half as wide as the page
	Row     template.HTML // as wide as the page
	Missing *ui.Missing   // instead of Column and Row
	Empty   bool          // there is nothing yet
	Err     error         // of a template
}

// Figure is a number with what it counts.
type Figure struct{ Label, Value string }

// OperatorPart is a module's part of the operator page.
type OperatorPart struct {
	Cards   template.HTML // forms that stand beside those of other modules
	Section template.HTML
	Missing *ui.Missing // above the cards
	Err     error       // of a template
}

// WalletPart is what a module has of one wallet.
type WalletPart struct {
	HTML    template.HTML
	Missing *ui.Missing // above it
	Err     error       // of a template
}

//go:embed templates
var embedded embed.FS

// inMenu returns the sections in the order of the menu.
func inMenu(all []Section) []Section {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Section) int { return a.Order - b.Order })
	return all
}

// title returns a module's name for people.
func (w *Web) title(module string) string {
	for _, s := range w.sections {
		if s.Module == module {
			return s.Title
		}
	}
	return ui.Sentence(strings.ReplaceAll(module, "-", " "))
}

// menuOf returns the entries of the sections that have one, and the paths of the
// pages that a legacy system may have, too.
func menuOf(sections []Section) (menu []ui.Entry, paths []string) {
	paths = []string{walletPath}
	for _, s := range sections {
		if s.Menu.Path != "" {
			menu, paths = append(menu, s.Menu), append(paths, s.Menu.Path)
		}
	}
	return menu, paths
}
