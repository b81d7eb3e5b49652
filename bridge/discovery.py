"""The types of service discovery (XEP-0030) that cross the bridge."""

from __future__ import annotations

from sat.bridge.model import Model


class EntityIdentity(Model, frozen=True, kw_only=True):
    """What an entity is: a category and a type of the registrar's, a language and a name."""

    category: str
    type: str
    lang: str = ""
    name: str = ""


class EntityForm(Model, frozen=True, kw_only=True):
    """More of what an entity says of itself (XEP-0128): values by the name of their field."""

    form_type: str
    fields: dict[str, tuple[str, ...]]


class EntityInfo(Model, frozen=True, kw_only=True):
    """What an entity says of itself.

    ``verified`` tells that it is what the hash in its presence stands for (XEP-0115, XEP-0390).
    """

    jid: str
    node: str = ""
    identities: tuple[EntityIdentity, ...] = ()
    features: tuple[str, ...] = ()
    forms: tuple[EntityForm, ...] = ()
    verified: bool = False


class EntityItem(Model, frozen=True, kw_only=True):
    """Something that an entity has, with an address and perhaps a node of its own."""

    jid: str
    node: str = ""
    name: str = ""
