package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/holiman/uint256"

	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// madeUp returns a list of random wallets, the same for the same seed.
type madeUp struct {
	*merkle.List
	seed uint64
}

func newMadeUp(n int, seed uint64) madeUp {
	list := merkle.NewList()
	random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a fixed seed
	for range n {
		if err := list.Append(randomRow(random)); err != nil {
			panic(err) // sums of 60-bit amounts fit
		}
	}
	return madeUp{List: list, seed: seed}
}

func randomRow(random *rand.Rand) (who wallet.Address, amount uint256.Int) {
	for i := 0; i < len(who); i += 4 {
		binary.LittleEndian.PutUint32(who[i:], random.Uint32())
	}
	amount.SetUint64(1 + random.Uint64()>>4)
	return who, amount
}

// writeCSV writes the first n rows as a CSV list, and returns the path.
func writeCSV(list *merkle.List, n int, path string) (string, error) {
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(out, "address,amount")
	for i := range n {
		e := list.At(i)
		fmt.Fprintf(out, "0x%x,%s\n", e.Wallet[:], e.Amount.Dec())
	}
	if err := out.Flush(); err != nil {
		return "", err
	}
	return path, file.Close()
}
