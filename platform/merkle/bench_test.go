package merkle_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"banyan/platform/merkle"
	"banyan/platform/merkle/keccak"
	"banyan/platform/testenv/benchclock"
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

// BenchmarkLeaves builds trees of the same number of rows over other leaves, on one
// core: a leaf of any types takes at most twice as long as oz's, by the
// processors' time.
func BenchmarkLeaves(b *testing.B) {
	const rows = 200_000
	plain := madeUp(rows)
	oz := 0.0 // rows in a second of the first, which is oz
	for _, types := range []string{"address,uint256", "address", "address,uint128,uint8", "address,address,uint256", "address,uint256,uint256,uint256", "address,string,uint256"} {
		spec, err := merkle.Choices{Leaf: types}.Spec(merkle.OZ.Spec())
		if err != nil {
			b.Fatal(err)
		}
		list := plain
		if !spec.Format().Plain() {
			list = merkle.NewTypedList(spec.Leaf)
			var record []byte
			for i := range rows {
				e := plain.At(i)
				values := []string{e.Wallet.String()}
				for _, f := range spec.Leaf.Fields[1:] {
					values = append(values, map[merkle.Kind]string{
						merkle.KindAddress: e.Wallet.String(), merkle.KindUint: strconv.Itoa(i % 200), merkle.KindString: "tier " + strconv.Itoa(i),
					}[f.Type.Kind])
				}
				if record, err = spec.Leaf.AppendRecord(record[:0], values); err != nil {
					b.Fatal(err)
				}
				if err := list.AppendRecords(record); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(types, func(b *testing.B) {
			start := benchclock.ProcessorTime(b)
			for b.Loop() {
				if _, err := merkle.Build(context.Background(), spec.Format(), list, merkle.Options{Workers: 1}); err != nil {
					b.Fatal(err)
				}
			}
			speed := float64(b.N) * rows / (benchclock.ProcessorTime(b) - start).Seconds()
			if spec.Format() == merkle.OZ {
				oz = speed
			}
			b.ReportMetric(speed, "rows/s")
			b.ReportMetric(100*speed/oz, "%-of-oz")
		})
	}
}
