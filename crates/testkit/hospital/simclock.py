"""The day's clock. Real runs last minutes; the file spans a day.

A run is a sequence of rounds. Each round stands for one slot of the day; inside a slot every device has its own offset, so
that devices do not all speak at once. `offset` and `SimClock.now` are used both by the senders, to write the day's time into
their messages, and by the stretcher, to move the frames: the two agree to the millisecond.
"""

import datetime
import hashlib
import json
import pathlib
import time


def offset(key, index, slot_s, length_s):
    """Seconds after the start of slot `index` at which what belongs to `key` begins. Same input, same answer."""
    room = max(0.0, slot_s - length_s - 5.0)
    h = hashlib.sha256(f"st-brannoc/{key}/{index}".encode()).digest()
    return room * int.from_bytes(h[:6], "big") / float(1 << 48)


class SimClock:
    """Reads the state that the director writes at the start of each round."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def begin(self, index, day_s, slot_s, length_s):
        """Director only: round `index` starts now in real time and stands for the slot that begins at `day_s` (Unix seconds)."""
        state = {"index": index, "real": time.time(), "day": day_s, "slot": slot_s, "length": length_s}
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.replace(self.path)
        return state

    def now(self, key):
        s = json.loads(self.path.read_text())
        t = s["day"] + offset(key, s["index"], s["slot"], s["length"]) + (time.time() - s["real"])
        return datetime.datetime.fromtimestamp(t, datetime.timezone.utc)
