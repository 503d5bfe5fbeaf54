package seam_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

type leafQuestion struct {
	ID string `path:"id" json:"-"`
}

type leaf struct {
	Text string `json:"text"`
	Done bool   `json:"done"`
}

func TestAnswersAreKeptAsLongAsTheyLast(t *testing.T) {
	contract := seam.NewContract("leaves", 1, "For tests.")
	now := map[string]leaf{"done": {"same", true}, "open": {"first", false}}
	read := seam.Read[leafQuestion, leaf](contract, "leaf", "GET /leaves/{id}", seam.Public, "A leaf",
		seam.AnyOrigin(), seam.Cached(func(l *leaf) bool { return l.Done }))
	other := seam.Read[leafQuestion, leaf](contract, "other", "GET /others/{id}", seam.Public, "Another")
	find := func(_ context.Context, q leafQuestion) (leaf, error) {
		l, ok := now[q.ID]
		if !ok {
			return l, fault.New(fault.NotFound, "there is no such leaf: look at the list")
		}
		return l, nil
	}
	router := chi.NewRouter()
	seam.NewRoute(contract.Bind(read.To(find), other.To(find))).Mount(router, seam.MountOptions{})
	ask := func(path, tag string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/leaves"+path, nil)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w.Result()
	}
	for id, policy := range map[string]string{"done": "public, max-age=31536000, immutable", "open": "no-cache"} {
		first := ask("/leaves/"+id, "")
		tag := first.Header.Get("ETag")
		if tag == "" || first.Header.Get("Cache-Control") != policy || first.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", id, first.Header)
		}
		for _, known := range []string{tag, `"x", ` + tag, "*", strings.TrimPrefix(tag, "W/")} {
			again := ask("/leaves/"+id, known)
			body, err := io.ReadAll(again.Body)
			if again.StatusCode != http.StatusNotModified || len(body) != 0 || err != nil || again.Header.Get("ETag") != tag {
				t.Errorf("%s, known as %s: %d %q", id, known, again.StatusCode, body)
			}
		}
		if again := ask("/leaves/"+id, `W/"0-0"`); again.StatusCode != http.StatusOK {
			t.Errorf("%s, known by another tag: %d", id, again.StatusCode)
		}
	}
	before := ask("/leaves/open", "").Header.Get("ETag")
	now["open"] = leaf{"then", false}
	if a := ask("/leaves/open", before); a.StatusCode != http.StatusOK || a.Header.Get("ETag") == before {
		t.Errorf("a changed answer is taken for the one before: %d", a.StatusCode)
	}
	missing := ask("/leaves/none", "")
	if missing.StatusCode != http.StatusNotFound || missing.Header.Get("Cache-Control") == "public, max-age=31536000, immutable" || missing.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("what is not there: %d %v", missing.StatusCode, missing.Header)
	}
	plain := ask("/others/done", "")
	if a := ask("/others/done", plain.Header.Get("ETag")); a.StatusCode != http.StatusNotModified || a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("an operation that says nothing is asked again: %d %v", a.StatusCode, a.Header)
	}
	if a := plain; a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("an operation that says nothing: %v", a.Header)
	}
	if shared := contract.Shared(); len(shared) != 2 || !shared["/api/v1/leaves/leaves/{id}"] || shared["/api/v1/leaves/others/{id}"] {
		t.Errorf("shared are %v", shared)
	}
}

func TestOnlyAPublicGetIsSharedAndKept(t *testing.T) {
	for name, declare := range map[string]func(*seam.Contract){
		"a write is shared": func(c *seam.Contract) {
			seam.Write[leafQuestion, leaf](c, "w", "POST /w/{id}", seam.Public, "x", seam.AnyOrigin())
		},
		"a member's read is shared": func(c *seam.Contract) {
			seam.Read[leafQuestion, leaf](c, "r", "GET /r/{id}", seam.SignedIn, "x", seam.AnyOrigin())
		},
		"another type is kept": func(c *seam.Contract) {
			seam.Read[leafQuestion, leaf](c, "r", "GET /r/{id}", seam.Public, "x", seam.Cached(func(*leafQuestion) bool { return true }))
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(name)
				}
			}()
			declare(seam.NewContract("leaves", 1, "For tests."))
		}()
	}
}

func TestAFormIsAnsweredWithHowToSendAFile(t *testing.T) {
	contract := seam.NewContract("scales", 1, "For tests.")
	measure := seam.Write[upload, measured](contract, "measure", "PUT /measure", seam.Public, "Measure an upload")
	router := chi.NewRouter()
	seam.NewRoute(contract.Bind(measure.To(func(_ context.Context, m upload) (measured, error) {
		n, err := io.Copy(io.Discard, m.Body)
		return measured{n}, err
	}))).Mount(router, seam.MountOptions{Site: "https://example.org/app"})
	for media, status := range map[string]int{
		"multipart/form-data; boundary=x": http.StatusUnsupportedMediaType, "Multipart/Form-Data; boundary=x": http.StatusUnsupportedMediaType,
		"application/x-www-form-urlencoded": http.StatusOK, // which curl --data-binary says of every file
		"":                                  http.StatusOK, "text/csv": http.StatusOK,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "PUT", "/api/v1/scales/measure", strings.NewReader("--x\r\n"))
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%q: %d %s", media, w.Code, w.Body)
		}
		if status != http.StatusOK && !strings.Contains(w.Body.String(), `curl -X PUT --data-binary @FILE 'https://example.org/app/api/v1/scales/measure'`) {
			t.Errorf("%q: %s", media, w.Body)
		}
	}
}
