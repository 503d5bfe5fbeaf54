// Client is a program that calls Banyan as somebody else's would: with the typed
// clients, over HTTP, without a database and without a C compiler. The process
// tests build it as a part of another Go module.
//
//	BANYAN_TOKEN=… client http://127.0.0.1:8080 SEED FRIEND
//
// It lets SEED, which the server trusts, trust FRIEND, prints what came of each
// call, and checks with nothing but the root that FRIEND is on a list.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"banyan/modules/airdrop"
	"banyan/modules/reputation"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/seam"
	"banyan/platform/wallet"
)

func main() {
	ctx, token := context.Background(), os.Getenv("BANYAN_TOKEN")
	seed, friend := wallet.MustParse(os.Args[2]), wallet.MustParse(os.Args[3])
	trust(ctx, token, seed, friend)
	claim(ctx, token, friend)
}

// dial returns the route to a module of the server with a token, "" = without.
func dial(c *seam.Contract, token string) (route *seam.Route, closeRoute func()) {
	route, closeRoute, err := seam.Dial(c, os.Args[1], token)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return route, closeRoute
}

func trust(ctx context.Context, token string, seed, friend wallet.Address) {
	asOperator, closeOperator := dial(reputation.Contract, token)
	defer closeOperator()
	asAnybody, closeAnybody := dial(reputation.Contract, "")
	defer closeAnybody()
	withWrongToken, closeWrong := dial(reputation.Contract, "not.a.token")
	defer closeWrong()
	operator, anybody, stranger := reputation.NewClient(asOperator), reputation.NewClient(asAnybody), reputation.NewClient(withWrongToken)

	_, err := operator.CurrentEpoch(ctx, reputation.EpochQuery{})
	fmt.Println("no epoch:", fault.CodeOf(err))
	_, err = anybody.ComputeEpoch(ctx, reputation.EpochRequest{})
	fmt.Println("anybody computes:", fault.CodeOf(err))
	_, err = stranger.ComputeEpoch(ctx, reputation.EpochRequest{})
	fmt.Println("a wrong token:", fault.CodeOf(err))
	_, err = anybody.Scores(ctx, reputation.ScoresQuery{})
	fmt.Println("no wallets:", fault.CodeOf(err), fault.From(err).Fields[0].Name)

	imported, err := operator.ImportTrust(ctx, reputation.TrustUpload{Body: strings.NewReader(seed.String() + "," + friend.String() + ",1\n")})
	fmt.Println("imported:", imported.Edges, err)
	epoch, err := operator.ComputeEpoch(ctx, reputation.EpochRequest{})
	fmt.Println("epoch:", epoch.Number, err)
	score, err := anybody.Score(ctx, reputation.ScoreQuery{Wallet: friend})
	fmt.Println("the friend has the rank", score.Rank, err)
}

func claim(ctx context.Context, token string, friend wallet.Address) {
	route, closeRoute := dial(airdrop.Contract, token)
	defer closeRoute()
	drops := airdrop.NewClient(route)
	_, err := drops.CreateCampaign(ctx, airdrop.CampaignDraft{})
	fmt.Println("no name:", fault.CodeOf(err))
	drop, err := drops.CreateCampaign(ctx, airdrop.CampaignDraft{Name: "A drop", Symbol: "TKN", Decimals: 18, Format: merkle.OZ})
	if err == nil {
		drop, err = drops.UploadList(ctx, airdrop.ListUpload{ID: drop.ID, Body: strings.NewReader(friend.String() + ",5\n")})
	}
	if err == nil {
		drop, err = drops.BuildTree(ctx, airdrop.BuildRequest{ID: drop.ID})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	claim, err := drops.Claim(ctx, airdrop.ClaimQuery{ID: drop.ID, Wallet: friend})
	entry := merkle.Entry{Index: claim.Index, Wallet: claim.Wallet, Amount: claim.Amount}
	fmt.Println("the claim is proven:", err == nil && merkle.Verify(drop.Format, *drop.Root, entry, claim.Proof))
}
