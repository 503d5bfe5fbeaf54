package service

import (
	"strings"
	"testing"

	"banyan/modules/exchangereview"
	"banyan/platform/page"
)

// TestAPageOfLongReviewsIsShorter: of the longest texts, in characters of four bytes,
// a page has fewer than was asked for, and all of them are found page by page.
func TestAPageOfLongReviewsIsShorter(t *testing.T) {
	list := page.NewList[int64]("reviews", "kraken")
	var rows []reviewRow
	for id := int64(201); id > 0; id-- {
		rows = append(rows, reviewRow{ID: id, Text: strings.Repeat("𝄞", exchangereview.MaxText)})
	}
	seen, pages := 0, 0
	for rest := rows; len(rest) > 0; {
		answer := pageOf(list, rest, 200, func(row reviewRow) int64 { return row.ID })
		bytes := 0
		for _, r := range answer.Reviews {
			bytes += len(r.Text)
		}
		if bytes > page.MaxBytes || len(answer.Reviews) == 0 {
			t.Fatalf("a page has %d reviews with %d bytes", len(answer.Reviews), bytes)
		}
		seen, pages = seen+len(answer.Reviews), pages+1
		if rest = rest[len(answer.Reviews):]; (answer.Next == "") != (len(rest) == 0) {
			t.Fatalf("after %d reviews the next page is %q", seen, answer.Next)
		}
	}
	if seen != len(rows) || pages < 4 {
		t.Errorf("%d reviews on %d pages", seen, pages)
	}
}
