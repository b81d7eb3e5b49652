"""``jp file fetch``: where a file is kept, and what is refused."""

import json
import os

import pytest

from tests.bridge.lineserver import Refusal

MESSAGE = {
    "id": "m1",
    "profile": "alice",
    "attachments": [
        {"url": "https://x/a%20b.png", "name": None},
        {"url": "https://x/y", "name": "../../.ssh/authorized_keys"},
    ],
}


@pytest.fixture(autouse=True)
def answers(server):
    def give(session, params):
        descriptor = session.descriptors.pop()
        os.write(descriptor, b"content")
        os.close(descriptor)
        return {"url": "https://x/a%20b.png", "name": None, "size": 7}

    server.answers |= {"message.get": MESSAGE, "file.fetch": give}


def test_a_file_is_kept_under_its_name_and_none_is_written_over(jp, server, tmp_path):
    assert jp("-p", "alice", "file", "fetch", "m1") == "a b.png\n"
    assert (tmp_path / "a b.png").read_text() == "content"
    assert [one["id"] for one in server.called("file.fetch")] == ["m1"]
    told = jp.fails(1, "file", "fetch", "m1")
    assert told == "a b.png can't be written: there is a file of that name already."
    (tmp_path / "folder").mkdir()
    told = jp("--json", "file", "fetch", "m1", "--to", "folder")
    assert json.loads(told)["path"] == "folder/a b.png"
    assert jp("-q", "file", "fetch", "m1", "--to", "c") == ""
    assert (tmp_path / "c").read_text() == "content"


def test_a_name_that_leads_elsewhere_leads_nowhere(jp, tmp_path):
    assert jp("file", "fetch", "m1", "--number", "1") == "_.._.ssh_authorized_keys\n"
    assert (tmp_path / "_.._.ssh_authorized_keys").read_text() == "content"


def test_what_cannot_be_had_leaves_nothing(jp, server, tmp_path):
    assert "has no file 2" in jp.fails(6, "file", "fetch", "m1", "--number", "2")
    before = {one.name for one in tmp_path.iterdir()}

    def refuse(session, params):
        os.close(session.descriptors.pop())
        raise Refusal("failed.http", "x sends the file too slowly")

    server.answers["file.fetch"] = refuse
    assert "too slowly" in jp.fails(1, "file", "fetch", "m1")
    assert "can't be written" in jp.fails(1, "file", "fetch", "m1", "--to", "no/x")
    assert {one.name for one in tmp_path.iterdir()} == before
