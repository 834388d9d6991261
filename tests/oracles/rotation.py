#!/usr/bin/env python3
"""Members of rotating quorums, written from docs/spec/dip24-rotation.md alone, to compare the exporter's with.

    rotation.py recorded FILE.json.gz    a recorded `quorum rotationinfo`: members of the cycle, the snapshot that results
    rotation.py node URL < REQUEST       each cycle of a node's chain, from the members of the first one

REQUEST is {"id", "size", "quorums", "interval", "first", "last", "members"}: type, first and last cycle, and the members of the
first one by quorum index. The answer is JSON: members by cycle and index.

Never here: masternodes that share an address or key (pitfall 1).
"""

import base64
import gzip
import hashlib
import json
import sys
import urllib.request

WORK = 8


def memory(printed):
    return bytes.fromhex(printed)[::-1]


def sha256(data):
    return hashlib.sha256(data).digest()


class Work:
    """A work block: its list and what decides the order."""

    def __init__(self, kind, height, block_hash, signature, entries):
        if signature and set(signature) != {"0"}:
            inner = bytes([kind["id"]]) + height.to_bytes(4, "little", signed=True) + bytes.fromhex(signature)
        else:
            inner = bytes([kind["id"]]) + memory(block_hash)
        self.modifier = sha256(sha256(inner))
        self.entries = entries

    def number(self, entry):
        stub = sha256(memory(entry["proRegTxHash"]) + memory(entry["confirmedHash"]))
        return int.from_bytes(sha256(stub + self.modifier), "little")

    def ranked(self, wanted):
        fit = [e for e in self.entries.values() if e["isValid"] and set(e["confirmedHash"]) != {"0"} and wanted(e)]
        return [e["proRegTxHash"] for e in sorted(fit, key=self.number, reverse=True)]

    def valid(self, pro_tx):
        return pro_tx in self.entries and self.entries[pro_tx]["isValid"]


def new_quarter(kind, work, earlier):
    """The quarter as its own cycle has it, and the snapshot of it. `earlier`: B-c, B-2c, B-3c."""
    quorums, size = kind["quorums"], kind["size"] // 4
    empty = [[] for _ in range(quorums)]
    flags = [False] * len(work.entries)
    if sum(e["isValid"] for e in work.entries.values()) < size:
        return empty, {"bits": flags, "mode": 0, "skips": []}
    used_at = [
        set(m for quarter in earlier for m in quarter[i] if work.valid(m))
        for i in range(quorums)
    ]
    used = set().union(*used_at)
    combined = work.ranked(lambda e: e["proRegTxHash"] not in used) + work.ranked(lambda e: e["proRegTxHash"] in used)
    for k, pro_tx in enumerate(work.ranked(lambda e: True)):
        flags[k] = pro_tx in used
    out, idx, skips, first = [[] for _ in range(quorums)], 0, [], 0
    for i in range(quorums):
        before, updated, start = len(used_at[i]), False, idx
        while len(out[i]) < size and before + len(out[i]) < len(combined):
            member = combined[idx]
            if member in used_at[i]:
                skips.append(idx if first == 0 else idx - first)
                first = first or idx
            else:
                used_at[i].add(member)
                out[i].append(member)
                updated = True
            idx = (idx + 1) % len(combined)
            if idx == start:
                if not updated:
                    return empty, {"bits": flags, "mode": 0, "skips": []}
                updated = False
    return out, {"bits": flags, "mode": 1 if skips else 0, "skips": skips}


def of_snapshot(kind, work, snapshot):
    """The quarter as later cycles have it."""
    quorums, size = kind["quorums"], kind["size"] // 4
    ranked = work.ranked(lambda e: True)
    combined = [m for m, used in zip(ranked, snapshot["bits"]) if not used]
    combined += [m for m, used in zip(ranked, snapshot["bits"]) if used]
    if not combined or snapshot["mode"] not in (0, 1):
        return [[] for _ in range(quorums)]
    positions, first = [], 0
    for skip in snapshot["skips"] if snapshot["mode"] == 1 else []:
        positions.append(skip if first == 0 else first + skip)
        first = first or skip
    out, idx = [[] for _ in range(quorums)], 0
    for i in range(quorums):
        while len(out[i]) < size:
            if positions and positions[0] == idx:
                positions.pop(0)
            else:
                out[i].append(combined[idx])
            idx = (idx + 1) % len(combined)
    return out


def joined(quarters):
    """Members by index, of the quarters of four cycles, the oldest first."""
    return [sum(parts, []) for parts in zip(*quarters)]


def recorded(path):
    value = json.load(gzip.open(path))
    kind = {"id": value["quorum_type"], "size": 60, "quorums": 32, "interval": 288}
    info, entries, works = value["rotationinfo"], {}, []
    names = [n for n in ("AtHMinus4C", "AtHMinus3C", "AtHMinus2C", "AtHMinusC", "H") if "mnListDiff" + n in info]
    for name, block in zip(names, value["work_blocks"]):
        diff = info["mnListDiff" + name]
        for gone in diff["deletedMNs"]:
            entries.pop(gone, None)
        entries.update((e["proRegTxHash"], e) for e in diff["mnList"])
        works.append(Work(kind, block["height"], block["hash"], block["bestCLSignature"], dict(entries)))
        assert works[-1].modifier.hex() == block["modifier"], name
    quarters = []
    for name, work in list(zip(names, works))[-4:-1]:
        wire = info["quorumSnapshot" + name]
        snapshot = {
            "bits": wire["activeQuorumMembers"], "mode": wire["mnSkipListMode"], "skips": wire["mnSkipList"],
        }
        quarters.append(of_snapshot(kind, work, snapshot))
    newest, snapshot = new_quarter(kind, works[-1], quarters[::-1])
    return {"members": joined(quarters + [newest]), "snapshot": snapshot}


def call(url, method, *parameters):
    body = json.dumps({"method": method, "params": parameters, "id": 1}).encode()
    access = base64.b64encode(b"user:password").decode()
    request = urllib.request.Request(url, body, {"Authorization": "Basic " + access})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return json.load(answer)["result"]


def node(url, request):
    kind, interval, quarter = request, request["interval"], request["size"] // 4

    def work_of(cycle):
        height = cycle - WORK
        block = call(url, "getblockhash", height)
        coinbase = call(url, "getspecialtxes", block, 5, 100, 0, 2)[0]["cbTx"]
        entries = {e["proRegTxHash"]: e for e in call(url, "protx", "diff", 1, height)["mnList"]}
        return Work(kind, height, block, coinbase.get("bestCLSignature"), entries)

    kept = [[m[part * quarter:(part + 1) * quarter] for m in request["members"]] for part in range(4)]
    found = {request["first"]: request["members"]}
    for cycle in range(request["first"] + interval, request["last"] + 1, interval):
        work = work_of(cycle)
        made, snapshot = new_quarter(kind, work, kept[:0:-1])
        found[cycle] = joined(kept[1:] + [made])
        short = any(len(members) < quarter for members in made)
        kept = kept[1:] + [of_snapshot(kind, work, snapshot) if short else made]
    return {"members": found}


if __name__ == "__main__":
    answer = recorded(sys.argv[2]) if sys.argv[1] == "recorded" else node(sys.argv[2], json.load(sys.stdin))
    json.dump(answer, sys.stdout)
