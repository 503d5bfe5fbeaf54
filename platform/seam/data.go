package seam

import (
	"net/http"

	"banyan/platform/seam/client"
)

// checkData refuses a call by a process that has other data, and says on the
// answer to another process which data this one has.
func (h handler) checkData(w http.ResponseWriter, from internal) error {
	if h.options.Data == nil || from.contract == "" && from.data == "" {
		return nil
	}
	own := h.options.Data() // other data may have come
	if own == "" {
		return nil
	}
	if from.contract != "" {
		w.Header()[client.HeaderData] = []string{own}
	}
	if from.data != "" && from.data != own {
		return client.OtherData(h.d.contract.Module, from.data, own)
	}
	return nil
}
