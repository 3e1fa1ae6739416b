#!/usr/bin/env python3
"""Makes St Brannoc's packets: one day at the mirror port, from real, unmodified software in network namespaces.

    python3 make_sample.py --out DIR            (as root, on Debian 12; about ten minutes)
    python3 make_sample.py --install            (apt packages and Python libraries only)

Writes DIR/st-brannocs.pcap.zst, DIR/st-brannocs.truth.json and DIR/README.md. Packets never leave the namespaces; the network is
used only to install software. The roster (roster.toml) says who is there, day.py what they do, stretch.py how minutes become a day.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import toolchain

HERE = pathlib.Path(__file__).resolve().parent
SLOT_S, LENGTH_S = 1800, 150
RUN_S_MAX = 40 * 60
BUSY = {h: 0.1 for h in (0, 1, 2, 3, 4, 5)} | {6: 0.25, 7: 0.5, 8: 0.8, 9: 1, 10: 1, 11: 1, 12: 0.8, 13: 1, 14: 1, 15: 1, 16: 0.8, 17: 0.6, 18: 0.4, 19: 0.35, 20: 0.25, 21: 0.2, 22: 0.15, 23: 0.1}


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", type=pathlib.Path, help="folder for the three files")
    p.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/st-brannocs"), help="scratch folder, emptied first (tools are kept beside it)")
    p.add_argument("--slots", type=int, default=48, help="play only the first N half-hours (default 48: the whole day)")
    p.add_argument("--install", action="store_true", help="install the software, then stop")
    p.add_argument("--keep-routed", action="store_true", help="also keep the copies routed between mirrored VLANs")
    p.add_argument("--restretch", action="store_true", help="do not run anything again: stretch the last raw capture")
    return p.parse_args()


def main():
    args = arguments()
    if os.geteuid() != 0:
        sys.exit("make_sample.py: must be root (network namespaces); nothing was done")
    tools = args.work.with_name(args.work.name + "-tools")
    missing = toolchain.missing_commands()
    if args.install or missing:
        toolchain.install()
    python = toolchain.python_environment(tools / "venv")
    if pathlib.Path(sys.prefix) != (tools / "venv"):
        os.execv(python, [python, *sys.argv])
    shield()
    dcmtk = toolchain.Dcmtk(tools / "dcmtk")
    if args.install:
        return
    if not args.out:
        sys.exit("make_sample.py: --out DIR is needed")
    from roster import Roster

    roster = Roster()
    raw = args.work / "raw.pcap"
    if not args.restretch:
        play(args, roster, python, dcmtk, raw)
    write(args, roster, python, raw, json.loads((args.work / "run.json").read_text()))


def shield():
    """Continues in a mount namespace of its own, where no program of the stage can remove the machine's device nodes.

    Programs run as root, and some unlink what they are told is their pid file or output; a mount point cannot be unlinked.
    """
    if os.environ.get("ST_BRANNOC_SHIELD") == str(os.getpid()):
        return
    pin = 'for n in null zero full random urandom tty; do mount --bind /dev/$n /dev/$n || exit 1; done; export ST_BRANNOC_SHIELD=$$; exec "$@"'
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", pin, "sh", sys.executable, *sys.argv])


def play(args, roster, python, dcmtk, raw):
    """Builds the stage, plays the day, leaves the raw capture and run.json."""
    from day import Day
    from pki import Authority
    from services import Services
    from simclock import SimClock
    from stage import Stage

    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    first = datetime.datetime.fromisoformat(roster.hospital["day_start"])
    clock, stage, rounds = SimClock(args.work / "clock.json"), Stage(roster, args.work), []
    started = time.monotonic()

    def begin(i):
        rounds.append(clock.begin(i, first.timestamp() + i * SLOT_S, SLOT_S, LENGTH_S))
        return first + datetime.timedelta(seconds=i * SLOT_S)

    try:
        stage.build()
        capture = stage.capture(raw)
        begin(0)
        services = Services(stage, roster, args.work, python, Authority(args.work / "pki"), dcmtk)
        services.start_all()
        day = Day(stage, services, roster, clock, args.work)
        day.prepare_dhcp()
        day.begin()
        time.sleep(4)
        print(f"stage up after {time.monotonic() - started:.0f} s; not running: {stage.dead() or 'none'}", flush=True)
        for i in range(1, args.slots):
            if time.monotonic() - started > RUN_S_MAX:
                print(f"stopped at slot {i}: the run may take {RUN_S_MAX} s at most", flush=True)
                break
            when = begin(i)
            t = time.monotonic()
            day.run(i, when, BUSY[when.hour])
            time.sleep(0.6)
            print(f"slot {i:2d}  {when:%H:%M}  {time.monotonic() - t:5.1f} s  {raw.stat().st_size / 1e6:6.1f} MB", flush=True)
        time.sleep(1)
        capture.terminate()
        capture.wait(10)
        print((args.work / "capture.log").read_text().strip(), flush=True)
        dead = [d for d in stage.dead() if "tcpdump" not in d[0]]
        (args.work / "run.json").write_text(json.dumps({"rounds": rounds, "counts": day.counts, "failures": day.failures, "ended_early": dead}, indent=1))
        print("failures:", dict(day.failures) or "none", "\nended early:", dead or "none", flush=True)
    finally:
        stage.close()
        shutil.rmtree(args.work / "pki", ignore_errors=True)  # keys live as long as the run


def write(args, roster, python, raw, run):
    """Stretches the raw capture and writes the three files."""
    from stretch import Stretcher, read_pcap, write_pcap
    import truth

    s = Stretcher(roster, run["rounds"], args.keep_routed)
    frames = s.run(read_pcap(raw))
    pcap = args.work / "st-brannocs.pcap"
    write_pcap(pcap, frames)
    args.out.mkdir(parents=True, exist_ok=True)
    packed = args.out / "st-brannocs.pcap.zst"
    subprocess.run(["zstd", "-19", "-q", "-f", "-T1", pcap, "-o", packed], check=True)
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    doc = truth.document(roster, s, run, frames, pcap)
    (args.out / "st-brannocs.truth.json").write_text(json.dumps(doc, indent=1, ensure_ascii=False) + "\n")
    (args.out / "README.md").write_text(truth.readme(roster, s, doc, frames, packed, pcap, digest, toolchain.versions(python)))
    print(json.dumps(dict(s.stats), indent=1))
    print("exchanges of the roster with no frames:", [f"{e['from']} > {e['to']} {e['service']}" for e in doc["exchanges"] if not e["frames"]] or "none")
    print("devices with no frames:", doc["no_frames"] or "none")
    print(f"{len(frames)} packets, {pcap.stat().st_size} bytes, packed {packed.stat().st_size} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
