"""``python -m tests.bench.fan PATH NUMBER``: a loop that writes a line to sockets, and no more.

Whoever connects is written to, once so many have. Each line of standard input is then written to
all of them, and ``done`` is said.
"""

import socket
import sys


def main(path: str, number: str) -> None:
    """Accept, then write."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(int(number) + 1)
        print("done", flush=True)
        ends = [listening.accept()[0] for _ in range(int(number))]
    for line in sys.stdin.buffer:
        for end in ends:
            end.sendall(line)
        print("done", flush=True)
    for end in ends:
        end.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
