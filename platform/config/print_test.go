package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"banyan/platform/config"
)

func TestThePrintedConfigurationIsTheSameWhenReadBack(t *testing.T) {
	file := "data: \"017\"\ntrust:\n  seeds: [\"#010203\"]\n" +
		"http:\n  body_limit: 1500 B\n  rate: 0.5\njobs:\n  alpha: 1e-3\n"
	s, loaded := mustLoad(t, file, []string{"BANYAN_JOBS_SCHEDULE=1h"}, nil)
	var out bytes.Buffer
	if err := loaded.Print(&out); err != nil {
		t.Fatal(err)
	}
	again, _ := mustLoad(t, out.String(), nil, nil)
	if !reflect.DeepEqual(s, again) {
		t.Errorf("read back it is\n%+v\nwant\n%+v\nprinted:\n%s", again, s, &out)
	}
	for _, want := range []string{"schedule: 1h0m0s # from BANYAN_JOBS_SCHEDULE", "body_limit: 1500 B # from ", "banyan.yaml:5", "seeds: # from "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the print lacks %q:\n%s", want, &out)
		}
	}
	if n := strings.Count(out.String(), "# from"); n != 6 {
		t.Errorf("%d values are said to be set, want 6:\n%s", n, &out)
	}
}

func TestThePrintedConfigurationHasTheOrderOfTheDefaults(t *testing.T) {
	_, loaded := mustLoad(t, "", nil, nil)
	var out bytes.Buffer
	if err := loaded.Print(&out); err != nil {
		t.Fatal(err)
	}
	names := func(text string) (all []string) {
		for line := range strings.Lines(text) {
			if name, _, found := strings.Cut(line, ":"); found && !strings.HasPrefix(line, "#") {
				all = append(all, name)
			}
		}
		return all
	}
	if got, want := names(out.String()), names(defaults); !reflect.DeepEqual(got, want) {
		t.Errorf("printed are\n%q\nwant\n%q", got, want)
	}
}

func TestSecretsNeverShow(t *testing.T) {
	s, loaded := mustLoad(t, "", []string{"BANYAN_SECRET=hunter2"}, nil)
	if s.program.Secret.Reveal() != "hunter2" {
		t.Fatal("whoever needs the secret must get it")
	}
	var out bytes.Buffer
	if err := loaded.Print(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), config.Masked) {
		t.Errorf("nothing shows that a secret is set:\n%s", &out)
	}
	asJSON, err := json.Marshal(s.program)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	secret := s.program.Secret
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x", s.program, s.program, s.program, secret, secret, secret)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", secret, "all", s.program)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", secret, "all", s.program)
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("the secret shows:\n%s", &out)
	}
}
