//go:build !plain

package plain

// On reports whether the plain twins are in use.
const On = false
