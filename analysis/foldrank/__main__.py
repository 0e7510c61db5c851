"""Command line: ``python -m foldrank report``, also as ``foldrank-report``; ``from-optuna``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from foldrank.errors import FoldrankError


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=name,
        description="Write the results of a study as one HTML file that needs no network.",
        epilog=f"example: {name} results/digits -o digits.html",
    )
    parser.add_argument(
        "results", metavar="RESULTS", help="results.h5, or the directory of a run"
    )
    parser.add_argument(
        "others",
        metavar="OTHER",
        nargs="*",
        help="further runs of the study, with other seeds or on other numbers of cores",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the HTML file [report.html beside the results]"
    )
    parser.add_argument(
        "--data",
        metavar="CSV",
        help="rows on which to look at the model: confusion, calibration, importance of columns",
    )
    return parser


def report_main(arguments: Sequence[str] | None = None, name: str = "foldrank report") -> int:
    """Write a report.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command; by default those of the process.
    name : str
        The command, for the usage.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong usage or no results file.
    """
    from foldrank.hdf5 import find
    from foldrank.report import write

    given = _parser(name).parse_args(arguments)
    try:
        target = Path(given.output or find(given.results).with_name("report.html"))
        write(given.results, target, given.others, given.data)
    except FoldrankError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    print(target)
    return 0


def from_optuna_main(arguments: Sequence[str]) -> int:
    """Print the trials of an Optuna study for a foldrank study.

    Parameters
    ----------
    arguments : sequence of str
        Arguments of the command.

    Returns
    -------
    int
        0 done, 2 wrong usage or no such study.
    """
    name = "python -m foldrank from-optuna"
    parser = argparse.ArgumentParser(
        prog=name,
        description="Print the configurations that an Optuna study tried, best first, as the "
        "value of search.enqueue: foldrank tries them first and learns from them.",
        epilog="example: foldrank run study.yaml "
        f'--set "search.enqueue=$({name} journal.log -n 10)"',
    )
    parser.add_argument(
        "storage",
        metavar="STORAGE",
        help="a journal file, or a URL such as sqlite:///optuna.db",
    )
    parser.add_argument("--study", metavar="NAME", help="which one, where there are several")
    parser.add_argument("-n", type=int, metavar="N", help="only the N best [all]")
    given = parser.parse_args(arguments)
    if given.n is not None and given.n < 1:
        parser.error(f"-n {given.n}: at least 1")

    from foldrank.optuna_bridge import enqueue_text, load_optuna

    try:
        print(enqueue_text(load_optuna(given.storage, given.study), given.n))
    except FoldrankError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    """Dispatch ``python -m foldrank COMMAND``.

    Returns
    -------
    int
        Exit status.
    """
    if sys.argv[1:2] == ["report"]:
        return report_main(sys.argv[2:], "python -m foldrank report")
    if sys.argv[1:2] == ["from-optuna"]:
        return from_optuna_main(sys.argv[2:])
    print(
        "usage: python -m foldrank report RESULTS [OTHER]... [-o FILE]\n"
        "       python -m foldrank from-optuna STORAGE [--study NAME] [-n N]",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
