package service

import (
	"context"
	"fmt"
	"math"
	"slices"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/jobs"
	"banyan/platform/page"
)

// writeContexts writes what an epoch says in each context.
func (s service) writeContexts(ctx context.Context, j *jobs.Job, e computed, explainer *trust.Explainer) error {
	nowS := e.row.TimeMS / 1000
	names, err := largestContexts(ctx, s.o.DB.Read(), nowS, reputation.MaxContexts)
	if err != nil {
		return err
	}
	for i, name := range names {
		row, rows, err := s.scoreContext(ctx, e, explainer, name, nowS)
		if err != nil {
			return err
		}
		progress := jobs.Progress{Stage: "writing scores by context", Done: int64(i), Work: int64(len(names))}
		err = j.Step(ctx, progress, func(tx *database.Tx) error { return saveContext(ctx, tx, e.row.Number, row) })
		if err != nil {
			return err
		}
		for part := range slices.Chunk(rows, scoresPerWrite) {
			err := j.Step(ctx, progress, func(tx *database.Tx) error { return saveContextScores(ctx, tx, e.row.Number, part) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// scoreContext computes the scores of one context: what each wallet's raters contribute
// with it, beside the doubt that everybody starts with.
func (s service) scoreContext(ctx context.Context, e computed, explainer *trust.Explainer, name string, nowS int64) (contextRow, []contextScoreRow, error) {
	type word struct{ said, evidence float64 }
	words := map[uint32]word{}
	row := contextRow{Context: name}
	decay := trust.Decay{HalfLife: s.o.HalfLife, At: e.row.TimeMS}
	err := s.eachInContext(ctx, s.o.DB.Read(), name, nowS, func(edge edgeRow) error {
		from, rates := e.graph.wallets.Lookup(edge.From)
		to, rated := e.graph.wallets.Lookup(edge.To)
		if !rates || !rated { // stated since the edges were read
			return nil
		}
		row.Statements++
		w := words[to]
		c := explainer.Contributes(from, edge.Weight, decay.Freshness(timeOf(edge.TimeMS)))
		words[to] = word{w.said + c, w.evidence + math.Abs(c)}
		return nil
	})
	if err != nil {
		return row, nil, err
	}
	nodes := make([]uint32, 0, len(words))
	for node := range words {
		nodes = append(nodes, node)
	}
	slices.Sort(nodes) // by wallet: equal scores are in the same order each time
	scores := make([]float64, len(nodes))
	for i, node := range nodes {
		scores[i] = e.effects.Word(words[node].said, words[node].evidence)
	}
	var rows []contextScoreRow
	for i, p := range trustlist.Order(scores) {
		value := scores[p.Node]
		if value == 0 {
			continue // nobody with a voice rates it
		}
		r := contextScoreRow{Wallet: e.graph.wallets.Key(nodes[p.Node]), Context: name, Value: value, Place: i + 1, Rank: p.Rank}
		r.Points, r.WeightPPM = trustlist.Points(e.effects.Weight(value))
		rows = append(rows, r)
		if p.Rank > 0 {
			row.Ranked++
		}
	}
	return row, rows, nil
}

func (r contextScoreRow) standing() reputation.ContextStanding {
	return reputation.ContextStanding{
		Wallet: r.Wallet, Context: r.Context, Standing: kindOf(r.Value), Score: r.Points, WeightPPM: r.WeightPPM, Value: r.Value, Rank: r.Rank,
	}
}

// Contexts implements Contextual.
func (s service) Contexts(ctx context.Context, _ reputation.ContextsQuery) (reputation.ContextList, error) {
	answer := reputation.ContextList{Contexts: []reputation.ContextCount{}}
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if err != nil && !database.IsNoRows(err) {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch = epoch.Number
		rows, err := readContexts(ctx, r, epoch.Number)
		for _, row := range rows {
			answer.Contexts = append(answer.Contexts, reputation.ContextCount(row))
		}
		return err
	})
	return answer, err
}

// ContextScores implements Contextual.
func (s service) ContextScores(ctx context.Context, q reputation.ContextScoresQuery) (reputation.ContextScores, error) {
	answer := reputation.ContextScores{Scores: []reputation.ContextStanding{}}
	err := s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := readCurrentEpoch(ctx, r)
		if err != nil && !database.IsNoRows(err) {
			return fmt.Errorf("read the current epoch: %w", err)
		}
		answer.Epoch = epoch.Number
		rows, err := readContextScores(ctx, r, epoch.Number, q.Wallet)
		for _, row := range rows {
			answer.Scores = append(answer.Scores, row.standing())
		}
		return err
	})
	return answer, err
}

// ContextBoard implements Contextual. A cursor names its epoch, as that of Leaderboard.
func (s service) ContextBoard(ctx context.Context, q reputation.ContextBoardQuery) (reputation.ContextBoard, error) {
	answer := reputation.ContextBoard{Standings: []reputation.ContextStanding{}}
	list := page.NewList[boardPlace]("context", q.Context)
	after, err := list.After(q.Cursor, boardPlace{})
	if err != nil {
		return answer, err
	}
	size := page.Standard().Size(q.Limit)
	err = s.o.DB.Snapshot(ctx, func(r database.Reader) error {
		epoch, err := epochAt(ctx, r, after.Epoch)
		switch {
		case q.Cursor == "" && fault.Is(err, fault.NotFound):
			return nil
		case err != nil && !fault.Is(err, fault.NotFound):
			return err
		case err != nil || epoch.Kept == 0:
			return fault.New(fault.Conflict, "the scores of the first page were replaced by newer ones: leave the cursor out to start again at the first page")
		}
		answer.Epoch = epoch.Number
		rows, err := readContextPlaces(ctx, r, epoch.Number, q.Context, after.Place, size+1)
		if err != nil {
			return err
		}
		rows, answer.Next = page.Cut(list, rows, size, func(row contextScoreRow) boardPlace { return boardPlace{epoch.Number, row.Place} })
		for _, row := range rows {
			answer.Standings = append(answer.Standings, row.standing())
		}
		return nil
	})
	return answer, err
}
