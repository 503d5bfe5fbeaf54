package ui

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"banyan/platform/fault"
	"banyan/platform/identity/signin"
	"banyan/platform/requestctx"
)

// maxSmallField bounds a form field beside a file.
const maxSmallField = 1 << 10

// Uploaded is a form with one file: the fields before it, and the file as a
// stream that was not kept anywhere.
type Uploaded struct {
	Fields map[string]string // at most 1 KiB each
	File   io.Reader
}

// Upload is Operate for a form with a file, which is not stored anywhere: the fields
// stand before the file in the form, so the session's token is checked before the
// first byte of the file is read. They are also in r.PostForm, for the page that
// shows the form again.
func (s *Site) Upload(path string, take func(r *http.Request, u Uploaded) (done string, err error), show ShowOutcome) Handler {
	return func(rw http.ResponseWriter, r *http.Request) error {
		if err := OnlyOperators(r); err != nil {
			return err
		}
		requestctx.AllowUpload(r.Context())
		u, incomplete := readUpload(r)
		r.PostForm = url.Values{}
		for name, text := range u.Fields {
			r.PostForm.Set(name, text)
		}
		if token := u.Fields[signin.CSRFField]; token != "" {
			r.Header.Set(signin.CSRFHeader, token)
		}
		if err := signin.CheckCSRF(r); err != nil {
			if incomplete != nil {
				return incomplete
			}
			return err
		}
		if incomplete != nil {
			return s.answer(rw, r, path, "", incomplete, show)
		}
		done, err := take(r, u)
		return s.answer(rw, r, path, done, err, show)
	}
}

func readUpload(r *http.Request) (Uploaded, error) {
	broken := func(err error) error {
		var tooLong *http.MaxBytesError
		if fault.Is(err, fault.TooLarge) || errors.As(err, &tooLong) {
			return err
		}
		return fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return Uploaded{}, broken(err)
	}
	u := Uploaded{Fields: map[string]string{}}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return u, fault.New(fault.Invalid, "the form has no file: choose one and send it again")
		}
		if err != nil {
			return u, broken(err)
		}
		if p.FileName() != "" {
			u.File = p
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

func (u Uploaded) field(p *multipart.Part) error {
	text, err := io.ReadAll(io.LimitReader(p, maxSmallField))
	if err != nil {
		return err
	}
	u.Fields[p.FormName()] = string(text)
	return nil
}
