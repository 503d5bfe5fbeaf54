package rings

import (
	"cmp"
	"slices"
)

// Vote says that a review of a wallet has helped another.
type Vote struct{ By, For int32 }

// Mutual is a wallet whose helpful votes come from those for whom it votes itself.
type Mutual struct {
	Wallet   int32
	Received int     // wallets that voted for its reviews
	Back     []int32 // of them, those for whose reviews it votes, in their order
}

// fewestVotes is from how many wallets votes say anything.
const fewestVotes = 5

// Reciprocal returns wallets of whose voters four of five, and at least five, get votes
// back.
func Reciprocal(votes []Vote) (all []Mutual) {
	votes = slices.DeleteFunc(slices.Clone(votes), func(v Vote) bool { return v.By == v.For })
	slices.SortFunc(votes, func(a, b Vote) int { return cmp.Or(cmp.Compare(a.For, b.For), cmp.Compare(a.By, b.By)) })
	votes = slices.Compact(votes)
	given := make(map[Vote]bool, len(votes))
	for _, v := range votes {
		given[v] = true
	}
	for len(votes) > 0 {
		m := Mutual{Wallet: votes[0].For}
		for len(votes) > 0 && votes[0].For == m.Wallet {
			m.Received++
			if by := votes[0].By; given[Vote{By: m.Wallet, For: by}] {
				m.Back = append(m.Back, by)
			}
			votes = votes[1:]
		}
		if len(m.Back) >= fewestVotes && 5*len(m.Back) >= 4*m.Received {
			all = append(all, m)
		}
	}
	return all
}
