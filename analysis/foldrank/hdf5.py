"""Columns, scalars and attributes of one opened results file.

The program never writes into ``results.h5``: it replaces the file by renaming a new one. An
opened file therefore stays what it was, whatever a run does meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from foldrank.errors import NewerFileError, TornFileError, WrongFileError

Array = npt.NDArray[Any]

CONTENT = "foldrank results"
FORMAT = 1
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Columns do not compress to less than a few bits a row: more rows are a claim of a bad file.
_ROWS_FREE, _ROWS_PER_BYTE = 100_000, 16


def find(path: str | os.PathLike[str]) -> Path:
    """Name the results file that a path stands for.

    Parameters
    ----------
    path : path-like
        A results file, or the output directory of a run.

    Returns
    -------
    pathlib.Path
        The file.
    """
    given = Path(path)
    if given.is_dir():
        inside = given / "results.h5"
        if inside.exists():
            return inside
        if (given / "journal.bin").exists():
            raise WrongFileError(
                f"{given}: the run has not written results.h5 yet; it does at its first "
                "checkpoint. Try again in a moment, or start `foldrank run` on the study again"
            )
        raise WrongFileError(f"{given}: this directory holds no results.h5 of foldrank")
    if not given.exists():
        raise WrongFileError(f"{given}: there is no such file or directory")
    return given


def _check_signature(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_SIGNATURE))
    except OSError as error:
        raise WrongFileError(f"{path}: cannot be read: {error.strerror}") from error
    if start == _SIGNATURE:
        return
    if not start:
        raise TornFileError(f"{path}: is empty; copy it again, or run the study again")
    if start.startswith(b"\x89FRJ"):
        raise WrongFileError(
            f"{path}: is foldrank's journal; open results.h5 beside it, or its directory"
        )
    raise WrongFileError(f"{path}: is no HDF5 file, so it is no results file of foldrank")


def _open(path: Path) -> h5py.File:
    """Open for reading, also where the file system has no locks: nobody writes into it."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if "lock" not in str(error):
            raise
        return h5py.File(path, "r", locking=False)


def _python(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [_python(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _decode(raw: Array) -> Array:
    """Fixed-length UTF-8 to text; most columns repeat few values, so decode each once."""
    out = np.full(raw.shape, "", dtype=object)
    filled = np.flatnonzero(raw != b"")
    values, which = np.unique(raw[filled], return_inverse=True)
    texts = np.empty(len(values), dtype=object)
    texts[:] = [value.decode("utf-8", "replace") for value in values]
    out[filled] = texts[which]
    return out


class ResultsFile:
    """An opened results file.

    Parameters
    ----------
    path : path-like
        A results file, or the output directory of a run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = find(path)
        _check_signature(self.path)
        with self._explained("the file"):
            self._file = _open(self.path)
        try:
            self.id = self._identity(self._file.id.get_vfd_handle())
            self._check_content()
        except BaseException:
            self._file.close()
            raise

    def _check_content(self) -> None:
        root = self.attributes("/")
        content = root.get("content")
        if content == "foldrank predictions":
            raise WrongFileError(
                f"{self.path}: holds predictions; read them with h5py. Results are in the "
                "results.h5 of the run's output directory"
            )
        if content != CONTENT:
            raise WrongFileError(f"{self.path}: is an HDF5 file, but not results of foldrank")
        form = root.get("format")
        if not isinstance(form, int) or form < 1:
            raise TornFileError(f"{self.path}: names no format ({form!r}); is it damaged?")
        if form > FORMAT:
            raise NewerFileError(
                f"{self.path}: has format {form}, written by foldrank "
                f"{root.get('version', '?')}; this package reads format {FORMAT}. "
                "Install the analysis package that came with that version"
            )

    def _identity(self, of: int | Path) -> tuple[int, int, int]:
        about = os.stat(of)
        return about.st_ino, about.st_mtime_ns, about.st_size

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, KeyError, UnicodeError) as error:
            reason = " ".join(str(error).split())
            if "ESTALE" in reason or "tale file handle" in reason:
                raise TornFileError(
                    f"{self.path}: was replaced on the file server while it was being read; "
                    "open it again"
                ) from error
            raise TornFileError(
                f"{self.path}: {what} is cut off or damaged ({reason}); copy it again, or let "
                "`foldrank run` write it anew from the journal"
            ) from error

    @property
    def stale(self) -> bool:
        """Whether the run has written a newer file since this one was opened."""
        try:
            return self._identity(self.path) != self.id
        except FileNotFoundError:
            return True

    def close(self) -> None:
        """Close the file; columns that were read stay usable."""
        self._file.close()

    def has(self, name: str) -> bool:
        """Whether the file has this data set or group.

        Parameters
        ----------
        name : str
            Full name, such as ``selection/chosen``.

        Returns
        -------
        bool
            True when it is there.
        """
        with self._explained(name):
            return name in self._file

    def names(self, group: str) -> list[str]:
        """Names of the data sets right below a group.

        Parameters
        ----------
        group : str
            Full name of the group.

        Returns
        -------
        list of str
            In the order of the alphabet; empty when there is no such group.
        """
        with self._explained(group):
            node = self._file.get(group)
            if not isinstance(node, h5py.Group):
                return []
            return [name for name in node if node.get(name, getclass=True) is h5py.Dataset]

    def attributes(self, name: str) -> dict[str, Any]:
        """Attributes as plain Python values.

        Parameters
        ----------
        name : str
            Data set or group.

        Returns
        -------
        dict
            Empty when there is no such object.
        """
        with self._explained(f"what describes {name}"):
            node = self._file.get(name)
            if node is None:
                return {}
            return {key: _python(value) for key, value in node.attrs.items()}

    def _dataset(self, name: str) -> h5py.Dataset:
        with self._explained(name):
            node = self._file.get(name)
        if not isinstance(node, h5py.Dataset):
            raise TornFileError(f"{self.path}: has no data set {name}; is it damaged?")
        limit = _ROWS_FREE + _ROWS_PER_BYTE * self.id[2]
        if node.size is None or node.size > limit:
            raise TornFileError(
                f"{self.path}: {name} claims {node.size} values, more than a file of this size "
                "can hold"
            )
        return node

    def column(self, name: str, rows: int | None = None) -> Array:
        """Read one column.

        Parameters
        ----------
        name : str
            Full name, such as ``trials/score_mean``.
        rows : int, optional
            The length that it must have.

        Returns
        -------
        numpy.ndarray
            Integers as int64, other numbers as float64, texts as str objects.
        """
        node = self._dataset(name)
        if node.ndim != 1 or (rows is not None and node.shape[0] != rows):
            raise TornFileError(
                f"{self.path}: {name} has the shape {node.shape}, not ({rows},): is it damaged?"
            )
        with self._explained(name):
            raw = node[()]
        if raw.dtype.kind == "S":
            return _decode(raw)
        if raw.dtype.kind in "iu":
            return np.asarray(raw, dtype=np.int64)
        if raw.dtype.kind != "f":
            raise TornFileError(f"{self.path}: {name} has the unknown type {raw.dtype}")
        return np.asarray(raw, dtype=np.float64)

    def array(self, name: str) -> Array:
        """Read a data set of any shape as it is.

        Parameters
        ----------
        name : str
            Full name.

        Returns
        -------
        numpy.ndarray
            Numbers in the file's own type.
        """
        node = self._dataset(name)
        with self._explained(name):
            return np.asarray(node[()])

    def scalar(self, name: str) -> Any:
        """Read a scalar.

        Parameters
        ----------
        name : str
            Full name, such as ``selection/chosen``.

        Returns
        -------
        object
            int, float or str.
        """
        node = self._dataset(name)
        with self._explained(name):
            return _python(node[()])
