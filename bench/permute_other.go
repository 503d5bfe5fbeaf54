//go:build !amd64 || purego

package main

// The engines that these measure run on amd64 only.
func permutations512() int { return 0 }

func permutations256() int { return 0 }
