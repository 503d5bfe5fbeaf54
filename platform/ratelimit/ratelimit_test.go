package ratelimit_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"banyan/platform/fault"
	"banyan/platform/httpserver"
	"banyan/platform/ratelimit"
	"banyan/platform/testenv/redistest"
)

func open(t *testing.T, s ratelimit.Settings) *ratelimit.Shared {
	t.Helper()
	if s.Prefix == "" {
		s.Prefix = "banyan"
	}
	shared, err := ratelimit.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shared.Close(); err != nil {
			t.Error(err)
		}
	})
	return shared
}

// slow is a rate at which nothing comes back during a test.
const slow = 1e-6

func TestReplicasSpendFromOneBucket(t *testing.T) {
	server := redistest.Start(t)
	settings := ratelimit.Settings{URL: server.URL(), Password: redistest.Password}
	one, two := open(t, settings), open(t, settings)
	other := open(t, ratelimit.Settings{URL: server.URL(), Password: redistest.Password, Prefix: "another-site"})
	spend := func(replica *ratelimit.Shared, bucket string, tokens int, want float64) {
		t.Helper()
		balances, err := replica.Spend(t.Context(), []httpserver.Spent{{Bucket: bucket, Tokens: tokens, Rate: slow, Burst: 10}})
		if err != nil {
			t.Fatal(err)
		}
		if len(balances) != 1 || math.Abs(balances[0]-want) > 0.01 {
			t.Errorf("%d tokens from %s leave %v, want %v", tokens, bucket, balances, want)
		}
	}
	spend(one, "a", 4, 6)
	spend(two, "a", 3, 3)
	spend(one, "b", 1, 9)
	spend(other, "a", 1, 9)
	spend(two, "a", 30, -10) // one burst of debt at most
	spend(one, "a", 0, -10)
}

func TestABucketFillsWithTime(t *testing.T) {
	server := redistest.Start(t)
	shared := open(t, ratelimit.Settings{URL: server.URL(), Password: redistest.Password})
	one := []httpserver.Spent{{Bucket: "a", Tokens: 5, Rate: 1e6, Burst: 5}}
	for range 3 { // 5 µs fill it, which is less than one call takes
		balances, err := shared.Spend(t.Context(), one)
		if err != nil || balances[0] > 0.001 || balances[0] < -0.001 {
			t.Fatalf("a full bucket without its burst has %v left (%v), want 0", balances, err)
		}
	}
}

func TestManyBucketsAreSpentFromInTheirOrder(t *testing.T) {
	server := redistest.Start(t)
	shared := open(t, ratelimit.Settings{URL: server.URL(), Password: redistest.Password})
	const many = 1201 // three calls
	spent := make([]httpserver.Spent, many)
	for i := range spent {
		spent[i] = httpserver.Spent{Bucket: strconv.Itoa(i), Tokens: i, Rate: slow, Burst: many}
	}
	balances, err := shared.Spend(t.Context(), spent)
	if err != nil || len(balances) != many {
		t.Fatalf("%d balances of %d: %v", len(balances), many, err)
	}
	for i, balance := range balances {
		if math.Abs(balance-float64(many-i)) > 0.01 {
			t.Fatalf("bucket %d has %v left, want %d", i, balance, many-i)
		}
	}
}

func TestAServerThatComesBackEmptyIsUsedAgain(t *testing.T) {
	server := redistest.Start(t)
	shared := open(t, ratelimit.Settings{URL: server.URL(), Password: redistest.Password})
	if err := shared.Try(t.Context()); err != nil || !shared.Reached() {
		t.Fatalf("the server is not reached: %v", err)
	}
	server.Stop()
	err := shared.Try(t.Context())
	if fault.From(err).Code != fault.Unavailable || !strings.Contains(fault.From(err).Message, "redis.url") || shared.Reached() {
		t.Errorf("without the server: %v, reached %v", err, shared.Reached())
	}
	server.Start() // it knows no script now
	if err := shared.Try(t.Context()); err != nil {
		t.Errorf("the server is back and not used: %v", err)
	}
	if !shared.Reached() {
		t.Error("the server answers and does not count as reached")
	}
}

func TestAWrongPasswordOfRedisIsNamedAndNotShown(t *testing.T) {
	server := redistest.Start(t)
	const wrong = "not-the-password"
	err := open(t, ratelimit.Settings{URL: server.URL(), Password: wrong}).Try(t.Context())
	if err == nil || !strings.Contains(fault.From(err).Message, "redis.password") || strings.Contains(err.Error(), wrong) {
		t.Errorf("a wrong password is reported as %v", err)
	}
}
