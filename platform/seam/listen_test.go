package seam_test

import (
	"net"
	"testing"
)

// listen takes an address again that was just given up.
func listen(t *testing.T, address string) net.Listener {
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
