"""Verifies an export of a ranking (decompressed: zstd -d) with nothing but Python's
standard library: digests, signatures, sums, prior, scores, ranks and the root."""
import json, math, sys, tarfile

M = (1 << 64) - 1
ROT = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]


def rol(x, n):
    return ((x << n) | (x >> (64 - n))) & M


def keccak(data):
    data = bytearray(data)
    data.append(1)
    data += bytes(-len(data) % 136)
    data[-1] |= 0x80
    a = [[0] * 5 for _ in range(5)]
    for block in range(0, len(data), 136):
        for i in range(17):
            a[i % 5][i // 5] ^= int.from_bytes(data[block + 8 * i:block + 8 * i + 8], "little")
        r = 1
        for _ in range(24):
            c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
            d = [c[(x - 1) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
            a = [[a[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            b = [[0] * 5 for _ in range(5)]
            for x in range(5):
                for y in range(5):
                    b[y][(2 * x + 3 * y) % 5] = rol(a[x][y], ROT[x][y])
            a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y]) & M for y in range(5)] for x in range(5)]
            for j in range(7):
                if r & 1:
                    a[0][0] ^= 1 << ((1 << j) - 1)
                r = (r << 1) ^ ((r >> 7) * 0x171)
    return b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798, 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(p, q):
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        m = 3 * p[0] * p[0] * pow(2 * p[1], -1, P)
    else:
        m = (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (m * m - p[0] - q[0]) % P
    return x, (m * (p[0] - x) - p[1]) % P


def times(k, p):
    sum = None
    while k:
        if k & 1:
            sum = add(sum, p)
        p, k = add(p, p), k >> 1
    return sum


def signer(digest, signature):
    r, s, v = (int.from_bytes(signature[a:b], "big") for a, b in ((0, 32), (32, 64), (64, 65)))
    y = pow(r**3 + 7, (P + 1) // 4, P)
    if y & 1 != v % 27:
        y = P - y
    i = pow(r, -1, N)
    q = add(times(-int.from_bytes(digest, "big") * i % N, G), times(s * i % N, (r, y)))
    return "0x" + keccak(q[0].to_bytes(32, "big") + q[1].to_bytes(32, "big"))[12:].hex()


def number(n):
    return n.to_bytes(32, "big")


def unhex(text):
    return bytes.fromhex(text[2:])


REVIEW = b"Review(string site,string exchange,address wallet,uint8 overall,uint8 withdrawals,uint8 support,uint8 fees,uint8 execution,uint8 security,uint8 ease,string text,uint64 createdAt,bytes32 previous)"
WITHDRAWAL = b"Withdrawal(string site,string exchange,address wallet,uint64 createdAt,bytes32 previous)"
DOMAIN = keccak(keccak(b"EIP712Domain(string name,string version)") + keccak(b"Banyan Review") + keccak(b"1"))


def digest(r):
    begin = keccak(r["site"].encode()) + keccak(r["exchange"].encode()) + bytes(12) + unhex(r["wallet"])
    end = number(r["created_ms"]) + unhex(r["previous"])
    if r["state"] == "withdrawn":
        body = keccak(WITHDRAWAL) + begin + end
    else:
        text = unhex(r["text_hash"]) if "text_hash" in r else keccak(r["text"].encode())
        body = keccak(REVIEW) + begin + b"".join(map(number, r["stars"])) + text + end
    return keccak(b"\x19\x01" + DOMAIN + keccak(body))


def leaf(kind, line):
    def text(t):
        return number(len(t)) + t + bytes(-len(t) % 32)
    return keccak(keccak(number(64) + number(64 + len(text(kind))) + text(kind) + text(line)))


def root(leaves):
    leaves = sorted(leaves)
    tree = [b""] * (len(leaves) - 1) + leaves[::-1]
    for i in range(len(leaves) - 2, -1, -1):
        tree[i] = keccak(b"".join(sorted(tree[2 * i + 1:2 * i + 3])))
    return "0x" + tree[0].hex()


def root180(e):  # the largest x with x^180 <= 2^e
    low, high = 65536, 131073
    while low + 1 < high:
        x = (low + high) // 2
        low, high = (x, high) if x**180 <= 2**e else (low, x)
    return low


POWERS = [root180(2880 + j) for j in range(181)]
UNIT, STAR = 1 << 32, 10**6


def shift(x, n):
    return x << n if n >= 0 else x >> -n


def score(reviews, dimension, prior, p):
    """The steps of package ranking; reviews are those of one exchange that count."""
    known, fresh, q_known, q_fresh = [0] * 5, [0] * 5, [0, 0], 0
    groups = {"proven": [0] * 5, "unproven": [0] * 5, "fresh": [0] * 5}
    squares = dict.fromkeys(groups, 0)
    for r in reviews:
        halvings, rest = divmod(r["created_ms"] // 86400000 - p["landmark"], 180)
        w = shift(r["weight"] * POWERS[rest], min(halvings, 35))
        groups[r["group"]][r["stars"][dimension] - 1] += w
        squares[r["group"]] += (w >> 8) ** 2
    halvings, rest = divmod(p["day"] - p["landmark"], 180)
    f = POWERS[180 - rest]
    for g in groups:
        groups[g] = [shift(w * f, -(17 + halvings)) for w in groups[g]]
        squares[g] = shift(squares[g] * f * f, -(34 + 2 * halvings))
    s = sum(groups["proven"]) + sum(groups["unproven"])
    limit, f = (s + 25 * UNIT * UNIT // (5 * UNIT + s)) // 9, sum(groups["fresh"])
    if f > limit:
        groups["fresh"] = [w * limit // f for w in groups["fresh"]]
        squares["fresh"] = squares["fresh"] * limit // f * limit // f
    total, q = sum(map(sum, groups.values())), sum(squares.values())
    n = min(total, (total * total << 16) // q) if q else total
    alpha = [5 * prior[k] + sum(g[k] * n // total if total else 0 for g in groups.values()) for k in range(5)]
    a, m1, m2 = sum(alpha), sum((k + 1) * x for k, x in enumerate(alpha)), sum((k + 1) ** 2 * x for k, x in enumerate(alpha))
    mean = m1 * STAR // a
    deviation = math.isqrt(((m2 * a - m1 * m1) * STAR * STAR << 32) // (a * a * (a + UNIT)))
    around = 1645 * deviation // 1000
    key = mean - around
    return {"mean": mean, "deviation": deviation, "key": key, "low": max(key, STAR), "high": min(mean + around, 5 * STAR), "effective": n}


def prior_of(reviews, dimension, p):
    weights = [UNIT] * 5
    halvings, rest = divmod(p["day"] - p["landmark"], 180)
    sums = {}
    for r in reviews:
        if r["group"] != "fresh":
            h, j = divmod(r["created_ms"] // 86400000 - p["landmark"], 180)
            place = r["exchange"], r["group"], r["stars"][dimension] - 1
            sums[place] = sums.get(place, 0) + shift(r["weight"] * POWERS[j], min(h, 35))
    for (_, _, k), w in sums.items():
        weights[k] += shift(w * POWERS[180 - rest], -(17 + halvings))
    parts = [(w << 32) // sum(weights) for w in weights]
    parts[2] += UNIT - sum(parts)
    return parts


def log2(x):  # in 1/2^32
    e = x.bit_length() - 1
    m = x << (63 - e)
    for _ in range(32):
        m = m * m >> 63
        e = e * 2 + (m >> 64)
        m >>= m >> 64
    return e


def alarms(reviews, day):
    """The two rules of package bursts on a day."""
    days = [[0] * 5 for _ in range(30)]
    for r in reviews:
        back = day - r["created_ms"] // 86400000
        if 0 <= back < 30:
            days[back][r["stars"][0] - 1] += 1
    counts = [sum(d) for d in days]
    s, q, c, n = sum(counts[2:]), sum(x * x for x in counts[2:]), counts[0] + counts[1], 28
    if s < 1 or c < 10:
        return False, False
    p = s + 1
    excess = n * q + p * p - 2 * p * s - p * (n - 1)
    r = min(8, max(1, p * p * (n - 1) // (n * excess))) if excess > 0 else 8

    def rare(c, days, one_in):
        one, r2 = 1 << 192, r
        while True:
            x = one
            for _ in range(r2 * days):
                x = x * (r2 * n) // (r2 * n + p)
            if x or r2 == 1:
                break
            r2 -= 1
        total = 0
        for k in range(c):
            total += x
            if total > one - one // one_in:
                return True
            x = x * ((k + r2 * days) * p) // ((k + 1) * (r2 * n + p))
        return False

    before, now = ([sum(d[k] for d in part) for k in range(5)] for part in (days[2:], days[:2]))
    b = sum(before) + 5
    g = sum(o * (log2(o * b) - log2(c * (before[k] + 1))) for k, o in enumerate(now) if o)
    mix = (max(g, 0) * 5954088944 >> 48) * 1000 >> 16
    warned = rare(counts[0], 1, 10000) or rare(c, 2, 10000)
    return warned, mix > 40000 and (warned or rare(counts[0], 1, 1000) or rare(c, 2, 1000))


def main():
    leaves, lines = [], {"exchange": [], "review": [], "tombstone": []}
    archive = tarfile.open(sys.argv[1])
    for member in archive:
        content = archive.extractfile(member).read()
        kind = member.name.split(".")[0].split("-")[0]
        kind = kind[:-1] if kind[:-1] in lines else kind
        for line in content.split(b"\n")[:-1]:
            value = json.loads(line)
            if kind == "manifest":
                manifest = value
                continue
            leaves.append(leaf(kind.encode(), line))
            if kind == "parameters":
                p = value
            else:
                lines[kind].append(value)
    for r in lines["review"] + lines["tombstone"]:
        assert digest(r) == unhex(r["hash"]), r
        # A smart wallet's signature is its chain's to check, at the block that is named.
        assert "block" in r or signer(unhex(r["hash"]), unhex(r["signature"])) == r["wallet"].lower(), r
    counted = [r for r in lines["review"] if r["state"] == "counted"]
    assert p["prior"] == [prior_of(counted, d, p) for d in range(7)], "prior"
    order = []
    for e in lines["exchange"]:
        own = [r for r in counted if r["exchange"] == e["slug"]]
        scores = [score(own, d, p["prior"][d], p) for d in range(7)]
        assert e["scores"] == scores and e["reviews"] == len(own), (e, scores)
        shown = [r for r in lines["review"] if r["exchange"] == e["slug"]]
        assert (e.get("warned", False), e.get("holds", False)) == alarms(shown, p["day"]), "alarms"
        enough = scores[0]["effective"] >= 8 * UNIT
        order.append((not enough, -scores[0]["key"], -scores[0]["effective"], e["slug"], e["rank"], enough))
    for place, (*_, rank, enough) in enumerate(sorted(order)):
        assert rank == (place + 1 if enough else 0), "rank"
    assert root(leaves) == manifest["root"], "root"
    print(f"{len(lines['review'])} reviews and {len(lines['tombstone'])} tombstones verified, root {manifest['root']}")


main()
