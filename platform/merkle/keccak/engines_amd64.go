//go:build amd64 && !purego

package keccak

// Engines returns the engines that this processor can run, the fastest first.
func Engines() []Engine {
	var engines []Engine
	if hasAVX512() {
		engines = append(engines, avx512{})
	}
	if hasAVX2() {
		engines = append(engines, avx2{})
	}
	return append(engines, Scalar{})
}
