package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"banyan/platform/fault"
)

func TestUsageIsAMarkThatLeavesTheErrorAsItIs(t *testing.T) {
	if fault.Usage(nil) != nil || fault.IsUsage(nil) {
		t.Error("no error is a mistake in the command line")
	}
	cause := errors.New("unknown flag: --lsten")
	if marked := fault.Usage(cause); !fault.IsUsage(fmt.Errorf("run: %w", marked)) || !errors.Is(marked, cause) || marked.Error() != cause.Error() {
		t.Errorf("marked %v", marked)
	}
	if fault.IsUsage(cause) {
		t.Error("told by its words")
	}
	wrong := fault.UsageOf("--out", "name a file")
	if f := fault.From(wrong); !fault.IsUsage(wrong) || f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].String() != "--out: name a file" {
		t.Errorf("got %v", wrong)
	}
	if fault.IsUsage(fault.From(wrong)) {
		t.Error("the mark is part of the fault, which is the same over HTTP")
	}
}
