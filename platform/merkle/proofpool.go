package merkle

import "sync"

// proofPool keeps room for proofs. A proof is most of what a claim needs, and
// memory that another claim has just used is still close to the processor.
var proofPool = sync.Pool{New: func() any { return new([MaxDepth]Hash) }}

// NewProof returns an empty proof with room for any tree's. ReleaseProof may end
// its use.
func NewProof() []Hash { return proofPool.Get().(*[MaxDepth]Hash)[:0] }

// ReleaseProof hands the memory of a proof to the next caller of NewProof; nobody
// may use the proof afterwards. A proof that did not come from NewProof is left
// to the garbage collector.
func ReleaseProof(proof []Hash) {
	if cap(proof) == MaxDepth {
		proofPool.Put((*[MaxDepth]Hash)(proof[:MaxDepth]))
	}
}
