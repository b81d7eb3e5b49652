"""Run a private Prosody by hand: `python -m tests.testbed --user alice --user bob`."""

import argparse
import secrets
import signal

from tests.testbed.prosody import Prosody


def main() -> None:
    """Run a Prosody until Ctrl-C, and say how to reach it."""
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description=__doc__)
    parser.add_argument("--user", action="append", default=[], metavar="NAME")
    parser.add_argument("--without", action="append", default=[], metavar="MODULE")
    parser.add_argument("--password-hash", choices=("SHA-1", "SHA-256"), default="SHA-1")
    parser.add_argument("--debug", action="store_true", help="log every stanza")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: parser.exit(143))
    with Prosody(
        {name: secrets.token_hex(8) for name in arguments.user or ("alice", "bob")},
        without=arguments.without,
        password_hash=arguments.password_hash,
        debug=arguments.debug,
    ) as server:
        print(f"server  {server.address}")
        print(f"CA      {server.ca}")
        print(f"log     {server.log}")
        for name, password in server.passwords.items():
            file = server.folder / f"{name}.password"
            file.touch(mode=0o600)
            file.write_text(password)
            print(
                f"jp profile create {name} --jid {server.jid(name)} --password-file {file}"
                f" --server {server.address} --ca {server.ca}"
            )
        print("Ctrl-C ends it and removes all that it wrote.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
