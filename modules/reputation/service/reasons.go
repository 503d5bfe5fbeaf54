package service

import (
	"encoding/binary"
	"errors"
	"math"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/wallet"
)

// mostReasons is how many ratings are stored with each score, the largest; the
// rest are summed up. It bounds a row to about 400 bytes.
const mostReasons = 8

// reasons are stored with a score, because the edges change after the epoch.
// The layout, big-endian:
//
//	float64 seed · float64 dangling · uint32 others · float64 share of others ·
//	then for each named rating: byte kind · 20 bytes wallet · float64 share ·
//	float64 weight · int64 time (0 = none)
const (
	reasonsHead = 8 + 8 + 4 + 8
	reasonSize  = 1 + 20 + 8 + 8 + 8
)

// The kinds of a named rating.
const (
	reasonRating  = 0
	reasonConduct = 1
)

// reason is a rating with its kind.
type reason struct {
	trust.Contribution
	kind byte
}

func encodeReasons(e trust.Explanation, walletOf func(uint32) wallet.Address) []byte {
	named := make([]reason, 0, mostReasons)
	var others uint32
	var othersShare float64
	edges, conduct := e.Edges, e.Conduct
	for len(edges)+len(conduct) > 0 { // both are ordered by size
		var next reason
		if len(conduct) == 0 || len(edges) > 0 && math.Abs(edges[0].Share) >= math.Abs(conduct[0].Share) {
			next, edges = reason{edges[0], reasonRating}, edges[1:]
		} else {
			next, conduct = reason{conduct[0], reasonConduct}, conduct[1:]
		}
		switch {
		case next.Share == 0:
		case len(named) < mostReasons:
			named = append(named, next)
		default:
			others++
			othersShare += next.Share
		}
	}
	b := make([]byte, 0, reasonsHead+reasonSize*len(named))
	b = appendFloat(b, e.Seed)
	b = appendFloat(b, e.Dangling)
	b = binary.BigEndian.AppendUint32(b, others)
	b = appendFloat(b, othersShare)
	for _, c := range named {
		w := walletOf(c.Node)
		b = append(append(b, c.kind), w[:]...)
		b = appendFloat(b, c.Share)
		b = appendFloat(b, c.Weight)
		b = binary.BigEndian.AppendUint64(b, uint64(max(0, c.Time))) // trust.NoTime is below 0
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

func floatAt(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }

// decodeReasons returns the components, the named ones largest first. Scores of
// epochs before the format have none.
func decodeReasons(b []byte) ([]reputation.Component, error) {
	components := []reputation.Component{}
	if len(b) == 0 {
		return components, nil
	}
	if len(b) < reasonsHead || (len(b)-reasonsHead)%reasonSize != 0 {
		return nil, errors.New("the reasons of a score are damaged")
	}
	if share := floatAt(b); share > 0 {
		components = append(components, reputation.Component{Kind: reputation.FromSeed, Share: share})
	}
	for rest := b[reasonsHead:]; len(rest) > 0; rest = rest[reasonSize:] {
		of := wallet.Address(rest[1:21])
		c := reputation.Component{
			Kind: reputation.FromTrust, From: &of, Share: floatAt(rest[21:]), Weight: floatAt(rest[29:]),
			TimeMS: int64(binary.BigEndian.Uint64(rest[37:])),
		}
		switch {
		case rest[0] == reasonConduct:
			c.Kind = reputation.FromConduct
		case c.Weight < 0:
			c.Kind = reputation.FromDistrust
		}
		components = append(components, c)
	}
	if count := binary.BigEndian.Uint32(b[16:]); count > 0 {
		components = append(components, reputation.Component{Kind: reputation.FromOthers, Count: int(count), Share: floatAt(b[20:])})
	}
	if share := floatAt(b[8:]); share > 0 {
		components = append(components, reputation.Component{Kind: reputation.FromDangling, Share: share})
	}
	return components, nil
}
