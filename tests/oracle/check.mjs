// Checks lists with @dashevo/dashcore-lib, an implementation that shares nothing with this repository: the root of the simplified
// masternode list, and the members of quorums that do not rotate.
//
// node tests/oracle/check.mjs NODE_MODULES FIXTURES [SIMULATED.jsonl]
//
// It cannot follow lists with entries of version 3 (it knows one IPv4 address each), entries with an IPv6 address, and rotating
// quorums; those are counted and skipped. Answers of version 24 name no `service` and no port of Platform: both are taken
// from `addresses`.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';

const [modules, fixtures, simulated] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, 'check.cjs'));
const lib = require('@dashevo/dashcore-lib');
const SimplifiedMNList = lib.SimplifiedMNList;
const SimplifiedMNListEntry = lib.SimplifiedMNListEntry;

const NONE = '0.0.0.0:0';

// Quorum types that do not rotate: number, size, Evo nodes only.
const TYPES = { 100: [3, false], 102: [3, false], 106: [3, true], 1: [50, false], 2: [400, false], 3: [400, false], 4: [100, true], 6: [25, true] };

const sha = (bytes) => crypto.createHash('sha256').update(bytes).digest();
const double = (bytes) => sha(sha(bytes));
const reversed = (hex) => Buffer.from(hex, 'hex').reverse();

/** An entry as the library wants it; undefined for one that it cannot express. */
function entry(wire, port) {
    if (wire.nVersion > 2) return undefined;
    const address = wire.addresses?.core_p2p?.[0] ?? wire.service ?? NONE;
    const service = address === '[::]:0' ? NONE : address;
    if (service.startsWith('[')) return undefined;
    const https = wire.addresses?.platform_https?.[0];
    const own = wire.platformHTTPPort ?? (https === undefined ? port : Number(https.split(':').pop()));
    const evo = wire.nType === 1 ? { platformHTTPPort: own, platformNodeID: wire.platformNodeID } : {};
    return { ...wire, nVersion: wire.nVersion ?? 1, nType: wire.nType ?? 0, service, ...evo };
}

/** The library's list of a whole `protx diff`; undefined where it cannot follow. */
function list(diff, port) {
    const entries = diff.mnList.map((wire) => entry(wire, port));
    if (entries.some((one) => one === undefined)) return undefined;
    const made = new SimplifiedMNList();
    made.mnList = entries.map((one) => new SimplifiedMNListEntry(one));
    made.validMNs = made.mnList.filter((one) => one.isValid);
    return made;
}

/** The root in the payload of the raw coinbase: version 2 bytes, height 4, then the root. */
function committed(raw) {
    const bytes = Buffer.from(raw, 'hex');
    // The payload stands at the end, behind its length: 38 bytes of version 1, 70 of 2, 175 of 3, 207 of 4.
    const size = [38, 70, 175, 207].find((length) => bytes.length > length && bytes[bytes.length - length - 1] === length);
    const payload = bytes.subarray(bytes.length - size);
    return Buffer.from(payload.subarray(6, 38)).reverse().toString('hex');
}

/** The modifier of a work block (GetHashModifier), as the library's Buffer in printed order. */
function modifier(type, height, hash, chainlock) {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(height);
    const has = chainlock !== undefined && !/^0*$/.test(chainlock);
    const rest = has ? Buffer.concat([number, Buffer.from(chainlock, 'hex')]) : reversed(hash);
    return double(Buffer.concat([Buffer.from([type]), rest])).reverse();
}

const counts = { roots: 0, quorums: 0, skipped: 0 };

function fail(what, got, wanted) {
    console.error(`${what}: the library has ${got}, expected ${wanted}`);
    process.exitCode = 1;
}

function checkRoot(name, diff, port) {
    const made = list(diff, port);
    if (made === undefined) {
        counts.skipped += 1;
        return undefined;
    }
    const [root, wanted] = [made.calculateMerkleRoot(), committed(diff.cbTx)];
    if (root !== wanted || wanted !== diff.merkleRootMNList) fail(`root of ${name}`, root, wanted);
    counts.roots += 1;
    return made;
}

/** Members of the quorums of a work block, by type, in order. */
function checkQuorums(name, made, block, quorums) {
    for (const [type, members] of Object.entries(quorums)) {
        if (TYPES[type] === undefined) {
            counts.skipped += 1;
            continue;
        }
        const [size, evo] = TYPES[type];
        const selected = made.calculateQuorum(modifier(Number(type), block.height, block.hash, block.chainlock), size, evo);
        const got = selected.map((one) => one.proRegTxHash).join(' ');
        if (got !== members.join(' ')) fail(`quorum ${type} of ${name}`, got, members.join(' '));
        counts.quorums += 1;
    }
}

// Lists that nodes of version 24 recorded. A port that no answer shows was registered with the chain, see the recording's notes.
const PORT = 22_201;
for (const folder of fs.readdirSync(path.join(fixtures, 'v24')).sort()) {
    const directory = path.join(fixtures, 'v24', folder);
    if (!fs.statSync(directory).isDirectory()) continue;
    for (const file of fs.readdirSync(directory).filter((one) => one.startsWith('protx_diff')).sort()) {
        const whole = JSON.parse(fs.readFileSync(path.join(directory, file), 'utf8'));
        checkRoot(`${folder}/${file}`, whole.result ?? whole, PORT);
    }
}

// Lists and quorums of a private network of version 23.1.2.
const lines = zlib.gunzipSync(fs.readFileSync(path.join(fixtures, 'v23.1.2/seats/quorums.jsonl.gz'))).toString();
for (const line of lines.trim().split('\n').map((text) => JSON.parse(text))) {
    const made = checkRoot(`block ${line.lot.height}`, JSON.parse(line.roll).result);
    const payload = JSON.parse(line.coinbase).result[0].cbTx;
    const quorums = Object.entries(line.quorums).map(([type, answer]) => [type, JSON.parse(answer).result.members.map((one) => one.proTxHash)]);
    checkQuorums(`block ${line.lot.height}`, made, { ...line.lot, chainlock: payload.bestCLSignature }, Object.fromEntries(quorums));
}

// Lists of the simulator, with the members of quorums as this repository computes them.
if (simulated !== undefined) {
    for (const line of fs.readFileSync(simulated, 'utf8').trim().split('\n').map((text) => JSON.parse(text))) {
        const made = checkRoot(`simulated block ${line.height}`, line.diff, 0);
        if (made !== undefined && line.quorums !== undefined) checkQuorums(`simulated block ${line.height}`, made, line, line.quorums);
    }
}

console.log(`${counts.roots} roots and ${counts.quorums} quorums compared with @dashevo/dashcore-lib, ${counts.skipped} it cannot follow`);
if (counts.roots < 10 || counts.quorums < 10) {
    console.error('too few lists were checked');
    process.exitCode = 1;
}
