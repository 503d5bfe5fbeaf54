package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"banyan/modules/reputation"
	"banyan/web/webtest"
)

func TestAnOperatorChangesTheScheduleAndComputesAnEpoch(t *testing.T) {
	s := webtest.Full(t)
	v := newVisitor(t, s)
	v.signIn(s.Operator)
	contains(t, v.get("/operator/schedule", http.StatusOK), "then every 1h0m0s", "This is the setting", "Compute now", "/reputation/epochs/12")
	for every, want := range map[string]string{"6h": "computed every 6h0m0s", "off": "only when an operator asks", "setting": "only when an operator asks"} {
		if status, page := v.form("/operator/schedule", url.Values{"every": {every}}); status != http.StatusOK || !strings.Contains(page, want) {
			t.Errorf("%s: %d, want %q", every, status, want)
		}
	}
	if status, page := v.form("/operator/schedule", url.Values{"every": {"other"}, "interval": {"90m"}}); status != http.StatusOK || s.Reputation.Plan.Seconds != 5400 || !strings.Contains(page, "1h30m0s") {
		t.Errorf("another interval: %d, %+v", status, s.Reputation.Plan)
	}
	if status, page := v.form("/operator/schedule", url.Values{"every": {"other"}, "interval": {"often"}}); status != http.StatusBadRequest || !strings.Contains(page, "must be a duration of whole seconds") {
		t.Errorf("no interval: %d", status)
	}
	before := s.Reputation.Epoch.Number
	if status, _ := v.form("/operator/schedule/run", url.Values{}); status != http.StatusOK || s.Reputation.Epoch.Number != before+1 {
		t.Errorf("computed: %d, epoch %d", status, s.Reputation.Epoch.Number)
	}
	s.Reputation.Computing = reputation.Computing{State: reputation.ComputingRunning, Stage: "writing scores", Progress: 2000, Work: 9000}
	contains(t, v.get("/operator/schedule", http.StatusOK), "writing scores, 2,000 of 9,000", `<progress max="9000" value="2000"`)
	if status, _ := v.form("/operator/schedule/cancel", url.Values{}); status != http.StatusOK || s.Reputation.Computing.State != reputation.ComputingCanceled {
		t.Errorf("cancelled: %d, %+v", status, s.Reputation.Computing)
	}
}
