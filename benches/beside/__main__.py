"""CLTDR-GMG as the authors' released code computes it, in plain calls of torch.

`cargo xtask bench-report --beside PYTHON` times it beside tal.

    python benches/beside --probe             versions, as a line of JSON
    python benches/beside --check FOLDER...   compares it with recorded numbers of the released code
    python benches/beside --serve             answers requests, a line of JSON each (see server.py)
"""

import argparse
import json
import sys

sys.dont_write_bytecode = True
try:
    import torch
except ImportError as error:
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"Python {version} ({sys.executable}) cannot import torch: {error}")

import golden
from server import Server


def main():
    parser = argparse.ArgumentParser(description="CLTDR-GMG in plain calls of torch")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--probe", action="store_true", help="print the versions as a line of JSON")
    mode.add_argument("--check", nargs="+", metavar="FOLDER", help="compare with recorded numbers of the released code")
    mode.add_argument("--serve", action="store_true", help="answer requests on standard input, a line of JSON each")
    arguments = parser.parse_args()
    if arguments.probe:
        print(json.dumps({"python": sys.version.split()[0], "torch": torch.__version__}))
    elif arguments.check:
        golden.check(arguments.check)
    else:
        Server().serve()


if __name__ == "__main__":
    main()
