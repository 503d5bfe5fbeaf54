package service

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"banyan/modules/airdrop"
	"banyan/platform/database"
	"banyan/platform/fault"
	"banyan/platform/identity"
	"banyan/platform/merkle"
	"banyan/platform/progress"
	"banyan/platform/testenv/databasetest"
	"banyan/platform/testenv/progresstest"
)

// An upload and a build say how far they are, and are known as work that is done now for
// as long as it is; cancelled in any stage, they leave what there was.
func TestWorkOnAListIsToldAndCancelled(t *testing.T) {
	databasetest.Each(t, airdrop.Name, func(t *testing.T, db *database.DB) {
		trees := t.TempDir()
		s := New(Options{DB: db, Trees: trees}).(*service)
		c, err := s.CreateCampaign(t.Context(), airdrop.CampaignDraft{Name: "One", Format: merkle.OZ, Symbol: "BAN"})
		if err != nil {
			t.Fatal(err)
		}
		now := func() airdrop.ListWork {
			work, err := s.ListWork(t.Context(), airdrop.CampaignQuery{ID: c.ID})
			if err != nil {
				t.Fatal(err)
			}
			return work
		}
		if _, err := s.ListWork(t.Context(), airdrop.CampaignQuery{ID: "none"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("of a campaign that is not there: %v", err)
		}
		var during airdrop.ListWork
		half := "0x00000000000000000000000000000000000000ff,1\n"
		body := io.MultiReader(strings.NewReader(half), readerFunc(func([]byte) (int, error) {
			during = now()
			return 0, io.EOF
		}))
		if _, err := s.UploadList(t.Context(), airdrop.ListUpload{ID: c.ID, Body: body}); err != nil {
			t.Fatal(err)
		}
		if during.Stage != progress.Reading || during.Done != int64(len(half)) {
			t.Errorf("while the list was read: %+v", during)
		}
		var upload progresstest.Told
		if _, err := s.lists.keep(t.Context(), c.ID, rowsOf(t, 3*chunkRows), nil, upload.Tell, keepNothing); err != nil {
			t.Fatal(err)
		}
		if last := upload.Last[progress.Storing]; last.Done != 2*chunkRows || last.Total != 3*chunkRows || upload.Back {
			t.Errorf("an upload says at last %+v", last)
		}
		before := chunksIn(t, db)

		var build progresstest.Told
		if _, _, err := s.buildStored(t.Context(), c.ID, build.Tell); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(build.Stages, []string{progress.Reading, progress.Hashing}) || build.Back || build.Last[progress.Reading].Total != 3*chunkRows || build.Last[progress.Hashing].Total == 0 {
			t.Errorf("a build says %v, at last %+v", build.Stages, build.Last)
		}
		for _, stage := range build.Stages {
			ctx, cancel := context.WithCancel(t.Context())
			_, _, err := s.buildStored(ctx, c.ID, func(is string, _, _ int64) {
				if is == stage {
					cancel()
				}
			})
			cancel()
			if !errors.Is(err, context.Canceled) && !fault.Is(err, fault.Canceled) {
				t.Errorf("cancelled while %s: %v", stage, err)
			}
		}
		if after, err := s.Campaign(identity.With(t.Context(), identity.Caller{Role: identity.Operator}), airdrop.CampaignQuery{ID: c.ID}); err != nil || after.State != airdrop.Listed {
			t.Errorf("after cancelled builds: %+v, %v", after, err)
		}
		if files, err := os.ReadDir(trees); err != nil || len(files) > 0 || !maps.Equal(chunksIn(t, db), before) {
			t.Errorf("cancelled builds have left %v, %v, lists %v", files, err, chunksIn(t, db))
		}
		if work := now(); work != (airdrop.ListWork{}) {
			t.Errorf("work that is over: %+v", work)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
