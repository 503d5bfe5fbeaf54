//go:build !purego

package hexdigits

import "golang.org/x/sys/cpu"

// write16 writes the digits of 16 bytes at a time, and leaves out the rest.
//
//go:noescape
func write16(to, bytes []byte)

// byVectors writes the digits of as many bytes as it can and returns how many.
func byVectors(to, bytes []byte) (done int) {
	if !cpu.X86.HasAVX {
		return 0
	}
	write16(to, bytes)
	return len(bytes) &^ 15
}
