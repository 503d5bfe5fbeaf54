package config_test

import (
	"os"
	"strings"
	"testing"

	"banyan/platform/config"
)

// moved had another section in the release before.
type moved struct {
	Place struct {
		URL  string   `yaml:"url"`
		Take []string `yaml:"take"`
	} `yaml:"place"`
}

func (*moved) Renamed() map[string]string {
	return map[string]string{"spot.address": "place.url", "spot.take": "place.take"}
}

func loadMoved(t *testing.T, file string, env ...string) (moved, *config.Loaded, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if file != "" {
		if err := os.WriteFile(config.DefaultFile, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var s moved
	loaded, err := config.Load(config.Options{Defaults: []byte("place:\n  url: \"\"\n  take: []\n"), Env: env}, config.Section{Into: &s})
	return s, loaded, err
}

func TestTheNameOfTheReleaseBeforeIsAcceptedWithAWarning(t *testing.T) {
	for _, c := range []struct{ file, env, says string }{
		{"spot:\n  address: http://a\n  take: /x\n", "", "banyan.yaml:2: spot.address is called place.url now"},
		{"", "BANYAN_SPOT_ADDRESS=http://a", "BANYAN_SPOT_ADDRESS is called BANYAN_PLACE_URL now"},
		{"", "BANYAN_SPOT__ADDRESS=http://a", "BANYAN_SPOT__ADDRESS is called BANYAN_PLACE_URL now"},
	} {
		s, loaded, err := loadMoved(t, c.file, c.env)
		if err != nil || s.Place.URL != "http://a" {
			t.Errorf("%q %q: %+v, %v", c.file, c.env, s, err)
			continue
		}
		if used := loaded.Renamed(); len(used) == 0 || !strings.Contains(used[0].String(), c.says) {
			t.Errorf("%q %q: warns %v, want %q", c.file, c.env, used, c.says)
		}
		if _, set := loaded.Sources()["place.url"]; !set {
			t.Errorf("%q %q: place.url has no source", c.file, c.env)
		}
	}
}

func TestOldAndPresentNameWithDifferentValuesAreRefused(t *testing.T) {
	for _, c := range []struct {
		file string
		env  []string
		says string
	}{
		{"spot:\n  address: http://a\nplace:\n  url: http://b\n", nil, "spot.address: is called place.url now, which is set on line 4"},
		{"", []string{"BANYAN_SPOT_ADDRESS=http://a", "BANYAN_PLACE_URL=http://b"}, "is also set by BANYAN_"},
		{"spot:\n  street: http://a\n", nil, "spot.street: there is no such setting"},
		{"spot: 5\n", nil, "spot: is a section"},
		{"spot:\n  address: {a: b}\n", nil, "spot.address: is one setting"},
	} {
		if _, _, err := loadMoved(t, c.file, c.env...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q %v: %v, want %q", c.file, c.env, err, c.says)
		}
	}
}

func TestTheFileYieldsToAVariableOfEitherName(t *testing.T) {
	s, _, err := loadMoved(t, "place:\n  url: http://a\n", "BANYAN_SPOT_ADDRESS=http://b")
	if err != nil || s.Place.URL != "http://b" {
		t.Errorf("in force is %+v, %v", s, err)
	}
	named, err := config.Named(config.Options{Defaults: []byte("place:\n  url: \"\"\n  take: []\n"), Env: []string{"BANYAN_SPOT_ADDRESS=http://b"}}, config.Section{Into: new(moved)})
	if err != nil || len(named) != 1 {
		t.Errorf("named sources are %v, %v", named, err)
	}
}

func TestWhatChangedBetweenTwoLoadsIsNamed(t *testing.T) {
	_, before, err := loadIn(t, "BANYAN_COUNT=5", "BANYAN_WORD=secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"BANYAN_COUNT=5", "BANYAN_WORD=secret"}, ""},
		{[]string{"BANYAN_WORD=other"}, "word count"},
		{[]string{"BANYAN_COUNT=05", "BANYAN_WORD=secret", "BANYAN_AT=http://a"}, "at"},
	} {
		_, after, err := loadIn(t, c.env...)
		if err != nil {
			t.Fatal(err)
		}
		if changed, err := before.Changed(after); err != nil || strings.Join(changed, " ") != c.want {
			t.Errorf("%v: %v changed, %v; want %q", c.env, changed, err, c.want)
		}
	}
}
