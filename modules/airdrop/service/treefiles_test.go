package service_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/service"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/seamtest"
)

// treeFile returns the path of a built campaign's tree.
func (w *fixture) treeFile(t testing.TB, c airdrop.Campaign) string {
	t.Helper()
	var chunks [][]byte
	err := w.db.Read().Select(anybody, &chunks, `
		SELECT
			body
		FROM list_chunk
		WHERE list_id = (SELECT list_id FROM campaign WHERE id = ?)
		ORDER BY number
		LIMIT 100`, c.ID)
	if err != nil || len(chunks) == 0 {
		t.Fatalf("the list has %d chunks, %v", len(chunks), err)
	}
	digest := sha256.Sum256(bytes.Join(chunks, nil))
	return filepath.Join(w.options.Trees, fmt.Sprintf("%x-%x.tree", c.Root[:], digest[:16]))
}

// filed opens the module in process with a folder for its tree files.
func filed(t testing.TB, o service.Options) *fixture {
	o.DB = databasetest.SQLite(t, airdrop.Name)
	o.Trees = filepath.Join(t.TempDir(), "trees")
	return open(t, o, seamtest.InProcess)
}

// logged returns what the module logs from now on.
func (w *fixture) logged() *bytes.Buffer {
	var text bytes.Buffer
	w.options.Log = slog.New(slog.NewTextHandler(&text, nil))
	return &text
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestATreeIsKeptInAFileNamedByItsRoot(t *testing.T) {
	eachWay(t, func(t *testing.T, w *fixture) {
		for _, format := range merkle.Formats() {
			c := w.built(t, draft(format), numberedList(300))
			ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(299)}
			claim := must(w.Claim(anybody, ask))(t)
			before, err := os.Stat(w.treeFile(t, c))
			if err != nil {
				t.Fatal(err)
			}
			log := w.logged()
			again := w.restarted(t)
			same(t, "a claim", must(again.Claim(anybody, ask))(t), claim)
			if !merkle.Verify(format, claim.Root, merkle.Entry{Index: claim.Index, Wallet: claim.Wallet, Amount: claim.Amount}, claim.Proof) {
				t.Error("the proof does not hold")
			}
			after, err := os.Stat(w.treeFile(t, c))
			if err != nil || !os.SameFile(before, after) || log.Len() > 0 {
				t.Errorf("the tree was built again: %v, %s", err, log)
			}
		}
	})
}

// Whatever happens to the file, the list in the database is authoritative.
func TestAFileThatCannotBeUsedIsMadeAgain(t *testing.T) {
	flip := func(where func(size int) int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			content := contents(t, path)
			content[where(len(content))] ^= 0x10
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, harm := range map[string]func(t *testing.T, path string){
		"a byte of the header":    flip(func(int) int { return 90 }),
		"a byte of the rows":      flip(func(int) int { return 4096 + 21 }),
		"a byte of the nodes":     flip(func(size int) int { return size / 2 }),
		"a byte of the checksums": flip(func(size int) int { return size - 1 }),
		"a truncated file": func(t *testing.T, path string) {
			if err := os.Truncate(path, 5000); err != nil {
				t.Fatal(err)
			}
		},
		"an empty file": func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		},
		"no file": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"no folder": func(t *testing.T, path string) {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := filed(t, service.Options{})
			c := w.built(t, draft(merkle.OZ), numberedList(300))
			ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(0)}
			claim, good := must(w.Claim(anybody, ask))(t), contents(t, w.treeFile(t, c))

			// Another file replaces it, as a bad copy does: what is mapped
			// stays.
			if err := os.Remove(w.treeFile(t, c)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(w.treeFile(t, c), good, 0o644); err != nil {
				t.Fatal(err)
			}
			harm(t, w.treeFile(t, c))
			same(t, "a claim from the process that has it mapped", must(w.Claim(anybody, ask))(t), claim)
			log := w.logged()
			again := w.restarted(t)
			same(t, "a claim after the restart", must(again.Claim(anybody, ask))(t), claim)
			if !bytes.Equal(contents(t, w.treeFile(t, c)), good) {
				t.Error("the file was not written again")
			}
			if strings.Count(log.String(), "built again") != 1 {
				t.Errorf("the log has %q", log)
			}
		})
	}
}

func TestAFileOfAnotherTreeIsNotServed(t *testing.T) {
	w := filed(t, service.Options{})
	mine := w.built(t, draft(merkle.OZ), numberedList(300))
	other := w.built(t, draft(merkle.OZ), numberedList(301))
	ask := airdrop.ClaimQuery{ID: mine.ID, Wallet: numbered(1)}
	claim := must(w.Claim(anybody, ask))(t)
	if err := os.Rename(w.treeFile(t, other), w.treeFile(t, mine)); err != nil {
		t.Fatal(err)
	}
	same(t, "a claim", must(w.restarted(t).Claim(anybody, ask))(t), claim)
}

// Most roots do not determine the order, and two lists may share one. These
// differ only in their second chunks.
func TestTheSameListInAnotherOrderKeepsItsPlaces(t *testing.T) {
	const rows, turnedFrom = 25_000, 20_001
	for _, format := range []merkle.Format{merkle.OZ, merkle.ENS, merkle.Cumulative} {
		w := filed(t, service.Options{})
		lines := strings.Split(strings.TrimSpace(numberedList(rows)), "\n")
		turned := slices.Clone(lines)
		slices.Reverse(turned[turnedFrom:])
		a := w.built(t, draft(format), strings.Join(lines, "\n"))
		b := w.built(t, draft(format), strings.Join(turned, "\n"))
		if *a.Root != *b.Root {
			t.Fatal("the roots differ, and this test shows nothing")
		}
		log := w.logged()
		for range 2 {
			first := must(w.Claim(anybody, airdrop.ClaimQuery{ID: a.ID, Wallet: numbered(turnedFrom)}))(t)
			last := must(w.Claim(anybody, airdrop.ClaimQuery{ID: b.ID, Wallet: numbered(turnedFrom)}))(t)
			if first.Index != turnedFrom || last.Index != rows-1 {
				t.Errorf("%s: the wallet is number %d and %d", format, first.Index, last.Index)
			}
			w = w.restarted(t)
		}
		if log.Len() > 0 {
			t.Errorf("%s: not both come from their files: %s", format, log)
		}
	}
}

// forgetDigests makes all lists like those from before digests were stored.
func (w *fixture) forgetDigests(t testing.TB) {
	t.Helper()
	err := w.db.Write(anybody, func(tx *database.Tx) error {
		changed, err := tx.Exec(anybody, `UPDATE list SET digest = NULL WHERE digest IS NOT NULL`)
		if err == nil && changed == 0 {
			err = errors.New("no list has a digest")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAListWithoutADigestHasTheSameFile(t *testing.T) {
	w := filed(t, service.Options{})
	c := w.built(t, draft(merkle.OZ), numberedList(25_000))
	ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(24_000)}
	claim := must(w.Claim(anybody, ask))(t)
	w.forgetDigests(t)
	log := w.logged()
	same(t, "a claim", must(w.restarted(t).Claim(anybody, ask))(t), claim)
	if log.Len() > 0 {
		t.Errorf("its file is not used: %s", log)
	}
}

// BenchmarkFirstClaim is the first claim after a restart, for a list of a
// million rows: from its file, from its file when the digest of the list has to
// be computed, and with the tree built again.
func BenchmarkFirstClaim(b *testing.B) {
	const rows = 1_000_000
	w := filed(b, service.Options{})
	c := w.built(b, draft(merkle.OZ), numberedList(rows))
	ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(rows / 2)}
	first := func(b *testing.B) {
		for b.Loop() {
			must(service.New(w.options).Claim(anybody, ask))(b)
		}
	}
	b.Run("file", first)
	trees := w.options.Trees
	w.options.Trees = ""
	b.Run("no file", first)
	w.options.Trees = trees
	w.forgetDigests(b)
	b.Run("file, no digest", first)
}

func TestWithoutAUsableFolderTreesAreServedFromMemory(t *testing.T) {
	w := filed(t, service.Options{})
	if err := os.WriteFile(w.options.Trees, []byte("in the way"), 0o644); err != nil {
		t.Fatal(err)
	}
	log := w.logged()
	w = open(t, w.options, seamtest.InProcess)
	c := w.built(t, draft(merkle.OZ), numberedList(300))
	ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(7)}
	claim := must(w.Claim(anybody, ask))(t)
	if strings.Count(log.String(), "served from memory") != 1 {
		t.Errorf("the log has %q", log)
	}
	same(t, "a claim", must(w.restarted(t).Claim(anybody, ask))(t), claim)
	if err := os.Remove(w.options.Trees); err != nil {
		t.Fatal(err)
	}
	same(t, "a claim", must(w.restarted(t).Claim(anybody, ask))(t), claim)
	if _, err := os.Stat(w.treeFile(t, c)); err != nil {
		t.Errorf("the folder is usable again, and the tree is not kept: %v", err)
	}
}

// Trees are loaded and evicted while others read them, by two instances of the
// module on one folder. Reading what is no longer mapped would end the program.
func TestTreesAreEvictedWhileTheyAreRead(t *testing.T) {
	const campaigns, callers, rounds, rows = 4, 8, 60, 300
	w := filed(t, service.Options{TreeBytes: 1}) // only the last one stays
	var ids []string
	for i := range campaigns {
		ids = append(ids, w.built(t, draft(merkle.OZ), numberedList(rows+i)).ID)
	}
	processes := []*fixture{w, w.restarted(t)}
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			w := processes[caller%2]
			for i := range rounds {
				number := (caller + i) % campaigns
				who := (caller*rounds + i) % rows
				if caller < 2 {
					stream, err := w.VerifyWallets(anybody, airdrop.WalletsUpload{ID: ids[number], Body: strings.NewReader(numberedList(rows))})
					var answer bytes.Buffer
					if err == nil {
						err = stream.Write(&answer)
					}
					if n := strings.Count(answer.String(), `"`+airdrop.Eligible+`"`); err != nil || n != rows {
						t.Errorf("%d of %d wallets are eligible, %v", n, rows, err)
					}
					continue
				}
				c, err := w.Claim(anybody, airdrop.ClaimQuery{ID: ids[number], Wallet: numbered(who)})
				if err != nil || c.Index != uint64(who) || c.Campaign != ids[number] ||
					!merkle.Verify(merkle.OZ, c.Root, merkle.Entry{Index: c.Index, Wallet: c.Wallet, Amount: c.Amount}, c.Proof) {
					t.Errorf("asked for %d of %s, got %+v, %v", who, ids[number], c, err)
				}
			}
		})
	}
	all.Wait()
}

// Files over 64 MiB are checked where they are read, and not when they are
// opened.
func TestDamageFoundInUseIsRepaired(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: half a million rows")
	}
	const rows = 550_000
	w := filed(t, service.Options{})
	c := w.built(t, draft(merkle.OZ), numberedList(rows))
	ask := airdrop.ClaimQuery{ID: c.ID, Wallet: numbered(rows / 2)}
	claim, good := must(w.Claim(anybody, ask))(t), contents(t, w.treeFile(t, c))
	if len(good) <= 64<<20 {
		t.Fatal("the file is checked as a whole")
	}
	harm := func() *fixture {
		bad := bytes.Clone(good)
		for at := 8 << 20; at < len(bad)*9/10; at += 4096 { // the first rows and the checksums stay right
			bad[at] ^= 1
		}
		path := w.treeFile(t, c)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		return w.restarted(t)
	}
	again := harm()
	same(t, "a claim", must(again.Claim(anybody, ask))(t), claim)
	if !bytes.Equal(contents(t, w.treeFile(t, c)), good) {
		t.Error("the file was not written again")
	}
	again = harm()
	upload := func() airdrop.WalletsUpload {
		return airdrop.WalletsUpload{ID: c.ID, Body: strings.NewReader(fmt.Sprintf("%s\n%s\n", numbered(rows-1), numbered(rows)))}
	}
	if f := refused(again.VerifyWallets(anybody, upload()))(t, fault.Unavailable); f.RetryAfter <= 0 {
		t.Error("the fault has no RetryAfter")
	}
	got := verdictsOf(t, again.verified(t, c.ID, upload().Body))
	if len(got) != 2 || got[0].Status != airdrop.Eligible || got[1].Status != airdrop.Ineligible {
		t.Errorf("got %+v", got)
	}
}
