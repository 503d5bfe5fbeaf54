package control_test

import (
	"encoding/json"
	"flag"
	"testing"

	"banyan/platform/seam"
	"banyan/platform/strangler/control"
	"banyan/platform/testenv/contracttest"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles compares the operator's API with the files of its version;
// see package contracttest for what to do when it fails.
func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, control.Contract, contracttest.Options{
		Dir: "testdata/contract", Update: *update,
		Known: []any{
			control.Place{Mode: seam.ModeCanary, Percent: 10, URLs: []string{"http://127.0.0.1:8081"}},
			control.Change{Mode: seam.ModeCanary, Percent: 10, URLs: []string{"http://127.0.0.1:8081"}},
			control.AuditQuery{Cursor: "7"},
			control.ModuleState{Route: json.RawMessage(`{"mode":"canary"}`)},
		},
	})
}
