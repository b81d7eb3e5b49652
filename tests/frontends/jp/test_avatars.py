"""``jp avatar``: pictures are files, and nothing is written over."""

import json
from base64 import b64encode

import pytest

PICTURE = b"\x89PNG\r\n\x1a\n\x1b[31m"
FOUND = {
    "profile": "alice",
    "jid": "bob@x",
    "hash": "ab12",
    "type": "image/png",
    "data": b64encode(PICTURE).decode(),
}


@pytest.fixture(autouse=True)
def answers(server):
    server.answers |= {"avatar.get": FOUND, "avatar.set": {"hash": "ab12"}}


def test_a_picture_is_kept_as_a_file_and_none_is_written_over(jp, server, tmp_path):
    assert jp("-p", "alice", "avatar", "get", "bob@x") == "bob@x.png\n"
    assert (tmp_path / "bob@x.png").read_bytes() == PICTURE
    (params,) = server.called("avatar.get")
    assert (params["jid"], params["profile"]) == ("bob@x", "alice")
    told = jp.fails(1, "avatar", "get", "bob@x")
    assert told == "bob@x.png can't be written: there is a file of that name already."
    (tmp_path / "folder").mkdir()
    told = json.loads(jp("--json", "avatar", "get", "bob@x", "--to", "folder"))
    assert told == {
        "profile": "alice",
        "jid": "bob@x",
        "hash": "ab12",
        "type": "image/png",
        "path": "folder/bob@x.png",
    }
    assert jp("-q", "avatar", "get", "bob@x", "--to", "c") == ""
    assert (tmp_path / "c").read_bytes() == PICTURE


def test_a_name_that_leads_elsewhere_leads_nowhere(jp, server, tmp_path):
    server.answers["avatar.get"] = FOUND | {"jid": "../../.ssh/x"}
    assert jp("avatar", "get", "evil@x") == "_.._.ssh_x.png\n"
    assert (tmp_path / "_.._.ssh_x.png").exists()
    assert "can't be written" in jp.fails(1, "avatar", "get", "evil@x", "--to", "no/x")


def test_a_file_becomes_the_own_picture(jp, server, tmp_path):
    (tmp_path / "me.png").write_bytes(PICTURE)
    assert jp("avatar", "set", "me.png") == ""
    (params,) = server.called("avatar.set")
    assert params["data"] == FOUND["data"]
    assert json.loads(jp("--json", "avatar", "set", "me.png")) == {"hash": "ab12"}
    assert jp.fails(6, "avatar", "set", "none.png") == "There is no file none.png."
    assert "folder" in jp.fails(2, "avatar", "set", ".")
