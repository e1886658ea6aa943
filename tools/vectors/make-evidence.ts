/**
 * Makes test/vectors/evidence: `node tools/vectors/make-evidence.ts`. Nothing here is ours but the cases: trees by naive-merkle.ts, signatures by
 * `node:crypto`, texts put together as the standards say. What is made is always the same, and a test holds the files against it.
 *
 * `expect` is `{"ok": …}` or `{"error": "reject"}`. Numbers beyond 2^53 and positions are texts; hashes, keys and binary notes are hex.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign as nodeSign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MTH, PATH, PROOF } from './naive-merkle.ts';

type Bytes = Uint8Array;
interface Case {
  readonly name: string;
  readonly input: object;
  readonly expect: object;
}

const REJECT = { error: 'reject' };
const hex = (bytes: Bytes): string => Buffer.from(bytes).toString('hex');
const base64 = (bytes: Bytes): string => Buffer.from(bytes).toString('base64');
const utf8 = (text: string): Bytes => new Uint8Array(Buffer.from(text));
const sha256 = (...parts: readonly Bytes[]): Bytes => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
const flip = (bytes: Bytes, bit: number): Bytes => bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

interface Key {
  readonly publicKey: Bytes;
  readonly sign: (message: Bytes) => Bytes;
}

/** Ed25519 of the seed that is one byte 32 times. */
function keyOf(byte: number): Key {
  const key: KeyObject = createPrivateKey({ key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), new Uint8Array(32).fill(byte)]), format: 'der', type: 'pkcs8' });
  return { publicKey: new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)), sign: (message) => new Uint8Array(nodeSign(null, message, key)) };
}

// Merkle trees

const entries = (count: number): Bytes[] => Array.from({ length: count }, (_, n) => utf8(`entry ${n}`));
const leaf = (n: number): Bytes => sha256(Uint8Array.of(0), utf8(`entry ${n}`));
const EMPTY = new Uint8Array(0);
const NONE = MTH([]);

/** What is done to a proof, by what it is called. */
function brokenProofs(proof: readonly Bytes[], root: Bytes): (readonly [string, readonly Bytes[]])[] {
  const swapped = [...proof.slice(1), ...proof.slice(0, 1)];
  return [
    ['a node too many at the end', [...proof, root]], ['a node too many at the front', [root, ...proof]], ['nothing too many at the end', [...proof, EMPTY]], ['nothing too many at the front', [EMPTY, ...proof]],
    ...(proof.length === 0 ? [] : ([['a node missing at the end', proof.slice(0, -1)], ['a node missing at the front', proof.slice(1)], ['the first node twice', [proof[0] as Bytes, ...proof]], ['a node of 31 bytes', [(proof[0] as Bytes).slice(1), ...proof.slice(1)]]] as const)),
    ...(proof.length > 1 ? ([['its nodes in another order', swapped]] as const) : []),
    ...proof.map((_, at) => [`a bit of node ${at}`, proof.map((node, n) => (n === at ? flip(node, (37 * at + 3) % 256) : node))] as const),
  ];
}

function inclusionCases(): Case[] {
  const cases: Case[] = [];
  const add = (name: string, claim: { index: bigint; size: bigint; leafHash: Bytes; root: Bytes; proof: readonly Bytes[] }, ok: boolean): void => {
    cases.push({ name, input: { index: String(claim.index), size: String(claim.size), leafHash: hex(claim.leafHash), root: hex(claim.root), proof: claim.proof.map(hex) }, expect: ok ? { ok: true } : REJECT });
  };
  for (const [n, size] of [[0, 1], [0, 2], [1, 2], [2, 3], [0, 5], [4, 5], [3, 7], [6, 7], [0, 8], [5, 8], [8, 9], [255, 256], [256, 257], [100, 300]] as const) {
    const [index, of] = [BigInt(n), BigInt(size)];
    const root = MTH(entries(size));
    const good = { index, size: of, leafHash: leaf(n), root, proof: PATH(n, entries(size)) };
    const name = `leaf ${n} of ${size}`;
    add(name, good, true);
    for (const [what, proof] of brokenProofs(good.proof, root)) add(`${name}, ${what}`, { ...good, proof }, false);
    for (const [what, change] of [
      ['as the leaf after it', { index: index + 1n }], ['as the leaf before it', { index: (index - 1n) & (2n ** 64n - 1n) }], ['as another leaf', { index: index ^ 2n }], ['in a tree twice as large', { size: of * 2n }], ['in a tree half as large', { size: of / 2n }], ['in no tree', { size: 0n }],
      ['another leaf', { leafHash: leaf(n + 1) }], ['an empty leaf', { leafHash: EMPTY }], ['an empty root', { root: EMPTY }], ['the root of no tree', { root: NONE }], ['an empty leaf and root', { leafHash: EMPTY, root: EMPTY }], ['a leaf of another length', { leafHash: utf8('WrongLeaf') }], ['a bit of the root', { root: flip(root, 255) }],
    ] as const) add(`${name}, ${what}`, { ...good, ...change }, false);
  }
  for (const [index, size] of [[0n, 0n], [1n, 1n], [2n ** 64n - 1n, 2n ** 64n - 1n], [0n, 2n ** 64n], [2n ** 64n - 1n, 1n]] as const) add(`position ${index} of ${size} is none`, { index, size, leafHash: leaf(0), root: leaf(0), proof: [] }, false);
  // Far positions: the proof says what the root is.
  for (const [index, size] of [[0n, 2n ** 63n - 1n], [2n ** 63n - 2n, 2n ** 63n - 1n], [2n ** 62n, 2n ** 62n + 1n]] as const) {
    const proof = Array.from({ length: farLength(index, size) }, (_, at) => sha256(utf8(`far ${at}`)));
    const root = farRoot(leaf(0), index, size, proof);
    add(`leaf ${index} of ${size}`, { index, size, leafHash: leaf(0), root, proof }, true);
    add(`leaf ${index} of ${size}, a node missing`, { index, size, leafHash: leaf(0), root, proof: proof.slice(1) }, false);
    add(`leaf ${index} of ${size}, in a tree one larger`, { index, size: size + 1n, leafHash: leaf(0), root, proof }, index === 0n && size === 2n ** 63n - 1n); // the tree of 2^63 has the same left path
  }
  return cases;
}

function half(size: bigint): bigint {
  let power = 1n;
  while (power * 2n < size) power *= 2n;
  return power;
}

const farLength = (index: bigint, size: bigint): number => (size === 1n ? 0 : 1 + (index < half(size) ? farLength(index, half(size)) : farLength(index - half(size), size - half(size))));

function farRoot(hash: Bytes, index: bigint, size: bigint, proof: readonly Bytes[]): Bytes {
  if (size === 1n) return hash;
  const [last, rest] = [proof.at(-1) as Bytes, proof.slice(0, -1)];
  return index < half(size) ? sha256(Uint8Array.of(1), farRoot(hash, index, half(size), rest), last) : sha256(Uint8Array.of(1), last, farRoot(hash, index - half(size), size - half(size), rest));
}

function consistencyCases(): Case[] {
  const cases: Case[] = [];
  const add = (name: string, claim: { size1: bigint; size2: bigint; root1: Bytes; root2: Bytes; proof: readonly Bytes[] }, ok: boolean): void => {
    cases.push({ name, input: { size1: String(claim.size1), size2: String(claim.size2), root1: hex(claim.root1), root2: hex(claim.root2), proof: claim.proof.map(hex) }, expect: ok ? { ok: true } : REJECT });
  };
  for (const [m, n] of [[1, 2], [1, 3], [2, 3], [3, 4], [1, 8], [4, 8], [6, 8], [7, 8], [2, 5], [6, 7], [5, 9], [8, 9], [256, 257], [255, 300], [256, 300], [300, 301]] as const) {
    const [size1, size2] = [BigInt(m), BigInt(n)];
    const [root1, root2] = [MTH(entries(m)), MTH(entries(n))];
    const good = { size1, size2, root1, root2, proof: PROOF(m, entries(n)) };
    const name = `${m} to ${n}`;
    add(name, good, true);
    for (const [what, proof] of [...brokenProofs(good.proof, root1), ['no proof', []] as const, ['the newer root at the end', [...good.proof, root2]] as const]) add(`${name}, ${what}`, { ...good, proof }, false);
    for (const [what, change] of [
      ['an older tree one smaller', { size1: size1 - 1n }], ['an older tree one larger', { size1: size1 + 1n }], ['another older size', { size1: size1 ^ 2n }], ['a newer tree twice as large', { size2: size2 * 2n }], ['a newer tree half as large', { size2: size2 / 2n }], ['the trees the other way round', { size1: size2, size2: size1 }],
      ['the roots the other way round', { root1: root2, root2: root1 }], ['a bit of the older root', { root1: flip(root1, 0) }], ['a bit of the newer root', { root2: flip(root2, 255) }], ['an older root of another length', { root1: utf8('WrongRoot') }], ['a newer root of another length', { root2: utf8('WrongRoot') }], ['an empty older root', { root1: EMPTY }],
    ] as const) add(`${name}, ${what}`, { ...good, ...change }, false);
  }
  for (const size of [0n, 1n, 7n, 2n ** 63n - 1n]) {
    const root = size === 0n ? NONE : leaf(0);
    const good = { size1: size, size2: size, root1: root, root2: root, proof: [] };
    add(`${size} to itself`, good, true);
    add(`${size} to itself, with a proof`, { ...good, proof: [root] }, false);
    add(`${size} to itself, another root`, { ...good, root2: leaf(1) }, false);
  }
  for (const proof of [[], [NONE], [leaf(0)]]) add(`nothing to 1 proves nothing, ${proof.length} nodes ${proof[0] === NONE ? 'none' : ''}`.trim(), { size1: 0n, size2: 1n, root1: NONE, root2: leaf(0), proof }, false);
  return cases;
}

// Checkpoints

const ORIGIN = 'example.com/log';
const keyId = (name: string, type: number, key: Bytes): Bytes => sha256(utf8(`${name}\n`), Uint8Array.of(type), key).subarray(0, 4);
const vkey = (name: string, type: number, key: Bytes): string => `${name}+${hex(keyId(name, type, key))}+${base64(Uint8Array.of(type, ...key))}`;
const line = (name: string, type: number, key: Key, text: string): string => `\u2014 ${name} ${base64(Buffer.concat([keyId(name, type, key.publicKey), key.sign(utf8(text))]))}\n`;

function cosignature(name: string, key: Key, text: string, time: bigint): string {
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(time);
  return `\u2014 ${name} ${base64(Buffer.concat([keyId(name, 4, key.publicKey), stamp, key.sign(utf8(`cosignature/v1\ntime ${time}\n${text}`))]))}\n`;
}

function checkpointCases(): Case[] {
  const [log, other, w1, w2] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)];
  const root = base64(MTH(entries(7)));
  const body = `${ORIGIN}\n7\n${root}\n`;
  const cases: Case[] = [];
  const known = [vkey(ORIGIN, 1, log.publicKey), vkey('example.com/w1', 4, w1.publicKey), vkey('example.com/w2', 4, w2.publicKey)];
  const add = (name: string, note: string | Bytes, ok?: object, verifiers: readonly string[] = known): void => {
    cases.push({ name, input: { note: hex(typeof note === 'string' ? utf8(note) : note), verifiers }, expect: ok === undefined ? REJECT : { ok: { origin: ORIGIN, size: '7', root: hex(MTH(entries(7))), extensions: [], cosigned: [], unknown: 0, ...ok } } });
  };
  const signed = (text: string, ...more: string[]): string => `${text}\n${line(ORIGIN, 1, log, text)}${more.join('')}`;
  const good = signed(body);
  const c1 = cosignature('example.com/w1', w1, body, 1_700_000_000n);
  const c2 = cosignature('example.com/w2', w2, body, 2n ** 63n - 1n);
  add('signed by its log', good, {});
  add('with extension lines', signed(`${body}more\nand more\n`), { extensions: ['more', 'and more'] });
  add('a signature of an unknown key is passed over', signed(body, line('example.com/other', 1, other, body)), { unknown: 1 });
  add('an unknown key of a known name is passed over', signed(body, line(ORIGIN, 1, other, body)), { unknown: 1 });
  add('an unknown type of a known key is passed over', signed(body, line(ORIGIN, 6, log, body)), { unknown: 1 });
  add('cosigned', signed(body, c1), { cosigned: [['example.com/w1', '1700000000']] });
  add('cosigned by two, before the log', `${body}\n${c2}${c1}${line(ORIGIN, 1, log, body)}`, { cosigned: [['example.com/w2', String(2n ** 63n - 1n)], ['example.com/w1', '1700000000']] });
  add('a cosignature of an unknown witness is passed over', signed(body, cosignature('example.com/w3', w1, body, 1n)), { unknown: 1 });
  add('an empty tree', signed(`${ORIGIN}\n0\n${base64(NONE)}\n`), { size: '0', root: hex(NONE) });
  add('the largest tree', signed(`${ORIGIN}\n${2n ** 64n - 1n}\n${root}\n`), { size: String(2n ** 64n - 1n) });
  add('an empty line in its text would be a checkpoint no more', signed(`${body}\nx\n`));
  for (const [name, note] of [
    ['nobody known signed', `${body}\n${line('example.com/other', 1, other, body)}`], ['nobody signed', `${body}\n`], ['only a witness signed', `${body}\n${c1}`], ['the log signed twice', signed(body, line(ORIGIN, 1, log, body))], ['a witness cosigned twice', signed(body, c1, cosignature('example.com/w1', w1, body, 5n))],
    ['another text was signed', good.replace('\n7\n', '\n8\n')], ['another key signed under the key id of the log', good.replace(/[^ ]+\n$/, `${base64(Buffer.concat([keyId(ORIGIN, 1, log.publicKey), other.sign(utf8(body))]))}\n`)],
    ['a known witness signed wrongly', signed(body, cosignature('example.com/w1', w2, body, 1n).replace(/[^ ]+\n$/, `${base64(Buffer.concat([keyId('example.com/w1', 4, w1.publicKey), new Uint8Array(72)]))}\n`))], ['a time that was not signed', signed(body, c1.replace(/[^ ]+\n$/, (text) => `${base64(flip(Buffer.from(text, 'base64'), 8 * 11))}\n`))], ['a time beyond 2^63 - 1', signed(body, cosignature('example.com/w1', w1, body, 2n ** 63n))],
    ['a plain signature of a witness key', signed(body, line('example.com/w1', 4, w1, body))], ['a signature cut by a byte', good.replace(/[^ ]+\n$/, (text) => `${base64(Buffer.from(text, 'base64').subarray(0, -1))}\n`)],
    ['no newline at the end', good.slice(0, -1)], ['an empty line at the end', `${good}\n`], ['no empty line before the signatures', good.replace('\n\n', '\n')], ['a hyphen for the dash', good.replace('\u2014', '-')], ['two spaces', good.replace('\u2014 ', '\u2014  ')], ['carriage returns', good.replaceAll('\n', '\r\n')], ['a tab', good.replace('example', 'ex\tample')], ['base64 without padding', good.replaceAll('=\n', '\n')], ['a plus in the name of a key', good.replace('\u2014 example.com', '\u2014 example+com')],
    ['an origin that is empty', signed(`\n7\n${root}\n`)], ['two lines', signed(`${ORIGIN}\n7\n`)], ['a size with a leading zero', signed(`${ORIGIN}\n07\n${root}\n`)], ['a size that is negative', signed(`${ORIGIN}\n-7\n${root}\n`)], ['a size with a sign', signed(`${ORIGIN}\n+7\n${root}\n`)], ['a size in hex', signed(`${ORIGIN}\n0x7\n${root}\n`)], ['a size of 2^64', signed(`${ORIGIN}\n${2n ** 64n}\n${root}\n`)], ['a root of 31 bytes', signed(`${ORIGIN}\n7\n${base64(new Uint8Array(31))}\n`)], ['a root of 33 bytes', signed(`${ORIGIN}\n7\n${base64(new Uint8Array(33))}\n`)], ['a root with loose bits', signed(`${ORIGIN}\n7\n${root.slice(0, -2)}${root.at(-2) === 'A' ? 'B' : 'B'}=\n`)], ['an empty tree with another root', signed(`${ORIGIN}\n0\n${root}\n`)],
    ['nothing', ''], ['one empty line', '\n\n'],
  ] as const) add(name, note);
  add('bytes that are not UTF-8', Uint8Array.of(...utf8(good), 0xff, 0x0a));
  add('the log of another key', good, undefined, [vkey(ORIGIN, 1, other.publicKey)]);
  add('a key of another log does not speak for one whose key is known', `${body}\n${line('example.com/other', 1, other, body)}`, undefined, [vkey('example.com/other', 1, other.publicKey), vkey(ORIGIN, 1, log.publicKey)]);
  add('a verifier key whose id is wrong', good, undefined, [known[0]?.replace(/\+[0-9a-f]{8}\+/, '+00000000+') as string]);
  add('a verifier key of small order', good, undefined, [vkey(ORIGIN, 1, Uint8Array.of(1, ...new Uint8Array(31)))]);
  return cases;
}

// DSSE and in-toto

const TYPE = 'application/vnd.in-toto+json';
const pae = (type: string, payload: Bytes): Bytes => Buffer.concat([utf8(`DSSEv1 ${utf8(type).byteLength} ${type} ${payload.byteLength} `), payload]);
const STATEMENT = { _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'records.jsonl', digest: { sha256: hex(sha256(utf8('records'))) } }], predicateType: 'https://example.com/predicate/v1', predicate: { outcome: 'exited' } };

function dsseCases(): Case[] {
  const [a, b, c] = [keyOf(1), keyOf(2), keyOf(3)];
  const payload = utf8(JSON.stringify(STATEMENT));
  const cases: Case[] = [];
  const signature = (key: Key, keyid?: string, type = TYPE, body = payload): object => ({ ...(keyid === undefined ? {} : { keyid }), sig: base64(key.sign(pae(type, body))) });
  const one = { keys: [{ keyid: 'a', publicKey: hex(a.publicKey) }], threshold: 1, payloadTypes: [TYPE] };
  const two = { keys: [a, b, c].map((key, n) => ({ keyid: 'abc'.charAt(n), publicKey: hex(key.publicKey) })), threshold: 2, payloadTypes: [TYPE] };
  const add = (name: string, envelope: object | string, verifiers: object, ok?: { keys: readonly string[]; payload?: Bytes }): void => {
    cases.push({ name, input: { envelope: typeof envelope === 'string' ? envelope : JSON.stringify(envelope), verifiers }, expect: ok === undefined ? REJECT : { ok: { keys: ok.keys, payload: hex(ok.payload ?? payload) } } });
  };
  const envelope = (signatures: unknown, members: object = {}): object => ({ payloadType: TYPE, payload: base64(payload), signatures, ...members });
  const url = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_');
  const odd = utf8('>>>???ÿ~');
  add('one signature', envelope([signature(a, 'a')]), one, { keys: ['a'] });
  add('no key id', envelope([signature(a)]), one, { keys: ['a'] });
  add('a key id of another key, which is a hint only', envelope([signature(a, 'b')]), two.keys.length > 0 ? { ...two, threshold: 1 } : one, { keys: ['a'] });
  add('two of three', envelope([signature(c, 'c'), signature(a, 'a')]), two, { keys: ['c', 'a'] });
  add('two of three without key ids', envelope([signature(b), signature(c)]), two, { keys: ['b', 'c'] });
  add('a stranger among them', envelope([signature(keyOf(9), 'x'), signature(a, 'a'), signature(b, 'b')]), two, { keys: ['a', 'b'] });
  add('URL-safe base64', { payloadType: TYPE, payload: url(base64(odd)), signatures: [{ sig: url(base64(a.sign(pae(TYPE, odd)))) }] }, one, { keys: ['a'], payload: odd });
  add('standard base64 of the same', { payloadType: TYPE, payload: base64(odd), signatures: [{ sig: base64(a.sign(pae(TYPE, odd))) }] }, one, { keys: ['a'], payload: odd });
  add('an empty payload', envelope([signature(a, 'a', TYPE, EMPTY)], { payload: '' }), one, { keys: ['a'], payload: EMPTY });
  add('a type that is not ASCII: its length is in bytes', envelope([signature(a, 'a', 'application/exämple')], { payloadType: 'application/exämple' }), { ...one, payloadTypes: ['application/exämple'] }, { keys: ['a'] });
  add('members that DSSE does not know', envelope([{ ...signature(a, 'a'), extension: { x: 1 } }], { more: 1 }), one, { keys: ['a'] });
  for (const [name, broken, verifiers] of [
    ['one key twice', envelope([signature(a, 'a'), signature(a, 'a')]), two], ['one key under two names', envelope([signature(a, 'a'), signature(a, 'b')]), two], ['one key given twice as a verifier', envelope([signature(a, 'a'), signature(a, 'b')]), { ...two, keys: [{ keyid: 'a', publicKey: hex(a.publicKey) }, { keyid: 'b', publicKey: hex(a.publicKey) }] }], ['too few', envelope([signature(a, 'a')]), two],
    ['another type is claimed', envelope([signature(a, 'a')], { payloadType: 'application/json' }), { ...one, payloadTypes: [TYPE, 'application/json'] }], ['a type that is not asked for', envelope([signature(a, 'a', 'application/json')], { payloadType: 'application/json' }), one], ['an empty type', envelope([signature(a, 'a', '')], { payloadType: '' }), { ...one, payloadTypes: ['', TYPE] }],
    ['the payload was changed', envelope([signature(a, 'a')], { payload: base64(utf8(JSON.stringify({ ...STATEMENT, predicateType: 'x' }))) }), one], ['the payload alone was signed', envelope([{ keyid: 'a', sig: base64(a.sign(payload)) }]), one], ['another key', envelope([signature(b, 'a')]), one], ['a bit of the signature', envelope([{ keyid: 'a', sig: base64(flip(a.sign(pae(TYPE, payload)), 9)) }]), one],
    ['no signatures', envelope([]), one], ['signatures that are no list', envelope(signature(a, 'a')), one], ['no signatures at all', { payloadType: TYPE, payload: base64(payload) }, one], ['a signature that is no object', envelope([base64(a.sign(pae(TYPE, payload)))]), one], ['alphabets mixed', { payloadType: TYPE, payload: `${base64(utf8('>>>'))}${url(base64(utf8('???')))}`, signatures: [signature(a, 'a', TYPE, utf8('>>>???'))] }, one], ['a space in the payload', envelope([signature(a, 'a')], { payload: ` ${base64(payload)}` }), one],
    ['a threshold of none', envelope([signature(a, 'a')]), { ...one, threshold: 0 }], ['no keys', envelope([signature(a, 'a')]), { ...one, keys: [] }], ['a threshold above the number of keys', envelope([signature(a, 'a')]), { ...one, threshold: 2 }], ['a key twice in the text', JSON.stringify(envelope([signature(a, 'a')])).replace('{', '{"payloadType":"x",'), one], ['no JSON', '{', one], ['a list', '[]', one],
  ] as const) add(name, broken, verifiers);
  return cases;
}

function statementCases(): Case[] {
  const digest = { sha256: hex(sha256(utf8('x'))) };
  const cases: Case[] = [];
  const add = (name: string, change: object | string, ok?: object): void => {
    cases.push({ name, input: { payload: typeof change === 'string' ? change : JSON.stringify({ ...STATEMENT, ...change }) }, expect: ok === undefined ? REJECT : { ok: { predicateType: STATEMENT.predicateType, subjects: STATEMENT.subject, predicate: STATEMENT.predicate, ...ok } } });
  };
  add('a subject and a predicate', {}, {});
  add('no predicate', { predicate: undefined }, { predicate: {} });
  add('subjects without names, and algorithms nobody knows', { subject: [{ digest }, { digest: { ...digest, better: 'xyz' } }] }, { subjects: [{ digest }, { digest: { ...digest, better: 'xyz' } }] });
  add('members nobody knows', { more: [1], subject: [{ name: 'a', uri: 'u', digest, annotations: { a: null } }] }, { subjects: [{ name: 'a', digest }] });
  for (const [name, change] of [
    ['another version', { _type: 'https://in-toto.io/Statement/v0.1' }], ['no type', { _type: undefined }], ['no subjects', { subject: [] }], ['subjects that are no list', { subject: { digest } }], ['a subject without a digest', { subject: [{ name: 'a', uri: 'u' }] }], ['a subject with an empty digest set', { subject: [{ digest: {} }] }], ['a digest in upper case', { subject: [{ digest: { sha256: digest.sha256.toUpperCase() } }] }], ['a digest that is too short', { subject: [{ digest: { sha256: digest.sha256.slice(2) } }] }], ['a digest that is no text', { subject: [{ digest: { sha256: 1 } }] }], ['a subject that is no object', { subject: ['a'] }], ['a name that is no text', { subject: [{ name: 1, digest }] }],
    ['no type of predicate', { predicateType: undefined }], ['an empty type of predicate', { predicateType: '' }], ['a predicate that is no object', { predicate: 'x' }], ['a predicate that is null', { predicate: null }], ['not an object', '[]'], ['no JSON', '{'], ['a key twice', JSON.stringify(STATEMENT).replace('{', '{"_type":"x",')],
  ] as const) add(name, change);
  return cases;
}

const FILES: Readonly<Record<string, readonly [about: string, make: () => Case[]]>> = {
  'merkle-inclusion': ['inclusion proofs of RFC 6962 trees over SHA-256; the entries are "entry 0", "entry 1" …', inclusionCases],
  'merkle-consistency': ['consistency proofs between trees of the same entries', consistencyCases],
  checkpoint: ['C2SP checkpoints and the keys they are read with; root and size are returned, and who cosigned when', checkpointCases],
  dsse: ['DSSE envelopes and verifiers; key ids of the keys that signed, in the order of the signatures', dsseCases],
  statement: ['in-toto Statements, version 1', statementCases],
};

/** File name → text. */
export function evidenceVectors(): Map<string, string> {
  return new Map(Object.entries(FILES).map(([name, [about, make]]) => [`${name}.json`, `${JSON.stringify({ about, source: 'CellOS, tools/vectors/make-evidence.ts', cases: make() }, undefined, 1)}\n`]));
}

if (import.meta.main) {
  const folder = fileURLToPath(new URL('../../test/vectors/evidence/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of evidenceVectors()) writeFileSync(`${folder}${name}`, text);
}
