package service

import (
	"context"
	"math"

	"banyan/modules/reputation"
	"banyan/platform/database"
	"banyan/platform/page"
	"banyan/platform/wallet"
)

// edgePlace is a position among a wallet's edges: attestations come first, the
// last stored first, and then imports by the other wallet.
type edgePlace struct {
	Imports bool   `json:"imports"`
	ID      int64  `json:"id"`    // of the attestation, or of the import
	Other   string `json:"other"` // wallet, among imports
}

// Neighbours implements Service.
func (s service) Neighbours(ctx context.Context, q reputation.NeighboursQuery) (reputation.NeighbourPage, error) {
	answer := reputation.NeighbourPage{Neighbours: []reputation.Neighbour{}}
	direction := q.Direction
	if direction == "" {
		direction = reputation.In
	}
	list := page.NewList[edgePlace]("neighbours", q.Wallet.String(), direction)
	after, err := list.After(q.Cursor, edgePlace{ID: math.MaxInt64})
	if err != nil {
		return answer, err
	}
	var other wallet.Address
	if after.Other != "" {
		if other, err = wallet.Parse(after.Other); err != nil {
			return answer, list.Wrong()
		}
	}
	size := page.Standard().Size(q.Limit)
	var rows []edgeRow
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		rows = nil
		importsAfter := int64(0)
		if after.Imports {
			importsAfter = after.ID
		} else if rows, err = attestedNeighbours(ctx, r, q.Wallet, direction, s.o.Clock().Unix(), after.ID, size+1); err != nil {
			return err
		}
		if len(rows) > size {
			return nil
		}
		more, err := importedNeighbours(ctx, r, q.Wallet, direction, other, importsAfter, size+1-len(rows))
		rows = append(rows, more...)
		return err
	})
	if err != nil {
		return answer, err
	}
	otherOf := func(e *edgeRow) wallet.Address {
		if direction == reputation.Out {
			return e.To
		}
		return e.From
	}
	rows, answer.Next = page.Cut(list, rows, size, func(e edgeRow) edgePlace {
		if e.Kind != reputation.FromImport {
			return edgePlace{ID: e.ID}
		}
		return edgePlace{Imports: true, ID: e.ID, Other: otherOf(&e).String()}
	})
	for i := range rows {
		if e := &rows[i]; s.weigh(e) {
			answer.Neighbours = append(answer.Neighbours, e.neighbour(otherOf(e)))
		}
	}
	return answer, nil
}

func (e *edgeRow) neighbour(other wallet.Address) reputation.Neighbour {
	n := reputation.Neighbour{Wallet: other, Weight: e.Weight, Kind: e.Kind, Context: e.Context, Source: e.source()}
	if e.TimeMS != nil {
		n.TimeMS = *e.TimeMS
	}
	return n
}
