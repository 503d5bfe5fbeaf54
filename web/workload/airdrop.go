package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/holiman/uint256"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/load"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

// listRows is how many wallets are on a list that the load uploads.
const listRows = 200

// Airdrop looks at campaigns; with the rights of an operator it also makes some: a
// list is uploaded, its tree built, and the list verified against it.
func Airdrop(ctx context.Context, run Run, route *seam.Route) ([]load.Visit, error) {
	s := airdrop.NewClient(route)
	if _, err := s.Campaigns(ctx, airdrop.CampaignsQuery{}); err != nil {
		return nil, err
	}
	r := campaignVisits{s, run}
	visits := []load.Visit{{Name: "the campaigns", Share: 10, Do: r.list}}
	if run.Operators {
		visits = append(visits, load.Visit{Name: "a campaign from its list to its proofs", Share: 4, Do: r.campaign})
	}
	return visits, nil
}

type campaignVisits struct {
	s   airdrop.Service
	run Run
}

func (r campaignVisits) list(ctx context.Context, c *load.Caller) error {
	c.Read(ctx, "airdrop/campaigns", func(ctx context.Context) error {
		_, err := r.s.Campaigns(ctx, airdrop.CampaignsQuery{})
		return err
	})
	return nil
}

func (r campaignVisits) campaign(ctx context.Context, c *load.Caller) error {
	l, err := newList(ctx)
	if err != nil {
		return err
	}
	draft := airdrop.CampaignDraft{
		Name: fmt.Sprintf("Load %s %s", r.run.Name, l.wallets[0].Short()), Description: r.run.mark(), Symbol: "LOAD", Decimals: 18, Format: merkle.OZ,
	}
	var made airdrop.Campaign
	if ok, err := c.Write(ctx, load.Entry{Operation: "airdrop/createCampaign", About: draft.Name}, func(ctx context.Context, key string) (_ string, err error) {
		made, err = r.s.CreateCampaign(seam.WithIdempotencyKey(ctx, key), draft)
		return made.ID, err
	}); !ok {
		return err
	}
	entry := load.Entry{Operation: "airdrop/uploadList", ID: made.ID, About: draft.Name, Digest: fmt.Sprintf("%d rows", listRows)}
	if ok, err := c.Write(ctx, entry, func(ctx context.Context, key string) (string, error) {
		_, err := r.s.UploadList(seam.WithIdempotencyKey(ctx, key), airdrop.ListUpload{ID: made.ID, Body: strings.NewReader(l.csv)})
		return "", err
	}); !ok {
		return err
	}
	entry = load.Entry{Operation: "airdrop/buildTree", ID: made.ID, About: draft.Name, Digest: l.root.String()}
	if ok, err := c.Write(ctx, entry, func(ctx context.Context, key string) (string, error) {
		_, err := r.s.BuildTree(seam.WithIdempotencyKey(ctx, key), airdrop.BuildRequest{ID: made.ID})
		return "", err
	}); !ok {
		return err
	}
	r.verify(ctx, c, made.ID, l)
	return nil
}

// verify asks for the verdict about every wallet of the list, and for one's proof.
func (r campaignVisits) verify(ctx context.Context, c *load.Caller, id string, l list) {
	if !c.Read(ctx, "airdrop/verifyWallets", func(ctx context.Context) error {
		stream, err := r.s.VerifyWallets(ctx, airdrop.WalletsUpload{ID: id, Body: strings.NewReader(l.csv)})
		if err != nil {
			return err
		}
		return allEligible(stream)
	}) {
		return
	}
	c.Read(ctx, "airdrop/claim", func(ctx context.Context) error {
		claim, err := r.s.Claim(ctx, airdrop.ClaimQuery{ID: id, Wallet: l.wallets[0]})
		if err == nil && !merkle.Verify(merkle.OZ, l.root, merkle.Entry{Wallet: claim.Wallet, Amount: claim.Amount}, claim.Proof) {
			err = fault.New(fault.Internal, "the proof does not lead to the root of the list that was uploaded")
		}
		return err
	})
}

// allEligible reads a verdict about each wallet of a list.
func allEligible(stream seam.Stream) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(stream.Write(writer)) }() // ends when the reader is closed
	defer func() { _ = reader.Close() }()
	verdicts, eligible := json.NewDecoder(reader), 0
	for {
		var v airdrop.Verdict
		if err := verdicts.Decode(&v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if v.Status == airdrop.Eligible {
			eligible++
		}
	}
	if eligible != listRows {
		return fault.Newf(fault.Internal, "%d wallets of a list of %d are eligible", eligible, listRows)
	}
	return nil
}

// list is a list of new wallets, with the root of its tree as it is computed here.
type list struct {
	csv     string
	wallets []wallet.Address
	root    merkle.Hash
}

func newList(ctx context.Context) (l list, err error) {
	var csv strings.Builder
	rows := merkle.NewList()
	for n := range uint64(listRows) {
		w := nobody()
		amount := uint256.NewInt(1000 + n)
		if err := rows.Append(w, *amount); err != nil {
			return l, err
		}
		fmt.Fprintf(&csv, "%s,%s\n", w, amount.Dec())
		l.wallets = append(l.wallets, w)
	}
	tree, err := merkle.Build(ctx, merkle.OZ, rows, merkle.Options{Workers: 1})
	if err != nil {
		return l, err
	}
	l.csv, l.root = csv.String(), tree.Root()
	return l, tree.Close()
}
