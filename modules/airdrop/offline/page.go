package offline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"banyan/platform/browserwallet"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/wallet"
)

//go:embed claimpage
var claimPage embed.FS

// pageShardRows is how many wallets a shard of a claim page has at most, about: a
// visitor loads one shard, and on a phone.
const pageShardRows = 64

// PageJob writes a claim page that needs no server: a folder for any file host.
type PageJob struct {
	Tree     string
	Out      string // a folder that does not exist yet
	Name     string // of the airdrop, for people
	Symbol   string
	Decimals int
	Chain    uint64
	Contract wallet.Address // the distributor
	Digits   int            // of the shards' prefixes, 1 to 4; 0: so that a shard has up to about 64 wallets
}

// PageExported is the result of a PageJob. The manifest has the SHA-256 of every other
// file, so its own is that of the whole page.
type PageExported struct {
	Out            string      `json:"out"`
	Root           merkle.Hash `json:"root"`
	Count          int         `json:"count"` // rows
	Files          int         `json:"files"`
	PageBytes      int         `json:"page_bytes"`    // that every visitor loads
	LargestShard   int         `json:"largest_shard"` // bytes, of which a visitor loads one
	LargestRows    int         `json:"largest_rows"`  // rows of a shard, at most
	ShardDigits    int         `json:"shard_digits"`
	ManifestSHA256 string      `json:"manifest_sha256"`
	Seconds        float64     `json:"seconds"`
}

func (job PageJob) check() error {
	switch {
	case job.Tree == "":
		return fault.UsageOf("--tree", "name the tree file")
	case job.Out == "" || job.Out == Stdio:
		return fault.UsageOf("--out", "name a new folder")
	case job.Name == "" || len(job.Name) > 100:
		return fault.UsageOf("--name", "name the airdrop, in up to 100 bytes")
	case job.Symbol == "" || len(job.Symbol) > 20:
		return fault.UsageOf("--symbol", "name the token, in up to 20 bytes")
	case job.Decimals < 0 || job.Decimals > 77:
		return fault.UsageOf("--decimals", "a token has 0 to 77 decimals")
	case job.Chain == 0 || job.Chain > 1<<53-1:
		return fault.UsageOf("--chain", "is the number of the chain where the contract is, like 1")
	case job.Contract.IsZero():
		return fault.UsageOf("--contract", "is the address of the distributor")
	case job.Digits < 0 || job.Digits > maxShardDigits:
		return fault.UsageOf("--shard-digits", "shards have prefixes of 1 to 4 hex digits")
	}
	if _, err := os.Lstat(job.Out); err == nil {
		return fault.UsageOf("--out", job.Out+" exists already: name a new folder")
	}
	return nil
}

// ExportPage writes the page. The folder appears under its name only when it is
// complete. Fails with fault.Unsupported for trees whose claims the page cannot make.
func (r Runner) ExportPage(ctx context.Context, job PageJob) (done PageExported, err error) {
	start := r.Now()
	if err := job.check(); err != nil {
		return done, err
	}
	tree, err := merkle.Open(job.Tree)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	if f := tree.Format(); f != merkle.OZIndexed && f != merkle.Uniswap && f != merkle.Cumulative {
		return done, fault.Newf(fault.Unsupported, "a claim page is for lists of the formats oz-indexed, uniswap and cumulative, and this one has %s: build the tree in one of them, for a contract of that format", f)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(job.Out), "."+filepath.Base(job.Out)+".tmp")
	if err != nil {
		return done, fmt.Errorf("make the folder of the page: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	p := pageWriter{job: job, tree: tree, folder: temporary, sums: make(map[string]string)}
	p.done = PageExported{Out: job.Out, Root: tree.Root(), Count: tree.Count()}
	if err := p.shards(ctx, func(rows int) { r.progress("writing the page", int64(rows), int64(tree.Count())) }); err != nil {
		return done, err
	}
	if err := errors.Join(p.pages(), p.manifest()); err != nil {
		return done, err
	}
	if err := os.Chmod(temporary, 0o755); err != nil { //nolint:gosec // a web server must be able to read it
		return done, err
	}
	p.done.Seconds = r.since(start)
	return p.done, os.Rename(temporary, job.Out)
}

// pageWriter writes the files of a page, and remembers their hashes.
type pageWriter struct {
	job    PageJob
	tree   *merkle.Tree
	folder string
	sums   map[string]string // SHA-256 in hex digits, by file
	done   PageExported
}

// shardFile is where the shard of a prefix stands: no folder has more than 256 files.
func shardFile(prefix string) string {
	if len(prefix) > 2 {
		prefix = prefix[:2] + "/" + prefix[2:]
	}
	return "claims/" + prefix + ".json"
}

// shards writes a file for every prefix, also for those without wallets: a file that
// cannot be read never means that a wallet is not on the list.
func (p *pageWriter) shards(ctx context.Context, progress func(int)) error {
	digits := p.job.Digits
	for digits == 0 || p.job.Digits == 0 && digits < maxShardDigits && p.tree.Count()>>(4*digits) > pageShardRows {
		digits++
	}
	p.done.ShardDigits = digits
	empty := []byte("{\"claims\":{}}\n")
	for i := range 1 << (4 * digits) {
		name := shardFile(fmt.Sprintf("%0*x", digits, i))
		if err := os.MkdirAll(filepath.Join(p.folder, filepath.Dir(name)), 0o755); err != nil { //nolint:gosec // as above
			return err
		}
		p.sums[name] = ""
	}
	s := shardWriter{tree: p.tree, folder: p.folder, digits: digits, progress: progress, name: shardFile, written: func(name string, text []byte, rows int) {
		sum := sha256.Sum256(text)
		p.sums[name] = hex.EncodeToString(sum[:])
		p.done.LargestShard, p.done.LargestRows = max(p.done.LargestShard, len(text)), max(p.done.LargestRows, rows)
	}}
	if err := s.all(ctx); err != nil {
		return err
	}
	for name, sum := range p.sums {
		if sum == "" {
			if err := p.write(name, empty); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pageWriter) write(name string, text []byte) error {
	sum := sha256.Sum256(text)
	p.sums[name] = hex.EncodeToString(sum[:])
	return os.WriteFile(filepath.Join(p.folder, filepath.FromSlash(name)), text, 0o644) //nolint:gosec // as above
}

// pageLanguage is a language of the page. The texts of others than English are made from
// the English ones, with the catalogue of the pages: see web/language.
type pageLanguage struct {
	Language    string // its tag
	Own         string // what it calls itself
	Page        string // its file
	folder      string // of its sources
	ending      string // of its scripts
	group, mark string // of numbers
}

var pageLanguages = [...]pageLanguage{
	{Language: "en", Own: "English", Page: "index.html", folder: "claimpage", ending: ".js", group: ",", mark: "."},
	{Language: "de", Own: "Deutsch", Page: "de.html", folder: "claimpage/de", ending: ".de.js", group: ".", mark: ","},
}

// source reads a source of the page in the language. The script for wallets is shared
// with the site's pages, so its English is not among the sources here.
func (l pageLanguage) source(name string) ([]byte, error) {
	if name == browserwallet.Name && l.Language == "en" {
		return fs.ReadFile(browserwallet.Files(), name)
	}
	return fs.ReadFile(claimPage, l.folder+"/"+name)
}

// pages writes what every visitor loads, in each language.
func (p *pageWriter) pages() error {
	style, err := fs.ReadFile(claimPage, "claimpage/claim.css")
	if err != nil {
		return err
	}
	if err := p.write("claim.css", style); err != nil {
		return err
	}
	for i, l := range pageLanguages {
		size, err := p.page(l, pageLanguages[(i+1)%len(pageLanguages)])
		if err != nil {
			return err
		}
		p.done.PageBytes = max(p.done.PageBytes, size+len(style))
	}
	return nil
}

// page writes the page in a language, and returns how long its files are.
func (p *pageWriter) page(l, other pageLanguage) (size int, err error) {
	facts := pageFacts{
		PageJob: p.job, pageLanguage: l, Other: other, Root: p.tree.Root(), Format: p.tree.Format(), Digits: p.done.ShardDigits,
		Count: grouped(fmt.Sprint(p.tree.Count()), l.group), Total: p.total(l), integrity: map[string]string{"claim.css": integrityOf(p.sums["claim.css"])},
	}
	for _, name := range []string{browserwallet.Name, "claim.js"} {
		text, err := l.source(name)
		if err != nil {
			return 0, err
		}
		name = strings.TrimSuffix(name, ".js") + l.ending
		if err := p.write(name, text); err != nil {
			return 0, err
		}
		size += len(text)
		facts.Scripts = append(facts.Scripts, name)
		facts.integrity[name] = integrityOf(p.sums[name])
	}
	source, err := l.source("index.html")
	if err != nil {
		return 0, err
	}
	index, err := template.New(l.Page).Parse(string(source))
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	if err := index.Execute(&out, facts); err != nil {
		return 0, fmt.Errorf("write the page: %w", err)
	}
	return size + out.Len(), p.write(l.Page, out.Bytes())
}

// pageFacts are what the page says of an airdrop.
type pageFacts struct {
	PageJob
	pageLanguage

	Other     pageLanguage
	Root      merkle.Hash
	Format    merkle.Format
	Digits    int
	Count     string
	Total     string // in tokens
	Scripts   []string
	integrity map[string]string
}

// Integrity is the hash with which a browser checks a file (Subresource Integrity).
func (f pageFacts) Integrity(name string) string { return f.integrity[name] }

// integrityOf writes a SHA-256 in hex digits as browsers read it.
func integrityOf(sum string) string {
	raw, _ := hex.DecodeString(sum) // we have written it
	return "sha256-" + base64.StdEncoding.EncodeToString(raw)
}

// total is the whole amount in tokens.
func (p *pageWriter) total(l pageLanguage) string {
	total := p.tree.Total()
	digits := total.Dec()
	digits = strings.Repeat("0", max(0, p.job.Decimals+1-len(digits))) + digits
	whole, rest := digits[:len(digits)-p.job.Decimals], digits[len(digits)-p.job.Decimals:]
	for len(rest) > 0 && rest[len(rest)-1] == '0' {
		rest = rest[:len(rest)-1]
	}
	if rest != "" {
		rest = l.mark + rest
	}
	return grouped(whole, l.group) + rest
}

// grouped writes digits in groups of three.
func grouped(digits, by string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + by + digits[i:]
	}
	return digits
}

// manifest writes the hashes of all files before it.
func (p *pageWriter) manifest() error {
	type file struct {
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
	}
	var all []file
	for path, sum := range p.sums {
		all = append(all, file{path, sum})
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	total := p.tree.Total()
	text, err := json.MarshalIndent(struct {
		Name     string         `json:"name"`
		Root     merkle.Hash    `json:"root"`
		Format   merkle.Format  `json:"format"`
		Count    int            `json:"count"`
		Total    string         `json:"total"`
		Chain    uint64         `json:"chain"`
		Contract wallet.Address `json:"contract"`
		Digits   int            `json:"shard_digits"`
		Files    []file         `json:"files"`
	}{p.job.Name, p.tree.Root(), p.tree.Format(), p.tree.Count(), total.Dec(), p.job.Chain, p.job.Contract, p.done.ShardDigits, all}, "", " ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	sum := sha256.Sum256(text)
	p.done.ManifestSHA256, p.done.Files = hex.EncodeToString(sum[:]), len(all)+1
	return p.write("manifest.json", text)
}
