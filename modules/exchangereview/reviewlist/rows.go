// Package reviewlist ranks the exchanges of a list of reviews, without a server:
// the work behind `banyan exchange-review rank`. The formula is in package
// ranking.
package reviewlist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"banyan/modules/exchangereview/ranking"
	"banyan/platform/decompress"
	"banyan/platform/fault"
	"banyan/platform/table"
)

// The columns of a list, by their place in columns.
const (
	exchangeColumn = iota
	timeColumn
	ratingColumn
	reviewerColumn
	weightColumn
	columnCount
)

// shape is what a row looks like, for messages.
const shape = "exchange,time,rating,reviewer[,weight]"

// maxText is the longest name of an exchange or a reviewer, in bytes.
const maxText = 200

// latestSecond is the year 5138: a larger number is milliseconds.
const latestSecond = 1e11

func spec() table.Spec {
	return table.Spec{
		Columns: []table.Column{
			{Name: "exchange", Synonyms: []string{"slug", "exchangeid", "venue", "platform"}, Required: true},
			{Name: "time", Synonyms: []string{"timestamp", "date", "at", "createdat", "created"}, Required: true},
			{Name: "rating", Synonyms: []string{"stars", "score", "overall"}, Required: true},
			{Name: "reviewer", Synonyms: []string{"wallet", "user", "author", "userid", "address", "reviewerhash", "reviewerid"}, Required: true},
			{Name: "weight", Synonyms: []string{"reputation", "g", "trust"}, Trailing: true},
		},
		Row: isRow, Place: placeRow, Shape: shape, Ragged: true,
	}
}

// isRow reports whether cells are a row for certain: the third is a rating.
func isRow(cells [][]byte) bool {
	if len(cells) <= ratingColumn {
		return false
	}
	_, err := parseRating(cells[ratingColumn])
	return err == nil
}

func placeRow(cells [][]byte) table.Placement {
	if n := len(cells); n < columnCount-1 || n > columnCount {
		return table.Placement{Problem: fmt.Sprintf("has %d cells, and a row is %s", n, shape)}
	}
	return table.Placement{
		Columns: []int{exchangeColumn, timeColumn, ratingColumn, reviewerColumn, weightColumn}[:len(cells)], Least: columnCount - 1, Certain: isRow(cells),
	}
}

// row is one review of a list.
type row struct {
	exchange, reviewer int32
	timeMS             int64
	rating             int
	weight             uint32 // g
}

// names numbers texts in the order in which they come.
type names struct {
	numbers map[string]int32
	texts   []string
}

func newNames() *names { return &names{numbers: map[string]int32{}} }

func (n *names) number(cell []byte) (int32, error) {
	if i, known := n.numbers[string(cell)]; known {
		return i, nil
	}
	switch {
	case len(cell) == 0:
		return 0, errors.New("is empty")
	case len(cell) > maxText:
		return 0, fmt.Errorf("has more than %d bytes", maxText)
	case len(n.texts) == math.MaxInt32:
		return 0, errors.New("is one too many: a list has less than 2^31 of them")
	}
	text := string(cell)
	n.numbers[text] = int32(len(n.texts))
	n.texts = append(n.texts, text)
	return n.numbers[text], nil
}

// list is what was read of a list of reviews.
type list struct {
	exchanges, reviewers *names
	rows                 []row
	table                table.Report
	problems             []fault.Field
}

// read reads a list. Wrong rows are an invalid fault that names up to
// table.MaxProblems of them by line.
func read(ctx context.Context, in io.Reader) (*list, error) {
	l := &list{exchanges: newNames(), reviewers: newNames()}
	var err error
	l.table, err = table.Read(ctx, in, spec(), table.Options{Limits: decompress.Files()}, asIs, l.take)
	if err == nil && len(l.problems) > 0 {
		err = table.Refuse(l.problems)
	}
	return l, err
}

// asIs passes a part on: numbering names has to go in order.
func asIs(_ context.Context, part *table.Part) (*table.Part, error) { return part, nil }

func (l *list) take(part *table.Part) error {
	for part.Next() {
		cells, problem := part.Cells()
		if problem != "" {
			l.wrong(part.Line, "", errors.New(problem))
		} else {
			l.add(part.Line, cells)
		}
		if len(l.problems) >= table.MaxProblems {
			return io.EOF
		}
	}
	return nil
}

func (l *list) wrong(line int, column string, err error) {
	if err != nil {
		l.problems = append(l.problems, fault.Field{Name: column, Line: line, Message: err.Error()})
	}
}

func (l *list) add(line int, cells [][]byte) {
	var r row
	var err error
	r.exchange, err = l.exchanges.number(cells[exchangeColumn])
	l.wrong(line, "exchange", err)
	r.timeMS, err = parseTime(cells[timeColumn])
	l.wrong(line, "time", err)
	r.rating, err = parseRating(cells[ratingColumn])
	l.wrong(line, "rating", err)
	r.reviewer, err = l.reviewers.number(cells[reviewerColumn])
	l.wrong(line, "reviewer", err)
	r.weight, err = parseWeight(cells[weightColumn])
	l.wrong(line, "weight", err)
	if len(l.problems) == 0 {
		l.rows = append(l.rows, r)
	}
}

// parseRating reads 1 to 5 whole stars, also as 4.0.
func parseRating(cell []byte) (int, error) {
	x, err := parseDecimal(string(cell))
	if err != nil || x != math.Trunc(x) || x < 1 || x > 5 {
		return 0, fmt.Errorf("%q is not a rating: 1, 2, 3, 4 or 5 stars", table.Short(cell))
	}
	return int(x), nil
}

// parseWeight reads a weight from 0 to 1; none is the least.
func parseWeight(cell []byte) (uint32, error) {
	if len(cell) == 0 {
		return ranking.Least, nil
	}
	x, err := parseDecimal(string(cell))
	if err != nil || !(x >= 0 && x <= 1) {
		return 0, fmt.Errorf("%q is not a weight: a decimal number from 0 to 1, or nothing for the least", table.Short(cell))
	}
	return uint32(math.Round(x * ranking.One)), nil
}

// parseDecimal leaves out what ParseFloat reads beyond decimals: NaN, Inf,
// hexadecimal and underscores.
func parseDecimal(text string) (float64, error) {
	if strings.Trim(text, "0123456789.+-eE") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// ParseTime reads a time as the list has it; see parseTime.
func ParseTime(text string) (int64, error) { return parseTime([]byte(text)) }

// parseTime reads seconds since 1970, RFC 3339, or a day, which is its first
// moment in UTC, and returns UTC milliseconds.
func parseTime(cell []byte) (int64, error) {
	text := string(cell)
	if seconds, err := parseDecimal(text); err == nil {
		switch {
		case seconds < 0:
			return 0, fmt.Errorf("%q is before 1970", table.Short(cell))
		case !(seconds <= latestSecond):
			return 0, fmt.Errorf("%q is too late: times are seconds since 1970, not milliseconds", table.Short(cell))
		}
		return int64(seconds*1000 + 0.5), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			if at.UnixMilli() < 0 {
				return 0, fmt.Errorf("%q is before 1970", table.Short(cell))
			}
			return at.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%q is neither seconds since 1970 nor RFC 3339 nor a day, for example 1700000000, 2023-11-14T22:13:20Z or 2023-11-14", table.Short(cell))
}
