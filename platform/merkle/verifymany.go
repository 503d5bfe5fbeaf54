package merkle

import (
	"context"
	"encoding/binary"
)

// Claimed is an entry with the proof that came with it.
type Claimed struct {
	Entry Entry
	Proof []Hash
}

// VerifyMany is Verify for many claims at once, several proofs side by side
// in the hash engine. ok[i] answers for claims[i].
func VerifyMany(ctx context.Context, format Format, root Hash, claims []Claimed, options Options) (ok []bool, err error) {
	options, err = options.filled()
	if err != nil {
		return nil, err
	}
	ok = make([]bool, len(claims))
	err = spread(ctx, options.Workers, len(claims), func(low, high int) error {
		v := newLockstep(options, format.form())
		for start := low; start < high; start += abreast {
			end := min(start+abreast, high)
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

// abreast is how many proofs climb side by side: a multiple of any engine's
// width, few enough for the first-level cache.
const abreast = 64

// lockstep climbs up to abreast proofs a level at a time.
type lockstep struct {
	options  Options
	form     leafForm
	messages []byte
	pairs    []byte
	nodes    []byte
	active   []int // claims that have not used up their proof
}

func newLockstep(options Options, form leafForm) *lockstep {
	return &lockstep{
		options: options, form: form,
		messages: make([]byte, abreast*form.size()),
		pairs:    make([]byte, abreast*2*HashSize),
		nodes:    make([]byte, abreast*HashSize),
		active:   make([]int, 0, abreast),
	}
}

func (l *lockstep) verify(root Hash, claims []Claimed, ok []bool) error {
	size := l.form.size()
	for i := range claims {
		l.put(l.messages[i*size:(i+1)*size], &claims[i].Entry)
	}
	if err := l.form.hash(l.options.Engine, l.nodes[:len(claims)*HashSize], l.messages[:len(claims)*size]); err != nil {
		return err
	}
	l.active = l.active[:0]
	for i := range claims {
		l.active = append(l.active, i)
		copyHash(l.pairs[2*i*HashSize:], l.nodes[i*HashSize:])
	}
	for level := 0; ; level++ {
		// Who has used up the proof leaves; the others move together.
		going := 0
		for k, i := range l.active {
			node := l.pairs[2*k*HashSize : (2*k+1)*HashSize]
			if level == len(claims[i].Proof) {
				ok[i] = Hash(node) == root
				continue
			}
			pair := l.pairs[2*going*HashSize:]
			copyHash(pair, node)
			copyHash(pair[HashSize:], claims[i].Proof[level][:])
			l.active[going] = i
			going++
		}
		if l.active = l.active[:going]; going == 0 {
			return nil
		}
		if err := l.options.Engine.HashPairs(l.nodes[:going*HashSize], l.pairs[:going*2*HashSize]); err != nil {
			return err
		}
		for k := range l.active {
			copyHash(l.pairs[2*k*HashSize:], l.nodes[k*HashSize:])
		}
	}
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
