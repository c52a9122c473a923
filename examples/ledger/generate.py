#!/usr/bin/env python3
"""A skewed stream of payments for the ledger, as NDJSON: few accounts pay and are paid often, most hardly ever.

Writes three files, to be sent in this order with `rcc call --file`:

    opens.ndjson      one account each          ledger.open
    mints.ndjson      money for each account    ledger.mint  (role treasurer)
    payments.ndjson   the payments              ledger.pay

The same options give the same bytes again: the numbers come from SplitMix64, not from the
standard library's generators. Ranks follow Zipf's law with exponent --skew; a rank's account number is
scattered, so that popular accounts do not lie next to each other.
"""

import argparse
import bisect
import os
import sys

MASK = (1 << 64) - 1


class Random:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)

    def below(self, bound):
        return self.next() % bound

    def unit(self):
        """In [0, 1), with 53 bits."""
        return (self.next() >> 11) / (1 << 53)


def zipf_sums(count, skew):
    """Running sums of 1/rank^skew."""
    total, sums = 0.0, []
    for rank in range(1, count + 1):
        total += rank ** -skew
        sums.append(total)
    return sums


def shuffled(count, random):
    """Account numbers from 1, by rank."""
    accounts = list(range(1, count + 1))
    for at in range(count - 1, 0, -1):
        other = random.below(at + 1)
        accounts[at], accounts[other] = accounts[other], accounts[at]
    return accounts


def write(path, lines):
    part = path + ".part"
    with open(part, "w", encoding="ascii", newline="\n", buffering=1 << 20) as out:
        out.writelines(lines)
    os.replace(part, path)


def opens(accounts):
    for account in range(1, accounts + 1):
        yield f'{{"id":"{account}","owner":"owner-{account}"}}\n'


def mints(accounts, funds):
    for account in range(1, accounts + 1):
        yield f'{{"to":"{account}","amount":"{funds}"}}\n'


def payments(options):
    random = Random(options.seed)
    by_rank = shuffled(options.accounts, random)
    sums = zipf_sums(options.accounts, options.skew)
    total = sums[-1]

    def draw():
        rank = bisect.bisect_right(sums, random.unit() * total)
        return by_rank[min(rank, options.accounts - 1)]

    for _ in range(options.payments):
        payer, payee = draw(), draw()
        while payee == payer:
            payee = draw()
        amount = 1 + random.below(options.amount)
        yield f'{{"from":"{payer}","to":"{payee}","amount":"{amount}"}}\n'


def main():
    parser = argparse.ArgumentParser(
        description="Writes opens.ndjson, mints.ndjson and payments.ndjson.",
        epilog="Example: python3 generate.py --payments 100000 --out /tmp/stream",
    )
    parser.add_argument("--payments", type=int, default=1_000_000, help="how many (default 1000000)")
    parser.add_argument("--accounts", type=int, default=100_000, help="how many (default 100000)")
    parser.add_argument("--funds", type=int, default=1_000_000, help="what each account starts with, in cents")
    parser.add_argument("--amount", type=int, default=100, help="the largest payment, in cents")
    parser.add_argument("--skew", type=float, default=0.99, help="Zipf's exponent; 0 is uniform (default 0.99)")
    parser.add_argument("--seed", type=int, default=1, help="another stream for each (default 1)")
    parser.add_argument("--out", default=".", help="the folder to write to (default: this one)")
    options = parser.parse_args()
    if options.accounts < 2 or options.payments < 0 or options.amount < 1 or options.funds < 0 or options.skew < 0:
        parser.error("at least 2 accounts, an amount of at least 1, and nothing negative")
    os.makedirs(options.out, exist_ok=True)
    write(os.path.join(options.out, "opens.ndjson"), opens(options.accounts))
    write(os.path.join(options.out, "mints.ndjson"), mints(options.accounts, options.funds))
    write(os.path.join(options.out, "payments.ndjson"), payments(options))
    print(f"{options.accounts} accounts and {options.payments} payments in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
