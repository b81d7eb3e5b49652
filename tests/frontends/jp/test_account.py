"""``jp profile register|password``, and what of an account comes from files."""

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nx\n-----BEGIN PRIVATE KEY-----\ny\n"
PROFILE = {"name": "alice", "jid": "alice@x", "connection": {"phase": "offline"}}
NEW = ("profile", "register", "alice", "--jid", "alice@x")


def test_an_account_is_registered(jp, server, tmp_path):
    server.answers["profile.register"] = PROFILE
    (tmp_path / "proxy").write_text("socks5://u:p@127.0.0.1:9050\n")
    fields = ("--field", "email=a@b", "--field", "answer=4=2+2")
    line = (*NEW, "--password-stdin", *fields, "--proxy-file", "proxy", "--pin", "sha256:00")
    assert jp(*line, input=b"secret\n") == ""
    assert server.called("profile.register") == [
        {
            "name": "alice",
            "jid": "alice@x",
            "password": "secret",
            "fields": {"email": "a@b", "answer": "4=2+2"},
            "proxy": "socks5://u:p@127.0.0.1:9050",
            "pin": "sha256:00",
        }
    ]
    assert "KEY=VALUE" in jp.fails(2, *NEW, "--password-stdin", "--field", "x", input=b"s")
    assert "--password-file" in jp.fails(2, *NEW, input=b"secret\n")


def test_a_password_is_changed(jp, server, tmp_path):
    server.answers["profile.password"] = None
    (tmp_path / "new").write_text("secret\n")
    assert jp("profile", "password", "alice", "--password-file", "new") == ""
    assert server.called("profile.password") == [{"name": "alice", "password": "secret"}]
    assert "password" in jp.fails(2, "profile", "password", "alice", input=b"secret\n")


def test_a_password_is_compared(jp, server):
    server.answers["profile.check"] = None
    assert jp("profile", "check", "alice", "--password-stdin", input=b"secret\n") == ""
    assert server.called("profile.check") == [{"name": "alice", "password": "secret"}]
    assert "password" in jp.fails(2, "profile", "check", "alice", input=b"secret\n")


def test_a_certificate_needs_no_password(jp, server, tmp_path):
    server.answers |= {"profile.create": PROFILE, "profile.set": PROFILE}
    (tmp_path / "own.pem").write_text(CERTIFICATE)
    (tmp_path / "half.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    create = ("profile", "create", "alice", "--jid", "alice@x", "--certificate")
    jp(*create, "own.pem")
    assert server.called("profile.create") == [
        {"name": "alice", "jid": "alice@x", "certificate": CERTIFICATE}
    ]
    jp("profile", "set", "alice", "certificate=own.pem")
    assert server.called("profile.set")[0]["values"] == {"certificate": CERTIFICATE}
    assert "with its key" in jp.fails(2, *create, "half.pem")


def test_a_proxys_password_is_on_no_command_line(jp, server, tmp_path):
    server.answers["profile.set"] = PROFILE
    (tmp_path / "proxy").write_text("socks5://u:p@127.0.0.1:9050\n")
    (tmp_path / "empty").write_text("")
    url = "socks5://u:p@127.0.0.1:9050"
    assert "every process" in jp.fails(2, "profile", "set", "alice", f"proxy={url}")
    assert "every process" in jp.fails(2, *NEW, "--password-stdin", "--proxy", url, input=b"s")
    assert "no proxy" in jp.fails(2, "profile", "set", "alice", "proxy_file=empty")
    jp("profile", "set", "alice", "proxy_file=proxy")
    jp("profile", "set", "alice", "proxy=socks5://127.0.0.1:9050")
    assert [one["values"]["proxy"] for one in server.called("profile.set")] == [
        url,
        "socks5://127.0.0.1:9050",
    ]
