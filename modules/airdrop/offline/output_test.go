package offline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"banyan/modules/airdrop/offline"
	"banyan/platform/fault"
	"banyan/platform/merkle"
)

func TestNothingIsWrittenOverWhatIsRead(t *testing.T) {
	folder := t.TempDir()
	list, tree := filepath.Join(folder, "list.csv"), filepath.Join(folder, "drop.tree")
	if err := os.WriteFile(list, []byte("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runner := offline.Runner{Now: time.Now}
	ctx := t.Context()
	job := offline.BuildJob{In: list, Format: string(merkle.OZ), Out: tree}
	if _, err := runner.Build(ctx, job); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{list, tree} {
		if err := os.Link(file, file+".again"); err != nil {
			t.Fatal(err)
		}
	}
	for name, work := range map[string]func(context.Context, string) error{
		"build": func(ctx context.Context, out string) error {
			_, err := runner.Build(ctx, offline.BuildJob{In: list, Format: string(merkle.OZ), Out: out})
			return err
		},
		"import": func(ctx context.Context, out string) error {
			_, err := runner.Import(ctx, offline.ImportJob{In: list, Out: out})
			return err
		},
		"verify": func(ctx context.Context, out string) error {
			_, err := runner.Verify(ctx, offline.VerifyJob{Tree: tree, In: list, Out: out})
			return err
		},
		"proofs": func(ctx context.Context, out string) error {
			_, err := runner.VerifyProofs(ctx, offline.ProofsJob{Proofs: list, Root: merkle.Hash{}.String(), Format: string(merkle.OZ), Out: out})
			return err
		},
		"export": func(ctx context.Context, out string) error {
			_, err := runner.Export(ctx, offline.ExportJob{Tree: tree, As: offline.AsCSV, Out: out})
			return err
		},
	} {
		read := list
		if name == "export" {
			read = tree
		}
		before, err := os.ReadFile(read)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{read, read + ".again"} {
			if err := work(ctx, out); !fault.Is(err, fault.Invalid) || fault.From(err).Fields[0].Name != "--out" {
				t.Errorf("%s over its input: got error %v", name, err)
			}
		}
		if after, err := os.ReadFile(read); err != nil || string(after) != string(before) {
			t.Errorf("%s replaced its input (%v)", name, err)
		}
	}
}
