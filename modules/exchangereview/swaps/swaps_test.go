package swaps

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"banyan/platform/testenv/testneeds"
	"banyan/platform/wallet"
)

var (
	person   = wallet.Address{19: 1}
	router   = wallet.Address{19: 2}
	factory  = wallet.Address{19: 3}
	realPool = wallet.Address{19: 4}
	fakePool = wallet.Address{19: 5}
	vault    = wallet.Address{19: 6}
)

// world has a factory of v2 with one pool, and a contract that claims to be another.
type world struct {
	asked int
	fails bool
}

func (w *world) ask(_ context.Context, contract wallet.Address, data []byte) ([]byte, bool, error) {
	w.asked++
	if w.fails {
		return nil, false, errors.New("the node is down")
	}
	is := func(function string) bool {
		selector := keccak(function)
		return string(data[:4]) == string(selector[:4])
	}
	value := func(a wallet.Address) ([]byte, bool, error) { v := word(a); return v[:], true, nil }
	switch {
	case contract == factory && is("getPair(address,address)"):
		if string(data[4:]) == string(append(wordOf(7), wordOf(8)...)) {
			return value(realPool)
		}
		return value(wallet.Address{})
	case contract == realPool && is("token0()"), contract == fakePool && is("token0()"):
		return wordOf(7), true, nil
	case contract == realPool && is("token1()"), contract == fakePool && is("token1()"):
		return wordOf(8), true, nil
	case contract == fakePool && is("factory()"):
		return value(factory)
	}
	return nil, false, nil
}

func wordOf(n byte) []byte { w := word(wallet.Address{19: n}); return w[:] }

func swap(pool wallet.Address, by, to wallet.Address) Event {
	return Event{Contract: pool, Topics: [][32]byte{keccak(kinds[0].event), word(by), word(to)}}
}

func TestASwapCountsInThePoolOfAListedFactoryOnly(t *testing.T) {
	v4 := Event{Contract: vault, Topics: [][32]byte{keccak("Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)"), {1}, word(router)}}
	for name, c := range map[string]struct {
		events []Event
		sent   bool
		listed []wallet.Address
		want   wallet.Address
	}{
		"recipient":                     {[]Event{swap(realPool, router, person)}, false, []wallet.Address{factory}, realPool},
		"sender of the event":           {[]Event{swap(realPool, person, router)}, false, []wallet.Address{factory}, realPool},
		"sender of the transaction":     {[]Event{swap(realPool, router, router)}, true, []wallet.Address{factory}, realPool},
		"somebody else's":               {[]Event{swap(realPool, router, router)}, false, []wallet.Address{factory}, wallet.Address{}},
		"a pool that names the factory": {[]Event{swap(fakePool, router, person)}, false, []wallet.Address{factory}, wallet.Address{}},
		"another exchange's":            {[]Event{swap(realPool, router, person)}, false, []wallet.Address{{19: 9}}, wallet.Address{}},
		"no known contract":             {[]Event{swap(realPool, router, person)}, false, nil, wallet.Address{}},
		"behind another event":          {[]Event{{Contract: realPool}, {Contract: realPool, Topics: [][32]byte{{1}}}, swap(realPool, router, person)}, false, []wallet.Address{factory}, realPool},
		"a listed vault":                {[]Event{v4}, true, []wallet.Address{vault}, vault},
		"a vault that is not listed":    {[]Event{v4}, true, []wallet.Address{factory}, wallet.Address{}},
	} {
		w := &world{}
		pool, found, err := Find(t.Context(), w.ask, person, c.sent, c.events, c.listed)
		if err != nil || found != (c.want != wallet.Address{}) || found && pool != c.want {
			t.Errorf("%s: %s, %t, %v", name, pool, found, err)
		}
	}
	if _, _, err := Find(t.Context(), (&world{fails: true}).ask, person, true, []Event{swap(realPool, router, person)}, []wallet.Address{factory}); err == nil {
		t.Error("a node that is down says that there is no swap")
	}
}

// However many contracts a transaction has, and however many are listed, the
// questions stay few.
func TestQuestionsAreBounded(t *testing.T) {
	var events []Event
	for i := range byte(200) {
		events = append(events, swap(wallet.Address{0: 1, 19: i}, router, person), swap(fakePool, router, person))
	}
	listed := make([]wallet.Address, 200)
	for i := range listed {
		listed[i] = wallet.Address{0: 2, 19: byte(i)}
	}
	w := &world{}
	if _, found, err := Find(t.Context(), w.ask, person, true, events, listed); found || err != nil || w.asked > 8*(2+3*9) {
		t.Errorf("%t, %v after %d questions", found, err, w.asked)
	}
}

func TestAPaymentIsOfMoreThanNothing(t *testing.T) {
	pays := func(from, to wallet.Address, amount byte) Event {
		return Event{Contract: wallet.Address{19: 30}, Topics: [][32]byte{keccak(transfer), word(from), word(to)}, Data: append(make([]byte, 31), amount)}
	}
	nft := Event{Topics: [][32]byte{keccak(transfer), word(vault), word(person), {31: 1}}}
	for name, c := range map[string]struct {
		e    Event
		want bool
	}{
		"paid": {pays(vault, person, 1), true}, "nothing": {pays(vault, person, 0), false}, "to another": {pays(vault, router, 1), false},
		"by another": {pays(router, person, 1), false}, "a collectible": {nft, false}, "no amount": {Event{Topics: pays(vault, person, 1).Topics}, false},
	} {
		if by, is := Paid([]Event{c.e}, person, []wallet.Address{vault}); is != c.want || is && by != vault {
			t.Errorf("%s: %t", name, is)
		}
	}
}

// Every event is one that exchanges are known to log.
func TestEventsAreThoseOfExchanges(t *testing.T) {
	text := testneeds.ReadData(t, "directory/swap_event_topics.json")
	var known []struct{ Topic0, Signature string }
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	topics := map[string]string{}
	for _, k := range known {
		topics[k.Signature] = k.Topic0
	}
	for _, kind := range kinds {
		topic := keccak(kind.event)
		if topics[kind.event] != "0x"+hex.EncodeToString(topic[:]) {
			t.Errorf("%s is not in the list, or has another topic: %q", kind.event, topics[kind.event])
		}
		if kindOf(topic) < 0 || strings.Count(kind.event, "(") != 1 {
			t.Errorf("%s is not known", kind.event)
		}
	}
}
