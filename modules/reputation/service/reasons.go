package service

import (
	"encoding/binary"
	"errors"
	"math"

	"banyan/modules/reputation"
	"banyan/modules/reputation/trust"
	"banyan/platform/wallet"
)

// mostReasons is how many trusting wallets are stored with each score; the rest
// are summed up. It bounds a row to about 270 bytes.
const mostReasons = 8

// reasons are stored with a score, because the edges change after the epoch.
// The layout, big-endian:
//
//	float64 seed · float64 dangling · uint32 others · float64 share of others ·
//	then for each named wallet: 20 bytes wallet · float64 share
const (
	reasonsHead = 8 + 8 + 4 + 8
	reasonSize  = 20 + 8
)

func encodeReasons(e trust.Explanation, walletOf func(uint32) wallet.Address) []byte {
	var named []trust.Contribution
	var others uint32
	var othersShare float64
	for _, c := range e.Edges {
		switch {
		case c.Share <= 0:
		case len(named) < mostReasons:
			named = append(named, c)
		default:
			others++
			othersShare += c.Share
		}
	}
	b := make([]byte, 0, reasonsHead+reasonSize*len(named))
	b = appendFloat(b, e.Seed)
	b = appendFloat(b, e.Dangling)
	b = binary.BigEndian.AppendUint32(b, others)
	b = appendFloat(b, othersShare)
	for _, c := range named {
		w := walletOf(c.Source)
		b = append(b, w[:]...)
		b = appendFloat(b, c.Share)
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

func floatAt(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }

// decodeReasons returns the components, the named ones largest first.
func decodeReasons(b []byte) ([]reputation.Component, error) {
	if len(b) < reasonsHead || (len(b)-reasonsHead)%reasonSize != 0 {
		return nil, errors.New("the reasons of a score are damaged")
	}
	components := []reputation.Component{}
	if share := floatAt(b); share > 0 {
		components = append(components, reputation.Component{Kind: reputation.FromSeed, Share: share})
	}
	for rest := b[reasonsHead:]; len(rest) > 0; rest = rest[reasonSize:] {
		from := wallet.Address(rest[:20])
		components = append(components, reputation.Component{Kind: reputation.FromTrust, From: &from, Share: floatAt(rest[20:])})
	}
	if count := binary.BigEndian.Uint32(b[16:]); count > 0 {
		components = append(components, reputation.Component{Kind: reputation.FromOthers, Count: int(count), Share: floatAt(b[20:])})
	}
	if share := floatAt(b[8:]); share > 0 {
		components = append(components, reputation.Component{Kind: reputation.FromDangling, Share: share})
	}
	return components, nil
}
