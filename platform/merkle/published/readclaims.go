package published

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"banyan/platform/fault"
)

// firstLine is how much of a text is looked at to tell claims on lines from one
// JSON value.
const firstLine = 64 << 10

// OnLines reports whether a text has one claim on each line, and is not one JSON
// value of all claims. It only looks at what is buffered.
func OnLines(in *bufio.Reader) bool {
	text, _ := in.Peek(firstLine) // what there is
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	line, _, more := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0:
		return true
	case line[0] == '[':
		return false
	case !json.Valid(line):
		// The first line of a value on several lines, or a line that is no claim.
		return line[0] != '{' || more && bytes.HasSuffix(line, []byte("}")) || len(line) > 2 && !isOpen(line)
	}
	members, err := membersOf(line)
	if err != nil || len(members) == 0 {
		return true
	}
	return !slices.ContainsFunc(members, func(m member) bool { return isContainer(m.name, m.value) })
}

// isOpen reports whether a line could be the beginning of a longer value.
func isOpen(line []byte) bool {
	d := json.NewDecoder(bytes.NewReader(line))
	for {
		if _, err := d.Token(); err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// isContainer reports whether a member of an object has claims inside.
func isContainer(name string, value json.RawMessage) bool {
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return false
	}
	if _, err := parseWallet(name); err == nil {
		return true
	}
	switch simple(name) {
	case "claims", "data", "entries", "users", "noderewards":
		return true
	case "proofs", "recipients", "leaves", "rewards":
		var first []json.RawMessage // an array of objects, not of hashes
		if json.Unmarshal(value, &first) == nil {
			return len(first) > 0 && first[0][0] == '{' && !bytes.Contains(first[0], []byte(`"position"`))
		}
		return true
	}
	return false
}

// EachClaim reads a JSON value of claims: an array, a map by wallet, or an object
// that has either. yield is called with the claims of each entry and its number
// from 1, or with what is wrong with it. It fails with fault.Invalid on a text
// that is none of these, and with what yield fails with.
func EachClaim(ctx context.Context, in io.Reader, yield func(entry int, claims []Claim, problem error) error) error {
	d := json.NewDecoder(in)
	e := eachClaim{ctx: ctx, d: d, yield: yield}
	first, err := d.Token()
	if err != nil {
		return explain(err)
	}
	switch first {
	case json.Delim('['):
		err = e.entries(false)
	case json.Delim('{'):
		err = e.object()
	default:
		err = fault.Newf(fault.Invalid, "the JSON is %.40v instead of claims", first)
	}
	if err != nil {
		return explain(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "there is more text after the JSON value: write one claim on each line, or one array of them")
	}
	if e.count == 0 {
		return fault.New(fault.Invalid, "the JSON has no claims: it is a list of objects like {\"address\":\"0x…\",\"amount\":\"1\",\"proof\":[\"0x…\"]}, or a map of them by wallet")
	}
	return nil
}

type eachClaim struct {
	ctx   context.Context
	d     *json.Decoder
	yield func(entry int, claims []Claim, problem error) error
	count int
}

// entries reads the rest of an array, or of an object by wallet.
func (e *eachClaim) entries(object bool) error {
	for e.d.More() {
		key := ""
		if object {
			token, err := e.d.Token()
			if err != nil {
				return err
			}
			key, _ = token.(string)
		}
		var raw json.RawMessage
		if err := e.d.Decode(&raw); err != nil {
			return err
		}
		if err := e.entry(key, raw); err != nil {
			return err
		}
	}
	_, err := e.d.Token()
	return err
}

func (e *eachClaim) entry(key string, raw json.RawMessage) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	e.count++
	claims, err := ParseClaims(raw, key)
	if err != nil && key != "" {
		err = fmt.Errorf("%.80q: %w", key, err)
	}
	return e.yield(e.count, claims, err)
}

// mostAbout bounds what an object has beside its claims, in bytes.
const mostAbout = 1 << 20

// object reads the rest of an object: claims by wallet, a claim, or an object
// that has claims in one of its members.
func (e *eachClaim) object() error {
	var about []member
	size := 0
	for e.d.More() {
		token, err := e.d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		var raw json.RawMessage
		if err := e.d.Decode(&raw); err != nil {
			return err
		}
		if !isContainer(name, raw) {
			if size += len(raw); size <= mostAbout {
				about = append(about, member{name, raw})
			}
			continue
		}
		if _, noWallet := parseWallet(name); noWallet == nil {
			err = e.entry(name, raw)
		} else {
			inside := eachClaim{ctx: e.ctx, d: json.NewDecoder(bytes.NewReader(raw)), yield: e.yield, count: e.count}
			var open json.Token
			if open, err = inside.d.Token(); err == nil {
				err = inside.entries(open == json.Delim('{'))
			}
			e.count = inside.count
		}
		if err != nil {
			return err
		}
	}
	if _, err := e.d.Token(); err != nil {
		return err
	}
	if e.count > 0 || len(about) == 0 {
		return nil
	}
	whole := map[string]json.RawMessage{}
	for _, m := range about {
		whole[m.name] = m.value
	}
	raw, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	return e.entry("", raw)
}
