"""What can be wrong with a results file, said so that a person knows what to do."""


class FoldrankError(Exception):
    """Base of all errors of this package."""


class WrongFileError(FoldrankError):
    """The path names nothing, or something that is no foldrank results file."""


class NewerFileError(FoldrankError):
    """The file's format is newer than this package."""


class TornFileError(FoldrankError):
    """The file is cut off or damaged."""


class MissingError(FoldrankError):
    """The file is good, but does not hold what was asked for."""
