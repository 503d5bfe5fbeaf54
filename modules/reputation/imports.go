package reputation

import (
	"context"
	"io"

	"banyan/platform/fault"
	"banyan/platform/page"
	"banyan/platform/progress"
	"banyan/platform/wallet"
)

// Imports is the part of Service with the trust lists that operators upload. Each
// has a name and versions; the edges of its live version count, and removing it
// removes all of them.
type Imports interface {
	// ImportTrust adds trust edges to an import or replaces those with the same
	// source and target; a weight of zero removes one, and of two rows for one
	// pair the later counts. The result is the import's next version, which counts
	// at once unless it shall be held. Wrong rows are an invalid fault that names
	// up to 100 of them by line, and nothing of the upload is kept. Conflict: the
	// import was changed meanwhile.
	ImportTrust(context.Context, TrustUpload) (TrustImported, error)
	// Imports lists all imports by name.
	Imports(context.Context, ImportsQuery) (ImportList, error)
	// ImportChanges lists how a version differs from the one before it. NotFound:
	// no such version, or it was made before the changes that are kept.
	ImportChanges(context.Context, ImportChangesQuery) (ImportChangePage, error)
	// AcceptImport makes the version that is held count. NotFound: none is held.
	// Conflict: another version is held.
	AcceptImport(context.Context, ImportAction) (Import, error)
	// DiscardImport drops the version that is held. Fails as AcceptImport.
	DiscardImport(context.Context, ImportAction) (Import, error)
	// RemoveImport removes an import with all of its edges. NotFound.
	RemoveImport(context.Context, ImportRemoval) (Import, error)
	// ImportWork returns how far an upload under this name is: reading, comparing, or
	// storing. It is known where the work is done: another process answers that there
	// is none, as it does of a name without an import. Whoever asked for the work
	// cancels it by ending the request, and the import stays as it was.
	ImportWork(context.Context, ImportWorkQuery) (progress.Work, error)
}

// StandardImport is the import of an upload without a name.
const StandardImport = "trust"

// MaxImports bounds the number of imports.
const MaxImports = 200

// TrustUpload is a CSV stream source,target[,weight[,time]]: wallets, a positive
// or negative finite weight (1 where the list has none), and seconds since 1970,
// RFC 3339 or a day. A header is optional and says the order of the columns, also
// as i,j,v or from,to,value; cells are separated by commas, semicolons or tabs,
// lines that begin with # are comments; gzip, zstd and UTF-16 are recognised.
type TrustUpload struct {
	Import  string    `query:"import" json:"-"`  // its name; "" = trust
	Replace bool      `query:"replace" json:"-"` // the list is the whole import: edges that it lacks are removed
	Hold    bool      `query:"hold" json:"-"`    // it does not count before it is accepted
	Body    io.Reader `stream:"text/csv" json:"-"`
}

// Validate refuses names out of range.
func (q TrustUpload) Validate() error {
	if q.Import == "" {
		return nil
	}
	return refuseNamed("the list cannot be imported under this name: see the fields", wrongName("import", q.Import))
}

// Name returns the import's name.
func (q TrustUpload) Name() string {
	if q.Import == "" {
		return StandardImport
	}
	return q.Import
}

// TrustImported is the result of an import.
type TrustImported struct {
	Edges   int `json:"edges"`   // rows read
	Wallets int `json:"wallets"` // distinct wallets in them
	// PassedOver says in one sentence for people what of the list was not used:
	// columns, comments, lines above the header; "" if nothing was.
	PassedOver string     `json:"passed_over,omitempty"`
	Import     string     `json:"import"`
	Version    int64      `json:"version"`
	Held       bool       `json:"held"` // it does not count yet
	Diff       ImportDiff `json:"diff"` // against the version before
}

// ImportDiff counts the edges in which two versions differ.
type ImportDiff struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Changed int `json:"changed"` // another weight or time
}

// ImportsQuery asks for all imports.
type ImportsQuery struct{}

// ImportList lists imports.
type ImportList struct {
	Imports []Import `json:"imports"`
}

// Import is a named trust list.
type Import struct {
	Name      string         `json:"name"`
	Version   int64          `json:"version"` // that counts; 0 = none yet
	Edges     int            `json:"edges"`   // of it
	ChangedMS int64          `json:"changed_ms"`
	ChangedBy string         `json:"changed_by"`
	Held      *ImportVersion `json:"held,omitempty"` // that waits to be accepted
}

// ImportVersion is a version of an import.
type ImportVersion struct {
	Version int64      `json:"version"`
	MadeMS  int64      `json:"made_ms"`
	MadeBy  string     `json:"made_by"`
	Diff    ImportDiff `json:"diff"` // against the version that counts
}

// ImportChangesQuery names a version; cursor is the last answer's next.
type ImportChangesQuery struct {
	Import  string `path:"import" json:"-"`
	Version int64  `path:"version" json:"-"`
	Cursor  string `query:"cursor" json:"-"`
	Limit   int    `query:"limit" json:"-"` // 1–200, 0 = 50
}

// Validate refuses values out of range.
func (q ImportChangesQuery) Validate() error {
	wrong := append(wrongName("import", q.Import), page.Standard().Wrong(q.Limit)...)
	if q.Version < 1 {
		wrong = append(wrong, fault.Field{Name: "version", Message: "is 1 or more"})
	}
	return refuseNamed("the query has values out of range: see the fields", wrong)
}

// ImportChange is an edge that a version has and the one before it has not, or has
// otherwise.
type ImportChange struct {
	Source wallet.Address `json:"source"`
	Target wallet.Address `json:"target"`
	Before *float64       `json:"before"` // weight; null = there was no edge
	After  *float64       `json:"after"`  // null = there is no edge
}

// ImportChangePage is a page of changes, by source and target.
type ImportChangePage struct {
	Changes []ImportChange `json:"changes"`
	Next    string         `json:"next,omitempty"`
}

// ImportAction names the version that is held, so that nobody accepts another one
// than they have seen.
type ImportAction struct {
	Import  string `path:"import" json:"-"`
	Version int64  `path:"version" json:"-"`
}

// Validate refuses names out of range.
func (q ImportAction) Validate() error {
	return refuseNamed("there is no such version: see the fields", wrongName("import", q.Import))
}

// ImportRemoval names an import.
type ImportRemoval struct {
	Import string `path:"import" json:"-"`
}

// Validate refuses names out of range.
func (q ImportRemoval) Validate() error {
	return refuseNamed("there is no such import: see the fields", wrongName("import", q.Import))
}

// ImportWorkQuery names an import, which may be one that is being made.
type ImportWorkQuery struct {
	Import string `path:"import" json:"-"`
}

// Validate refuses names out of range.
func (q ImportWorkQuery) Validate() error {
	return refuseNamed("there is no such import: see the fields", wrongName("import", q.Import))
}
