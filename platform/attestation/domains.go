package attestation

import "banyan/platform/wallet"

// deployments are the EAS contracts of the chains that people's wallets are on
// most, with the version that each signs for
// (https://github.com/ethereum-attestation-service/eas-contracts, README).
func deployments() map[uint64]Domain {
	at := func(version, contract string) Domain {
		return Domain{Name: DomainName, Version: version, VerifyingContract: wallet.MustParse(contract)}
	}
	return map[uint64]Domain{
		1:        at("0.26", "0xA1207F3BBa224E2c9c3c6D5aF63D0eb1582Ce587"),
		10:       at("1.0.1", "0x4200000000000000000000000000000000000021"),
		137:      at("1.3.0", "0x5E634ef5355f45A855d02D66eCD687b1502AF790"),
		324:      at("1.3.0", "0x21d8d4eE83b80bc0Cc0f2B7df3117Cf212d02901"),
		8453:     at("1.0.1", "0x4200000000000000000000000000000000000021"),
		42161:    at("0.26", "0xbD75f629A22Dc1ceD33dDA0b68c546A1c035c458"),
		42170:    at("1.3.0", "0x6d3dC0Fe5351087E3Af3bDe8eB3F7350ed894fc3"),
		42220:    at("1.3.0", "0x72E1d8ccf5299fb36fEfD8CC4394B8ef7e98Af92"),
		59144:    at("1.2.0", "0xaEF4103A04090071165F78D45D83A0C0782c2B2a"),
		534352:   at("1.3.0", "0xC47300428b6AD2c7D03BB76D05A176058b47E6B0"),
		11155111: at("0.26", "0xC2679fBD37d54388Ce493F1DB75320D236e1815e"),
	}
}

// DomainOf returns the domain for a wallet on a chain. On a chain where no EAS
// contract is known it names Ethereum's: the contract only says whose rules the
// attestation follows, and a wallet signs for its own chain only.
func DomainOf(chainID uint64) Domain {
	all := deployments()
	d, known := all[chainID]
	if !known {
		d = all[1]
	}
	d.ChainID = Uint(chainID)
	return d
}
