"""Ask the build's server for one page, and end as it ended: what make runs for each page.

It is started for every page, so it imports next to nothing, and not the package.
"""

from __future__ import annotations

import _socket as socket  # the module around it takes longer to import than all else here
import sys

ADDRESS = "outputs/.build/server"  # from the root: a longer name would not fit into an address


def main(request: list[str]) -> int:
    """Send ``page STEM`` or ``publish``; return the exit code of the process that did it."""
    said = b""
    try:
        server = socket.socket(socket.AF_UNIX)
        server.connect(ADDRESS)
        server.sendall(" ".join(request).encode() + b"\n")
        while more := server.recv(64):
            said += more
    except OSError:
        said = b""
    code = int(said or -1)
    if code < 0:
        what = "by another process, a crash or for want of memory" if said else "with the build"
        print(f"{request[-1]}: was ended {what}.", file=sys.stderr, flush=True)
        return 1
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
