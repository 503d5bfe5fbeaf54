package rollout_test

import (
	"encoding/json"
	"flag"
	"testing"

	"banyan/platform/rollout"
	"banyan/platform/seam"
	"banyan/platform/seam/diff"
	"banyan/platform/testenv/accesstest"
	"banyan/platform/testenv/contracttest"
)

var update = flag.Bool("update", false, "write the contract's files instead of comparing them")

// TestContractFiles compares the operator's API with the files of its version;
// see package contracttest for what to do when it fails.
func TestContractFiles(t *testing.T) {
	contracttest.Golden(t, rollout.Contract, contracttest.Options{
		Dir: "testdata/operator", Update: *update,
		Known: []any{
			rollout.Place{Mode: seam.ModeCanary, Percent: 10, URLs: []string{"http://127.0.0.1:8081"}},
			rollout.Change{Mode: seam.ModeCanary, Percent: 10, URLs: []string{"http://127.0.0.1:8081"}},
			rollout.AuditQuery{Cursor: "7"},
			rollout.MoveRequest{Name: "reputation", To: "postgres://banyan@db.example:5432/banyan", Password: "secret"},
			seam.ModeCanary,
			seam.Plan{Mode: seam.ModeCanary, Percent: 10, Epoch: 3},
			diff.Difference{Request: json.RawMessage(`{}`), Local: json.RawMessage(`1`), Remote: json.RawMessage(`2`), Fields: []diff.Field{{Path: "score", Local: "1", Remote: "2"}}},
		},
	})
}

func TestAccess(t *testing.T) { accesstest.Check(t, rollout.Contract, nil) }
