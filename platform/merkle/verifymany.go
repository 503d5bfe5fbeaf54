package merkle

import (
	"context"
	"encoding/binary"
)

// Claimed is an entry with the proof that came with it.
type Claimed struct {
	Entry Entry
	// Record has the values of a leaf that is not plain (Leaf.AppendRecord).
	Record []byte
	Proof  []Hash
	Left   []bool // where each node is, in a tree with positional pairs
}

// VerifyMany is Verify for many claims at once, several proofs side by side
// in the hash engine. ok[i] is the result of claims[i].
func VerifyMany(ctx context.Context, format Format, root Hash, claims []Claimed, options Options) (ok []bool, err error) {
	options, err = options.filled()
	if err != nil {
		return nil, err
	}
	ok = make([]bool, len(claims))
	if spec := format.Spec(); spec.Positional || !format.Plain() {
		return ok, spread(ctx, options.Workers, len(claims), func(low, high int) error {
			for i := low; i < high; i++ {
				ok[i] = claims[i].verify(format, spec, root)
			}
			return nil
		})
	}
	err = spread(ctx, options.Workers, len(claims), func(low, high int) error {
		v := newLockstep(options, format.form())
		for start := low; start < high; start += laneCount {
			end := min(start+laneCount, high)
			if err := v.verify(root, claims[start:end], ok[start:end]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ok, nil
}

// Verify reports whether a claim's proof leads to the root.
func (c *Claimed) Verify(format Format, root Hash) bool { return c.verify(format, format.Spec(), root) }

// verify verifies a claim of any leaf and pairs, alone.
func (c *Claimed) verify(format Format, spec Spec, root Hash) bool {
	var leaf Hash
	if format.Plain() {
		leaf = LeafHash(format, c.Entry)
	} else {
		leaf = spec.Leaf.Hash(c.Record)
	}
	if spec.Positional {
		return len(c.Left) == len(c.Proof) && ProcessSided(leaf, c.Proof, c.Left) == root
	}
	return ProcessProof(leaf, c.Proof) == root
}

// laneCount is how many proofs are verified side by side: a multiple of any
// engine's width, few enough for the first-level cache.
const laneCount = 64

// lockstep hashes up to laneCount proofs a level at a time.
type lockstep struct {
	options  Options
	form     leafForm
	messages []byte
	nodes    [laneCount]Hash     // the current node of each active claim
	pairs    [2 * laneCount]Hash // each with its sibling
	active   [laneCount]*Claimed // claims with siblings left
	answers  [laneCount]*bool    // and the place of their result
	touched  byte                // what readAhead has read, so that the reads are not optimised away
}

func newLockstep(options Options, form leafForm) *lockstep {
	return &lockstep{options: options, form: form, messages: make([]byte, laneCount*form.size())}
}

func (l *lockstep) verify(root Hash, claims []Claimed, ok []bool) error {
	size := l.form.size()
	for i := range claims {
		l.put(l.messages[i*size:(i+1)*size], &claims[i].Entry)
		l.active[i], l.answers[i] = &claims[i], &ok[i]
	}
	l.readAhead(claims)
	going := len(claims)
	if err := l.form.hash(l.options.Engine, bytesOf(l.nodes[:going]), l.messages[:going*size]); err != nil {
		return err
	}
	for level := 0; ; level++ {
		// Claims without siblings left are done; the others move together.
		stay := 0
		for k, claim := range l.active[:going] {
			if level == len(claim.Proof) {
				*l.answers[k] = l.nodes[k] == root
				continue
			}
			l.pairs[2*stay], l.pairs[2*stay+1] = l.nodes[k], claim.Proof[level]
			l.active[stay], l.answers[stay] = claim, l.answers[k]
			stay++
		}
		if going = stay; going == 0 {
			return nil
		}
		if err := l.options.Engine.HashPairs(bytesOf(l.nodes[:going]), bytesOf(l.pairs[:2*going])); err != nil {
			return err
		}
	}
}

// readAhead reads the proofs one after the other, usually in their order in
// memory. A processor prefetches that; it does not when many proofs are read
// side by side, and every level would wait for memory.
func (l *lockstep) readAhead(claims []Claimed) {
	const perLine = 64 / HashSize // a cache line has two nodes
	touched := byte(0)
	for i := range claims {
		proof := claims[i].Proof
		for level := 0; level < len(proof); level += perLine {
			touched ^= proof[level][0]
		}
	}
	l.touched = touched
}

// put writes the message of an entry.
func (l *lockstep) put(message []byte, e *Entry) {
	var row [RowSize]byte
	copy(row[:], e.Wallet[:])
	for word := range 4 {
		binary.BigEndian.PutUint64(row[walletSize+8*word:], e.Amount[3-word])
	}
	l.form.put(message, row[:], e.Index)
}
