"""What a person reads of an HTTP request that failed."""

from __future__ import annotations

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, DNSLookupError

from sat.bridge.errors import CommandError


def failure(error: Exception, what: str, host: str) -> Exception:
    """Return what a person reads of a request that failed; one called off stays so."""
    if isinstance(error, CommandError | CancelledError):
        return error
    if isinstance(error, ConnectError | DNSLookupError):
        return CommandError("failed.http", f"{host} can't be reached: {error}")
    reasons = getattr(error, "reasons", None)
    cause = reasons[0].value if reasons else error
    if (distrust := _distrust(cause)) is not None:
        return CommandError("failed.http", f"{host} isn't trusted: {distrust}.")
    why = reasons[0].getErrorMessage() if reasons else str(error)
    return CommandError("failed.http", f"{what} broke off: {why}")


def _distrust(error: BaseException) -> str | None:
    """Return what is wrong with a certificate, and what to do, if that is what a request met."""
    if isinstance(error, VerificationError):
        return "its certificate is for another name; tell those who run it"
    if not isinstance(error, SSL.Error):
        return None
    told = {str(one[-1]) for one in error.args[0]} if error.args else set()
    if "certificate verify failed" in told:
        return (
            "its certificate has run out, or no authority that this account trusts has signed it;"
            " tell those who run it, or give the account their authority (“ca” of the profile)"
        )
    return None
