package web

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/modules/exchangereview"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/identity/signin"
	"banyan/platform/requestctx"
)

// maxSmallField bounds a form field beside a file.
const maxSmallField = 1 << 10

// uploaded is a form with one file: the fields before it, and the file as a
// stream that was not kept anywhere.
type uploaded struct {
	fields map[string]string
	file   io.Reader
}

// upload reads a form with a file without storing the file: the fields stand
// before it in the form, so the session's token is checked before the first
// byte of the file is read.
func (w *Web) upload(take func(r *http.Request, u uploaded) (done string, err error)) handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := onlyOperators(r); err != nil {
			return err
		}
		requestctx.AllowUpload(r.Context())
		u, err := readUpload(r)
		if err != nil {
			return err
		}
		if token := u.fields[signin.CSRFField]; token != "" {
			r.Header.Set(signin.CSRFHeader, token)
		}
		if err := signin.CheckCSRF(r); err != nil {
			return err
		}
		done, err := take(r, u)
		return w.outcome(rw, r, done, err)
	}
}

func readUpload(r *http.Request) (uploaded, error) {
	broken := func(err error) error {
		var tooLong *http.MaxBytesError
		if fault.Is(err, fault.TooLarge) || errors.As(err, &tooLong) {
			return err
		}
		return fault.Wrap(err, fault.Invalid, "the form did not arrive whole: load the page again and send it once more")
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return uploaded{}, broken(err)
	}
	u := uploaded{fields: map[string]string{}}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return u, fault.New(fault.Invalid, "the form holds no file: choose one and send it again")
		}
		if err != nil {
			return u, broken(err)
		}
		if p.FileName() != "" {
			u.file = p
			return u, nil
		}
		if p.FormName() == "file" {
			return u, fault.New(fault.Invalid, "no file was chosen: choose one and send it again")
		}
		if err := u.field(p); err != nil {
			return u, broken(err)
		}
	}
}

func (u uploaded) field(p *multipart.Part) error {
	text, err := io.ReadAll(io.LimitReader(p, maxSmallField))
	if err != nil {
		return err
	}
	u.fields[p.FormName()] = string(text)
	return nil
}

func (w *Web) importTrust(r *http.Request, u uploaded) (string, error) {
	made, err := w.o.Reputation.ImportTrust(r.Context(), reputation.TrustUpload{Body: u.file})
	if err != nil {
		return "", err
	}
	done := plural(made.Edges, "edge", "edges") + " between " + plural(made.Wallets, "wallet", "wallets") +
		" were imported. Compute an epoch to use them."
	if made.PassedOver != "" {
		done += " Of the list, " + made.PassedOver + "."
	}
	return done, nil
}

func (w *Web) importExchanges(r *http.Request, u uploaded) (string, error) {
	made, err := w.o.Exchanges.ImportExchanges(r.Context(), exchangereview.ExchangeUpload{Body: u.file})
	if err != nil {
		return "", err
	}
	return plural(made.Added, "exchange was", "exchanges were") + " added and " + number(made.Updated) + " updated.", nil
}

func (w *Web) uploadList(r *http.Request, u uploaded) (string, error) {
	c, err := w.o.Airdrop.UploadList(r.Context(), airdrop.ListUpload{
		ID: chi.URLParam(r, "id"), OnDuplicate: u.fields["on_duplicate"], Decimals: u.fields["decimals"] == "true", Body: u.file,
	})
	if err != nil {
		return "", err
	}
	return "The list is stored: " + plural(c.Count, "wallet", "wallets") + ", " + units(c.Total, c.Decimals) + " " + c.Symbol +
		" in total. Check the figures, then build the tree.", nil
}
