"""The one root of every error that Driftline raises on purpose."""


class DriftlineError(Exception):
    """Something a person can put right: the message names the place, what was expected, what was found, what to do.

    >>> str(DriftlineError("column 'age': 20 bins need at least 200 reference values, got 57; add data or lower bins"))
    "column 'age': 20 bins need at least 200 reference values, got 57; add data or lower bins"
    """


class OutsideError(DriftlineError):
    """Something outside failed (a broker, a port): the configuration may be right, so commands exit 3 and not 2."""


def printable(text: str) -> str:
    """A text that cannot write to a terminal or a log: what does not print is escaped.

    >>> printable("a\\x1b[31m\\u202e b\\n")
    'a\\\\x1b[31m\\\\u202e b\\\\n'
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
