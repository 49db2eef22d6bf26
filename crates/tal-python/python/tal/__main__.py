"""`python -m tal` starts the program `tal` of the package tal-cli."""

from __future__ import annotations

import sys


def main() -> int:
    """Starts the program, or says where it comes from."""
    try:
        import tal_cli
    except ModuleNotFoundError:
        print(
            'error: the program is not installed: pip install tal-cli "torch==2.11.*"',
            file=sys.stderr,
        )
        return 2
    code: int = tal_cli.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
