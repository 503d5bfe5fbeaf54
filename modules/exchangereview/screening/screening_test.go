package screening_test

import (
	"strings"
	"testing"

	"banyan/modules/exchangereview/screening"
)

func TestCodesAndLuresAreFound(t *testing.T) {
	for text, want := range map[string]string{
		"Great! Use my code BNB20 for 20 % off":                       screening.Referral,
		"sign up at https://x.example/register?ref=ab12CD":            screening.Referral,
		"My referral code: 8812345, you get a bonus":                  screening.Referral,
		"INVITATION CODE qwerty":                                      screening.Referral,
		"https://x.example/?lang=en&inviteCode=77aa":                  screening.Referral,
		"Lost everything, but t.me/honest_recovery got it back":       screening.Contact,
		"contact me on WhatsApp: +1 202 555 0100":                     screening.Contact,
		"Write to fast.help@gmail.com, she solved it":                 screening.Contact,
		"A recovery expert helped me":                                 screening.Contact,
		"Telegram @wallet_support answered":                           screening.Contact,
		"They refused my withdrawal for two weeks.":                   "",
		"I got a bonus for trading, and the code of the app is fine.": "",
		"The refund came back; I recovered my account with support.":  "",
		"Fees @ 0.1 % are fair":                                       "",
		"Their Telegram group is full of spam":                        "",
		"":                                                            "",
	} {
		found := screening.Standard().Find(text)
		got := ""
		if len(found) > 0 {
			got = found[0].Kind
		}
		if got != want || len(found) > 1 {
			t.Errorf("%q: found %+v, want %q", text, found, want)
		}
	}
}

func TestEvidenceIsShort(t *testing.T) {
	found := screening.Standard().Find("use my code " + strings.Repeat("ä", 3000) + " t.me/" + strings.Repeat("x", 1000))
	if len(found) != 2 || len(found[0].Evidence) > 120 || len(found[1].Evidence) > 120 {
		t.Errorf("found %+v", found)
	}
}
