package merkle_test

import (
	"context"
	"fmt"
	"testing"

	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
)

// BenchmarkBuild compares the engines on a million rows, on one core.
func BenchmarkBuild(b *testing.B) {
	list := madeUp(1_000_000)
	for _, engine := range keccak.Engines() {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("oz/%s/workers=%d", engine.Name(), workers), func(b *testing.B) {
				for b.Loop() {
					if _, err := merkle.Build(context.Background(), merkle.OZ, list, merkle.Options{Engine: engine, Workers: workers}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
