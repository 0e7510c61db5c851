"""YAML as foldrank writes it: the core schema of YAML 1.2.

PyYAML follows YAML 1.1, in which ``1e-06`` is a text and ``no`` is false.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

_INT = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """A safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


for _tag, _pattern, _make in (
    ("int", _INT, int),
    ("float", _FLOAT, _float),
    ("bool", _BOOL, lambda text: text.lower() == "true"),
    ("null", _NULL, lambda text: None),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, None)
    _Loader.add_constructor(
        f"tag:yaml.org,2002:{_tag}",
        lambda loader, node, make=_make: make(loader.construct_scalar(node)),
    )


def load(text: str) -> Any:
    """Read one YAML document.

    Parameters
    ----------
    text : str
        The document.

    Returns
    -------
    object
        Plain Python values.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


def freeze(value: Any) -> Any:
    """Make a value of a choice hashable, so that pandas can group by it.

    Parameters
    ----------
    value : object
        As read from YAML.

    Returns
    -------
    object
        Lists as tuples; everything else as it is.
    """
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    return value


def flow(value: Any) -> str:
    """Write a value in YAML's flow style, so that :func:`load` gives the same value again.

    Parameters
    ----------
    value : object
        None, a boolean, a number, a text, or a list of such.

    Returns
    -------
    str
        ``[64, 32]``, ``[relu, tanh]``, ``1e-05``; a text is quoted where it must be.
    """
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    plain = re.fullmatch(r"[A-Za-z_][\w.-]*", value) and load(value) == value
    return value if plain else json.dumps(value)


def show(value: Any) -> str:
    """Write a value as it stands in a study file.

    Parameters
    ----------
    value : object
        A value of a parameter.

    Returns
    -------
    str
        ``[64, 32]``, ``true``, ``0.001``; an empty text for None and NaN.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
