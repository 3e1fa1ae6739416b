#!/bin/sh
# Makes oui.tsv, the registry of network interface makers that Ward embeds, from the Debian package ieee-data.
#
# usage: refresh.sh FOLDER_WITH_CSV_FILES [OUTPUT]
#
#     apt-get download ieee-data
#     dpkg -x ieee-data_*_all.deb unpacked
#     third_party/ieee-oui/refresh.sh unpacked/usr/share/ieee-data
#
# Same input, same output: no time, no network, no order of rows is taken over. Needs python3.
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
exec python3 - "$1" "${2:-$(dirname "$0")/oui.tsv}" <<'PYTHON'
import csv
import pathlib
import sys

# file, hexadecimal digits of a prefix in it
REGISTRIES = [("oui.csv", 6), ("mam.csv", 7), ("oui36.csv", 9), ("iab.csv", 9)]

# Rows that name no maker: the holder asked not to be named, or the block is handed out in smaller ones.
NO_MAKER = {"Private", "IEEE Registration Authority"}

# The two lowest bits of the first octet: group, and locally administered. No maker's address has them, and Ward
# answers "unknown" for an address that does; old assignments (DECnet, 3Com) are left out.
NOT_A_MAKERS = 0b11


def rows(folder: pathlib.Path):
    for name, digits in REGISTRIES:
        with open(folder / name, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                prefix = row["Assignment"].strip().upper()
                maker = " ".join(row["Organization Name"].split())
                if len(prefix) != digits or any(c not in "0123456789ABCDEF" for c in prefix):
                    sys.exit(f"{name}: `{prefix}` is not a prefix of {digits} hexadecimal digits")
                yield prefix, maker


def main() -> None:
    makers: dict[str, set[str]] = {}
    left_out = 0
    for prefix, maker in rows(pathlib.Path(sys.argv[1])):
        if maker and maker not in NO_MAKER and not int(prefix[1], 16) & NOT_A_MAKERS:
            makers.setdefault(prefix, set()).add(maker)
        else:
            left_out += 1
    output = pathlib.Path(sys.argv[2])
    # A prefix that was assigned twice (a few early ones were) names both holders.
    lines = [f"{prefix}\t{' / '.join(sorted(names))}\n" for prefix, names in sorted(makers.items())]
    output.write_text("".join(lines), encoding="utf-8", newline="\n")
    twice = sum(len(names) > 1 for names in makers.values())
    print(f"{output}: {len(lines)} prefixes, {twice} of them assigned twice; {left_out} rows without a maker left out")


main()
PYTHON
