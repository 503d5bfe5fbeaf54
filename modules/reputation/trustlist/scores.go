package trustlist

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Place is where a node stands.
type Place struct {
	Node       uint32
	Rank       int     // 1 = best; equal scores share a rank, and the ranks after them are passed over
	Percentile float64 // share of nodes that stand at or below this one, over 0 up to 1
}

// Order ranks nodes by score, the highest first; equal scores in the order of
// their numbers.
func Order(scores []float64) []Place {
	places := make([]Place, len(scores))
	for i := range places {
		places[i].Node = uint32(i)
	}
	slices.SortFunc(places, func(a, b Place) int {
		if c := cmp.Compare(scores[b.Node], scores[a.Node]); c != 0 {
			return c
		}
		return cmp.Compare(a.Node, b.Node)
	})
	n := len(places)
	for i := range places {
		places[i].Rank = i + 1
		if i > 0 && scores[places[i].Node] == scores[places[i-1].Node] {
			places[i].Rank = places[i-1].Rank
		}
		places[i].Percentile = float64(n-places[i].Rank+1) / float64(n)
	}
	return places
}

// writeScores writes id,score,rank,percentile. Scores are the shortest decimal
// that reads back as the same number.
func writeScores(ctx context.Context, w io.Writer, places []Place, scores []float64, name func(uint32) string) error {
	if _, err := io.WriteString(w, "id,score,rank,percentile\n"); err != nil {
		return err
	}
	var line []byte
	for i, p := range places {
		if i%linesPerCheck == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		line = appendCell(line[:0], name(p.Node))
		line = append(line, ',')
		line = strconv.AppendFloat(line, scores[p.Node], 'g', -1, 64)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(p.Rank), 10)
		line = append(line, ',')
		line = strconv.AppendFloat(line, p.Percentile, 'f', 6, 64)
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// appendCell quotes what RFC 4180, or a reader that trims spaces and passes over
// comments, would change.
func appendCell(line []byte, id string) []byte {
	if !strings.ContainsAny(id, "\",\r\n") && strings.TrimSpace(id) == id && !strings.HasPrefix(id, "#") {
		return append(line, id...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(id, `"`, `""`)...)
	return append(line, '"')
}
