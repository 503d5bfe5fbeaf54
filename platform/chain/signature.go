package chain

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"banyan/platform/fault"
	"banyan/platform/signature"
	"banyan/platform/wallet"
)

var _ signature.Contracts = (*Chains)(nil)

// magic is what isValidSignature returns for a signature that counts (ERC-1271),
// and the selector of that function.
var magic = [4]byte{0x16, 0x26, 0xba, 0x7e}

// wrapped is the end of a signature that carries the deployment of its wallet
// (ERC-6492).
var wrapped = bytes.Repeat([]byte{0x64, 0x92}, 16)

// HasCode reports whether the account is a contract, or will be one once the
// deployment inside the signature (ERC-6492) has run. A key's account that has
// delegated to code (EIP-7702) counts as a contract. Fails with
// signature.ErrNoSuchChain, fault.Busy, or what the nodes failed with.
func (c *Chains) HasCode(ctx context.Context, chainID uint64, account wallet.Address, signed []byte) (bool, error) {
	if bytes.HasSuffix(signed, wrapped) {
		if c.byID[chainID] == nil {
			return false, signature.ErrNoSuchChain
		}
		return true, nil
	}
	return ask(ctx, c, chainID, func(ctx context.Context, eth *ethclient.Client) (bool, error) {
		code, err := eth.CodeAt(ctx, common.Address(account), nil)
		return len(code) > 0, err
	})
}

// Accepts reports whether the account's isValidSignature (ERC-1271) accepts a
// signature of this digest. A signature that carries the deployment of its wallet
// (ERC-6492) is asked about as it is, and after that has run, in a call that changes
// nothing. The chain is asked at its newest block, whose number is returned: of
// several nodes that agree, the lowest. Fails as HasCode does, and with fault.Invalid
// for a wrapping that cannot be read.
func (c *Chains) Accepts(ctx context.Context, chainID uint64, account wallet.Address, digest [32]byte, signed []byte) (accepted bool, block uint64, err error) {
	if !bytes.HasSuffix(signed, wrapped) {
		return c.run(ctx, chainID, prepareAndAsk(wallet.Address{}, account, nil, isValidSignature(digest, signed)))
	}
	factory, preparation, inner, err := unwrap(signed)
	if err != nil {
		return false, 0, err
	}
	question := isValidSignature(digest, inner)
	if accepted, block, err := c.run(ctx, chainID, prepareAndAsk(wallet.Address{}, account, nil, question)); err != nil || accepted {
		return accepted, block, err
	}
	return c.run(ctx, chainID, prepareAndAsk(factory, account, preparation, question))
}

// run asks for the byte that the program of prepareAndAsk returns. What the contracts
// do, also when they fail or never end, is inside of it: an error is the node's. The
// call names its block, so that it can be made again at the same one.
func (c *Chains) run(ctx context.Context, chainID uint64, program []byte) (accepted bool, block uint64, err error) {
	v, err := askFor(ctx, c, chainID, func(ctx context.Context, eth *ethclient.Client) (verdict, error) {
		newest, err := eth.BlockNumber(ctx)
		if err != nil {
			return verdict{}, err
		}
		returned, err := eth.CallContract(ctx, ethereum.CallMsg{Data: program, Gas: c.gas}, new(big.Int).SetUint64(newest))
		if err == nil && len(returned) != 1 {
			err = fmt.Errorf("it answered with %d bytes instead of 1", len(returned))
		}
		return verdict{err == nil && returned[0] == 1, newest}, err
	}, verdict.join)
	return v.accepted, v.block, err
}

// verdict is what one node says of a signature, at which block.
type verdict struct {
	accepted bool
	block    uint64
}

func (a verdict) join(b verdict) (verdict, bool) {
	return verdict{a.accepted, min(a.block, b.block)}, a.accepted == b.accepted
}

// isValidSignature returns the call of isValidSignature(bytes32,bytes).
func isValidSignature(digest [32]byte, signed []byte) []byte {
	padded := (len(signed) + 31) / 32 * 32
	data := make([]byte, 4+32+32+32+padded)
	copy(data, magic[:])
	copy(data[4:], digest[:])
	data[4+32+31] = 64 // where the bytes begin
	binary.BigEndian.PutUint64(data[4+64+24:], uint64(len(signed)))
	copy(data[4+96:], signed)
	return data
}

// wrapping is abi.encode(address factory, bytes preparation, bytes signature).
var wrapping = abi.Arguments{{Type: mustType("address")}, {Type: mustType("bytes")}, {Type: mustType("bytes")}}

func mustType(name string) abi.Type {
	t, err := abi.NewType(name, "", nil)
	if err != nil {
		panic(err)
	}
	return t
}

// unwrap takes a signature of ERC-6492 apart.
func unwrap(signed []byte) (factory wallet.Address, preparation, inner []byte, err error) {
	malformed := func(err error) error {
		return fault.Wrap(err, fault.Invalid, "the signature ends as one with the deployment of its wallet (ERC-6492), and what stands before that end cannot be read: sign again in your wallet and send its signature unchanged")
	}
	parts, err := wrapping.Unpack(signed[:len(signed)-len(wrapped)])
	if err != nil {
		return factory, nil, nil, malformed(err)
	}
	to, ok1 := parts[0].(common.Address)
	preparation, ok2 := parts[1].([]byte)
	inner, ok3 := parts[2].([]byte)
	if !ok1 || !ok2 || !ok3 || bytes.HasSuffix(inner, wrapped) {
		return factory, nil, nil, malformed(errors.New("a wrapping inside a wrapping"))
	}
	return wallet.Address(to), preparation, inner, nil
}

// prepareAndAsk returns the code of a contract that is never deployed. Where it is
// run, by an eth_call without a receiver, it calls factory with preparation, which
// deploys or updates the account; then it calls the account with question, and
// returns one byte: 1 when the account's answer is the magic value of ERC-1271. A
// call gets 63/64 of the gas that is left (EIP-150), so that enough remains to
// return whatever the contracts do.
//
//	memory: factory, account, size of preparation, size of question, preparation, question
func prepareAndAsk(factory, account wallet.Address, preparation, question []byte) []byte {
	program := assembled()
	code := make([]byte, 0, len(program)+4*32+len(preparation)+len(question))
	code = append(code, program...)
	code = append(code, common.LeftPadBytes(factory[:], 32)...)
	code = append(code, common.LeftPadBytes(account[:], 32)...)
	code = append(code, common.LeftPadBytes(big.NewInt(int64(len(preparation))).Bytes(), 32)...)
	code = append(code, common.LeftPadBytes(big.NewInt(int64(len(question))).Bytes(), 32)...)
	code = append(code, preparation...)
	return append(code, question...)
}

// assembled returns the program of prepareAndAsk. It has only instructions that
// Ethereum has had since Byzantium, so that it runs on any chain.
func assembled() []byte {
	const own = 100 // its size, behind which the arguments are
	program := []byte{
		0x60, own, 0x38, 0x03, 0x60, own, 0x60, 0x00, 0x39, // CODECOPY(0, own, CODESIZE-own)
		0x60, 0x00, 0x60, 0x00, 0x60, 0x40, 0x51, 0x60, 0x80, 0x60, 0x00, 0x60, 0x00, 0x51, 0x5a, 0xf1, 0x50, // CALL the factory; a failure shows in the answer
		0x60, 0x00, 0x60, 0x00, 0x52, // MSTORE(0, 0), where the answer will be
		0x60, 0x20, 0x60, 0x00, 0x60, 0x60, 0x51, 0x60, 0x40, 0x51, 0x60, 0x80, 0x01, 0x60, 0x20, 0x51, 0x5a, 0xfa, // STATICCALL the account
		0x60, 0x1f, 0x3d, 0x11, 0x16, // it succeeded AND RETURNDATASIZE > 31
		0x60, 0x00, 0x51, 0x7f, // MLOAD(0), and PUSH32 of the magic value
	}
	program = append(program, magic[:]...)
	program = append(program, make([]byte, 32-len(magic))...)
	return append(program, 0x14, 0x16, 0x60, 0x00, 0x53, 0x60, 0x01, 0x60, 0x00, 0xf3) // EQ, AND, MSTORE8(0), RETURN(0, 1)
}
