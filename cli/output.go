package cli

import (
	"encoding/json"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// printTable prints rows for people.
func printTable(w io.Writer, head table.Row, rows []table.Row) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(head)
	t.AppendRows(rows)
	t.Render()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}
