package offline

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"banyan/platform/appendjson"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/merkle/published"
	"banyan/platform/wallet"
)

const (
	maxShardDigits = 4
	// shardRows is how many wallets a shard has at most, about: half a megabyte
	// of proofs, a quarter of that when compressed.
	shardRows = 512
)

// Shards are static files for a claim page without a server. The page takes the
// first digits of the wallet, in lower case and after 0x, and fetches
// <digits>.json; a shard that does not exist has no wallets. root.json has the
// number of digits:
//
//	{"root":"0x…","shardNybbles":2,"total":"…","count":…,"format":"oz"}
//
// A shard of the format ens is as ENS publishes them: the page builds the
// shard's own tree from the entries, and appends proof.
//
//	{"proof":["0x…"],"entries":{"0x…":{"balance":"…"}}}
//
// In the other formats each wallet has all that its claim needs; a wallet with
// several rows has an array of them. Leaves of other values have "values" in
// their order, and trees with positional pairs "sides".
//
//	{"claims":{"0x…":{"index":0,"amount":"…","proof":["0x…"]},"0x…":[{…},{…}]}}

// writeShards fills a folder and returns the number of files. The folder
// appears under its name only when it is complete. progress is called with the
// number of rows done.
func writeShards(ctx context.Context, tree *merkle.Tree, job ExportJob, progress func(rows int)) (files int, err error) {
	if who, _ := tree.Spec().Leaf.Roles(); who < 0 {
		return 0, fault.New(fault.Unsupported, "the leaves of this tree have no wallet, by which shards are found: export it as csv")
	}
	digits, err := shardDigits(tree, job.Digits)
	if err != nil {
		return 0, err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(job.Out), "."+filepath.Base(job.Out)+".tmp")
	if err != nil {
		return 0, fmt.Errorf("make the folder of the shards: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	s := shardWriter{tree: tree, folder: temporary, digits: digits, progress: progress, name: func(prefix string) string { return prefix + ".json" }}
	if err := s.all(ctx); err != nil {
		return 0, err
	}
	if err := s.root(); err != nil {
		return 0, err
	}
	if err := os.Chmod(temporary, 0o755); err != nil { //nolint:gosec // a web server must be able to read it
		return 0, err
	}
	return s.files, os.Rename(temporary, job.Out)
}

func shardDigits(tree *merkle.Tree, asked int) (int, error) {
	if tree.Format() == merkle.ENS {
		if asked != 0 && asked != tree.Nybbles() {
			return 0, fault.UsageOf("--shard-digits", fmt.Sprintf("this tree was built with prefixes of %d digits", tree.Nybbles()))
		}
		return tree.Nybbles(), nil
	}
	if asked != 0 {
		return asked, nil
	}
	digits := 1
	for digits < maxShardDigits && tree.Count()>>(4*digits) > shardRows {
		digits++
	}
	return digits, nil
}

// shardWriter goes through the wallets in their order, shard by shard.
type shardWriter struct {
	tree   *merkle.Tree
	folder string
	digits int
	files  int
	// progress is called with the number of rows done.
	progress func(rows int)
	name     func(prefix string) string               // of a shard's file
	written  func(name string, text []byte, rows int) // is told of each shard; nil: nobody

	prefix string // of the current shard; "" before the first
	text   []byte
	proof  []merkle.Hash
	rows   []int
	inside int // rows of the current shard
}

func (s *shardWriter) all(ctx context.Context) error {
	for k := 0; k < s.tree.Count(); {
		rows, who, err := s.rowsFrom(k)
		if err != nil {
			return err
		}
		if prefix := prefixOf(who, s.digits); prefix != s.prefix {
			if err := errors.Join(ctx.Err(), s.close()); err != nil {
				return err
			}
			s.progress(k)
			if err := s.open(prefix, rows[0]); err != nil {
				return err
			}
		} else {
			s.text = append(s.text, ',')
		}
		if err := s.add(who, rows); err != nil {
			return err
		}
		k += len(rows)
	}
	return s.close()
}

// rowsFrom returns all rows of the wallet whose first row has the rank k.
func (s *shardWriter) rowsFrom(k int) (rows []int, who wallet.Address, err error) {
	s.rows = s.rows[:0]
	for ; k < s.tree.Count(); k++ {
		i, err := s.tree.Ranked(k)
		if err != nil {
			return nil, who, err
		}
		e, err := s.tree.At(i)
		if err != nil {
			return nil, who, err
		}
		if len(s.rows) > 0 && e.Wallet != who {
			break
		}
		who = e.Wallet
		s.rows = append(s.rows, i)
	}
	return s.rows, who, nil
}

func prefixOf(who wallet.Address, digits int) string { return hex.EncodeToString(who[:2])[:digits] }

// open starts a shard; row is its first.
func (s *shardWriter) open(prefix string, row int) error {
	s.prefix = prefix
	if s.tree.Format() != merkle.ENS {
		s.text = append(s.text[:0], `{"claims":{`...)
		return nil
	}
	top, err := s.tree.ShardProof(row)
	if err != nil {
		return err
	}
	s.text = append(published.AppendProof(append(s.text[:0], `{"proof":`...), top), `,"entries":{`...)
	return nil
}

func (s *shardWriter) add(who wallet.Address, rows []int) (err error) {
	s.text = append(append(append(s.text, '"'), who.String()...), `":`...)
	if len(rows) > 1 {
		s.text = append(s.text, '[')
	}
	s.inside += len(rows)
	for k, row := range rows {
		if k > 0 {
			s.text = append(s.text, ',')
		}
		if err := s.addRow(row); err != nil {
			return err
		}
	}
	if len(rows) > 1 {
		s.text = append(s.text, ']')
	}
	return nil
}

func (s *shardWriter) addRow(i int) error {
	e, err := s.tree.At(i)
	if err != nil {
		return err
	}
	if s.tree.Format() == merkle.ENS {
		s.text = append(appendDecimal(append(s.text, `{"balance":"`...), &e.Amount), `"}`...)
		return nil
	}
	if s.proof, err = s.tree.AppendProof(s.proof[:0], i); err != nil {
		return err
	}
	if s.tree.Typed() {
		values, err := s.tree.Values(i)
		if err != nil {
			return err
		}
		s.text = appendStrings(append(s.text, `{"values":`...), values)
	} else {
		s.text = strconv.AppendUint(append(s.text, `{"index":`...), e.Index, 10)
		s.text = append(appendDecimal(append(s.text, `,"amount":"`...), &e.Amount), '"')
	}
	s.text = published.AppendProof(append(s.text, `,"proof":`...), s.proof)
	left, err := s.tree.LeftSides(i)
	if err != nil {
		return err
	}
	if left != nil {
		s.text = appendStrings(append(s.text, `,"sides":`...), merkle.SideNames(left))
	}
	s.text = append(s.text, '}')
	return nil
}

func appendStrings(to []byte, texts []string) []byte {
	to = append(to, '[')
	for i, text := range texts {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendjson.Text(to, text)
	}
	return append(to, ']')
}

func (s *shardWriter) close() error {
	if s.prefix == "" {
		return nil
	}
	s.files++
	s.text = append(s.text, "}}\n"...)
	name := s.name(s.prefix)
	if s.written != nil {
		s.written(name, s.text, s.inside)
	}
	s.inside = 0
	return s.write(name, s.text)
}

// root writes what the page reads first.
func (s *shardWriter) root() error {
	total := s.tree.Total()
	text, err := json.Marshal(struct {
		Root    merkle.Hash   `json:"root"`
		Nybbles int           `json:"shardNybbles"`
		Total   string        `json:"total"`
		Count   int           `json:"count"`
		Format  merkle.Format `json:"format"`
	}{s.tree.Root(), s.digits, total.Dec(), s.tree.Count(), s.tree.Format()})
	if err != nil {
		return err
	}
	s.files++
	return s.write("root.json", append(text, '\n'))
}

func (s *shardWriter) write(name string, text []byte) error {
	return os.WriteFile(filepath.Join(s.folder, name), text, 0o644) //nolint:gosec // a web server must be able to read it
}
