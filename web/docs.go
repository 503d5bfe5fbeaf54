package web

import "net/http"

// docs is the page to read and try the API: Swagger UI over /api/openapi.json.
func (w *Web) docs(rw http.ResponseWriter, r *http.Request) error {
	return w.show(rw, r, http.StatusOK, "docs", page{
		Title: "API", Nav: "api",
		Description: "Every operation of Banyan, to read and to try.",
	})
}
