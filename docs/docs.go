// Package docs is the handbook: what people read who run Banyan. The program has a copy
// (/handbook), and a test runs every command in it as it stands.
package docs

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.md
var pages embed.FS

// Page is one page of the handbook.
type Page struct {
	Name  string // in addresses: "back-up"
	Title string
	Text  string // Markdown, without the title
}

// order is that of reading.
var order = []string{"install", "configure", "operate", "back-up", "upgrade", "split", "grow", "security", "api", "add-a-module"}

// Pages returns all pages, in the order of reading.
func Pages() ([]Page, error) {
	list := make([]Page, len(order))
	for i, name := range order {
		text, err := pages.ReadFile(name + ".md")
		if err != nil {
			return nil, fmt.Errorf("read the handbook: %w", err)
		}
		title, rest, _ := strings.Cut(string(text), "\n")
		list[i] = Page{Name: name, Title: strings.TrimPrefix(title, "# "), Text: strings.TrimSpace(rest)}
	}
	return list, nil
}
