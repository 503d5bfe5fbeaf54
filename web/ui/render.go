package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/feature"
	"banyan/platform/httpserver"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/platform/wallet"
	"banyan/web/language"
)

// Page is what a handler hands over to be shown.
type Page struct {
	Title       string
	Description string // for search engines and previews
	Nav         string // path of the menu's entry that it belongs to
	Of          string // path of the page that a fragment is a part of; "" = that of the request
	Data        any    // of the template

	told *told
}

// Viewer is who looks at a page.
type Viewer struct {
	SignedIn bool
	Wallet   wallet.Address
	Operator bool
	Staff    bool // the wallet is a moderator or operator, or has a second factor
	// Withheld is the role of the wallet when it does not count in this session until
	// the second factor is given, or set up; 0 = nothing is withheld.
	Withheld identity.Role
	Session  string // id
	CSRF     string
}

// view is what every template sees.
type view struct {
	Page
	Viewer    Viewer
	Menu      []Entry
	Nonce     string // every script element carries it
	Home      bool
	Path      string // within the site, with the query
	PublicURL string
	KnownAs   string // this page at public_url, for those who visit it by another name; "" = they do not
	Canonical string
	Picture   string // of this page, for others that show its address; "" = it is nobody's business
	Demo      bool
	// AsksFactor: the page leads to that of the second factor, without which the
	// viewer's role does not count.
	AsksFactor bool
	Plain      string // path within the site without a prefix
	Site       Name
	Operators  []Entry // pages of operators, for them
	Alarms     []Alarm // likewise
	Forms      bool    // it may have forms that outlive a session, see forms.js
	Told       *told   // what was done a moment ago; nil = nothing
	Language   language.Language
	Here       string // path within the site to come back to, with the query

	shows func(feature.Name) bool
}

// Shows reports whether the viewer is shown a feature. Fails for a name that none has.
func (v view) Shows(name feature.Name) (bool, error) {
	if !slices.Contains(feature.All(), name) {
		return false, fmt.Errorf("no feature has the name %s", name)
	}
	return v.shows(name), nil
}

// ViewerOf returns who sent a request; the zero Viewer is not signed in.
func ViewerOf(r *http.Request) Viewer {
	session, ok := signin.SessionFrom(r.Context())
	if !ok {
		return Viewer{}
	}
	who := Viewer{
		SignedIn: true, Wallet: session.Wallet, Operator: session.Role >= identity.Operator,
		Session: session.ID, CSRF: signin.CSRFToken(session),
	}
	who.Staff = session.Full > identity.Member || session.Factor != signin.FactorNone
	if session.Role < session.Full {
		who.Withheld = session.Full
	}
	return who
}

// sharedTemplate is a file beside the pages of a folder whose templates all of
// them may use.
const sharedTemplate = "parts.html"

func (s *Site) readShared() error {
	for _, l := range language.All() {
		base := template.New("").Funcs(inLanguage(l, s.functions(l)))
		for _, file := range []string{"layout.html", "parts.html", "drawings.html"} {
			if err := parse(base, l, embedded, "templates/"+file); err != nil {
				return fmt.Errorf("read the shared templates: %w", err)
			}
		}
		s.shared[l], s.pages[l] = base, map[string]*template.Template{}
	}
	own, err := fs.Sub(embedded, "templates/error")
	if err != nil {
		return err
	}
	return s.Add("error", own, nil)
}

// parse adds the templates of a file, in the language.
func parse(to *template.Template, l language.Language, files fs.FS, file string) error {
	source, err := fs.ReadFile(files, file)
	if err != nil {
		return err
	}
	_, err = to.New(path.Base(file)).Parse(l.Template(string(source)))
	return err
}

// Add reads the templates of a folder: list.html becomes the page
// "folder/list". It defines "content", which stands in the layout, and perhaps
// "head" and fragments. parts.html is not a page: all pages of the folder may
// use what it defines. The functions are for this folder's templates.
func (s *Site) Add(folder string, files fs.FS, functions template.FuncMap) error {
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		return fmt.Errorf("list the templates of %s: %w", folder, err)
	}
	for _, l := range language.All() {
		if err := s.addIn(l, folder, files, names, functions); err != nil {
			return err
		}
	}
	return nil
}

// addIn is Add in one language.
func (s *Site) addIn(l language.Language, folder string, files fs.FS, names []string, functions template.FuncMap) error {
	base, err := s.shared[l].Clone()
	if err == nil {
		base.Funcs(inLanguage(l, functions))
		if _, statErr := fs.Stat(files, sharedTemplate); statErr == nil {
			err = parse(base, l, files, sharedTemplate)
		}
	}
	if err != nil {
		return fmt.Errorf("read the shared templates of %s: %w", folder, err)
	}
	for _, file := range names {
		if file == sharedTemplate {
			continue
		}
		name := folder + "/" + strings.TrimSuffix(file, ".html")
		t, err := base.Clone()
		if err == nil {
			err = parse(t, l, files, file)
		}
		if err != nil {
			return fmt.Errorf("read the template %s in %s: %w", name, l.Name(), err)
		}
		s.pages[l][name] = t
	}
	return nil
}

// wholePage is the template that a page's content stands in.
const wholePage = "layout"

// Show renders a whole page.
func (s *Site) Show(rw http.ResponseWriter, r *http.Request, status int, name string, p Page) error {
	p.told = s.takeTold(rw, r)
	return s.render(rw, r, status, name, wholePage, p)
}

// Fragment renders a named template of a page, for htmx.
func (s *Site) Fragment(rw http.ResponseWriter, r *http.Request, name, part string, p Page) error {
	return s.render(rw, r, http.StatusOK, name, part, p)
}

// HTML renders the "content" of a template as a part of another page.
func (s *Site) HTML(r *http.Request, name string, data any) (template.HTML, error) {
	out, err := s.execute(r, name, "content", Page{Data: data})
	return template.HTML(out.String()), err //nolint:gosec // html/template has escaped it
}

func (s *Site) execute(r *http.Request, name, entry string, p Page) (bytes.Buffer, error) {
	l := language.Of(r)
	p.Title, _ = l.Sentence(p.Title)
	p.Description, _ = l.Sentence(p.Description)
	v := view{
		Page: p, Language: l, Viewer: ViewerOf(r), Menu: s.menu, Nonce: httpserver.Nonce(r.Context()), Home: s.Plain(r) == "/", Path: r.URL.RequestURI(),
		Canonical: s.canonical(r), PublicURL: s.o.PublicURL, KnownAs: s.knownAs(r), Demo: s.o.Demo, Plain: s.Plain(r), Site: s.NameOf(r), Told: p.told,
		shows: func(name feature.Name) bool { return s.Shows(r, name) },
	}
	v.AsksFactor = v.Viewer.Withheld != 0 && !strings.HasPrefix(v.Plain, SecondFactorPath)
	if p.Nav != operatorPath && !strings.HasPrefix(name, "error/") {
		v.Picture = s.picture(r)
	}
	if v.Here = v.Path; r.Method != http.MethodGet && r.Method != http.MethodHead {
		v.Here = s.cameFrom(r) // a form's answer cannot be loaded again
	}
	v.Forms = v.Viewer.SignedIn || strings.HasPrefix(name, "error/")
	if entry == wholePage && v.Viewer.Operator && p.Nav == operatorPath {
		v.Operators = s.operators
		if s.alarms != nil {
			v.Alarms = s.alarms(r)
		}
	}
	var out bytes.Buffer
	t, ok := s.pages[l][name]
	if !ok {
		return out, fault.Newf(fault.Internal, "there is no template %s", name)
	}
	if err := t.ExecuteTemplate(&out, entry, v); err != nil {
		return out, fault.Wrap(fmt.Errorf("render %s: %w", name, err), fault.Internal,
			"this page could not be rendered: the log has the reason under this request's id")
	}
	return out, nil
}

// render runs the template into memory first, so that after a failure the answer
// is a whole error page and not half of another.
//
// Pages have no ETag: each carries a nonce that only its own
// Content-Security-Policy admits, and a 304 would join an old body to a new
// policy. What is personal is not stored at all.
func (s *Site) render(rw http.ResponseWriter, r *http.Request, status int, name, entry string, p Page) error {
	out, err := s.execute(r, name, entry, p)
	if err != nil {
		return err
	}
	where := r.URL.EscapedPath()
	if p.Of != "" {
		where = s.Below(p.Of)
	}
	body := bytes.ReplaceAll(out.Bytes(), []byte(s.mark), []byte(s.rootFrom(where)))
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Language", string(language.Of(r)))
	h.Add("Vary", "Accept-Language, Cookie, HX-Request")
	h.Set("Cache-Control", sharedPage)
	if ViewerOf(r).SignedIn || status != http.StatusOK {
		h.Set("Cache-Control", "no-store")
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(body) //nolint:gosec // html/template has escaped it; the browser may be gone, and nobody is left to report it to
	return nil
}

// sharedPage is the Cache-Control of a page that is not made for one person: a browser
// asks again for it, and nobody between keeps it.
const sharedPage = "no-cache, private"

// WantsFragment reports whether htmx asks for this part of the page only. When it
// restores its history it needs the whole page.
func WantsFragment(r *http.Request, target string) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Target") == target &&
		r.Header.Get("HX-History-Restore-Request") != "true"
}

// WantsJSON reports whether a page's script asks, and not a person.
func WantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}
