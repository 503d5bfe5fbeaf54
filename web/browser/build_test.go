//go:build !devchain

package browser

// buildFlags build the program as releases are.
var buildFlags []string
