// Package card draws the pictures that others show of a page: when its address is
// shared (1200 × 630, as Open Graph asks), and on the screen of a phone.
//
//	png, err := cards.PNG(ctx, card.Card{Title: "Kraken", Value: "4.2 of 5", Site: "Banyan"})
//
// Pictures are drawn two at a time, and the last ones are kept.
package card

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Card is what a picture says.
type Card struct {
	Title string // up to two lines
	Value string // the page's answer, as "4.2 of 5 · 120 reviews"; "" = none
	Site  string
}

// Width and Height are those of a card; Icon is the length of an icon's sides.
const (
	Width, Height = 1200, 630
	Icon          = 180
)

const (
	atOnce  = 2   // drawn; each takes 3 MB
	kept    = 128 // pictures, of about 20 KB
	maxText = 200 // characters that are looked at
)

var (
	ground = color.RGBA{0x12, 0x3c, 0x2b, 0xff}
	leaf   = color.RGBA{0x1f, 0x5a, 0x43, 0xff}
	light  = color.RGBA{0x2b, 0x6b, 0x54, 0xff}
	wood   = color.RGBA{0xb3, 0x93, 0x6f, 0xff}
	ink    = color.RGBA{0xf4, 0xef, 0xe1, 0xff}
	amber  = color.RGBA{0xed, 0xa2, 0x4f, 0xff}
)

// Cards draws and keeps pictures. New makes one.
type Cards struct {
	bold, regular *opentype.Font
	slots         chan struct{}

	mu    sync.Mutex
	drawn map[Card][]byte
	order []Card // oldest first
	icon  []byte
}

// New reads the fonts, which are embedded. It fails only when they are broken, which
// the tests would have shown.
func New() (*Cards, error) {
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the bold font: %w", err)
	}
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	return &Cards{bold: bold, regular: regular, slots: make(chan struct{}, atOnce), drawn: map[Card][]byte{}}, nil
}

// PNG returns the picture of a card. What the font cannot write is left out; of a
// title of which nothing is left, the site's name stands in its place. Fails when ctx
// ends before it is drawn.
func (c *Cards) PNG(ctx context.Context, card Card) ([]byte, error) {
	card = Card{c.writable(card.Title), c.writable(card.Value), c.writable(card.Site)}
	if card.Title == "" {
		card.Title, card.Site = card.Site, ""
	}
	c.mu.Lock()
	body := c.drawn[card]
	c.mu.Unlock()
	if body != nil {
		return body, nil
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	picture := image.NewRGBA(image.Rect(0, 0, Width, Height))
	if err := c.draw(picture, card); err != nil {
		return nil, err
	}
	body, err := encode(picture)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drawn[card] == nil {
		if len(c.order) >= kept {
			delete(c.drawn, c.order[0])
			c.order = c.order[1:]
		}
		c.drawn[card], c.order = body, append(c.order, card)
	}
	return body, nil
}

// IconPNG returns the icon of the site.
func (c *Cards) IconPNG() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.icon != nil {
		return c.icon, nil
	}
	picture := image.NewRGBA(image.Rect(0, 0, Icon, Icon))
	fill(picture, picture.Bounds(), ground)
	tree(picture, Icon/2, Icon-28, 0.62)
	body, err := encode(picture)
	c.icon = body
	return body, err
}

func encode(picture image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, picture)
	return out.Bytes(), err
}

// writable returns the part of a text that the font has, in one line.
func (c *Cards) writable(text string) string {
	var out strings.Builder
	for n, r := range strings.Join(strings.Fields(text), " ") {
		if n > maxText {
			break
		}
		if at, err := c.bold.GlyphIndex(nil, r); err == nil && at != 0 {
			out.WriteRune(r)
		}
	}
	return strings.TrimSpace(out.String())
}

const margin = 80

func (c *Cards) draw(to *image.RGBA, card Card) error {
	fill(to, to.Bounds(), ground)
	tree(to, 990, 560, 1.9)
	fill(to, image.Rect(0, Height-12, Width, Height), amber)
	title, err := face(c.bold, 76)
	if err != nil {
		return err
	}
	value, err := face(c.regular, 44)
	if err != nil {
		return err
	}
	site, err := face(c.bold, 34)
	if err != nil {
		return err
	}
	y := 190
	for _, line := range wrap(title, card.Title, 700, 3) {
		write(to, title, ink, margin, y, line)
		y += 90
	}
	for _, line := range wrap(value, card.Value, 700, 2) {
		write(to, value, amber, margin, y+10, line)
		y += 56
	}
	write(to, site, ink, margin, Height-70, card.Site)
	return nil
}

func face(of *opentype.Font, size float64) (font.Face, error) {
	return opentype.NewFace(of, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
}

func write(to draw.Image, with font.Face, in color.Color, x, y int, text string) {
	(&font.Drawer{Dst: to, Src: image.NewUniform(in), Face: with, Dot: fixed.P(x, y)}).DrawString(text)
}

// wrap breaks a text between words into lines of a width; what does not fit into the
// last is cut.
func wrap(with font.Face, text string, width, lines int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line == "" || font.MeasureString(with, longer).Ceil() <= width {
			line = longer
			continue
		}
		out, line = append(out, line), word
	}
	if line != "" {
		out = append(out, line)
	}
	if len(out) > lines {
		out = out[:lines]
		out[lines-1] += " …"
	}
	for i := range out {
		for cut := strings.TrimSuffix(out[i], " …"); font.MeasureString(with, out[i]).Ceil() > width && cut != ""; {
			_, size := utf8.DecodeLastRuneInString(cut)
			cut = cut[:len(cut)-size]
			out[i] = cut + "…"
		}
	}
	return out
}

func fill(to draw.Image, where image.Rectangle, in color.Color) {
	draw.Draw(to, where, image.NewUniform(in), image.Point{}, draw.Src)
}

// tree draws a banyan that stands at a point.
func tree(to draw.Image, x, y int, scale float64) {
	n := func(v float64) int { return int(v * scale) }
	for _, crown := range []struct {
		dx, dy, r float64
		in        color.Color
	}{{-62, -112, 38, leaf}, {62, -112, 38, leaf}, {-24, -132, 44, light}, {30, -130, 42, light}, {0, -104, 46, leaf}} {
		disc(to, x+n(crown.dx), y+n(crown.dy), n(crown.r), crown.in)
	}
	fill(to, image.Rect(x-n(72), y-n(92), x+n(72), y-n(86)), wood)
	fill(to, image.Rect(x-n(9), y-n(92), x+n(9), y), wood)
	for _, root := range []struct{ dx, long float64 }{{-62, 46}, {-38, 64}, {36, 60}, {60, 40}} {
		fill(to, image.Rect(x+n(root.dx)-n(1.5), y-n(88), x+n(root.dx)+n(1.5), y-n(88)+n(root.long)), wood)
		disc(to, x+n(root.dx), y-n(88)+n(root.long), n(5), amber)
	}
	fill(to, image.Rect(x-n(80), y, x+n(80), y+n(5)), wood)
}

// disc draws a circle with smooth edges.
func disc(to draw.Image, x, y, r int, in color.Color) {
	at := image.Rect(x-r, y-r, x+r, y+r)
	draw.DrawMask(to, at, image.NewUniform(in), image.Point{}, &circle{r}, image.Pt(-r, -r), draw.Over)
}

// circle is a mask around the origin.
type circle struct{ r int }

func (c *circle) ColorModel() color.Model { return color.AlphaModel }
func (c *circle) Bounds() image.Rectangle { return image.Rect(-c.r, -c.r, c.r, c.r) }
func (c *circle) At(x, y int) color.Color {
	inside := 0
	for _, off := range [4][2]float64{{0.25, 0.25}, {0.75, 0.25}, {0.25, 0.75}, {0.75, 0.75}} {
		dx, dy := float64(x)+off[0], float64(y)+off[1]
		if dx*dx+dy*dy <= float64(c.r*c.r) {
			inside++
		}
	}
	return color.Alpha{uint8(inside * 255 / 4)}
}
