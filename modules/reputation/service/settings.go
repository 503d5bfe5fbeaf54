package service

import (
	"fmt"
	"strconv"
	"time"

	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/config"
	"banyan/platform/wallet"
)

// Settings are the module's section of config.yaml.
type Settings struct {
	Seeds    []wallet.Address `yaml:"seeds"`
	Method   string           `yaml:"method"`
	Alpha    float64          `yaml:"alpha"`   // 0 < alpha < 1
	Epsilon  float64          `yaml:"epsilon"` // > 0
	HalfLife HalfLife         `yaml:"half_life"`
	Schedule config.Interval  `yaml:"schedule"`

	KeepEpochs int `yaml:"keep_epochs"`

	Reserve       float64 `yaml:"reserve"`
	Voice         float64 `yaml:"voice"`
	AccusingVoice float64 `yaml:"accusing_voice"`
	Doubt         float64 `yaml:"doubt"`
	Cap           float64 `yaml:"cap"`
	Distrust      float64 `yaml:"distrust"`
	Conduct       float64 `yaml:"conduct"`

	VouchWeight  float64           `yaml:"vouch_weight"`  // 0 to 10
	ReportWeight float64           `yaml:"report_weight"` // -10 to 0
	Activity     []CountedActivity `yaml:"activity"`
}

// HalfLife is how old a statement is that counts half; 0 is never, as text
// "off". Its text is days, like 365d, or hours.
type HalfLife time.Duration

// UnmarshalText parses off, days or a duration.
func (h *HalfLife) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*h = 0
		return nil
	}
	d, err := trustlist.ParseHalfLife(string(text))
	if err != nil {
		return fmt.Errorf("%w, or off", err)
	}
	*h = HalfLife(d)
	return nil
}

// MarshalText is String.
func (h HalfLife) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// String returns off, whole days or a duration.
func (h HalfLife) String() string {
	const day = 24 * time.Hour
	switch d := time.Duration(h); {
	case d == 0:
		return "off"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	default:
		return d.String()
	}
}

// parameters returns the method with its constants.
func (s Settings) parameters() trust.Parameters {
	return trust.Parameters{
		Method: s.Method, Reserve: s.Reserve, Voice: s.Voice, AccusingVoice: s.AccusingVoice, Doubt: s.Doubt, Cap: s.Cap, Distrust: s.Distrust, Conduct: s.Conduct,
	}
}

// Check implements config.Checker.
func (s Settings) Check(c *config.Checks) {
	if !(s.Alpha > 0 && s.Alpha < 1) {
		c.Wrong("alpha", "is %v, must be between 0 and 1", s.Alpha)
	}
	if !(s.Epsilon > 0 && s.Epsilon < 1) {
		c.Wrong("epsilon", "is %v, must be between 0 and 1, like 1e-10", s.Epsilon)
	}
	if s.Method != trust.MethodBanyan && s.Method != trust.MethodEigenTrust {
		c.Wrong("method", "is %q, must be %s or %s", s.Method, trust.MethodBanyan, trust.MethodEigenTrust)
	}
	for _, l := range s.parameters().Limits() {
		if wrong := l.Wrong(); wrong != "" {
			c.Wrong(l.Name, "%s", wrong)
		}
	}
	if s.Schedule != 0 && s.Schedule < config.Interval(time.Second) {
		c.Wrong("schedule", "is %s, must be off or 1s or more", s.Schedule)
	}
	c.Within("keep_epochs", s.KeepEpochs, 2, 10_000)
	s.checkEvidence(c)
}
