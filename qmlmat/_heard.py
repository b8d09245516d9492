"""Hears the warnings of one evaluation, in whichever thread it runs."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from qmlmat.errors import QmlmatWarning

_MODULE: Final = ".*"
_FILTER: Final = ("always", None, QmlmatWarning, re.compile(_MODULE), 0)
"""How our filter is listed. It names all modules, and so is nobody else's: the same filter without
that, which our command line sets, would be moved to the front."""


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect the texts of the package's own warnings instead of showing them.

    Those of other threads and of other packages are shown as ever. ``warnings.catch_warnings``
    cannot do this: it replaces what all threads share.

    Example:
        >>> with heard() as said:
        ...     warnings.warn("mind the gap", QmlmatWarning)
        >>> said
        ['mind the gap']
    """
    said: list[str] = []
    outer = getattr(_here, "said", None)
    _here.said = said
    _hook.enter()
    try:
        yield said
    finally:
        _hook.leave()
        _here.said = outer


_here = threading.local()  # .said: what this thread's evaluation has said so far


class _Hook:
    """In place of ``warnings.showwarning`` while any thread listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners = 0
        self._show: Callable[..., Any] = warnings.showwarning

    def enter(self) -> None:
        with self._lock:
            self._listeners += 1
            if self._listeners > 1 and warnings.showwarning == self._hear:
                return
            self._show, warnings.showwarning = warnings.showwarning, self._hear
            warnings.filterwarnings("always", category=QmlmatWarning, module=_MODULE)

    def leave(self) -> None:
        with self._lock:
            self._listeners -= 1
            # where somebody's catch_warnings has ended in between, all is undone already
            if self._listeners or warnings.showwarning != self._hear:
                return
            warnings.showwarning = self._show
            if _FILTER in warnings.filters:
                warnings.filters.remove(_FILTER)  # type: ignore[attr-defined] # a list at run time

    def _hear(
        self, message: Warning | str, category: type[Warning], *args: object, **kwargs: object
    ) -> None:
        said = getattr(_here, "said", None)
        if said is None or not issubclass(category, QmlmatWarning):
            self._show(message, category, *args, **kwargs)
        else:
            said.append(" ".join(str(message).split()))


_hook = _Hook()
