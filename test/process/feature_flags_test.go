package process_test

import (
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

const aWallet = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

func TestFeaturesAreForEverybodyUnlessSettingsSayOtherwise(t *testing.T) {
	flags, _ := at(t, settingsOf(t, "", nil), "flags").(map[string]any)
	if len(flags) < 3 {
		t.Fatalf("the settings have the flags %v", flags)
	}
	for name, rule := range flags {
		if want := map[string]any{"percent": 100.0, "wallets": []any{}, "operators": false}; !reflect.DeepEqual(rule, want) {
			t.Errorf("%s is %v, want %v", name, rule, want)
		}
	}
}

func TestAFeatureFlagIsSetInTheFileAndByVariables(t *testing.T) {
	values := settingsOf(t, "flags:\n  mutes: {percent: 25, wallets: ["+aWallet+"], operators: true}\n  proof-filter: {percent: 0}\n",
		[]string{"BANYAN_FLAGS_EAS_REVIEWS_PERCENT=5", "BANYAN_FLAGS_EAS_REVIEWS_WALLETS=" + aWallet + ", 0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"})
	for key, want := range map[string]any{
		"flags.mutes": map[string]any{"percent": 25.0, "wallets": []any{aWallet}, "operators": true},
		"flags.eas-reviews": map[string]any{
			"percent": 5.0, "wallets": []any{aWallet, "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"}, "operators": false,
		},
		"flags.proof-filter": map[string]any{"percent": 0.0, "wallets": []any{}, "operators": false},
	} {
		if got := at(t, values, key); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
}

func TestAWrongFeatureFlagIsNamedWithItsLine(t *testing.T) {
	for _, c := range []struct{ file, says string }{
		{"flags:\n  muets: {percent: 25}\n", "banyan.yaml:2: flags.muets: there is no such setting: did you mean flags.mutes?"},
		{"flags:\n  mutes:\n    percentage: 25\n", "banyan.yaml:3: flags.mutes.percentage: there is no such setting: did you mean flags.mutes.percent?"},
		{"flags:\n  mutes: 25\n", "banyan.yaml:2: flags.mutes: is a section: put its settings below it"},
		{"flags:\n  mutes: {percent: 101}\n", "banyan.yaml:2: flags.mutes.percent: is 101, must be from 0 to 100"},
		{"flags:\n  mutes: {percent: -1}\n", "banyan.yaml:2: flags.mutes.percent: is -1, must be from 0 to 100"},
		{"flags:\n  mutes:\n    percent: 12.5\n", "banyan.yaml:3: flags.mutes.percent: must be a whole number, like 100"},
		{"flags:\n  mutes:\n    percent: half\n", "banyan.yaml:3: flags.mutes.percent: must be a whole number, like 100"},
		{"flags:\n  mutes: {operators: perhaps}\n", "banyan.yaml:2: flags.mutes.operators: must be true or false"},
		{"flags:\n  mutes: {wallets: [\"" + aWallet[:40] + "\"]}\n", "banyan.yaml:2: flags.mutes.wallets: "},
		{"flags:\n  mutes: {wallets: [\"" + aWallet + "\", \"" + strings.ToLower(aWallet) + "\"]}\n", "banyan.yaml:2: flags.mutes.wallets: names " + aWallet + " twice: name it once"},
		{"flags:\n  mutes: {wallets: [\"0x0000000000000000000000000000000000000000\"]}\n", "banyan.yaml:2: flags.mutes.wallets: has the zero address as number 1"},
		{"flags:\n  mutes: {percent: 1}\n  mutes: {percent: 2}\n", "banyan.yaml:3: flags.mutes: is set here and on line 2: keep one of them"},
	} {
		t.Run(c.says, func(t *testing.T) {
			code, _, errOut := settingsIn(t, c.file, nil)
			if code == exitOK || !strings.Contains(errOut, c.says) {
				t.Errorf("exit code %d, want %q:\n%s", code, c.says, errOut)
			}
		})
	}
}

// TestAHangupReloadsFeatureFlags: percentages are changed while people use the site.
func TestAHangupReloadsFeatureFlags(t *testing.T) {
	file := t.TempDir() + "/own.yaml"
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	p := place{[]string{"BANYAN_DATA=" + t.TempDir()}}.start(t, nil, "--listen", "127.0.0.1:0", "--config", file)
	isShown := func() bool {
		status, page, err := call(t.Context(), "GET", p.url+"/exchanges", "", nil, nil)
		if err != nil || status != 200 {
			t.Fatalf("%d %v", status, err)
		}
		return strings.Contains(page, `<select id="proof"`)
	}
	reload := func(text string) {
		t.Helper()
		write(text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if !isShown() {
		t.Fatal("without settings the filter is not shown")
	}
	reload("flags: {proof-filter: {percent: 99}}\n")
	eventually(t, "the filter is hidden", func() bool { return !isShown() })
	reload("flags: {proof-filter: {percent: 101}}\n")
	eventually(t, "the log says what is wrong", func() bool { return strings.Contains(p.logged(), "must be from 0 to 100") })
	if isShown() {
		t.Error("a setting that was refused has shown the filter")
	}
	reload("flags: {proof-filter: {percent: 100}}\n")
	eventually(t, "the filter is shown", isShown)
	if strings.Contains(p.logged(), "need a restart") {
		t.Errorf("the log asks for a restart:\n%s", p.logged())
	}
}
