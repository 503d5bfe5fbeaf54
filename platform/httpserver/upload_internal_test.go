package httpserver

import (
	"net/netip"
	"testing"
	"time"

	"banyan/platform/fault"
)

// uploading is the state of a client's upload, without a connection.
func uploading(c *costs, s *Settings, client string) (*requestState, *limitedBody) {
	state := &requestState{config: s, client: netip.MustParseAddr(client), payer: payer{costs: c}}
	state.body = &limitedBody{}
	return state, state.body
}

func TestASlowUploadEndsAndOneThatPausesDoesNot(t *testing.T) {
	settings := &Settings{UploadRate: 1 << 10}
	for name, c := range map[string]struct {
		pieces []int
		each   time.Duration // waited for each
		fails  bool
	}{
		"a byte every 10 s":            {[]int{1, 1, 1}, 10 * time.Second, true},
		"just under the rate":          {[]int{15<<10 - 1}, 15 * time.Second, true},
		"at the rate":                  {[]int{15 << 10, 15 << 10, 15 << 10}, 15 * time.Second, false},
		"much, then a pause":           {[]int{1 << 20, 0, 1 << 20}, 14 * time.Second, false},
		"a window of nothing":          {[]int{1 << 20, 1 << 20, 0}, 15 * time.Second, true},
		"the reader is slow":           {[]int{1, 1, 1, 1, 1, 1}, 0, false},
		"what was saved up is not had": {[]int{10 << 20, 1, 1, 1}, 15 * time.Second, true},
	} {
		state, body := uploading(&costs{}, settings, "192.0.2.1")
		var failed error
		for _, n := range c.pieces {
			if failed = state.keepPace(body, n, c.each, false); failed != nil {
				break
			}
		}
		if (failed != nil) != c.fails || failed != nil && !fault.Is(failed, fault.Invalid) {
			t.Errorf("%s: %v", name, failed)
		}
		if state.endUpload(); state.payer.costs.uploads.count() != 0 {
			t.Errorf("%s: it is still counted", name)
		}
	}
	settings.UploadRate = 0
	state, body := uploading(&costs{}, settings, "192.0.2.1")
	if err := state.keepPace(body, 1, time.Hour, false); err != nil {
		t.Errorf("without a rate: %v", err)
	}
}

func TestLongUploadsHavePlaces(t *testing.T) {
	shared, settings := &costs{}, &Settings{Uploads: 3, UploadsPerClient: 2}
	long := func(client string) (*requestState, error) {
		state, body := uploading(shared, settings, client)
		return state, state.keepPace(body, 1, longUpload, false)
	}
	short, body := uploading(shared, settings, "192.0.2.1")
	if err := short.keepPace(body, 1, longUpload-1, false); err != nil || shared.uploads.count() != 0 {
		t.Errorf("a short upload takes a place: %v", err)
	}
	first, err := long("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long("192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := long("192.0.2.1"); !fault.Is(err, fault.RateLimited) {
		t.Errorf("a third of one client: %v", err)
	}
	if _, err := long("192.0.2.2"); err != nil {
		t.Errorf("another client: %v", err)
	}
	if _, err := long("192.0.2.3"); !fault.Is(err, fault.RateLimited) {
		t.Errorf("a fourth in all: %v", err)
	}
	if err := first.keepPace(first.body, 0, 0, true); err != nil { // all of it has arrived
		t.Error(err)
	}
	first.endUpload()
	if _, err := long("192.0.2.3"); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	if first.keepPace(first.body, 0, time.Hour, false) != nil || shared.uploads.count() != 3 {
		t.Error("what is read after the end of the request counts")
	}
	operator, body := uploading(shared, settings, "192.0.2.4")
	operator.payer.exempt = true
	if err := operator.keepPace(body, 1, time.Hour, false); err != nil {
		t.Errorf("an operator: %v", err)
	}
}
