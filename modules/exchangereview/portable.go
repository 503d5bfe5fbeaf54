package exchangereview

import (
	"context"
	"io"

	"banyan/platform/fault"
	"banyan/platform/seam"
)

// Portable is how reviews leave a site, and come to another installation of it.
type Portable interface {
	// ExportReviews streams a Review on each line: all versions of the live reviews, as
	// they were published. NotFound: no such slug.
	ExportReviews(context.Context, ReviewsExport) (seam.Stream, error)
	// ImportReviews stores reviews that were exported, or attestations of reviews as
	// ReviewEAS returns them, which are then kept, too. Each is checked as when it was
	// published, but for its time: a signature is worth nothing at a site that it does
	// not name. It may be sent again: what is stored already is counted as known.
	// TooLarge: more than MaxImportedReviews; those before are stored. Invalid: it is
	// not JSON, likewise.
	ImportReviews(context.Context, ReviewsUpload) (ReviewsImported, error)
}

var (
	exportReviews = seam.Read[ReviewsExport, seam.Stream](Contract, "exportReviews", "GET /reviews/export", seam.Public,
		"All live reviews with their signatures, one on each line")
	importReviews = seam.Write[ReviewsUpload, ReviewsImported](Contract, "importReviews", "POST /reviews/import", seam.Operators,
		"Store reviews that this site has exported")
)

func bindPortable(s Portable) []seam.Binding {
	return []seam.Binding{exportReviews.To(s.ExportReviews), importReviews.To(s.ImportReviews)}
}

// ReviewsExport selects what to export.
type ReviewsExport struct {
	Exchange string `query:"exchange" json:"-"` // slug; "" = all
}

// MaxImportedReviews is the most reviews of one import.
const MaxImportedReviews = 1000

// ReviewsUpload is reviews as an export or ReviewEAS has them, one JSON object after the
// other.
type ReviewsUpload struct {
	Body io.Reader `stream:"application/x-ndjson" json:"-"`
}

// ReviewsImported is the result of an import.
type ReviewsImported struct {
	Stored  int           `json:"stored"`  // new here
	Known   int           `json:"known"`   // stored before
	Refused int           `json:"refused"` // not valid, or not to be stored
	Reasons []fault.Field `json:"reasons"` // of up to 100 that were refused, with their place as line
}

// ExportReviews implements Service.
func (c Client) ExportReviews(ctx context.Context, q ReviewsExport) (seam.Stream, error) {
	return exportReviews.Call(ctx, c.route, q)
}

// ImportReviews implements Service.
func (c Client) ImportReviews(ctx context.Context, q ReviewsUpload) (ReviewsImported, error) {
	return importReviews.Call(ctx, c.route, q)
}
