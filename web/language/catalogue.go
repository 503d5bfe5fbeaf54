package language

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// The catalogue is a file of the PO format (GNU gettext), which editors for
// translators read: msgid is the English, msgstr the German.
//
// What is not text stands in a key as a placeholder, and must stand in the
// translation, too: {1} is a value, {1|wallet|wallets} a number with what it counts,
// one and more; <a>…</a> an element within the sentence, and {if}…{else}…{end} a part
// that is not always there. Values and elements may change places.
//
//go:embed de.po
var germanFile string

// catalogue has the translations of one language.
type catalogue struct {
	texts    map[string]string
	patterns []pattern // of those with values, see Sentence
}

var german = sync.OnceValues(func() (*catalogue, error) {
	texts, err := readPO(germanFile)
	if err != nil {
		return nil, fmt.Errorf("read the German catalogue: %w", err)
	}
	return &catalogue{texts, patternsOf(texts)}, nil
})

// catalogue returns that of the language, nil for English. A broken file, which a test
// would have shown, is one without texts.
func (l Language) catalogue() *catalogue {
	if l != German {
		return nil
	}
	c, err := german()
	if err != nil {
		return &catalogue{}
	}
	return c
}

// text returns the translation of a text as it stands in the catalogue.
func (l Language) text(key string) (string, bool) {
	c := l.catalogue()
	if c == nil {
		return key, true
	}
	text, found := c.texts[key]
	return text, found && text != ""
}

var placeholder = regexp.MustCompile(`\{[a-z]*[0-9]*(\|[^{}|]*\|[^{}|]*)?\}|</?[a-z]+[0-9]*>`)

// readPO reads pairs of msgid and msgstr.
func readPO(file string) (map[string]string, error) {
	texts := map[string]string{}
	var key, text string
	var into *string
	store := func(line int) error {
		if key != "" {
			if _, twice := texts[key]; twice {
				return fmt.Errorf("line %d: %q stands twice", line, key)
			}
			texts[key] = text
		}
		key, text, into = "", "", nil
		return nil
	}
	n := 0
	for line := range strings.Lines(file) {
		n++
		line = strings.TrimSpace(line)
		if rest, is := strings.CutPrefix(line, "msgid "); is {
			if err := store(n); err != nil {
				return nil, err
			}
			line, into = rest, &key
		} else if rest, is := strings.CutPrefix(line, "msgstr "); is {
			line, into = rest, &text
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		part, err := strconv.Unquote(line)
		if err != nil || into == nil {
			return nil, fmt.Errorf("line %d: %s is neither msgid, msgstr nor a quoted text", n, line)
		}
		*into += part
	}
	return texts, store(n)
}
