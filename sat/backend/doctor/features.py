"""What a server should be able to do, and what it costs where it can't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sat.backend.doctor.finding import Severity
from sat.backend.doctor.talk import Told

NS_CARBONS = "urn:xmpp:carbons:2"
NS_CSI = "urn:xmpp:csi:0"
NS_MAM = "urn:xmpp:mam:2"
NS_PUBLISH_OPTIONS = "http://jabber.org/protocol/pubsub#publish-options"
NS_UPLOAD = "urn:xmpp:http:upload:0"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature that counts.

    :param name: for programs
    :param title: what it is called
    :param cost: what goes on without it; it goes on after "so"
    """

    name: str
    title: str
    cost: str
    has: Callable[[Told], bool]


FEATURES = (
    Feature(
        "management",
        "acknowledge messages (XEP-0198)",
        "a message may be lost, or come twice, when the connection breaks",
        lambda told: told.features.management,
    ),
    Feature(
        "archive",
        "archive messages (XEP-0313)",
        "what comes to your other devices while this one is off line is never seen here",
        lambda told: NS_MAM in told.account.features,
    ),
    Feature(
        "carbons",
        "copy messages to all your devices (XEP-0280)",
        "talks that you have on another device are seen here only in part",
        lambda told: NS_CARBONS in told.server.features,
    ),
    Feature(
        "pep",
        "keep your own data with conditions (XEP-0163, publish-options)",
        "bookmarks and read marks aren't shared with your other devices",
        lambda told: NS_PUBLISH_OPTIONS in told.account.features | told.server.features,
    ),
    Feature(
        "upload",
        "take files (XEP-0363)",
        "files can't be sent to who is off line",
        lambda told: any(NS_UPLOAD in info.features for info in (told.server, *told.services)),
    ),
    Feature(
        "csi",
        "be told that nobody looks (XEP-0352)",
        "it sends every change of presence at once, whether anybody looks or not",
        lambda told: (NS_CSI, "csi") in told.features.names,
    ),
)


def judge(told: Told) -> Iterator[tuple[str, Severity, str, str]]:
    """Yield a check's name, its severity, cause and remedy for each feature that is missing."""
    missing = [feature for feature in FEATURES if not feature.has(told)]
    for one in missing:
        cause = f"The server doesn't {one.title}, so {one.cost}."
        remedy = "Ask its administrator for it, or take an account at a server that does."
        yield f"feature.{one.name}", Severity.WARNING, cause, remedy
    if not missing:
        yield "feature", Severity.OK, "The server has all features that count.", ""
