package card_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"strings"
	"testing"

	"banyan/web/card"
)

func cards(t testing.TB) *card.Cards {
	t.Helper()
	c, err := card.New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func draw(t testing.TB, c *card.Cards, one card.Card) []byte {
	t.Helper()
	body, err := c.PNG(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestACardIsAPNGOfTheRightSize(t *testing.T) {
	c := cards(t)
	for name, one := range map[string]card.Card{
		"usual":              {Title: "Kraken", Value: "4.2 of 5 · 120 reviews", Site: "Banyan"},
		"nothing":            {},
		"long":               {Title: strings.Repeat("many words ", 300), Value: strings.Repeat("x", 5000), Site: "s"},
		"one endless word":   {Title: strings.Repeat("W", 400)},
		"not in the font":    {Title: "取引所", Site: "Banyan"},
		"control characters": {Title: "a\x00b\nc"},
	} {
		t.Run(name, func(t *testing.T) {
			body := draw(t, c, one)
			picture, err := png.Decode(bytes.NewReader(body))
			if err != nil || picture.Bounds().Dx() != card.Width || picture.Bounds().Dy() != card.Height {
				t.Fatalf("%v, %v", picture.Bounds(), err)
			}
			if len(body) > 200<<10 {
				t.Errorf("it has %d bytes", len(body))
			}
		})
	}
	if bytes.Equal(draw(t, c, card.Card{Title: "Kraken"}), draw(t, c, card.Card{Title: "Bitstamp"})) {
		t.Error("two titles look the same")
	}
	if !bytes.Equal(draw(t, c, card.Card{Title: "取引所", Site: "Banyan"}), draw(t, c, card.Card{Title: "Banyan"})) {
		t.Error("a title that cannot be written is not the site's name")
	}
	icon, err := c.IconPNG()
	if err != nil {
		t.Fatal(err)
	}
	if picture, err := png.Decode(bytes.NewReader(icon)); err != nil || picture.Bounds().Dx() != card.Icon {
		t.Errorf("the icon: %v", err)
	}
}

func TestCardsAreKeptAndBounded(t *testing.T) {
	c := cards(t)
	first := draw(t, c, card.Card{Title: "first"})
	if again := draw(t, c, card.Card{Title: " first "}); &again[0] != &first[0] {
		t.Error("a card that was drawn is drawn again")
	}
	for i := range 130 {
		draw(t, c, card.Card{Title: fmt.Sprint("another ", i)})
	}
	if again := draw(t, c, card.Card{Title: "first"}); &again[0] == &first[0] {
		t.Error("every card is kept for ever")
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	for range 50 { // when both places are free, either may be chosen
		if _, err := c.PNG(gone, card.Card{Title: "for nobody"}); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}
