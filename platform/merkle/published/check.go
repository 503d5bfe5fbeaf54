package published

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// Checked is the verdict on one claim of a text.
type Checked struct {
	Name    string // the wallet, or what the claim has instead
	Right   bool
	Text    string // a sentence for people, without a full stop
	Finding Finding
}

// CheckText checks the claims of a text, up to most of them, against a root; nil:
// the root that stands in the first one. format is "" where nobody knows it. It
// fails with fault.Invalid on a text without claims or without a root, and with
// more claims than that.
func CheckText(text string, root *merkle.Hash, format merkle.Format, most int) (used merkle.Hash, all []Checked, err error) {
	claims, err := claimsOf(text, most)
	if err != nil {
		return used, nil, err
	}
	switch {
	case root != nil:
		used = *root
	case claims[0].Root != nil:
		used = *claims[0].Root
	default:
		return used, nil, fault.New(fault.Invalid, "no root was given, and none stands in the claim").With(
			fault.Field{Name: "root", Message: "is missing: take it from the contract or from the announcement"})
	}
	e := NewExplainer(format, used)
	for i := range claims {
		all = append(all, e.check(&claims[i], uint64(i)))
	}
	return used, all, nil
}

// claimsOf reads claims on lines, or in one JSON value.
func claimsOf(text string, most int) (all []Claim, err error) {
	add := func(_ int, claims []Claim, problem error) error {
		if problem != nil {
			return fault.Newf(fault.Invalid, "this is not a claim: %s", fault.From(problem).Message).With(
				fault.Field{Name: "text", Message: fault.From(problem).Message})
		}
		if all = append(all, claims...); len(all) > most {
			return fault.Newf(fault.Invalid, "there are more than %d claims: check them with banyan airdrop verify --proofs", most)
		}
		return nil
	}
	in := bufio.NewReaderSize(strings.NewReader(text), firstLine)
	if !OnLines(in) {
		return all, EachClaim(context.Background(), in, add)
	}
	for i, line := range bytes.Split(bytes.TrimPrefix([]byte(text), []byte("\xef\xbb\xbf")), []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		claims, problem := ParseClaims(line, "")
		if err := add(i+1, claims, problem); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "there is no claim in the text: paste the JSON of a proof, with its address, amount and proof")
	}
	return all, nil
}

// check gives a verdict on one claim.
func (e *Explainer) check(c *Claim, at uint64) Checked {
	checked := Checked{Name: c.Name()}
	var lacks error
	if e.format != "" {
		claimed, err := c.Bind(e.format, nil)
		if err == nil && claimed.Verify(e.format, e.root) {
			spec := e.format.Spec()
			checked.Right, checked.Text = true, "the proof leads to the root"
			checked.Finding = Finding{Format: e.format, Choices: spec.Choices(), Solidity: spec.Leaf.Solidity()}
			checked.Finding.Choices.Tree, checked.Finding.Choices.Leaves = "", ""
			return checked
		}
		lacks = err
	}
	finding, found := e.Explain(c, at)
	checked.Finding = finding
	switch {
	case found && e.format == "" && finding.Right:
		checked.Right = true
		checked.Text = "the proof leads to the root: " + strings.TrimPrefix(finding.Text, "it does ")
	case found:
		checked.Text = "the proof does not lead to the root; " + finding.Text
	case lacks != nil:
		var f *fault.Fault
		if errors.As(lacks, &f) {
			checked.Text = "the claim cannot be checked: " + fmt.Sprint(f.Message)
		}
	default:
		checked.Text = "the proof does not lead to the root, with no leaf that is known here: a value, a node or the root is another one"
	}
	return checked
}
