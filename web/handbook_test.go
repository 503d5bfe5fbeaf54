package web_test

import (
	"net/http"
	"strings"
	"testing"

	"banyan/docs"
	"banyan/web/webtest"
)

func TestTheHandbookIsInTheProgram(t *testing.T) {
	v := newVisitor(t, webtest.Full(t))
	contains(t, v.get("/", http.StatusOK), `href="./handbook"`)
	contains(t, v.get("/handbook", http.StatusOK), "<h1>Install</h1>", "banyan setup link", `href="./handbook/configure"`)
	pages, err := docs.Pages()
	if err != nil || len(pages) < 8 {
		t.Fatal(pages, err)
	}
	for i, p := range pages {
		page := v.get("/handbook/"+p.Name, http.StatusOK)
		contains(t, page, "<h1>"+p.Title+"</h1>", `aria-current="page">`+p.Title)
		if last := i == len(pages)-1; strings.Contains(page, "Next: ") == last {
			t.Errorf("%s: a next page is there: %v", p.Name, !last)
		}
	}
	v.get("/handbook/nothing", http.StatusNotFound)
}
