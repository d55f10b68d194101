"""Names that accounts go by: those people choose, those one generator makes, numbers a platform gives. Knows no attack."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lab.people import Names

_STARTS = "an ma ol ka da vi sa mi le jo pe ro ta is em al ben chris fran gre hel ivo ju kir lu mar nat os pav rus ste tom vla yan zo"
_MIDDLES = "ri na li to ve do sha mi re ko la"
_ENDS = "a na ra n s r ko ta el ia ka ne y son ez ov sky er in o"
_ADJECTIVES = "blue quiet brave lucky silent golden happy rapid wild clever frozen gentle hidden noble proud royal"
_ANIMALS = "tiger falcon otter raven panda badger heron lynx marten osprey walrus gecko bison ferret magpie stoat"
NAMINGS = ("chosen", "numbers")
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def chosen(rng: np.random.Generator, size: int) -> Names:
    """Return names as people choose them: one name or two, with a year, a number, a dot or nothing."""
    first, second = _words(rng, size), _words(rng, size)
    year, number = rng.integers(1960, 2012, size).tolist(), rng.integers(1, 1_000, size).tolist()
    forms: list[Callable[[int], str]] = [
        lambda i: first[i],
        lambda i: f"{first[i]}{second[i]}",
        lambda i: f"{first[i]}_{second[i]}",
        lambda i: f"{first[i]}.{second[i]}",
        lambda i: f"{first[i]}{year[i]}",
        lambda i: f"{first[i]}{number[i]}",
        lambda i: f"{first[i]}_{number[i]}",
        lambda i: f"{first[i].capitalize()}{second[i].capitalize()}{number[i] % 100}",
        lambda i: f"{second[i]}_{first[i]}{year[i] % 100}",
        lambda i: f"{first[i].capitalize()}{number[i] * 90_001 + 10_000_000}",
    ]
    form = rng.choice(len(forms), size, p=[0.1, 0.18, 0.14, 0.1, 0.11, 0.13, 0.07, 0.07, 0.05, 0.05]).tolist()
    return np.array([forms[of](i) for i, of in enumerate(form)], dtype=object)


def user_numbers(rng: np.random.Generator, size: int) -> Names:
    """Return user8371623 and the like."""
    return np.array([f"user{number}" for number in rng.integers(1_000_000, 10_000_000, size).tolist()], dtype=object)


def running_numbers(rng: np.random.Generator, size: int) -> Names:
    """Return one name with running numbers: maria_k_0001 and so on."""
    stem = f"{_words(rng, 1)[0]}_{rng.choice(_LETTERS)}_"
    return np.array([f"{stem}{number:04d}" for number in range(1, size + 1)], dtype=object)


def random_letters(rng: np.random.Generator, size: int) -> Names:
    """Return random letters, equally many in each."""
    length = int(rng.integers(8, 13))
    return np.array(["".join(letters) for letters in rng.choice(_LETTERS, (size, length)).tolist()], dtype=object)


def word_lists(rng: np.random.Generator, size: int) -> Names:
    """Return two words and four digits: quiet_otter_4821."""
    first, second = rng.choice(_ADJECTIVES.split(), size).tolist(), rng.choice(_ANIMALS.split(), size).tolist()
    number = rng.integers(1_000, 10_000, size).tolist()
    return np.array([f"{a}_{b}_{c}" for a, b, c in zip(first, second, number, strict=True)], dtype=object)


GENERATORS: dict[str, Callable[[np.random.Generator, int], Names]] = {
    "user_numbers": user_numbers,
    "running_numbers": running_numbers,
    "random_letters": random_letters,
    "word_lists": word_lists,
}


class Registry:
    """Hands out names that are distinct: `naming` "chosen" lets people choose and scripts generate, "numbers" counts."""

    def __init__(self, rng: np.random.Generator, naming: str) -> None:
        if naming not in NAMINGS:
            raise ValueError(f"accounts are called by one of {', '.join(NAMINGS)}, not {naming}")
        self._rng = rng
        self._naming = naming
        self._taken: set[str] = set()

    def take(self, size: int) -> Names:
        """Return so many names of people that nobody has."""
        return self._distinct(chosen(self._rng, size)) if self._naming == "chosen" else self._numbers(size)

    def made(self, size: int) -> Names:
        """Return so many names of one generator that nobody has."""
        if self._naming == "numbers":
            return self._numbers(size)
        return self._distinct(GENERATORS[str(self._rng.choice(sorted(GENERATORS)))](self._rng, size))

    def _numbers(self, size: int) -> Names:
        first = 9_000_000 + len(self._taken)
        return self._distinct(np.array([f"u{number}" for number in range(first, first + size)], dtype=object))

    def _distinct(self, names: Names) -> Names:
        found = []
        for name in names.tolist():
            while name in self._taken:
                name = f"{name}{_LETTERS[int(self._rng.integers(len(_LETTERS)))]}"
            self._taken.add(name)
            found.append(name)
        return np.array(found, dtype=object)


def _words(rng: np.random.Generator, size: int) -> list[str]:
    middles = ["", "", "", *_MIDDLES.split()]
    parts = [rng.choice(of, size).tolist() for of in (_STARTS.split(), middles, _ENDS.split())]
    return ["".join(part) for part in zip(*parts, strict=True)]
