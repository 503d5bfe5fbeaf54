package rollout

import (
	"strings"

	"banyan/platform/seam/client"
)

// endpointFigure is one place where the module runs.
type endpointFigure struct{ client.Status }

func endpointFigures(all []client.Status) []endpointFigure {
	list := make([]endpointFigure, len(all))
	for i, e := range all {
		list[i] = endpointFigure{e}
	}
	return list
}

// Healthy reports whether calls are sent there.
func (e endpointFigure) Healthy() bool { return e.State == "" || e.State == "closed" }

// Affected names the classes of operations that State is about, as in "stream";
// empty when it is about all of them.
func (e endpointFigure) Affected() string {
	var names []string
	for _, c := range e.Classes {
		if c.State == e.State {
			names = append(names, c.Class)
		}
	}
	if len(names) == len(e.Classes) {
		return ""
	}
	return strings.Join(names, ", ")
}
