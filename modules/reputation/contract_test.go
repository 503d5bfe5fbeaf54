package reputation_test

import (
	"encoding/json"
	"flag"
	"testing"

	"banyan/modules/reputation"
	"banyan/platform/events"
	"banyan/platform/seam"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles compares what processes send each other with the files of
// the contract's version; see package contracttest for what to do when it
// fails.
func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, reputation.Contract, contracttest.Options{
		Dir: "testdata/contract", Update: *update,
		Known: []any{events.Event{Topic: reputation.ActivityTopic.Name(), Payload: json.RawMessage(`{"wallet":"0x52908400098527886E0F7030069857D2E4169EE7"}`)}},
		Also:  map[string]any{"activity.event": reputation.Activity{}},
	})
}

// TestAccessOfEveryOperation tries each as every kind of caller.
func TestAccessOfEveryOperation(t *testing.T) {
	accesstest.Check(t, reputation.Contract, func(r *seam.Route) any { return reputation.NewClient(r) })
}
