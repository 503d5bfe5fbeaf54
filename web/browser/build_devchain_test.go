//go:build devchain

package browser

// buildFlags build a program whose demo has a chain.
var buildFlags = []string{"-tags", "devchain"}
