package seam

import (
	"net/http"

	"banyan/platform/seam/client"
)

// checkData refuses a call by a process that has other data, and says on the
// answer to another process which data this one has.
func (h handler) checkData(w http.ResponseWriter, from internal) error {
	if len(h.data) == 0 {
		return nil
	}
	if from.contract != "" {
		w.Header()[client.HeaderData] = h.data
	}
	if from.data != "" && from.data != h.data[0] {
		return client.OtherData(h.d.contract.Module, from.data, h.data[0])
	}
	return nil
}
