//go:build devchain

package browser

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/platform/chain/devchain"
	"banyan/platform/merkle"
	"banyan/platform/periodic"
	"banyan/platform/seam"
	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
	"banyan/web/webtest"
)

// paidSite is the real program, which reads a development chain where a team has tokens.
type paidSite struct {
	*devchain.Chain
	t        *testing.T
	url      string
	env      []string // of the program
	binary   string
	operator *extension
	api      airdrop.Client // as an operator
	team     *ecdsa.PrivateKey
	token    common.Address
}

// newPaidSite starts both; funded accounts have ether. sealing seals blocks by itself.
func newPaidSite(t *testing.T, sealing bool, funded ...*ecdsa.PrivateKey) *paidSite {
	t.Helper()
	start(t) // skip before building
	s := &paidSite{t: t, binary: built(t), operator: &extension{key: webtest.Key(t, "operator")}, team: webtest.Key(t, "team")}
	accounts := []common.Address{crypto.PubkeyToAddress(s.team.PublicKey)}
	for _, key := range funded {
		accounts = append(accounts, crypto.PubkeyToAddress(key.PublicKey))
	}
	var err error
	if s.Chain, err = devchain.Start(devchain.Options{Funded: accounts}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sealed := make(chan struct{})
	go func() {
		defer close(sealed)
		if sealing {
			_ = s.Run(ctx) // it ends with ctx, without an error
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-sealed
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	listen := testneeds.Address(t)
	s.url = "http://" + listen
	s.env = []string{
		"BANYAN_DATA=" + t.TempDir(), "BANYAN_LOG_FORMAT=json", "BANYAN_HTTP_RATE=0", "BANYAN_ADMIN_LISTEN=127.0.0.1:0",
		"BANYAN_PUBLIC_URL=" + s.url, "BANYAN_IDENTITY_OPERATORS=" + webtest.AddressOf(s.operator.key).String(),
		fmt.Sprintf("BANYAN_CHAIN_NODES=%d %s", devchain.ID, s.URL()), "BANYAN_CHAIN_PRIVATE=true",
	}
	create := exec.Command(s.binary, "token", "create", "--role", "operator")
	create.Env, create.Dir = append(os.Environ(), s.env...), t.TempDir()
	token, err := create.Output()
	if err != nil {
		t.Fatalf("make a token: %v", err)
	}
	serve(t, s.binary, s.env, "--listen", listen)
	route, hangUp, err := seam.Dial(airdrop.Contract, s.url, strings.TrimSpace(string(token)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hangUp)
	s.api = airdrop.NewClient(route)
	code, err := devchain.TokenDeployment("Paid", "PAID", 18)
	if err != nil {
		t.Fatal(err)
	}
	s.token = crypto.CreateAddress(accounts[0], 0)
	s.sends(s.team, nil, code)
	return s
}

// sends sends a transaction, and returns its receipt once it has succeeded.
func (s *paidSite) sends(key *ecdsa.PrivateKey, to *common.Address, data []byte) *types.Receipt {
	s.t.Helper()
	hash := s.pool(key, to, data)
	s.Commit()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if receipt, err := s.Client().TransactionReceipt(ctx, hash); err == nil {
			if receipt.Status != types.ReceiptStatusSuccessful {
				s.t.Fatalf("the transaction to %v failed", to)
			}
			return receipt
		}
		if err := periodic.Sleep(ctx, 10*time.Millisecond); err != nil {
			s.t.Fatal("a transaction is in no block")
		}
	}
}

// pool hands a transaction to the chain, which has it in the next block.
func (s *paidSite) pool(key *ecdsa.PrivateKey, to *common.Address, data []byte) common.Hash {
	s.t.Helper()
	nonce, err := s.Client().PendingNonceAt(context.Background(), crypto.PubkeyToAddress(key.PublicKey))
	if err != nil {
		s.t.Fatal(err)
	}
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: 15_000_000, GasFeeCap: big.NewInt(1e12), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := errors.Join(s.Ethereum().TxPool().Add([]*types.Transaction{tx}, true)...); err != nil {
		s.t.Fatal(err)
	}
	return tx.Hash()
}

// has is what an account has of the token.
func (s *paidSite) has(of common.Address) *big.Int {
	s.t.Helper()
	out, err := s.Client().CallContract(context.Background(), callOf(s.token, append(common.FromHex("70a08231"), common.LeftPadBytes(of[:], 32)...)), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return new(big.Int).SetBytes(out)
}

// built makes a campaign of a list.
func (s *paidSite) built(name, list string) airdrop.Campaign {
	s.t.Helper()
	ctx := context.Background()
	c, err := s.api.CreateCampaign(ctx, airdrop.CampaignDraft{Name: name, Format: merkle.OZIndexed, Symbol: "PAID", Decimals: 18})
	if err == nil {
		_, err = s.api.UploadList(ctx, airdrop.ListUpload{ID: c.ID, Body: strings.NewReader(list)})
	}
	if err == nil {
		c, err = s.api.BuildTree(ctx, airdrop.BuildRequest{ID: c.ID})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// publish deploys and funds the distributor of a campaign, and has it followed.
func (s *paidSite) publish(plan airdrop.DistributorPlan) airdrop.Distributor {
	s.t.Helper()
	ctx := context.Background()
	plan.Chain, plan.Token, plan.Owner = devchain.ID, wallet.Address(s.token), webtest.AddressOf(s.team)
	planned, err := s.api.PlanDistributor(ctx, plan)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, call := range planned.Calls {
		to := common.Address(call.To)
		s.sends(s.team, &to, common.FromHex(call.Data))
	}
	if _, err = s.api.FollowDistributor(ctx, airdrop.DistributorToFollow{ID: plan.ID, Chain: devchain.ID, Address: planned.Address}); err != nil {
		s.t.Fatal(err)
	}
	return s.becomes(plan.ID, func(d airdrop.Distributor) bool { return d.State == airdrop.Live })
}

// becomes asks until a distributor is as it should be.
func (s *paidSite) becomes(id string, is func(airdrop.Distributor) bool) airdrop.Distributor {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	for {
		d, err := s.api.Distributor(ctx, airdrop.CampaignQuery{ID: id})
		if err == nil && is(d) {
			return d
		}
		if periodic.Sleep(ctx, 50*time.Millisecond) != nil {
			s.t.Fatalf("the distributor stays %+v, %v", d, err)
		}
	}
}
