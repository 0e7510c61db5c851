"""What a Python program needs to be tuned by ``objective: {type: command}``.

Nothing but Python itself is needed, and the file stands alone: it may be copied beside the
program. Outside of foldrank, parameters come from the command line as ``name=value``, and
reports are printed all the same, so a program can be tried by hand.

>>> from foldrank import objective                  # doctest: +SKIP
>>> p = objective.parameters()                      # doctest: +SKIP
>>> for epoch in range(1, 11):                      # doctest: +SKIP
...     objective.report(train(p), step=epoch)
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

__all__ = ["directory", "fold", "folds", "parameters", "report", "seed", "trial"]


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def parameters() -> dict[str, Any]:
    """Give the parameters of this task.

    Returns
    -------
    dict
        Numbers, texts, truth values and lists by name, without those whose condition fails.
        Outside of foldrank: the arguments of the form ``name=value``.
    """
    path = os.environ.get("FOLDRANK_PARAMETERS")
    if path is None:
        pairs = (a.split("=", 1) for a in sys.argv[1:] if "=" in a)
        return {name.lstrip("-"): _value(text) for name, text in pairs}
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def trial() -> int:
    """Give the number of the trial, from 0."""
    return _number("FOLDRANK_TRIAL", 0)


def fold() -> int:
    """Give the fold to validate on, from 0."""
    return _number("FOLDRANK_FOLD", 0)


def folds() -> int:
    """Give the number of folds of a trial."""
    return _number("FOLDRANK_FOLDS", 1)


def seed() -> int:
    """Give a seed that depends on study, trial and fold only, below 2**31."""
    return _number("FOLDRANK_SEED", 0)


def directory() -> str:
    """Give a directory of this task's own, for whatever it wants to keep.

    It is the same when a task that was interrupted starts anew.
    """
    return os.environ.get("FOLDRANK_DIRECTORY", ".")


def report(value: float, step: int | None = None, loss: float | None = None) -> None:
    """Tell foldrank a score.

    Parameters
    ----------
    value : float
        The score. Anything that ``float`` takes, such as a tensor with one element.
    step : int, optional
        How far the program is: epochs, from 1 (or from 0). Pruning compares programs that are
        equally far. Without it the value is that of the whole task; a task that reports no
        such value has that of its last step.
    loss : float, optional
        The training loss, kept in the curve.

    Notes
    -----
    A program that is beaten gets SIGTERM, and SIGKILL after ``grace``.
    """
    fields = [f"value={float(value)!r}"]
    if step is not None:
        fields.insert(0, f"step={int(step)}")
        if loss is not None:
            fields.append(f"loss={float(loss)!r}")
    print("foldrank", *fields, flush=True)
