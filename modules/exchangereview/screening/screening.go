// Package screening finds in the text of a review what a moderator should look
// at: codes that pay for a recommendation, and lures to a contact elsewhere. It
// decides nothing. It is pure, and bounded by the text.
package screening

import (
	"regexp"
	"strings"
)

// The kinds of a Finding.
const (
	Referral = "referral-code"
	Contact  = "contact-lure"
)

// Finding is a reason to look at a text.
type Finding struct {
	Kind     string
	Evidence string // the part of the text
}

// rule finds one kind. A text without any of the words is not searched.
type rule struct {
	kind    string
	words   []string
	pattern *regexp.Regexp
}

// Rules is a set of rules; it is immutable.
type Rules struct{ rules []rule }

// Standard returns the rules.
func Standard() Rules {
	return Rules{[]rule{
		{
			kind: Referral, words: []string{"ref", "invit", "promo", "bonus", "code", "coupon"},
			pattern: regexp.MustCompile(`(?i)[?&](ref|refcode|referral|referrer|invite|invitecode|aff|affiliate)(id|_id)?=[\w-]{2,}` +
				`|\b(referral|invit(e|ation)|promo(tion)?|bonus|coupon|ref)[ -]?(code|id|link)\b[^\n]{0,40}` +
				`|\b(use|enter|with) (my|our|this|the) (code|link)\b[^\n]{0,40}`),
		},
		{
			kind: Contact, words: []string{"t.me", "telegram", "whatsapp", "wa.me", "discord.gg", "@", "recover"},
			pattern: regexp.MustCompile(`(?i)\b(t\.me|wa\.me|discord\.gg|telegram\.me|api\.whatsapp\.com)/[\w+./-]{2,}` +
				`|\b(telegram|whatsapp)\b[^\n]{0,20}[@+:]\s*[\w+][\w +()-]{3,}` +
				`|\b[\w.+-]{2,64}@[\w-]{2,63}\.[a-z]{2,10}\b` +
				`|\b(recover(y|ed)?|retrieve)\b[^\n]{0,40}\b(expert|specialist|agent|hacker|my (funds|money|bitcoin|crypto))\b`),
		},
	}}
}

// mostEvidence is how much of a text is shown, in bytes.
const mostEvidence = 120

// Find returns at most one finding of each kind.
func (r Rules) Find(text string) (found []Finding) {
	lower := strings.ToLower(text)
	for _, rule := range r.rules {
		if !containsAny(lower, rule.words) {
			continue
		}
		if part := rule.pattern.FindString(text); part != "" {
			if len(part) > mostEvidence {
				part = strings.ToValidUTF8(part[:mostEvidence], "")
			}
			found = append(found, Finding{rule.kind, part})
		}
	}
	return found
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
