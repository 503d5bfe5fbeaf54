package service

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/holiman/uint256"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/modules/reputation/trustlist"
	"banyan/platform/database"
	"banyan/platform/events/outbox"
	"banyan/platform/jobs"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

// binsOfScores is how many bins the distribution has, of 50 points each.
const binsOfScores = 20

// makeTree builds the Merkle tree over all wallets and scores, in the order of
// their places.
func (e computed) makeTree(ctx context.Context) (*merkle.Tree, error) {
	list := merkle.NewList()
	for _, p := range e.places {
		score, _ := trustlist.Points(e.ranking.Weight(p.Node))
		if err := list.Append(e.graph.wallets.Key(p.Node), *uint256.NewInt(uint64(score))); err != nil {
			return nil, fmt.Errorf("make the leaves of an epoch: %w", err)
		}
	}
	tree, err := merkle.Build(ctx, merkle.OZ, list, merkle.Options{})
	if err != nil {
		return nil, fmt.Errorf("build the tree of an epoch: %w", err)
	}
	return tree, nil
}

// parameters returns what epochs are computed with.
func (s service) parameters() reputation.Parameters {
	m := s.o.Method
	return reputation.Parameters{
		Method: m.Method, Alpha: s.o.Trust.Alpha, Epsilon: s.o.Trust.Epsilon, HalfLife: HalfLife(s.o.HalfLife).String(),
		Reserve: m.Reserve, Voice: m.Voice, AccusingVoice: m.AccusingVoice, Doubt: m.Doubt, Cap: m.Cap, Distrust: m.Distrust, Conduct: m.Conduct,
	}
}

// rowOf makes the row of an epoch.
func (s service) rowOf(e computed, now int64) (epochRow, error) {
	counts := e.graph.graph.Counts()
	statistics := reputation.Statistics{
		Positive: counts.Positive, Negative: counts.Negative, Repeated: counts.Repeated, Ranked: ranked(e.places), Unit: e.ranking.Unit,
		Distribution: make([]int, binsOfScores),
	}
	for _, p := range e.places {
		score, ppm := trustlist.Points(e.ranking.Weight(p.Node))
		statistics.WeightPPM += int64(ppm)
		switch {
		case score > 0:
			statistics.Distribution[(score-1)*binsOfScores/reputation.MaxScore]++
		case e.ranking.Value[p.Node] < 0:
			statistics.Distrusted++
		default:
			statistics.NoStanding++
		}
	}
	parameters, err := json.Marshal(s.parameters())
	if err != nil {
		return epochRow{}, fmt.Errorf("encode the parameters of an epoch: %w", err)
	}
	told, err := json.Marshal(statistics)
	if err != nil {
		return epochRow{}, fmt.Errorf("encode the statistics of an epoch: %w", err)
	}
	root := e.tree.Root()
	row := epochRow{
		TimeMS: now, Wallets: e.graph.graph.Nodes(), Edges: counts.Positive, Seeds: e.graph.seeds, Iterations: e.ranking.Iterations,
		Alpha: s.o.Trust.Alpha, Epsilon: s.o.Trust.Epsilon, Method: s.o.Method.Method, Ranked: statistics.Ranked,
		Parameters: string(parameters), Statistics: string(told), InputHash: e.graph.input, Root: root[:], Kept: 1,
	}
	if row.Method == trust.MethodBanyan {
		row.Edges += counts.Negative
	}
	return row, nil
}

// writeEpoch writes e under the next number, which it notes in it, and makes it the
// current one.
func (s service) writeEpoch(ctx context.Context, j *jobs.Job, e *computed) error {
	work := int64(len(e.places))
	progress := func(done int) jobs.Progress {
		return jobs.Progress{Stage: "writing scores", Done: int64(done), Work: work}
	}
	err := j.Step(ctx, progress(0), func(tx *database.Tx) (err error) {
		e.row.Number, err = beginEpoch(ctx, tx, e.row)
		return err
	})
	if err != nil {
		return err
	}
	explainer := trust.NewExplainer(e.graph.graph, e.graph.pre, e.ranking, s.o.Trust)
	for begin := 0; begin < len(e.places); begin += scoresPerWrite {
		end := min(begin+scoresPerWrite, len(e.places))
		rows, changes, err := s.scoreRows(ctx, *e, explainer, begin, end)
		if err != nil {
			return err
		}
		err = j.Step(ctx, progress(end), func(tx *database.Tx) error {
			if err := saveScores(ctx, tx, e.row.Number, rows); err != nil {
				return err
			}
			return saveChanges(ctx, tx, changes)
		})
		if err != nil {
			return err
		}
	}
	if err := s.writeVanished(ctx, j, *e); err != nil {
		return err
	}
	if err := s.writeContexts(ctx, j, *e, explainer); err != nil {
		return err
	}
	if err := writeTree(ctx, j, *e); err != nil {
		return err
	}
	made, err := e.row.epoch()
	if err != nil {
		return err
	}
	return j.Step(ctx, progress(len(e.places)), func(tx *database.Tx) error {
		if err := completeEpoch(ctx, tx, e.row.Number); err != nil {
			return err
		}
		return outbox.Publish(ctx, tx, reputation.EpochTopic, "", made)
	})
}

// scoreRows makes the rows of the places from begin to end, and what changed.
func (s service) scoreRows(ctx context.Context, e computed, explainer *trust.Explainer, begin, end int) ([]scoreRow, []changeRow, error) {
	wallets := make([]wallet.Address, end-begin)
	for i := range wallets {
		wallets[i] = e.graph.wallets.Key(e.places[begin+i].Node)
	}
	former := map[wallet.Address]scoreRow{}
	if e.before != 0 {
		var err error
		if former, err = readWithReasons(ctx, s.o.DB.Read(), e.before, wallets); err != nil {
			return nil, nil, err
		}
	}
	rows, moved := make([]scoreRow, end-begin), []movedScore(nil)
	for i := range rows {
		p := e.places[begin+i]
		why := explainer.Of(p.Node)
		leaf, err := e.tree.Place(begin + i)
		if err != nil {
			return nil, nil, err
		}
		row := scoreRow{
			Wallet: wallets[i], Share: e.ranking.Trust[p.Node], Value: e.ranking.Value[p.Node], Place: begin + i + 1, Rank: p.Rank,
			Percentile: p.Percentile, Reasons: encodeReasons(why, e.graph.wallets.Key), Leaf: leaf, Trusts: e.graph.graph.Divisor(p.Node, s.o.Method),
		}
		row.Points, row.WeightPPM = trustlist.Points(e.ranking.Weight(p.Node))
		judged := e.ranking.Judged(p.Node)
		by := e.ranking.Rater(e.graph.graph, p.Node)
		row.Evidence, row.Word, row.Given, row.Voice = judged.Evidence, judged.Word, by.Given, by.Voice
		if first := e.graph.firstMS[p.Node]; first > 0 {
			row.FirstMS = &first
		}
		rows[i] = row
		if e.before == 0 {
			continue
		}
		change, other, err := e.change(former[row.Wallet], row, why)
		if err != nil {
			return nil, nil, err
		}
		if other {
			moved = append(moved, change)
		}
	}
	changes, err := s.tell(ctx, e, moved)
	return rows, changes, err
}

// writeTree writes the nodes of an epoch's tree.
func writeTree(ctx context.Context, j *jobs.Job, e computed) error {
	nodes := e.tree.Nodes()
	const partsPerWrite = 64
	for begin := 0; begin < nodes; begin += partsPerWrite * nodesPerPart {
		err := j.Step(ctx, jobs.Progress{Stage: "writing the Merkle tree", Done: int64(begin), Work: int64(nodes)}, func(tx *database.Tx) error {
			for at := begin; at < min(nodes, begin+partsPerWrite*nodesPerPart); at += nodesPerPart {
				part := make([]byte, 0, nodesPerPart*merkle.HashSize)
				for n := at; n < min(nodes, at+nodesPerPart); n++ {
					node, err := e.tree.Node(n)
					if err != nil {
						return err
					}
					part = append(part, node[:]...)
				}
				if err := saveNodes(ctx, tx, e.row.Number, int64(at/nodesPerPart), part); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropIncomplete deletes what a run that did not end has left.
func (s service) dropIncomplete(ctx context.Context, j *jobs.Job) error {
	for {
		var deleted int64
		err := j.Step(ctx, jobs.Progress{Stage: "clearing up"}, func(tx *database.Tx) (err error) {
			deleted, err = dropIncomplete(ctx, tx, scoresPerWrite)
			return err
		})
		if err != nil || deleted == 0 {
			return err
		}
	}
}

// prune deletes the scores that the setting keep_epochs does not keep, in small
// batches; the epochs' rows with their roots stay.
func (s service) prune(ctx context.Context, current int64) error {
	oldest := current - int64(s.o.KeepEpochs) + 1
	for deleted := int64(1); deleted > 0; {
		err := s.o.DB.Write(ctx, func(tx *database.Tx) (err error) {
			deleted, err = pruneProvisional(ctx, tx, current, scoresPerWrite)
			return err
		})
		if err != nil {
			return err
		}
	}
	err := s.o.DB.Write(ctx, func(tx *database.Tx) error { return forgetScores(ctx, tx, oldest) })
	for deleted := int64(1); deleted > 0 && err == nil; {
		err = s.o.DB.Write(ctx, func(tx *database.Tx) (err error) {
			deleted, err = pruneScores(ctx, tx, oldest, scoresPerWrite)
			return err
		})
	}
	return err
}
