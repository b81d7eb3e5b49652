"""XEP-0352: Client State Indication."""

from __future__ import annotations

from sat.plugin import Element, Plugin, option

NS_CSI = "urn:xmpp:csi:0"


class ClientState(Plugin):
    """Tell the server whether anybody is looking, so that it can hold back what is not urgent."""

    name = "csi"
    delay = option(
        10.0,
        minimum=0.0,
        maximum=3600.0,
        help="seconds without anybody looking before the server is told so",
    )

    def load(self) -> None:
        """Begin as a stream does: active."""
        self._told = True
        self._turn = 0

    def connected(self) -> None:
        """Begin anew: the server takes a client for active until it is told (section 4.1)."""
        self._told = True
        self.attention_changed()

    def resumed(self) -> None:
        """Tell again: a resumed stream is active, too (section 5.1)."""
        self.connected()

    def attention_changed(self) -> None:
        """Be active at once, and inactive only when nobody came back for a while."""
        self._turn += 1
        turn = self._turn
        if self.host.watched:
            self._tell(True)
        elif self._told:
            self.host.later(self.delay, lambda: self._rest(turn))

    def _rest(self, turn: int) -> None:
        if turn == self._turn and not self.host.watched:
            self._tell(False)

    def _tell(self, active: bool) -> None:
        if active is self._told or not self.host.online or not self.host.offers(NS_CSI):
            return
        self._told = active
        self.host.send_nonza(Element((NS_CSI, "active" if active else "inactive")))
