package web

import (
	"net/http"

	"banyan/web/ui"
)

// docs is the page to read and try the API: Swagger UI over /api/openapi.json.
func (w *Web) docs(rw http.ResponseWriter, r *http.Request) error {
	return w.ui.Show(rw, r, http.StatusOK, "site/docs", ui.Page{
		Title: "API", Nav: "/docs",
		Description: "Every operation of Banyan, to read and to try.",
	})
}
