package trustlist

import (
	"context"
	"io"
	"strconv"
	"strings"

	"banyan/modules/reputation/trust"
)

// writeScores writes id,score,rank,percentile,weight; who has no rank has an
// empty cell there. Scores are the shortest decimal that reads back as the same
// number.
func writeScores(ctx context.Context, w io.Writer, places []Place, r trust.Ranking, name func(uint32) string) error {
	if _, err := io.WriteString(w, "id,score,rank,percentile,weight\n"); err != nil {
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
		line = strconv.AppendFloat(line, r.Value[p.Node], 'g', -1, 64)
		line = append(line, ',')
		if p.Rank > 0 {
			line = strconv.AppendInt(line, int64(p.Rank), 10)
		}
		line = append(line, ',')
		line = strconv.AppendFloat(line, p.Percentile, 'f', 6, 64)
		line = append(line, ',')
		line = strconv.AppendFloat(line, r.Weight(p.Node), 'f', 6, 64)
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
