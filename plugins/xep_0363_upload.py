"""XEP-0363: HTTP File Upload."""

from __future__ import annotations

from collections.abc import Callable

from sat.plugin import (
    JID,
    CommandError,
    DiscoInfo,
    Element,
    FileSource,
    Iq,
    Plugin,
    StanzaError,
    file_method,
    option,
)

NS_UPLOAD = "urn:xmpp:http:upload:0"
#: Nothing else may be set by the service (XEP-0363, section 4).
_HEADERS = ("authorization", "cookie", "expires")


class Upload(Plugin):
    """Send files through the server's web storage."""

    name = "upload"
    allow_http = option(False, help="upload to a service that offers no encryption (http)")

    @file_method(priority=10)
    async def send_file(self, to: JID, source: FileSource, progress: Callable[[int], None]) -> str:
        """Upload a file and return where it can be fetched."""
        found = await self.host.service(NS_UPLOAD)
        if found is None:
            raise CommandError("failed.upload", "the server offers no upload (XEP-0363)")
        service, info = found
        limit = max_size(info)
        if limit is not None and source.size > limit:
            raise CommandError(
                "failed.size",
                f"{source.name} has {source.size} bytes; {service.full()} takes at most {limit}",
            )
        put, headers, get = self._read_slot(await self._slot(service, source))
        if source.media_type is not None:
            headers["Content-Type"] = source.media_type
        status = await self.host.put(put, headers, source.descriptor, progress)
        if status not in (200, 201, 204):
            raise CommandError("failed.upload", f"the storage answered with status {status}")
        return get

    async def _slot(self, service: JID, source: FileSource) -> Element | None:
        request = Element((NS_UPLOAD, "request"))
        request["filename"] = source.name
        request["size"] = str(source.size)
        if source.media_type is not None:
            request["content-type"] = source.media_type
        try:
            answer = await self.request(Iq(type="get", to=service, extensions=[request]))
        except StanzaError as error:
            reason = error.text or error.condition
            raise CommandError(
                "failed.upload", f"{service.full()} refuses the upload: {reason}"
            ) from error
        return answer.payload

    def _read_slot(self, slot: Element | None) -> tuple[str, dict[str, str], str]:
        """Return where to put the file, with which headers, and where it will be."""
        put = slot.child("put", NS_UPLOAD) if slot is not None else None
        get = slot.child("get", NS_UPLOAD) if slot is not None else None
        urls = [(one.get("url") or "") if one is not None else "" for one in (put, get)]
        schemes = ("https://", "http://") if self.allow_http else ("https://",)
        for url in urls:
            if not url.startswith(schemes) or not url.isascii() or set(url) & set(" \r\n"):
                raise CommandError(
                    "failed.upload", "the upload service offers an address that is not https"
                )
        headers = {}
        for header in put.elements(NS_UPLOAD, "header") if put is not None else ():
            name = (header.get("name") or "").replace("\r", "").replace("\n", "")
            if name.lower() in _HEADERS:
                headers[name] = header.text.replace("\r", "").replace("\n", "")
        return urls[0], headers, urls[1]


def max_size(info: DiscoInfo) -> int | None:
    """Return how many bytes a service takes at most, if it says (XEP-0363, section 3)."""
    for form in info.forms:
        if form.form_type == NS_UPLOAD:
            text = next(iter(form.fields.get("max-file-size", ())), "")
            return int(text) if text.isdecimal() else None
    return None
