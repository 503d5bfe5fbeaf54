package offline

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
)

// Kinds of export.
const (
	AsOpenZeppelin = "oz-json"
	AsUniswap      = "uniswap-json"
	AsCSV          = "csv"
	AsShards       = "shards"
)

// ExportJob writes a tree file in another form.
type ExportJob struct {
	Tree string
	As   string // one of the kinds
	Out  string // a file, "-" for standard output; for shards a folder that does not exist yet
	// Digits is the length of the shards' prefixes in hex digits, 1 to 4; 0:
	// chosen so that a shard has some hundred wallets. A tree of the format ens
	// has its own.
	Digits int
}

// Exported is the result of an export.
type Exported struct {
	As      string  `json:"as"`
	Out     string  `json:"out"`
	Count   int     `json:"count"` // rows
	Files   int     `json:"files"`
	Seconds float64 `json:"seconds"`
}

// Export writes the tree in another form. It fails with fault.Unsupported when
// the tree's format has no such form, and then leaves no output.
func (r Runner) Export(ctx context.Context, job ExportJob) (done Exported, err error) {
	start := r.Now()
	write, err := job.writer()
	if err != nil {
		return done, err
	}
	if err := refuseOverwriting(job.Out, job.Tree); err != nil {
		return done, err
	}
	tree, err := merkle.Open(job.Tree)
	if err != nil {
		return done, err
	}
	defer func() {
		if closeErr := tree.Close(); err == nil {
			err = closeErr
		}
	}()
	done = Exported{As: job.As, Out: job.Out, Count: tree.Count(), Files: 1}
	if job.As == AsShards {
		done.Files, err = writeShards(ctx, tree, job, func(rows int) {
			r.progress("sharding", int64(rows), int64(tree.Count()))
		})
	} else {
		var out *output
		if out, err = r.create(job.Out); err != nil {
			return done, err
		}
		err = out.finish(write(ctx, &progressWriter{Writer: out, runner: r}, tree))
	}
	if err != nil {
		return done, fmt.Errorf("export %s: %w", job.Tree, err)
	}
	done.Seconds = r.since(start)
	return done, nil
}

// progressWriter reports how many bytes were written. The total is known only
// at the end.
type progressWriter struct {
	io.Writer
	runner  Runner
	written int64
}

func (t *progressWriter) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	t.written += int64(n)
	t.runner.progress("exporting", t.written, 0)
	return n, err
}

// writer checks the job and returns the function that writes its file; nil for
// shards.
func (job ExportJob) writer() (func(context.Context, io.Writer, *merkle.Tree) error, error) {
	if job.Tree == "" {
		return nil, fault.UsageOf("--tree", "name the tree file")
	}
	if job.Out == "" {
		return nil, fault.UsageOf("--out", "name the file to write, or the folder for shards")
	}
	if job.Digits < 0 || job.Digits > maxShardDigits || (job.Digits > 0 && job.As != AsShards) {
		return nil, fault.UsageOf("--shard-digits", "shards have prefixes of 1 to 4 hex digits; nothing else has shards")
	}
	switch job.As {
	case AsOpenZeppelin:
		return published.WriteOpenZeppelin, nil
	case AsUniswap:
		return published.WriteUniswap, nil
	case AsCSV:
		return writeCSV, nil
	case AsShards:
		if job.Out == Stdio {
			return nil, fault.UsageOf("--out", "shards are many files: name a folder")
		}
		if _, err := os.Lstat(job.Out); err == nil {
			return nil, fault.UsageOf("--out", job.Out+" exists already: name a new folder")
		}
		return nil, nil
	}
	return nil, fault.UsageOf("--as", fmt.Sprintf("choose %s, %s, %s or %s", AsOpenZeppelin, AsUniswap, AsCSV, AsShards))
}

// writeCSV writes index,address,amount in list order, which list.Read reads; of
// leaves with other values those, under their names, which list.ReadLeaves reads.
func writeCSV(ctx context.Context, out io.Writer, tree *merkle.Tree) error {
	line := []byte("index,address,amount\n")
	if tree.Typed() {
		line = append(csvHeader(tree.Spec().Leaf), '\n')
	}
	for i := range tree.Count() {
		var err error
		if line, err = appendCSV(line, tree, i); err != nil {
			return err
		}
		if len(line) >= 64<<10 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := out.Write(line); err != nil {
				return err
			}
			line = line[:0]
		}
	}
	_, err := out.Write(line)
	return err
}

// csvHeader names the columns of a leaf's values.
func csvHeader(leaf merkle.Leaf) []byte {
	who, amount := leaf.Roles()
	var line []byte
	for i, f := range leaf.Fields {
		name := f.Name
		switch {
		case name != "":
		case i == who:
			name = "address"
		case i == amount:
			name = "amount"
		default:
			name = "value" + strconv.Itoa(i+1)
		}
		line = appendCell(separated(line, i), name)
	}
	return line
}

// appendCSV appends the line of row i.
func appendCSV(line []byte, tree *merkle.Tree, i int) ([]byte, error) {
	if tree.Typed() {
		values, err := tree.Values(i)
		if err != nil {
			return line, err
		}
		for k, value := range values {
			line = appendCell(separated(line, k), value)
		}
		return append(line, '\n'), nil
	}
	e, err := tree.At(i)
	if err != nil {
		return line, err
	}
	line = append(strconv.AppendUint(line, e.Index, 10), ',')
	line = append(append(line, e.Wallet.String()...), ',')
	return append(appendDecimal(line, &e.Amount), '\n'), nil
}

func separated(line []byte, i int) []byte {
	if i > 0 {
		return append(line, ',')
	}
	return line
}

// appendCell quotes a cell that needs it.
func appendCell(line []byte, text string) []byte {
	if text != "" && !strings.ContainsAny(text, "\",;\t\r\n#") && strings.TrimSpace(text) == text {
		return append(line, text...)
	}
	return append(append(append(line, '"'), strings.ReplaceAll(text, `"`, `""`)...), '"')
}
