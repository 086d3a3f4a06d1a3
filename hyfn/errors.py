"""Every error that hyfn raises, as one tree sorted by who can act.

HyfnError
├── ProjectError               the developer mends the source or its configuration
│   ├── SourceError            ... at a file and a line
│   ├── ConfigError            ... in pyproject.toml, a command line or the environment
│   ├── BuildError             ... so that an artifact can be made
│   └── ProjectErrors          ... several of these at once
├── MachineError               this machine lacks something: an interpreter, a tool, a network
├── ShipError                  a platform, or what is recorded of it, did not allow a change
│   ├── Changed                ... since somebody else made one meanwhile: to run it again helps
│   └── Locked                 ... since somebody else is shipping
├── PartialFailure             raised by a function: which events of a batch it could not take
└── CallError                  a call did not bring a value
    ├── NotShipped             no endpoint is known
    ├── RemoteError            the function raised a class that this caller cannot import
    └── one class for each code of the protocol: DeadlineExceeded, TooLarge, Forbidden, ...
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class HyfnError(Exception):
    """The root. `where` is "file:line" or None; `hint` says how to mend it, or is None."""

    message = ""
    where: str | None = None
    hint: str | None = None
    # One that came over the wire was made without __init__.

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{advice}"


class ProjectError(HyfnError):
    """The project is wrong; its developer can mend it."""


class SourceError(ProjectError):
    """A line of the source is wrong. `where` is always set."""


class ConfigError(ProjectError):
    """A setting is wrong: a table in pyproject.toml, an option, an environment variable."""


class BuildError(ProjectError):
    """No artifact can be made from this project."""


class ProjectErrors(ProjectError):
    """Several problems of one project, found in one reading. `errors` are in the order of file and line."""

    def __init__(self, errors: Sequence[HyfnError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


def raise_all(errors: Sequence[HyfnError]) -> None:
    """Raise them, if there are any: one by itself, several as ProjectErrors."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ProjectErrors(errors)


class MachineError(HyfnError):
    """This machine lacks something that the command needs."""


class ShipError(HyfnError):
    """A change of what is live did not come about. What was recorded is as true as before."""


class Changed(ShipError):
    """Somebody else changed the same thing meanwhile. Nothing of it was overwritten."""


class Locked(ShipError):
    """Somebody else is changing this stage."""


class PartialFailure(HyfnError):
    """For a function to raise that takes a list of events: those of the list which the platform must deliver again."""

    def __init__(self, failed: Sequence[object], message: str = "") -> None:
        """`failed` are events of the list."""
        super().__init__(message or f"{len(failed)} of the events failed")
        self.failed = failed


NOT_EXECUTED, EXECUTED, UNKNOWN = 0, 1, 2
"""Whether the function ran: the `ex` field of an error on the wire."""


class CallError(HyfnError):
    """A call did not bring a value. `code` is the protocol's; `executed` is 0 no, 1 yes, 2 unknown."""

    code = "INTERNAL"
    http_status = 500
    executed = UNKNOWN

    def __init__(
        self,
        message: str = "",
        *,
        where: str | None = None,
        hint: str | None = None,
        executed: int | None = None,
    ) -> None:
        super().__init__(message or self.code, where=where, hint=hint)
        if executed is not None:
            self.executed = executed


class NotShipped(CallError):
    """No endpoint of the function is known for the active stage. Nothing was sent."""

    code, http_status, executed = "NOT_SHIPPED", 404, NOT_EXECUTED


class RemoteError(CallError):
    """The function raised an exception that this caller cannot raise as its own class.

    `remote_type` is its "module:qualname", `args` and attributes travel in `data`.
    """

    code, http_status, executed = "USER_ERROR", 200, EXECUTED

    def __init__(self, message: str = "", *, remote_type: str = "", data: object = None) -> None:
        super().__init__(message)
        self.remote_type = remote_type
        self.data = data

    def __str__(self) -> str:
        return f"{self.remote_type}: {self.message}"


class Malformed(CallError):
    code, http_status, executed = "MALFORMED", 400, NOT_EXECUTED


class UnsupportedEncoding(CallError):
    code, http_status, executed = "UNSUPPORTED_ENCODING", 415, NOT_EXECUTED


class Unauthenticated(CallError):
    code, http_status, executed = "UNAUTHENTICATED", 401, NOT_EXECUTED


class Forbidden(CallError):
    code, http_status, executed = "FORBIDDEN", 403, NOT_EXECUTED


class NoSuchFunction(CallError):
    code, http_status, executed = "NO_SUCH_FUNCTION", 404, NOT_EXECUTED


class ContractMismatch(CallError):
    code, http_status, executed = "CONTRACT_MISMATCH", 421, NOT_EXECUTED


class Replay(CallError):
    code, http_status, executed = "REPLAY", 409, NOT_EXECUTED


class InProgress(CallError):
    code, http_status, executed = "IN_PROGRESS", 409, UNKNOWN


class TooLarge(CallError):
    code, http_status, executed = "TOO_LARGE", 413, NOT_EXECUTED


class Overloaded(CallError):
    code, http_status, executed = "OVERLOADED", 503, NOT_EXECUTED


class RateLimited(CallError):
    code, http_status, executed = "RATE_LIMITED", 429, NOT_EXECUTED


class Unavailable(CallError):
    code, http_status, executed = "UNAVAILABLE", 503, NOT_EXECUTED


class DeadlineExceeded(CallError, TimeoutError):
    code, http_status, executed = "DEADLINE_EXCEEDED", 504, UNKNOWN


class OutcomeUnknown(CallError):
    code, http_status, executed = "OUTCOME_UNKNOWN", 502, UNKNOWN


class Internal(CallError):
    code, http_status, executed = "INTERNAL", 500, UNKNOWN


BY_CODE: Mapping[str, type[CallError]] = {
    error.code: error
    for error in (
        Malformed,
        UnsupportedEncoding,
        Unauthenticated,
        Forbidden,
        NoSuchFunction,
        ContractMismatch,
        Replay,
        InProgress,
        TooLarge,
        Overloaded,
        RateLimited,
        Unavailable,
        DeadlineExceeded,
        OutcomeUnknown,
        Internal,
    )
}
