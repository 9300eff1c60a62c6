"""What many desks ask for at the same moment is worked out once: fifty desks cost little more than one."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Values kept for some seconds in this process; the one who asks first works it out, the others wait for it."""

    def __init__(self, seconds: float, most: int = 64) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._turns: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The kept value for `key`, or a new one. `make` must depend on nothing but the key."""
        with self._guard:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            kept = self._kept.get(key)
            if kept and kept[0] > monotonic():
                return kept[1]
            try:
                made = make()
            except BaseException:
                self._turns.pop(key, None)
                raise
            self._keep(key, made)
            return made

    def _keep(self, key: Hashable, made: T) -> None:
        with self._guard:
            self._kept[key] = (monotonic() + self._seconds, made)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                oldest, _ = self._kept.popitem(last=False)
                self._turns.pop(oldest, None)
