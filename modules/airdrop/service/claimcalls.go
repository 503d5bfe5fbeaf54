package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/modules/airdrop"
	"banyan/modules/airdrop/contracts"
	"banyan/platform/chain"
	"banyan/platform/fault"
	"banyan/platform/merkle"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

// ClaimCall implements Service.
func (s *service) ClaimCall(ctx context.Context, q airdrop.ClaimQuery) (airdrop.ClaimCall, error) {
	next, err := s.nextClaim(ctx, q)
	if err != nil {
		return airdrop.ClaimCall{}, err
	}
	next.call.Data, err = claimData(next.distributor, next.root, next.row)
	return next.call, err
}

// nextClaim is the row that a wallet claims next.
type nextClaim struct {
	call        airdrop.ClaimCall // without its data
	row         airdrop.RowClaim
	root        merkle.Hash
	distributor airdrop.Distributor
}

// nextClaim returns the first row of a wallet that is not claimed, or its last.
func (s *service) nextClaim(ctx context.Context, q airdrop.ClaimQuery) (next nextClaim, err error) {
	claim, err := s.Claim(ctx, q)
	if err != nil {
		return next, err
	}
	if next.distributor, err = s.store.distributor(ctx, s.options.DB.Read(), q.ID); err != nil {
		return next, err
	}
	d := next.distributor
	rows := claim.Claims
	if len(rows) == 0 {
		rows = []airdrop.RowClaim{{Wallet: claim.Wallet, Index: claim.Index, Amount: claim.Amount, Leaf: claim.Leaf, Proof: claim.Proof, Values: claim.Values}}
	}
	if rows, err = ofToken(d, rows); err != nil {
		return next, err
	}
	next.root, next.call = claim.Root, airdrop.ClaimCall{Campaign: q.ID, Wallet: q.Wallet, Chain: d.Chain, To: d.Address, Value: d.Fee, Alone: kinds[d.Kind].alone}
	for _, row := range rows {
		next.row, next.call.Index, next.call.Amount = row, row.Index, row.Amount
		if err := s.addClaimState(ctx, &next.call, d, row); err != nil {
			return next, err
		}
		if next.call.State != airdrop.ClaimDone && next.call.State != airdrop.ClaimPending {
			break
		}
	}
	return next, nil
}

// addClaimState adds what was paid of a row, and what a claim would pay now.
func (s *service) addClaimState(ctx context.Context, call *airdrop.ClaimCall, d airdrop.Distributor, row airdrop.RowClaim) error {
	paid, err := s.store.paid(ctx, d, row)
	if err != nil {
		return err
	}
	now := max(s.options.nowMS(), d.ReadToMS)
	call.Paid, call.Due, call.TX = paid.amount, row.Amount, paid.tx
	if d.Vesting != nil {
		call.Due = d.Vesting.Vested(row.Amount, now)
	}
	if call.Due.Lt(&paid.amount) {
		call.Due = paid.amount
	}
	call.Due.Sub(&call.Due, &paid.amount)
	call.Short = d.Balance.Lt(&call.Due)
	whole := !paid.amount.Lt(&row.Amount) && paid.claims > 0
	switch {
	case whole && paid.block > d.Final:
		call.State = airdrop.ClaimPending
	case whole:
		call.State = airdrop.ClaimDone
	case closed(d, s.options.nowMS()):
		call.State = airdrop.ClaimClosed
	case call.Due.IsZero() && !row.Amount.IsZero() || d.State == airdrop.Waiting:
		call.State = airdrop.ClaimWaiting
	default:
		call.State = airdrop.ClaimOpen
	}
	return nil
}

// ClaimElsewhere implements Service.
func (s *service) ClaimElsewhere(ctx context.Context, q airdrop.ClaimElsewhereQuery) (answer airdrop.ClaimElsewhere, err error) {
	next, err := s.nextClaim(ctx, airdrop.ClaimQuery{ID: q.ID, Wallet: q.Wallet})
	if err != nil {
		return answer, err
	}
	if !next.distributor.Redirects {
		return answer, fault.Newf(fault.Unsupported, "the contract %s pays the wallets of the list alone: claim to %s, and send the tokens on from there", next.distributor.Address, q.Wallet)
	}
	now := s.options.nowMS() / 1000
	answer = airdrop.ClaimElsewhere{ClaimCall: next.call, Receiver: q.To, Deadline: q.Deadline, Signed: len(q.Signature) > 0}
	if answer.Deadline == 0 {
		answer.Deadline = now + airdrop.ClaimSignatureValid
	}
	if answer.Deadline > now+airdrop.MaxClaimSignature {
		return answer, fault.New(fault.Invalid, "the claim cannot be sent elsewhere: see the fields").With(fault.Field{Name: "deadline", Message: "is at most a year from now"})
	}
	if !answer.Signed {
		answer.TypedData = airdrop.ClaimToDocument(answer.Chain, answer.To, next.row.Leaf, q.Wallet, q.To, answer.Deadline)
	} else if err := s.checkClaimTo(ctx, next, q, now); err != nil {
		return answer, err
	}
	answer.Data, err = claimToData(next, q.To, answer.Deadline, []byte(q.Signature))
	return answer, err
}

// wrapped is how a signature ends that deploys the wallet first (ERC-6492), which no
// contract runs.
var wrapped = bytes.Repeat([]byte{0x64, 0x92}, 16) //nolint:gochecknoglobals // a constant

// checkClaimTo refuses a signature for which somebody would pay gas in vain.
func (s *service) checkClaimTo(ctx context.Context, next nextClaim, q airdrop.ClaimElsewhereQuery, now int64) error {
	if q.Deadline <= now {
		return fault.New(fault.Invalid, "the signature has expired: the wallet signs a new one on the campaign's page").With(fault.Field{Name: "deadline", Message: "is in the past"})
	}
	if bytes.HasSuffix([]byte(q.Signature), wrapped) {
		return fault.New(fault.Invalid, "the signature is of a smart wallet that is not deployed: deploy it with its first transaction, and sign again").With(fault.Field{Name: "signature", Message: "is one of ERC-6492"})
	}
	digest := airdrop.ClaimToHash(next.call.Chain, next.call.To, next.row.Leaf, q.Wallet, q.To, q.Deadline)
	_, err := signature.Verifier{Contracts: s.options.Contracts}.Verify(ctx, signature.Claim{Digest: digest, Signer: q.Wallet, ChainID: next.call.Chain, What: "this claim"}, []byte(q.Signature))
	return err
}

// claimToData is the call that pays a row to another address: from the wallet itself,
// or with its signature from anybody.
func claimToData(next nextClaim, to wallet.Address, deadline int64, signed []byte) (string, error) {
	proof := make([][32]byte, len(next.row.Proof))
	for i, h := range next.row.Proof {
		proof[i] = h
	}
	name, arguments := contracts.Distributor, []any{new(big.Int).SetUint64(next.row.Index), common.Address(next.row.Wallet), common.Address(to), next.row.Amount.ToBig()}
	if next.distributor.Kind == airdrop.CumulativeKind {
		name = contracts.CumulativeDistributor
		arguments = []any{common.Address(next.row.Wallet), common.Address(to), next.row.Amount.ToBig(), [32]byte(next.root)}
	}
	contract, err := contracts.Load(name)
	if err != nil {
		return "", err
	}
	method := "claimTo"
	if len(signed) > 0 {
		method, arguments = "claimToWithSig", append(arguments, big.NewInt(deadline), proof, signed)
	} else {
		arguments = append(arguments, proof)
	}
	data, err := contract.ABI.Pack(method, arguments...)
	if err != nil {
		return "", fmt.Errorf("encode a claim: %w", err)
	}
	return hexText(data), nil
}

// signsAsOurs reports whether eip712Domain() of a contract names it as ours do (ERC-5267): a claim can be sent elsewhere only where the same struct is signed.
func (v views) signsAsOurs(ctx context.Context, at wallet.Address) (bool, error) {
	out, err := v.chains.CallAt(ctx, v.chain, v.block, at, crypto.Keccak256([]byte("eip712Domain()"))[:4])
	switch {
	case errors.Is(err, chain.ErrReverted):
		return false, nil
	case err != nil:
		return false, unreachable(v.chain, err)
	}
	// fields, name, version, chainId, verifyingContract, salt, extensions; then the texts
	const words = 7
	name := append(common.LeftPadBytes([]byte{6}, 32), common.RightPadBytes([]byte("Banyan"), 32)...)
	return len(out) >= words*32+len(name) && bytes.Equal(out[words*32:words*32+len(name)], name), nil
}
