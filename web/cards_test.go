package web_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"net/http"
	"regexp"
	"strings"
	"testing"

	picture "banyan/web/card"
	"banyan/web/webtest"
)

var pictureOf = regexp.MustCompile(`property="og:image" content="([^"]+)"`)

// Every page that may be shared names its picture, which the server draws.
func TestPagesHavePicturesForOthers(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	seen := map[string]string{}
	for _, path := range []string{"/", "/exchanges", "/exchanges/kestrel-exchange", "/exchanges/saltmarsh-swap", "/airdrops/c1", "/wallets/" + webtest.SampleWallet(0).String(), "/how"} {
		page := v.get(path, http.StatusOK)
		contains(t, page, `name="twitter:card" content="summary_large_image"`, `rel="apple-touch-icon"`, `rel="manifest"`)
		found := pictureOf.FindStringSubmatch(page)
		if found == nil {
			t.Errorf("%s names no picture", path)
			continue
		}
		body := v.get(strings.TrimPrefix(found[1], s.URL), http.StatusOK)
		drawn, err := png.Decode(strings.NewReader(body))
		if err != nil || drawn.Bounds().Dx() != picture.Width {
			t.Errorf("%s: %v", found[1], err)
			continue
		}
		if of, twice := seen[body]; twice && path != "/how" && path != "/exchanges" {
			t.Errorf("%s has the picture of %s", path, of)
		}
		seen[body] = path
	}
	for _, path := range []string{"/cards/exchanges/nothing.png", "/cards/wallets/0x12.png", "/cards/airdrops/c3.png"} { // the last is a draft
		v.get(path, http.StatusNotFound)
	}
	v.get("/cards/exchanges/kestrel-exchange", http.StatusNotFound)

	v.signIn(s.Operator)
	if found := pictureOf.FindString(v.get("/operator", http.StatusOK)); found != "" {
		t.Errorf("an operator's page has a picture for others: %s", found)
	}
}

func TestPhonesKnowTheSite(t *testing.T) {
	v := newVisitor(t, webtest.Full(t))
	if _, err := png.Decode(bytes.NewReader([]byte(v.get("/apple-touch-icon.png", http.StatusOK)))); err != nil {
		t.Error(err)
	}
	var m struct {
		Name  string
		Icons []struct{ Src string }
	}
	if err := json.Unmarshal([]byte(v.get("/manifest.webmanifest", http.StatusOK)), &m); err != nil || m.Name != "Banyan" || len(m.Icons) != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	v.get(m.Icons[0].Src, http.StatusOK)
}
