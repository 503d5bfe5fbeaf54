package list

import (
	"github.com/holiman/uint256"

	"banyan/platform/fault"
	"banyan/platform/merkle"
)

// merge makes one row of each wallet's rows, at the first one's place: with
// the sum of their amounts, or the first amount alone.
func merge(rows *List, sum bool) (*List, error) {
	sums, dropped := map[int]uint256.Int{}, map[int]bool{}
	for first, again := range rows.Duplicates() {
		dropped[again] = true
		if !sum {
			continue
		}
		total, begun := sums[first]
		if !begun {
			total = rows.At(first).Amount
		}
		// The list's own total fits uint256, so a part of it does.
		amount := rows.At(again).Amount
		total.Add(&total, &amount)
		sums[first] = total
	}
	if len(dropped) == 0 {
		return rows, nil
	}
	merged := merkle.NewList()
	for i := range rows.Len() {
		if dropped[i] {
			continue
		}
		e := rows.At(i)
		if total, summed := sums[i]; summed {
			e.Amount = total
		}
		var err error
		if rows.Indexed() {
			err = merged.AppendIndexed(e)
		} else {
			err = merged.Append(e.Wallet, e.Amount)
		}
		if err != nil {
			return nil, fault.From(err)
		}
	}
	return merged, nil
}
