"""``jp file send``: what is passed to the daemon, and what is refused before."""

import json
import os
import signal

import pytest


class TestFiles:
    TRANSFER = {
        "id": "t1",
        "profile": "alice",
        "name": "f",
        "size": 7,
        "done": 0,
        "state": "waiting",
    }

    @pytest.fixture(autouse=True)
    def answers(self, server, tmp_path):
        (tmp_path / "f").write_text("content")
        self.read = []
        self.ending = {"state": "done", "done": 7, "url": "https://x/f"}

        def take(session, params):
            descriptor = session.descriptors.pop()
            self.read.append(os.read(descriptor, 100))
            os.close(descriptor)
            return self.TRANSFER | {"name": params["name"]}

        def go_on(session):
            progress = {"id": "t1", "profile": "alice", "done": 3, "size": 7}
            session.event(type="transfer.progressed", data=progress)
            session.event(type="transfer.progressed", data=progress | {"id": "other"})
            if self.ending:
                session.event(seq=2, type="transfer.changed", data=self.TRANSFER | self.ending)

        server.answers |= {"state.attach": {"mode": "resumed"}, "file.send": take}
        server.after["file.send"] = go_on

    def test_a_file_is_passed_and_followed(self, jp, server):
        assert jp("-p", "alice", "file", "send", "f", "bob@x") == "https://x/f\n"
        assert self.read == [b"content"]
        assert server.called("file.send") == [
            {"to": "bob@x", "name": "f", "size": 7, "profile": "alice"}
        ]

    def test_json_tells_the_progress(self, jp):
        told = [
            json.loads(line) for line in jp("--json", "file", "send", "f", "bob@x").splitlines()
        ]
        assert [one["done"] for one in told] == [0, 3, 7]
        assert told[-1]["url"] == "https://x/f"

    def test_a_failure_has_a_sentence(self, jp):
        self.ending = {"state": "failed", "sentence": "The server is full."}
        assert jp.fails(1, "file", "send", "f", "bob@x") == "f was not sent: The server is full."

    def test_interrupting_ends_the_waiting_alone(self, jp, server):
        self.ending = None
        process = jp.start("--json", "file", "send", str(jp.home / "f"), "bob@x")
        with process:
            process.stdout.readline()
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert b"the transfer goes on" in err and b"jp transfer cancel t1" in err
        assert not server.called("transfer.cancel")

    def test_a_name_that_is_not_utf_8(self, jp, server, tmp_path):
        with open(os.fsencode(tmp_path) + b"/caf\xe9", "wb") as file:
            file.write(b"content")
        jp("file", "send", b"caf\xe9", "bob@x")
        assert server.called("file.send")[0]["name"] == "caf\ufffd"

    def test_what_is_no_file(self, jp, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        assert "no file none" in jp.fails(6, "file", "send", "none", "bob@x")
        assert "folder" in jp.fails(2, "file", "send", ".", "bob@x")
        assert "regular" in jp.fails(2, "file", "send", "pipe", "bob@x")
        assert "one file at a time" in jp.fails(2, "--txn", "t", "file", "send", "f", "f", "b@x")
