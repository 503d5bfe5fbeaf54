package service

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"math/bits"
	"sync"
	"time"

	"banyan/platform/appendjson"
	"banyan/platform/database"
	"banyan/platform/wallet"
)

// A database gives some hundred thousand standings a second, memory some ten million.
// So the standings of the current epoch are kept in memory while streams ask for many
// of them, in as little as it takes: an epoch never changes.
const (
	// tableMost bounds a table, at 80 MB: of larger epochs the database is asked.
	tableMost = 1_000_000
	// tableKeep is how long a table stays that nobody uses.
	tableKeep = 10 * time.Minute
)

// tableRow is what a Standing says of one wallet.
type tableRow struct {
	digits          [3]int64 // of value, share and percentile, see appendjson.Shortest
	exponents       [3]int16
	points          uint16
	rank, weightPPM uint32
	capitals        uint64 // of the wallet's text
	wallet          wallet.Address
}

// The places of the fractions in a tableRow.
const (
	ofValue = iota
	ofShare
	ofPercentile
)

func (r *scoreRow) packed() tableRow {
	row := tableRow{rank: uint32(r.Rank), weightPPM: uint32(r.WeightPPM), points: uint16(r.Points), wallet: r.Wallet}
	for i, v := range [...]float64{ofValue: r.Value, ofShare: r.Share, ofPercentile: r.Percentile} {
		s := appendjson.ShortestOf(v)
		row.digits[i], row.exponents[i] = s.Digits, s.Exponent
	}
	return row
}

// appendFraction appends the value, the share or the percentile.
func (r *tableRow) appendFraction(to []byte, which int) []byte {
	return appendjson.Shortest{Digits: r.digits[which], Exponent: r.exponents[which]}.Append(to)
}

// standingTable are the standings of an epoch by wallet: a table with open addressing.
// The hash has a seed, so that nobody can make wallets that fall on one place.
type standingTable struct {
	epoch string
	seed  maphash.Seed
	rows  []tableRow
	slots []uint32 // a power of two; 0 = free, n = rows[n-1]
}

func (t *standingTable) slot(w *wallet.Address) int {
	return int(maphash.Bytes(t.seed, w[:]) & uint64(len(t.slots)-1))
}

// find returns the place of a wallet; -1 if the epoch says nothing of it.
func (t *standingTable) find(w *wallet.Address) int32 {
	for at := t.slot(w); t.slots[at] != 0; at = (at + 1) & (len(t.slots) - 1) {
		if n := t.slots[at] - 1; t.rows[n].wallet == *w {
			return int32(n)
		}
	}
	return -1
}

// walletsAtOnce is how many wallets are looked up together.
const walletsAtOnce = 64

// findAll sets the places of at most walletsAtOnce wallets. A large table is outside of
// the processor's caches: by steps, it waits for many of the rows at the same time.
func (t *standingTable) findAll(wallets []askedWallet) {
	if t == nil {
		for i := range wallets {
			wallets[i].place = -1
		}
		return
	}
	var at [walletsAtOnce]int
	for i := range wallets {
		at[i] = t.slot(&wallets[i].wallet)
	}
	for i := range wallets {
		wallets[i].place = int32(t.slots[at[i]]) - 1
	}
	for i := range wallets {
		if n := wallets[i].place; n >= 0 && t.rows[n].wallet != wallets[i].wallet { // another one's place
			wallets[i].place = t.find(&wallets[i].wallet)
		}
	}
}

// row returns what is at a place; at -1 a row of a wallet without standing.
func (t *standingTable) row(place int32) *tableRow {
	if place < 0 {
		return new(tableRow)
	}
	return &t.rows[place]
}

// readTable reads the standings of an epoch.
func readTable(ctx context.Context, r database.Reader, epoch epochRow) (*standingTable, error) {
	t := &standingTable{epoch: epoch.identity(), seed: maphash.MakeSeed(), rows: make([]tableRow, 0, epoch.Wallets)}
	if err := readEveryStanding(ctx, r, epoch.Number, func(row *scoreRow) {
		packed := row.packed()
		packed.capitals = row.Wallet.Capitals()
		t.rows = append(t.rows, packed)
	}); err != nil {
		return nil, err
	}
	t.slots = make([]uint32, 1<<bits.Len(uint(2*len(t.rows))))
	for i := range t.rows {
		at := t.slot(&t.rows[i].wallet)
		for t.slots[at] != 0 {
			at = (at + 1) & (len(t.slots) - 1)
		}
		t.slots[at] = uint32(i) + 1
	}
	return t, nil
}

// identity tells an epoch from another one of its number, as after an older state of
// the database was restored.
func (r epochRow) identity() string {
	return fmt.Sprintf("%d of %d: %s", r.Number, r.TimeMS, hex.EncodeToString(r.InputHash))
}

// standingTables keeps the table of the current epoch.
type standingTables struct {
	mu      sync.Mutex
	table   *standingTable // nil = none
	epoch   string         // for which asked counts
	asked   int            // wallets that streams have asked the database for
	reading bool
	timer   *time.Timer
}

// of returns the table of an epoch, or nil when the database is to be asked for the
// wallets of a stream. It is read when the database has been asked for half as many
// wallets as it would have: so reading it costs at most about as much as has been spent
// without it.
func (c *standingTables) of(ctx context.Context, r database.Reader, epoch epochRow) (*standingTable, error) {
	if epoch.Number == 0 || epoch.Wallets > tableMost {
		return nil, nil
	}
	table, read := c.held(epoch)
	if !read {
		return table, nil
	}
	table, err := readTable(ctx, r, epoch)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if err != nil {
		return nil, err
	}
	c.table = table
	c.use()
	return table, nil
}

// held returns the table that is there, or whether the caller is to read it.
func (c *standingTables) held(epoch epochRow) (table *standingTable, read bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	identity := epoch.identity()
	if c.epoch != identity {
		c.epoch, c.asked, c.table = identity, 0, nil
	}
	if c.table != nil && c.table.epoch == identity {
		c.use()
		return c.table, false
	}
	if c.reading || c.asked < epoch.Wallets/2 {
		return nil, false
	}
	c.reading = true
	return nil, true
}

// asks counts wallets for which the database is asked.
func (c *standingTables) asks(wallets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked += wallets
}

// use has the table dropped when nobody uses it again for a while. It needs the lock.
func (c *standingTables) use() {
	if c.timer != nil {
		c.timer.Reset(tableKeep)
		return
	}
	c.timer = time.AfterFunc(tableKeep, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.table, c.asked = nil, 0
	})
}
