package web_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"banyan/web/webtest"
)

func TestTheDemoWalletSignsForItselfOnly(t *testing.T) {
	s := webtest.Full(t)
	v, own := newVisitor(t, s), webtest.AddressOf(s.DemoKey).String()
	ask := func(body string) (status int, result, detail string) {
		t.Helper()
		status, answer := v.post("/demo/sign", "application/json", body)
		var a struct {
			Result json.RawMessage
			Detail string
		}
		if err := json.Unmarshal([]byte(answer), &a); err != nil {
			t.Fatalf("%s is answered with %s", body, answer)
		}
		return status, strings.Trim(string(a.Result), `"`), a.Detail
	}
	if _, result, _ := ask(`{"method":"eth_accounts"}`); result != `["`+own+`"]` {
		t.Errorf("its accounts are %s", result)
	}
	if _, result, _ := ask(`{"method":"eth_chainId"}`); result != "0x1" {
		t.Errorf("its chain is %s", result)
	}
	_, result, _ := ask(`{"method":"personal_sign","params":["0x6869","` + own + `"]}`)
	signature, err := hex.DecodeString(strings.TrimPrefix(result, "0x"))
	if err != nil || len(signature) != 65 {
		t.Fatalf("personal_sign gives %s", result)
	}
	signature[64] -= 27
	key, err := crypto.SigToPub(accounts.TextHash([]byte("hi")), signature)
	if err != nil || crypto.PubkeyToAddress(*key).String() != own {
		t.Errorf("personal_sign is by another wallet: %v", err)
	}
	for body, want := range map[string]int{
		`{"method":"personal_sign","params":["0x6869","` + nobody + `"]}`:     400,
		`{"method":"personal_sign","params":["hi","` + own + `"]}`:            400,
		`{"method":"personal_sign","params":["0x6869"]}`:                      400,
		`{"method":"eth_signTypedData_v4","params":["` + own + `","{}"]}`:     400,
		`{"method":"eth_sendTransaction","params":[{"to":"` + nobody + `"}]}`: 415,
		`no JSON`: 400,
	} {
		if status, result, detail := ask(body); status != want || result != "" || detail == "" {
			t.Errorf("%s: %d %q %q, want %d with words", body, status, result, detail, want)
		}
	}
}
