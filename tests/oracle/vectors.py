#!/usr/bin/env python3
"""Writes docs/vectors/*.json: inputs and results of the rules of Dash's masternode list, computed from the rules as docs/spec/dash.md
and Dash Core state them. It shares no code with this repository. Usage: tests/oracle/vectors.py [FOLDER]"""
import hashlib
import ipaddress
import json
import pathlib
import random
import sys

OUT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2] / "docs" / "vectors"
RANDOM = random.Random(20)


def sha256(data):
    return hashlib.sha256(data).digest()


def double(data):
    return sha256(sha256(data))


def memory(text):
    """The bytes of a displayed hash in the order in which a node hashes them."""
    return bytes.fromhex(text)[::-1]


def some_hash():
    return RANDOM.randbytes(32).hex()


def limits(registered):
    maximum = max(100, registered)
    return maximum, maximum * 66 // 100


def pose():
    levels = []
    for registered in [0, 1, 99, 100, 101, 150, 151, 199, 1000, 2993, 3000, 4555, 65535, 1_000_000]:
        maximum, points = limits(registered)
        levels.append({"registered": registered, "limit": maximum, "points": points, "safe_level": maximum - points})
    walks = []
    for registered in [12, 151, 2993, 4001]:
        maximum, points = limits(registered)
        score, banned, blocks = 0, False, []
        for _ in range(24):
            skipped = RANDOM.choice([1, 1, 2, points // 3 + 1, points])
            failures = RANDOM.choice([0, 0, 1, 1, 2])
            # Each block takes one point off a valid masternode first, then it punishes.
            for block in range(skipped):
                if not banned and score > 0:
                    score -= 1
            for _ in range(failures):
                score = min(score + points, max(maximum, score))
                banned = banned or score >= maximum
            blocks.append({"blocks": skipped, "failures": failures, "score": score, "banned": banned})
            if banned:
                break
        walks.append({"registered": registered, "steps": blocks})
    return {"levels": levels, "walks": walks}


def waiting_since(node):
    paid, revived = node["last_paid_height"], node["revived_height"]
    if revived > paid:
        return revived
    return paid if paid > 0 else node["registered_height"]


def payment_order():
    cases = []
    for name, count in [("mixed", 20), ("ties", 12), ("never paid", 6)]:
        nodes = []
        for _ in range(count):
            same = name == "ties"
            nodes.append({
                "pro_tx_hash": some_hash(),
                "registered_height": RANDOM.randint(1, 500),
                "last_paid_height": 0 if name == "never paid" else 900 if same else RANDOM.choice([0, RANDOM.randint(600, 999)]),
                "revived_height": RANDOM.choice([0, 0, RANDOM.randint(600, 999)]) if not same else 0,
                "banned": not same and RANDOM.random() < 0.2,
            })
        queue = [node for node in nodes if not node["banned"]]
        # A tie is broken by the hash in memory order.
        queue.sort(key=lambda node: (waiting_since(node), memory(node["pro_tx_hash"])))
        cases.append({"name": name, "height": 1000, "masternodes": nodes, "order": [node["pro_tx_hash"] for node in queue]})
    return {"cases": cases}


def quorum_selection():
    cases = []
    for quorum_type, size, evo_only, chainlock in [(1, 50, False, True), (2, 10, False, True), (4, 100, True, True), (2, 6, False, False)]:
        nodes = [{
            "pro_tx_hash": some_hash(),
            "confirmed_hash": some_hash() if RANDOM.random() < 0.9 else None,
            "evo": RANDOM.random() < 0.3,
            "valid": RANDOM.random() < 0.8,
        } for _ in range(40)]
        work = {"height": RANDOM.randint(2_000_000, 2_500_000), "hash": some_hash(),
                "chainlock_signature": RANDOM.randbytes(96).hex() if chainlock else None}
        seed = bytes([quorum_type])
        if chainlock:
            seed += work["height"].to_bytes(4, "little") + bytes.fromhex(work["chainlock_signature"])
        else:
            seed += memory(work["hash"])
        modifier = double(seed)

        def number(node):
            stub = sha256(memory(node["pro_tx_hash"]) + memory(node["confirmed_hash"]))
            return int.from_bytes(sha256(stub + modifier), "little")

        able = [node for node in nodes if node["valid"] and node["confirmed_hash"] and (node["evo"] or not evo_only)]
        able.sort(key=number, reverse=True)
        cases.append({"quorum_type": quorum_type, "size": size, "evo_only": evo_only, "work_block": work, "masternodes": nodes,
                      "members": [node["pro_tx_hash"] for node in able[:size]]})
    return {"cases": cases}


def leaf(node):
    data = memory(node["pro_tx_hash"]) + memory(node["confirmed_hash"] or "00" * 32)
    if node["address"] is None:
        data += bytes(18)
    else:
        host, port = node["address"].rsplit(":", 1)
        address = ipaddress.ip_address(host.strip("[]"))
        data += address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
        data += int(port).to_bytes(2, "big")
    data += bytes.fromhex(node["operator_key"]) + bytes.fromhex(node["voting_key_hash"]) + bytes([node["valid"]])
    if node["version"] >= 2:
        data += int(node["evo"]).to_bytes(2, "little")
        if node["evo"]:
            data += node["platform_http_port"].to_bytes(2, "little") + bytes.fromhex(node["platform_node_id"])
    return double(data)


def root(leaves):
    while len(leaves) > 1:
        if len(leaves) % 2:
            leaves.append(leaves[-1])
        leaves = [double(leaves[at] + leaves[at + 1]) for at in range(0, len(leaves), 2)]
    return leaves[0] if leaves else bytes(32)


def list_root():
    cases = []
    for count in [0, 1, 2, 3, 7, 16]:
        nodes = []
        for index in range(count):
            version = RANDOM.choice([1, 2, 2])
            evo = version == 2 and RANDOM.random() < 0.4
            # Bit 7 of a basic key is set.
            key = bytearray(RANDOM.randbytes(48))
            key[0] |= 0x80
            nodes.append({
                "pro_tx_hash": some_hash(), "confirmed_hash": RANDOM.choice([None, some_hash()]), "version": version, "evo": evo,
                "address": RANDOM.choice([f"192.0.2.{index + 1}:9999", f"[2001:db8::{index + 1:x}]:9999"] + ([] if evo else [None])),
                "operator_key": bytes(key).hex(), "voting_key_hash": RANDOM.randbytes(20).hex(), "valid": RANDOM.random() < 0.8,
                "platform_http_port": 443 if evo else None, "platform_node_id": RANDOM.randbytes(20).hex() if evo else None,
            })
        for node in nodes:
            node["leaf"] = leaf(node)[::-1].hex()
        ordered = sorted(nodes, key=lambda node: memory(node["pro_tx_hash"]))
        cases.append({"masternodes": nodes, "root": root([leaf(node) for node in ordered])[::-1].hex()})
    return {"cases": cases}


def events():
    """Two lists of neighbouring blocks, and what happened to one masternode between them. 100 is the limit, 66 the points of a
    failure. Another masternode is paid in each block, unless this one is."""
    plain = {"score": 0, "banned_at": None, "revived_at": 0, "last_paid": 0}
    cases = [
        ("nothing", plain, plain, []),
        ("decay is not an event", {**plain, "score": 7}, {**plain, "score": 6}, []),
        ("a penalty", plain, {**plain, "score": 66}, ["penalty 66 points, 1 failure"]),
        ("a penalty after the decay of the block", {**plain, "score": 10}, {**plain, "score": 75}, ["penalty 66 points, 1 failure"]),
        ("a ban", {**plain, "score": 60}, {**plain, "score": 100, "banned_at": 501}, ["penalty 41 points, 1 failure", "ban", "payment_lost"]),
        ("a revival", {**plain, "score": 100, "banned_at": 400}, {**plain, "revived_at": 501}, ["revival"]),
        ("a payment", plain, {**plain, "last_paid": 501}, ["payment"]),
        ("a registration", None, plain, ["registration"]),
        ("a removal", plain, None, ["removal", "payment_lost"]),
    ]
    named = [{"name": name, "height": 501, "before": before, "after": after, "events": happened} for name, before, after, happened in cases]
    return {"registered": 10, "cases": named}


for name, made in [("pose", pose()), ("payment_order", payment_order()), ("quorum_selection", quorum_selection()),
                   ("list_root", list_root()), ("events", events())]:
    (OUT / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")
