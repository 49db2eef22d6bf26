"""What `cargo xtask setup` leaves to Python, which it needs for pip anyway. Standard library only."""

import hashlib
import os
import platform
import shutil
import sys
import zipfile

BLOCK = 1 << 20


def probe(folder):
    """The version of the C library, and the free bytes on the disk of a folder."""
    print(platform.libc_ver()[1] or "unknown", shutil.disk_usage(folder).free)


def sha256(file):
    digest = hashlib.sha256()
    with open(file, "rb") as source:
        for block in iter(lambda: source.read(BLOCK), b""):
            digest.update(block)
    print(digest.hexdigest())


def extract(wheel, folder, *members):
    """Unpacks `members`: libraries into lib/, and a folder (ends in /) under its last name.

    zipfile checks the CRC of everything that it reads to the end.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        for member in members:
            if member.endswith("/"):
                parent = member.rstrip("/").rpartition("/")[0]
                chosen = [(n, n[len(parent) + 1 :]) for n in names if n.startswith(member)]
            else:
                chosen = [(n, "lib/" + member.rpartition("/")[2]) for n in names if n == member]
            if not chosen:
                sys.exit(f"{wheel} does not hold {member}")
            for name, place in chosen:
                target = os.path.join(folder, *place.split("/"))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with archive.open(name) as source, open(target, "wb") as sink:
                    shutil.copyfileobj(source, sink, BLOCK)


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    try:
        {"probe": probe, "sha256": sha256, "extract": extract}[task](*arguments)
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(str(error))
