package merkle

import "sync"

// proofPool reuses the memory of proofs. A proof is most of what a claim needs,
// and memory that another claim has just used is still in the processor's
// cache.
var proofPool = sync.Pool{New: func() any { return new([MaxDepth]Hash) }}

// NewProof returns an empty proof with capacity for a proof of any tree.
// ReleaseProof may end its use.
func NewProof() []Hash { return proofPool.Get().(*[MaxDepth]Hash)[:0] }

// ReleaseProof returns the memory of a proof for the next caller of NewProof;
// the proof must not be used afterwards. A proof that did not come from
// NewProof is left to the garbage collector.
func ReleaseProof(proof []Hash) {
	if cap(proof) == MaxDepth {
		proofPool.Put((*[MaxDepth]Hash)(proof[:MaxDepth]))
	}
}
