package holdings

import (
	"encoding/binary"
	"fmt"

	"banyan/platform/wallet"
)

// Append appends transfers in a short form that Each reads:
//
//	8 bytes   seconds since 1970, big-endian; that of the first transfer
//	then for each transfer
//	uvarint   seconds since the one before
//	20 bytes  from
//	20 bytes  to
//	1 byte    how many bytes the amount has, 0 to 32
//	          the amount, big-endian, without leading zeros
func Append(to []byte, transfers []Transfer) []byte {
	if len(transfers) == 0 {
		return to
	}
	before := transfers[0].Time
	to = binary.BigEndian.AppendUint64(to, before)
	for i := range transfers {
		t := &transfers[i]
		to = binary.AppendUvarint(to, t.Time-before)
		before = t.Time
		to = append(append(to, t.From[:]...), t.To[:]...)
		n := t.Amount.ByteLen()
		amount := t.Amount.Bytes32()
		to = append(append(to, byte(n)), amount[32-n:]...)
	}
	return to
}

// Each calls each with the transfers of what Append wrote. It fails when it is damaged,
// and as each does.
func Each(packed []byte, each func(Transfer) error) error {
	if len(packed) == 0 {
		return nil
	}
	if len(packed) < 8 {
		return errDamaged(len(packed))
	}
	time, left := binary.BigEndian.Uint64(packed), packed[8:]
	for len(left) > 0 {
		since, size := binary.Uvarint(left)
		if size <= 0 || len(left) < size+2*len(wallet.Address{})+1 {
			return errDamaged(len(left))
		}
		left = left[size:]
		time += since
		t := Transfer{Time: time, From: wallet.Address(left[:20]), To: wallet.Address(left[20:40])}
		n := int(left[40])
		if left = left[41:]; n > 32 || len(left) < n {
			return errDamaged(len(left))
		}
		t.Amount.SetBytes(left[:n])
		left = left[n:]
		if err := each(t); err != nil {
			return err
		}
	}
	return nil
}

func errDamaged(left int) error {
	return fmt.Errorf("stored transfers are damaged: the last %d bytes are no transfer", left)
}
