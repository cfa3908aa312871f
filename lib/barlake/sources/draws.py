"""Chance that depends on a seed and on names alone, never on the order of asking."""

from hashlib import blake2b

import numpy as np


def chance(seed: int, *names: object) -> float:
    """Give a number of [0, 1), the same for the same seed and names."""
    return (_digest(seed, names) >> 11) / 2**53  # 53 bits: a double holds them without rounding up


def draws(seed: int, *names: object) -> np.random.Generator:
    """Give a generator whose whole sequence is fixed by the seed and the names."""
    return np.random.Generator(np.random.PCG64(_digest(seed, names)))


def _digest(seed: int, names: tuple[object, ...]) -> int:
    words = "/".join(map(str, (seed, *names)))
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big")
