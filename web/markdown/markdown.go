// Package markdown shows what people write: CommonMark, of which only what is
// harmless becomes HTML. Raw HTML is text like any other, images stay out, links lead to http and
// https alone and say that nobody vouches for them, and characters that turn the
// direction of a text around are left out.
package markdown

import (
	"bytes"
	"html/template"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// HTML renders a text. It is bounded by the text: reviews have 5,000 characters.
// A text that cannot be rendered is shown as it is.
func HTML(markdown string) template.HTML {
	return render(markdown, goldmark.WithRendererOptions(html.WithHardWraps()))
}

// Document renders a text of ours, whose lines are broken for the editor, and which may
// have tables.
func Document(markdown string) template.HTML {
	// The policy of the pages allows no style attributes, which alignment would be.
	return render(markdown, goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))))
}

func render(markdown string, options ...goldmark.Option) template.HTML {
	source := []byte(strings.Map(plainDirection, markdown))
	var out bytes.Buffer
	if err := converter(options...).Convert(source, &out); err != nil {
		return template.HTML("<p>" + template.HTMLEscapeString(string(source)) + "</p>") //nolint:gosec // escaped
	}
	return template.HTML(out.String()) //nolint:gosec // no raw HTML is parsed, and text is escaped
}

// plainDirection leaves out the characters that override or embed a direction of
// writing (UAX #9): with them a text reads otherwise than it is.
func plainDirection(c rune) rune {
	if c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' {
		return -1
	}
	return c
}

func converter(options ...goldmark.Option) goldmark.Markdown {
	return goldmark.New(append([]goldmark.Option{
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(without(parser.DefaultBlockParsers(), parser.NewHTMLBlockParser())...),
			parser.WithInlineParsers(without(parser.DefaultInlineParsers(), parser.NewRawHTMLParser())...),
			parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
			parser.WithASTTransformers(util.Prioritized(harmless{}, 100)),
		)),
	}, options...)...)
}

// without returns the parsers of other kinds than one.
func without(parsers []util.PrioritizedValue, one any) []util.PrioritizedValue {
	return slices.DeleteFunc(parsers, func(p util.PrioritizedValue) bool { return reflect.TypeOf(p.Value) == reflect.TypeOf(one) })
}

// harmless takes out of a document what is not.
type harmless struct{}

// Transform implements parser.ASTTransformer.
func (harmless) Transform(document *ast.Document, reader text.Reader, _ parser.Context) {
	var images, links []ast.Node
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+3, 6) // below the headings of the page
		case *ast.Image:
			images = append(images, n)
		case *ast.Link:
			if web(n.Destination) {
				n.SetAttributeString("rel", []byte("nofollow ugc noopener noreferrer"))
			} else {
				links = append(links, n)
			}
		case *ast.AutoLink:
			if web(n.URL(reader.Source())) {
				n.SetAttributeString("rel", []byte("nofollow ugc noopener noreferrer"))
			} else {
				links = append(links, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range append(images, links...) {
		unwrap(n, reader.Source())
	}
}

// web reports whether a link leads to the web.
func web(destination []byte) bool {
	u, err := url.Parse(string(destination))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// unwrap puts the text of a node in its place.
func unwrap(n ast.Node, source []byte) {
	parent := n.Parent()
	if link, is := n.(*ast.AutoLink); is {
		parent.InsertBefore(parent, n, ast.NewString(link.Label(source)))
	}
	for child := n.FirstChild(); child != nil; child = n.FirstChild() {
		parent.InsertBefore(parent, n, child)
	}
	parent.RemoveChild(parent, n)
}
