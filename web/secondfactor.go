package web

import (
	"fmt"
	"html/template"
	"image"
	"image/color"
	"net/http"
	"strings"

	"github.com/boombuler/barcode/qr"
	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/identity/signin"
	"banyan/web/ui"
)

func (w *Web) mountSecondFactor(r chi.Router) {
	r.Get(ui.SecondFactorPath, w.ui.Handle(w.secondFactor))
	r.Post(ui.SecondFactorPath, w.ui.Form(w.ofSession(w.giveSecondFactor)))
	r.Post(ui.SecondFactorPath+"/begin", w.ui.Form(w.ofSession(w.beginSecondFactor)))
	r.Post(ui.SecondFactorPath+"/confirm", w.ui.Form(w.ofSession(w.confirmSecondFactor)))
	r.Post(ui.SecondFactorPath+"/recovery-codes", w.ui.Form(w.ofSession(w.newRecoveryCodes)))
	r.Post(ui.SecondFactorPath+"/end", w.ui.Form(w.ofSession(w.endSecondFactor)))
}

type secondFactorData struct {
	Outcome   *ui.Outcome
	Next      string // where to go afterwards; always a path within this site
	Role      string // of the wallet
	On        bool
	Given     bool // in this session
	SinceMS   int64
	Left      int          // recovery codes
	Beginning bool         // this session has begun one
	Secret    string       // in groups of four, to be typed into the app
	Link      template.URL // for an app on this device
	QR        template.HTML
	Recovery  []string // that were made a moment ago
}

// ofSession is a form of a person's second factor, which a token of the API has
// nothing to do with.
func (w *Web) ofSession(form func(http.ResponseWriter, *http.Request, signin.Session) error) ui.Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		session, inside := signin.SessionFrom(r.Context())
		if !inside {
			return fault.New(fault.Unauthenticated, "this form is for people who are signed in: sign in with your wallet")
		}
		err := form(rw, r, session)
		if f := fault.From(err); f != nil && f.Code != fault.Internal && f.Code != fault.Unauthenticated {
			return w.showSecondFactor(rw, r, ui.StatusOf(err), secondFactorData{Outcome: &ui.Outcome{Fault: f}})
		}
		return err
	}
}

func (w *Web) secondFactor(rw http.ResponseWriter, r *http.Request) error {
	if !ui.ViewerOf(r).SignedIn {
		w.ui.GoTo(rw, r, "/sign-in?next=", w.ui.Below(ui.SecondFactorPath))
		return nil
	}
	return w.showSecondFactor(rw, r, http.StatusOK, secondFactorData{})
}

// showSecondFactor is also the answer to a form of that page.
func (w *Web) showSecondFactor(rw http.ResponseWriter, r *http.Request, status int, d secondFactorData) error {
	session, _ := signin.SessionFrom(r.Context())
	found, err := w.o.Sessions.SecondFactorOf(r.Context(), session)
	if err != nil {
		return err
	}
	next := r.PostFormValue("next")
	if next == "" {
		next = r.URL.Query().Get("next")
	}
	d.Next, d.On, d.Left = w.ui.OwnPath(next), !found.Since.IsZero(), found.Recovery
	d.Given = session.Factor == signin.FactorGiven || len(d.Recovery) > 0
	if d.On {
		d.SinceMS = found.Since.UnixMilli()
	}
	if session.Full > identity.Member {
		d.Role = session.Full.String()
	}
	if b := found.Beginning; b != nil {
		d.Beginning, d.Secret = true, inFours(b.Secret)
		d.Link = template.URL(b.URI) //nolint:gosec // G203: made by signin, otpauth and no script
		if d.QR, err = qrCode(b.URI); err != nil {
			return err
		}
	}
	rw.Header().Set("Cache-Control", "no-store")
	return w.ui.Show(rw, r, status, "site/second-factor", ui.Page{Title: "My second factor", Data: d})
}

func inFours(text string) string {
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), " ")
}

// qrCode draws a text as SVG, a path of unit squares, with the quiet zone of four that
// the standard asks for.
func qrCode(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	const quiet = 4
	size := code.Bounds().Dx()
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			from := x
			for x < size && isDark(code, x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	whole := size + 2*quiet
	return ui.Markup(`<svg class="qr" viewBox="0 0 %d %d" shape-rendering="crispEdges" aria-hidden="true" focusable="false"><rect class="paper" width="%d" height="%d"/><path class="ink" d="%s"/></svg>`,
		whole, whole, whole, whole, path.String()), nil
}

func isDark(code image.Image, x, y int) bool { return code.At(x, y) == color.Black }

func (w *Web) beginSecondFactor(rw http.ResponseWriter, r *http.Request, session signin.Session) error {
	if err := w.o.Sessions.BeginSecondFactor(r.Context(), session); err != nil {
		return err
	}
	w.ui.GoTo(rw, r, ui.SecondFactorPath, "?next=", w.ui.OwnPath(r.PostFormValue("next")))
	return nil
}

// confirmSecondFactor answers with the recovery codes, which are not shown again.
func (w *Web) confirmSecondFactor(rw http.ResponseWriter, r *http.Request, session signin.Session) error {
	codes, err := w.o.Sessions.ConfirmSecondFactor(r.Context(), session, r.PostFormValue("code"))
	if err != nil {
		return err
	}
	return w.showSecondFactor(rw, r, http.StatusOK, secondFactorData{
		Outcome: &ui.Outcome{Done: "Your second factor is on. Your other sessions ask for it, too."}, Recovery: codes,
	})
}

func (w *Web) giveSecondFactor(rw http.ResponseWriter, r *http.Request, session signin.Session) error {
	if err := w.o.Sessions.GiveSecondFactor(r.Context(), session, r.PostFormValue("code")); err != nil {
		return err
	}
	w.ui.GoBack(rw, r, w.ui.OwnPath(r.PostFormValue("next")))
	return nil
}

func (w *Web) newRecoveryCodes(rw http.ResponseWriter, r *http.Request, session signin.Session) error {
	codes, err := w.o.Sessions.NewRecoveryCodes(r.Context(), session, r.PostFormValue("code"))
	if err != nil {
		return err
	}
	return w.showSecondFactor(rw, r, http.StatusOK, secondFactorData{
		Outcome: &ui.Outcome{Done: "There are new recovery codes; the old ones do not work any more."}, Recovery: codes,
	})
}

func (w *Web) endSecondFactor(rw http.ResponseWriter, r *http.Request, session signin.Session) error {
	if err := w.o.Sessions.EndSecondFactor(r.Context(), session, r.PostFormValue("code")); err != nil {
		return err
	}
	w.ui.Tell(rw, r, "Your second factor is off. Delete its entry in the app.")
	w.ui.GoTo(rw, r, ui.SecondFactorPath)
	return nil
}
