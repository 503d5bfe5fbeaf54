package offline

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"banyan/modules/airdrop/rules"
	"banyan/platform/fault"
)

// ReproduceJob computes the list of a manifest again.
type ReproduceJob struct {
	Manifest string
	Folder   string // where the inputs are; "" = beside the manifest
	Out      string // the list, as AllocateJob.Out
	Tree     string // the tree file
}

// Reproduce does the job: it reads the inputs by their hashes, whatever their names
// are, and fails with fault.Conflict when the root, the count or the total is not the
// one of the manifest.
func (r Runner) Reproduce(ctx context.Context, job ReproduceJob) (a Allocated, err error) {
	start := r.Now()
	text, err := r.readWhole(job.Manifest, rules.MaxManifest)
	if err != nil {
		return a, err
	}
	m, parsed, err := rules.ParseManifest(text)
	if err != nil {
		return a, fmt.Errorf("%s: %w", job.Manifest, err)
	}
	files, err := r.findInputs(m, job)
	if err != nil {
		return a, err
	}
	result, tree, err := r.evaluate(ctx, parsed, files, m.Format, &a)
	if err != nil {
		return a, err
	}
	if tree.Root() != m.Root || result.Count != m.Count || result.Total.Dec() != m.Total {
		return a, fault.Newf(fault.Conflict, "the root is %s of %d wallets and %s base units, and the manifest says %s of %d and %s: its rules and inputs have another result. Do not believe it: ask whoever made it for the inputs and the manifest again",
			tree.Root(), result.Count, result.Total.Dec(), m.Root, m.Count, m.Total)
	}
	a.Preview = result.Preview(nil)
	if job.Out != "" {
		if err := r.writeTo(job.Out, func(out *bufio.Writer) error { return writeAmounts(out, result) }); err != nil {
			return a, err
		}
	}
	if job.Tree != "" {
		if _, err := r.keep(ctx, tree, job.Tree, start); err != nil {
			return a, err
		}
	}
	a.Seconds = r.since(start)
	return a, nil
}

// mostLookedAt is how many files of a folder are hashed to find an input that has
// another name.
const mostLookedAt = 1000

// findInputs finds the files of a manifest's inputs: by name if the content is the
// right one, otherwise any file of the folder that has it.
func (r Runner) findInputs(m rules.Manifest, job ReproduceJob) ([]sourceFile, error) {
	folder := job.Folder
	if folder == "" {
		folder = filepath.Dir(job.Manifest)
	}
	found := make([]sourceFile, len(m.Inputs))
	missing := make(map[string][]int)
	for i, in := range m.Inputs {
		path := filepath.Join(folder, filepath.Base(in.File))
		found[i] = sourceFile{path: path, sha256: in.SHA256, root: in.EpochRoot}
		if sum, err := hashFile(path); err != nil || sum != in.SHA256 {
			missing[in.SHA256] = append(missing[in.SHA256], i)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read the folder of the inputs: %w", err)
	}
	for n, entry := range entries {
		if n >= mostLookedAt || len(missing) == 0 {
			break
		}
		path := filepath.Join(folder, entry.Name())
		if !fileExists(path) {
			continue
		}
		if sum, err := hashFile(path); err == nil {
			for _, i := range missing[sum] {
				found[i].path = path
			}
			delete(missing, sum)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	var names []string
	for _, places := range missing {
		for _, i := range places {
			names = append(names, fmt.Sprintf("%s (source %s, SHA-256 %s)", m.Inputs[i].File, m.Inputs[i].Source, m.Inputs[i].SHA256))
		}
	}
	slices.Sort(names)
	return nil, fault.Newf(fault.NotFound, "inputs of the manifest are not in %s: %s. Put the files there, or name their folder with --inputs; whoever made the manifest has them, and the server of its campaign offers each on the page of the rules", folder, strings.Join(names, ", "))
}

func hashFile(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // only read
	hash := sha256.New()
	if _, err := io.Copy(hash, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
