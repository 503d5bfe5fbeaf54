package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"banyan/platform/config"
)

func TestAnAddressIsMaskedBehindItsHost(t *testing.T) {
	for address, shown := range map[string]string{
		"":                                      "",
		"http://collector:4318":                 "http://collector:4318",
		"http://collector:4318/":                "http://collector:4318",
		"https://collector/v1/hunter2":          "https://collector/***",
		"https://collector?key=hunter2":         "https://collector/***",
		"https://collector#hunter2":             "https://collector/***",
		"https://user:hunter2@collector":        "https://collector/***",
		"https://collector:hunter2\x7f/":        "***",
		"hunter2":                               "***",
		"https://collector/v1/traces?x=hunter2": "https://collector/***",
	} {
		a := config.Address(address)
		text, err := json.Marshal(map[string]any{"a": a})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{a.String(), fmt.Sprintf("%v", a), fmt.Sprintf("%q", a), fmt.Sprintf("%#v", a), a.LogValue().String()} {
			if got != shown {
				t.Errorf("%q is shown as %q, want %q", address, got, shown)
			}
		}
		if strings.Contains(string(text), "hunter2") || a.Reveal() != address {
			t.Errorf("%q: %s and %q", address, text, a.Reveal())
		}
	}
	var a config.Address
	if err := a.UnmarshalText([]byte("https://collector/***")); err == nil || !strings.Contains(err.Error(), "mask") {
		t.Errorf("the mask is taken: %v", err)
	}
}
