/** Bundles that are wrong in one place, each with the verdict it has to get: the rows of the tamper matrix, and what else the format refuses. */
import { ed25519, map, type Plain, p256, withMember, PREFIX, dsse, trustFile } from './builder.ts';
import { edited, editAt, linesOf, made, set, type Table, withFiles, withLines, withRecordText } from './cases.ts';
import { sha256 } from './crypto.ts';
import { draft, eventKeyIs, EVENTS, json, KEYS, keyset, keysetsOf, log, makeBundle, ROTATION, row, RUN, RUN_AFTER } from './drafts.ts';
import { canonical, isList, type Json } from './json.ts';
import { CHECKPOINT, PROOFS } from './log.ts';

const whole = (): Map<string, Uint8Array> => makeBundle(draft());
const other = (): Map<string, Uint8Array> => makeBundle(draft({ stream: RUN_AFTER, files: { 'stdout.log': 'other\n', 'stderr.log': '' } }));
const moved = (change: (lines: Buffer[]) => readonly Buffer[], attested = true) => () => withFiles(withLines(whole(), change(linesOf(whole()))), attested ? {} : { 'attestation.dsse.json': undefined });
const foreign = (at: number): Buffer => linesOf(other())[at] ?? Buffer.alloc(0);
const hmac = (envelope: Json): Json => set(['signature'], Buffer.alloc(32, 7).toString('base64url'))(set(['algorithm'], 'hmac-sha256')(envelope));

/** Made anew with every key but that of the log, whose checkpoint and proofs are those of the run as it was. */
function asLogged(name: string, rest: Parameters<typeof made>[1]): Table[number] {
  const before = makeBundle(draft({ log: log() }));
  return made(name, { log: log(), refile: (files) => new Map([...files, ...[...before].filter(([path]) => path === CHECKPOINT || path === PROOFS)]), ...rest }, 'tampered');
}

/** Rows of the tamper matrix that need nothing but a bundle. */
export const MATRIX: Table = [
  { name: 'change a byte: of an event', files: () => withRecordText(whole(), 2, (line) => line.replace('"ttlSeconds":60', '"ttlSeconds":61')), verdict: 'tampered', at: 2 },
  { name: 'change a byte: of a file', files: () => withFiles(whole(), { 'stdout.log': 'ouT\n' }), verdict: 'tampered' },
  { name: 'change a byte: of the keyset', files: () => withFiles(whole(), { 'keyset.json': Buffer.from(whole().get('keyset.json') ?? []).toString().replace('"requiredSignerCount":1', '"requiredSignerCount":2') }), verdict: 'tampered' },
  { name: 'change a byte: of the attestation', files: () => withFiles(whole(), { 'attestation.dsse.json': Buffer.from(whole().get('attestation.dsse.json') ?? []).toString().replace('"sig":"ME', '"sig":"MF') }), verdict: 'tampered' },
  made('forge without key: a key of one’s own under the name of the event key', { eventSigner: { ...ed25519('forger'), kid: KEYS.event.kid } }, 'tampered', { at: 0 }),
  made('forge without key: a key the keyset does not name', { eventSigner: ed25519('forger') }, 'tampered', { at: 0 }),
  made('forge without key: the attestation', { bundleSigner: { ...p256('forger'), kid: KEYS.bundle.kid } }, 'tampered'),
  made('forge without key: keyset and all', { keysets: [keyset(undefined, { signers: [{ ...KEYS.stranger, kid: KEYS.root.kid }] })] }, 'tampered'),
  { name: 'drop inside a run', files: moved((lines) => lines.filter((_, i) => i !== 2)), verdict: 'tampered', at: 2 },
  { name: 'drop the first record', files: moved((lines) => lines.slice(1)), verdict: 'tampered', at: 0 },
  { name: 'reorder inside a run', files: moved(([a, b, c, d, ...rest]) => [a, b, d, c, ...rest].filter((line) => line !== undefined)), verdict: 'tampered', at: 2 },
  { name: 'drop the tail, the attestation kept', files: moved((lines) => lines.slice(0, 3)), verdict: 'tampered', at: 3 },
  { name: 'drop the tail and the attestation', files: moved((lines) => lines.slice(0, 3), false), verdict: 'incomplete-tail' },
  { name: 'drop the tail in the middle of a line, the attestation kept', files: moved((lines) => [...lines.slice(0, 3), (lines[3] ?? Buffer.alloc(0)).subarray(0, 20)]), verdict: 'tampered', at: 3 },
  { name: 'splice from another run: a record more', files: moved((lines) => [...lines.slice(0, 3), foreign(3), ...lines.slice(3)]), verdict: 'tampered', at: 3 },
  { name: 'splice from another run: in the place of a record', files: moved((lines) => lines.map((line, i) => (i === 3 ? foreign(3) : line))), verdict: 'tampered', at: 3 },
  { name: 'splice from another run: its genesis', files: moved((lines) => [foreign(0), ...lines.slice(1)]), verdict: 'tampered', at: 1 },
  edited('splice from another run: its signed event, chained anew', editAt('envelope', 3, (envelope) => set(['event', 'data', 'runId'], RUN_AFTER)(envelope)), 'tampered', { at: 3 }),
  made('splice from another run: an event that says so, signed by the right key', { events: [...EVENTS, { type: 'x', data: new Map(Object.entries({ runId: RUN_AFTER })) }] }, 'tampered', { at: 5 }),
  { name: 'replay an event: the line again', files: moved((lines) => [...lines.slice(0, 3), lines[2] ?? Buffer.alloc(0), ...lines.slice(3)]), verdict: 'tampered', at: 3 },
  made('replay an event: signed, chained and attested anew', { events: [...EVENTS, { ...(EVENTS[1] ?? { type: 'x', data: {} }), id: `event-${RUN}-2` }] }, 'tampered', { at: 5 }),
  made('stolen key rewrites the past: from the position that is told on', {}, 'untrusted-key', { at: 3, trust: trustFile([KEYS.root], 1, keysetsOf([keyset(), eventKeyIs('compromised', { run: RUN, seq: 3 })])) }),
  asLogged('drop the tail: sealed and attested anew, seen by a later checkpoint that covered it', { events: EVENTS.slice(0, 2) }),
  asLogged('stolen key rewrites the past: all keys but that of the log, and a later checkpoint that covered it', { events: EVENTS.map((one, i) => (i === 1 ? { ...one, data: { ttlSeconds: 61 } } : one)) }),
  made('show two histories: the log of the genesis, and another that covers the run', { log: log({ history: 'another' }) }, 'tampered'),
  edited('unsigned event accepted: no signature', editAt('envelope', 2, set(['signature'], undefined)), 'tampered', { at: 2 }),
  edited('unsigned event accepted: an empty one', editAt('envelope', 2, set(['signature'], '')), 'tampered', { at: 2 }),
  edited('unsigned event accepted: the event itself in the place of its envelope', editAt('envelope', 2, (envelope) => json((envelope as ReadonlyMap<string, Json>).get('event') ?? null)), 'tampered', { at: 2 }),
  edited('unsigned event accepted: another algorithm', editAt('envelope', 2, set(['algorithm'], 'none')), 'tampered', { at: 2 }),
  edited('HMAC passed off as proof: under the kid of the key', editAt('envelope', 2, hmac), 'tampered', { at: 2 }),
  edited('HMAC passed off as proof: under a kid of its own', editAt('envelope', 2, (envelope) => set(['signerKid'], 'shared')(hmac(envelope))), 'tampered', { at: 2 }),
  edited('guest lies about itself: a genesis told by the guest', editAt('record', 0, set(['tier'], 'guest')), 'tampered', { at: 0 }),
  edited('guest lies about itself: a seal told by the guest', editAt('record', 5, set(['tier'], 'guest')), 'tampered', { at: 5 }),
];

/** Rows that need what does not exist yet. A whole run that is deleted, and two histories each whole in itself, show against the log: test/e2e/history.test.ts. */
export const MATRIX_TO_COME = [
  ['back-date', 'checkpoints, and the order they prove'],
  ['stolen key rewrites the past: of an epoch that is over', 'keys that evolve one way'],
  ['guest goes silent', 'guest sequence and keep-alive'],
] as const;

const signers = (...names: (keyof typeof KEYS)[]): { signers: (typeof KEYS.root)[] } => ({ signers: names.map((name) => KEYS[name]) });
const baseKeys = keyset().keys;
const keysAnd = (...more: (typeof baseKeys)[number][]) => ({ keysets: [keyset([...baseKeys, ...more])] });
const chainOf = (...sets: ReturnType<typeof keyset>[]) => ({ keysets: sets });
const payload = (path: readonly string[], member: Parameters<typeof set>[1], at = 0) => editAt('keyset-payload', at, set(path, member));
const LOW = Buffer.alloc(32);
const keyRow = (change: (key: Json) => Json, at = 1) => editAt('keyset-payload', 0, (inner) => withMember(inner, 'keys', ((inner as ReadonlyMap<string, Json>).get('keys') as readonly Json[]).map((key, i) => (i === at ? change(key) : key))));
const spki = (bytes: Buffer) => keyRow(set(['publicKey'], bytes.toString('base64url')), 3);

export const KEYSETS: Table = [
  made('signed by a root that is not pinned', { keysets: [keyset([row(KEYS.stranger, 'root'), ...baseKeys.slice(1)], signers('stranger'))] }, 'untrusted-key'),
  made('another pin', {}, 'untrusted-key', { trust: trustFile([KEYS.stranger], 1) }),
  made('signed by the event key of the same keyset', { keysets: [keyset(undefined, signers('event'))] }, 'tampered'),
  made('signed by nobody', { keysets: [keyset(undefined, { signers: [] })] }, 'tampered'),
  made('signed by a root, and by somebody it does not name', { keysets: [keyset(undefined, signers('root', 'stranger'))] }, 'tampered'),
  edited('signed twice by one root', editAt('keyset', 0, (set0) => withMember(set0, 'signatures', [...list(set0, 'signatures'), ...list(set0, 'signatures')])), 'tampered'),
  edited('signed by an HMAC', editAt('keyset', 0, (set0) => withMember(set0, 'signatures', list(set0, 'signatures').map(set(['algorithm'], 'hmac-sha256')))), 'tampered'),
  edited('an unknown member outside', editAt('keyset', 0, set(['x'], 1)), 'tampered'),
  edited('an unknown member inside', payload(['x'], 1), 'tampered'),
  edited('a copy that is another: producedAt', editAt('keyset', 0, set(['producedAt'], '2026-02-01T00:00:02Z')), 'tampered'),
  edited('a copy that is another: requiredSignerCount', editAt('keyset', 0, set(['requiredSignerCount'], 2)), 'tampered'),
  edited('a copy that is another: replacesEnvelopeDigest', editAt('keyset', 0, set(['replacesEnvelopeDigest'], `sha256:${'0'.repeat(64)}`)), 'tampered'),
  edited('a producedAt that is no time', payload(['producedAt'], 'today'), 'tampered'),
  edited('a producedAt of another zone', payload(['producedAt'], '2026-02-01T00:00:01+01:00'), 'tampered'),
  edited('a notAfter that is null', payload(['notAfter'], null), 'tampered'),
  edited('a threshold of zero', payload(['threshold'], 0), 'tampered'),
  edited('a threshold no roots can reach', payload(['threshold'], 2), 'tampered'),
  edited('an epoch that begins with two', payload(['epoch'], 2), 'tampered'),
  edited('an epoch that is a float', payload(['epoch'], 1.5), 'tampered'),
  edited('a first keyset that follows one', payload(['previous'], `sha256:${'0'.repeat(64)}`), 'tampered'),
  edited('another version', payload(['schemaVersion'], '3.0.0'), 'tampered'),
  edited('another type of payload', payload(['payloadType'], 'application/vnd.in-toto+json'), 'tampered'),
  edited('an empty keysetId', payload(['keysetId'], ''), 'complete'),
  edited('a list of none', editAt('keyset-file', 0, () => []), 'tampered'),
  edited('not a list', editAt('keyset-file', 0, (file) => (isList(file) ? (file[0] ?? null) : null)), 'tampered'),
  edited('no keys', payload(['keys'], []), 'tampered'),
  made('a key twice, under two kids', keysAnd(row({ ...KEYS.event, kid: 'again' }, 'event', 'next')), 'tampered'),
  made('a kid twice', keysAnd(row({ ...KEYS.eventNext, kid: KEYS.event.kid }, 'event', 'next')), 'tampered'),
  made('a key in two roles', keysAnd(row({ ...KEYS.root, kid: 'again' }, 'event', 'next')), 'tampered'),
  made('a pinned root in another role, signed by another root', { keysets: [keyset([row(KEYS.rootB, 'root'), row(KEYS.root, 'event'), row(KEYS.bundle, 'bundle')], signers('rootB'))], eventSigner: KEYS.root }, 'tampered', { trust: trustFile([KEYS.root, KEYS.rootB], 1) }),
  made('two keys of a purpose that are active', keysAnd(row(KEYS.eventNext, 'event')), 'tampered'),
  made('a state that is none', keysAnd(row(KEYS.eventNext, 'event', 'asleep')), 'tampered'),
  made('a root that is retiring', { keysets: [keyset([row(KEYS.root, 'root', 'retiring'), ...baseKeys.slice(1)])] }, 'tampered'),
  made('a retired key without a bound', chainOf(keyset(), eventKeyIs('retired')), 'tampered'),
  made('an active key with a bound', { keysets: [eventKeyIs('active', { run: RUN, seq: 0 })] }, 'tampered'),
  made('a bound at no run', chainOf(keyset(), eventKeyIs('retired', { run: 'x', seq: 0 })), 'tampered'),
  made('a bound at a record below zero', chainOf(keyset(), eventKeyIs('retired', { run: RUN, seq: -1 })), 'tampered'),
  made('a bound at a record that no number names', chainOf(keyset(), eventKeyIs('retired', { run: RUN, seq: 2n ** 53n })), 'tampered'),
  made('a bound at no time', chainOf(keyset(), eventKeyIs('retired', { time: 'later' })), 'tampered'),
  made('a bound of both kinds', chainOf(keyset(), eventKeyIs('retired', { run: RUN, seq: 0, time: '2026-03-01T00:00:00Z' })), 'tampered'),
  made('a key that begins accepted', keysAnd(row(KEYS.eventNext, 'event', 'accepted')), 'tampered'),
  made('a key that is gone', chainOf(keyset(), keyset([row(KEYS.root, 'root'), row(KEYS.event, 'event'), row(KEYS.bundle, 'bundle')])), 'tampered'),
  made('a key that goes back', chainOf(...ROTATION.slice(0, 4), ROTATION[2] ?? keyset()), 'tampered'),
  made('a bound that moves on', chainOf(keyset(), eventKeyIs('retired', { run: RUN, seq: 3 }), eventKeyIs('retired', { run: RUN, seq: 4 })), 'tampered'),
  made('a bound that changes its kind', chainOf(keyset(), eventKeyIs('retired', { run: RUN, seq: 3 }), eventKeyIs('retired', { time: '2026-01-01T00:00:00Z' })), 'tampered'),
  made('a kid given to another key', chainOf(keyset(), keyset([...baseKeys.slice(0, 1), row({ ...KEYS.eventNext, kid: KEYS.event.kid }, 'event'), ...baseKeys.slice(2)])), 'tampered'),
  made('other roots', chainOf(keyset(), keyset([...baseKeys, row(KEYS.rootB, 'root')])), 'tampered'),
  made('another threshold', { keysets: [keyset([...baseKeys, row(KEYS.rootB, 'root')], signers('root', 'rootB')), keyset([...baseKeys, row(KEYS.rootB, 'root')], { ...signers('root', 'rootB'), threshold: 2 })] }, 'tampered', { trust: trustFile([KEYS.root, KEYS.rootB], 1) }),
  made('a time that goes back', chainOf(keyset(undefined, { producedAt: '2026-02-02T00:00:00Z' }), keyset()), 'tampered'),
  edited('a keyset left out', editAt('keyset-file', 0, (file) => (isList(file) ? file.filter((_, i) => i !== 1) : file)), 'tampered', { rest: { keysets: ROTATION.slice(0, 3) } }),
  edited('two keysets swapped', editAt('keyset-file', 0, (file) => (isList(file) ? [...file].reverse() : file)), 'tampered', { rest: { keysets: ROTATION.slice(0, 2) } }),
  edited('the first keysets left out', editAt('keyset-file', 0, (file) => (isList(file) ? file.slice(1) : file)), 'tampered', { rest: { keysets: ROTATION.slice(0, 3) } }),
  made('another history of the same roots', {}, 'untrusted-key', { trust: trustFile([KEYS.root], 1, keysetsOf([keyset(undefined, { producedAt: '2026-01-01T00:00:00Z' })])) }),
  made('another continuation of the same history', chainOf(keyset(), keyset(undefined, { producedAt: '2026-02-03T00:00:00Z' })), 'untrusted-key', { trust: trustFile([KEYS.root], 1, keysetsOf(ROTATION.slice(0, 2))) }),
  edited('a key of small order', keyRow(set(['publicKey'], Buffer.concat([Buffer.of(1), LOW.subarray(1)]).toString('base64url'))), 'tampered'),
  edited('a key that is no point', keyRow(set(['publicKey'], Buffer.concat([Buffer.of(2), LOW.subarray(1)]).toString('base64url'))), 'tampered'),
  edited('a key that is not canonical', keyRow(set(['publicKey'], Buffer.alloc(32, 255).toString('base64url'))), 'tampered'),
  edited('a key of P-256 that is none', spki(KEYS.bundle.bytes.subarray(0, 90)), 'tampered'),
  edited('a key of P-256 whose point is not on the curve', spki(Buffer.concat([KEYS.bundle.bytes.subarray(0, 90), Buffer.of((KEYS.bundle.bytes[90] ?? 0) ^ 1)])), 'tampered'),
  { name: 'the keyset of another host under the same roots', files: () => withFiles(whole(), { 'keyset.json': canonical(keysetsOf([keyset([row(KEYS.root, 'root'), row(KEYS.eventNext, 'event'), row(KEYS.bundle, 'bundle')])])) }), verdict: 'tampered', at: 0 },
  { name: 'a later keyset of the same chain in the place of the one that was named', files: () => withFiles(whole(), { 'keyset.json': canonical(keysetsOf(ROTATION.slice(0, 2))) }), verdict: 'tampered' },
  edited('a genesis that names another keyset', editAt('event', 0, set(['data', 'keysetDigest'], `sha256:${'0'.repeat(64)}`)), 'tampered'),
  edited('a genesis that names none', editAt('event', 0, set(['data', 'keysetDigest'], undefined)), 'tampered'),
];

function list(value: Json, key: string): readonly Json[] {
  const found = value instanceof Map ? value.get(key) : undefined;
  return isList(found) ? found : [];
}

const seal = (path: string, member: Parameters<typeof set>[1]) => editAt('event', 5, set(['data', path], member));

export const ENDS: Table = [
  edited('a seal that counts one more', seal('count', 7), 'tampered', { at: 5 }),
  edited('a seal that counts one less', seal('count', 5), 'tampered', { at: 5 }),
  edited('a seal that counts by a float', seal('count', 6.5), 'tampered', { at: 5 }),
  edited('a seal of another head', seal('head', `sha256:${'0'.repeat(64)}`), 'tampered', { at: 5 }),
  edited('a seal without a head', seal('head', undefined), 'tampered', { at: 5 }),
  edited('a seal with gaps below zero', seal('gaps', -1), 'tampered', { at: 5 }),
  edited('a seal with more gaps than a number holds', seal('gaps', 2n ** 53n), 'tampered', { at: 5 }),
  edited('a seal without gaps', seal('gaps', undefined), 'tampered', { at: 5 }),
  edited('a seal with gaps that the attestation does not have', seal('gaps', 3), 'tampered'),
  edited('a seal whose outcome is no text', seal('outcome', 1), 'tampered'),
  edited('a seal whose outcome is no text, attested as an empty one', seal('outcome', 1), 'complete', { rest: { outcome: '' } }),
  edited('a seal whose outcome the attestation does not have', seal('outcome', 'lost'), 'tampered'),
  edited('a seal of another run', seal('runId', RUN_AFTER), 'tampered', { at: 5 }),
  edited('a seal without data', editAt('event', 5, set(['data'], null)), 'tampered', { at: 5 }),
  edited('a seal that is withheld', editAt('record', 5, set(['envelope'], undefined)), 'tampered', { at: 6 }),
  edited('a genesis that is withheld', editAt('record', 0, set(['envelope'], undefined)), 'tampered', { at: 0 }),
  edited('a genesis without data', editAt('event', 0, set(['data'], null)), 'tampered', { at: 0 }),
  edited('a genesis of another run', editAt('event', 0, set(['data', 'runId'], RUN_AFTER)), 'tampered', { at: 0 }),
  edited('a genesis that names no run', editAt('event', 0, set(['data', 'runId'], undefined)), 'tampered', { at: 0 }),
  made('two geneses', { events: [...EVENTS, { type: 'evidence.v1.genesis', data: { keysetDigest: 'x' } }] }, 'tampered', { at: 5 }),
  edited('no genesis', editAt('event', 0, set(['type'], `${PREFIX}x`)), 'tampered', { at: 0 }),
  made('a seal in the middle', { events: [...EVENTS, { type: 'evidence.v1.sealed', data: { count: 6, gaps: 0, head: 'x', outcome: 'exited' } }] }, 'tampered', { at: 5 }),
  { name: 'two seals', files: () => withLines(whole(), [...linesOf(whole()), linesOf(whole()).at(-1) ?? Buffer.alloc(0)]), verdict: 'tampered', at: 6 },
  { name: 'a record after the seal', files: () => withLines(whole(), [...linesOf(whole()), linesOf(whole())[3] ?? Buffer.alloc(0)]), verdict: 'tampered', at: 6 },
  { name: 'a record after the seal, the attestation gone', files: () => withFiles(withLines(whole(), [...linesOf(whole()), linesOf(whole())[3] ?? Buffer.alloc(0)]), { 'attestation.dsse.json': undefined }), verdict: 'tampered', at: 6 },
  { name: 'a torn line after the seal', files: () => withLines(whole(), [...linesOf(whole()), Buffer.from('{')]), verdict: 'tampered', at: 6 },
  { name: 'a torn line after the seal, the attestation gone', files: () => withFiles(withLines(whole(), [...linesOf(whole()), Buffer.from('{')]), { 'attestation.dsse.json': undefined }), verdict: 'tampered', at: 6 },
  { name: 'the newline of the seal gone', files: () => withLines(whole(), linesOf(whole()).map((line, i) => (i === 5 ? line.subarray(0, -1) : line))), verdict: 'tampered', at: 5 },
  made('an attestation without a seal', { sealed: false }, 'tampered', { at: 5 }),
  { name: 'an attestation of an empty file of records', files: () => withFiles(whole(), { 'records.jsonl': '' }), verdict: 'tampered', at: 0 },
];

const record = (at: number, path: readonly string[], member: Parameters<typeof set>[1]) => editAt('record', at, set(path, member));
const event = (at: number, path: readonly string[], member: Parameters<typeof set>[1]) => editAt('event', at, set(path, member));
const text = (at: number, change: (line: string) => string) => () => withRecordText(whole(), at, change);

export const RECORDS: Table = [
  edited('a later version', record(2, ['v'], 2), 'unsupported', { at: 2 }),
  edited('a later version, of the genesis', record(0, ['v'], 2), 'unsupported', { at: 0 }),
  edited('a version below zero', record(2, ['v'], -1), 'unsupported', { at: 2 }),
  edited('a version that is a text', record(2, ['v'], '1'), 'tampered', { at: 2 }),
  edited('no version', record(2, ['v'], undefined), 'tampered', { at: 2 }),
  { name: 'a later version in another spelling', files: text(2, (line) => line.replace('"v":1', '"v":2').replace(',', ', ')), verdict: 'unsupported', at: 2 },
  { name: 'nothing but a later version', files: text(2, () => '{"v":2}\n'), verdict: 'unsupported', at: 2 },
  { name: 'a later version with other members', files: text(2, () => '{"new":true,"v":2}\n'), verdict: 'unsupported', at: 2 },
  { name: 'a version that is a float', files: text(2, (line) => line.replace('"v":1}', '"v":1.0}')), verdict: 'tampered', at: 2 },
  edited('an unknown member', record(2, ['x'], 1), 'tampered', { at: 2 }),
  edited('a tier that is none', record(2, ['tier'], 'moon'), 'tampered', { at: 2 }),
  edited('a salt of 15 bytes', record(2, ['salt'], Buffer.alloc(15).toString('base64url')), 'tampered', { at: 2 }),
  edited('another salt', record(2, ['salt'], Buffer.alloc(16).toString('base64url')), 'tampered', { at: 2 }),
  edited('a digest in capitals', editAt('record', 2, (one) => set(['digest'], String((one as ReadonlyMap<string, Json>).get('digest')).toUpperCase())(one)), 'tampered', { at: 2 }),
  edited('another digest', record(2, ['digest'], `sha256:${'0'.repeat(64)}`), 'tampered', { at: 2 }),
  edited('another prev', record(2, ['prev'], `sha256:${'0'.repeat(64)}`), 'tampered', { at: 2 }),
  edited('another place', record(2, ['seq'], 3), 'tampered', { at: 2 }),
  edited('another stream', record(2, ['stream'], RUN_AFTER), 'tampered', { at: 2 }),
  edited('an envelope that is null', record(2, ['envelope'], null), 'tampered', { at: 2 }),
  { name: 'an empty line', files: text(2, (line) => `\n${line}`), verdict: 'tampered', at: 2 },
  { name: 'a carriage return', files: text(2, (line) => line.replace('\n', '\r\n')), verdict: 'tampered', at: 2 },
  { name: 'a repeated key', files: text(2, (line) => line.replace('"v":1}', '"v":1,"v":1}')), verdict: 'tampered', at: 2 },
  { name: 'an escape where none is needed', files: text(2, (line) => line.replace('"digest"', '"\\u0064igest"')), verdict: 'tampered', at: 2 },
  { name: 'a byte that is no UTF-8', files: () => withLines(whole(), linesOf(whole()).map((line, i) => (i === 2 ? Buffer.concat([line.subarray(0, 10), Buffer.of(255), line.subarray(11)]) : line))), verdict: 'tampered', at: 2 },
  { name: 'a byte order mark', files: text(0, (line) => `\ufeff${line}`), verdict: 'tampered', at: 0 },
  { name: 'a signature with padding', files: text(2, (line) => line.replace(/"signature":"([^"]*)"/, '"signature":"$1=="')), verdict: 'tampered', at: 2 },
  edited('a signature with loose bits', editAt('envelope', 2, (one) => set(['signature'], String((one as ReadonlyMap<string, Json>).get('signature')).replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)))(one)), 'tampered', { at: 2 }),
  edited('a signature with S + L', editAt('envelope', 2, (one) => set(['signature'], plusL(String((one as ReadonlyMap<string, Json>).get('signature'))))(one)), 'tampered', { at: 2 }),
  edited('an unknown member of the envelope', editAt('envelope', 2, set(['notAfter'], null)), 'tampered', { at: 2 }),
  edited('a member of the event less', event(2, ['time'], undefined), 'tampered', { at: 2 }),
  edited('an extension that is null', event(2, ['cexsessionid'], null), 'tampered', { at: 2 }),
  edited('an id that is no text', event(2, ['id'], 7), 'tampered', { at: 2 }),
  edited('an empty id', event(2, ['id'], ''), 'complete'),
  edited('another specversion', event(2, ['specversion'], '0.3'), 'complete'),
  edited('a time that is none', event(2, ['time'], 'yesterday'), 'complete'),
  edited('data that is a text', event(2, ['data'], 'x'), 'complete'),
  edited('a run id that is no text', event(2, ['data', 'runId'], null), 'tampered', { at: 2 }),
  edited('an event without a run id', event(2, ['data', 'runId'], undefined), 'complete'),
  edited('an integer of 64 bits', event(2, ['data', 'ttlSeconds'], 2n ** 64n - 1n), 'complete'),
  edited('signed by the key of checkpoints', editAt('envelope', 2, set(['signerKid'], KEYS.checkpoint.kid)), 'tampered', { at: 2 }),
  made('an event signed by the key of checkpoints', { events: EVENTS.map((one, i) => (i === 1 ? { ...one, signer: KEYS.checkpoint } : one)) }, 'tampered', { at: 2 }),
  made('an event signed by the root', { events: EVENTS.map((one, i) => (i === 1 ? { ...one, signer: KEYS.root } : one)) }, 'tampered', { at: 2 }),
  made('an event signed by another key of the same keyset under the kid of this one', { keysets: ROTATION.slice(0, 3), events: EVENTS.map((one, i) => (i === 1 ? { ...one, signer: { ...KEYS.eventNext, kid: KEYS.event.kid } } : one)) }, 'tampered', { at: 2 }),
];

function plusL(signature: string): string {
  const bytes = Buffer.from(signature, 'base64url');
  const scalar = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + 2n ** 252n + 27742317777372353535851937790883648493n;
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse()]).toString('base64url');
}

const statement = (path: readonly string[], member: Parameters<typeof set>[1]) => editAt('statement', 0, set(path, member));
const subject = (change: (subjects: readonly Json[]) => readonly Json[]) => editAt('statement', 0, (value) => withMember(value, 'subject', change(list(value, 'subject'))));
const dsseText = (change: (text: string) => string) => () => withFiles(whole(), { 'attestation.dsse.json': change(Buffer.from(whole().get('attestation.dsse.json') ?? []).toString()) });
const hex = (content: string): string => sha256(Buffer.from(content)).toString('hex');

/** Reading drops what it does not know and takes what is absent for null: nothing of that may stand in a bundle; nor may a value of another kind stop it. */
export const UNSIGNED: Table = [
  edited('an event with a member its signature does not cover', editAt('envelope', 3, set(['event', 'subject'], 'not signed')), 'tampered', { at: 3 }),
  edited('an event with a member its signature does not cover, in a run without an end', editAt('envelope', 3, set(['event', 'subject'], 'not signed')), 'tampered', { at: 3, rest: { sealed: false, attested: false } }),
  edited('an event without a member its signature covers', editAt('envelope', 3, set(['event', 'traceparent'], undefined)), 'tampered', { at: 3 }),
  ...['notBefore', 'notAfter'].flatMap((member) => [
    edited(`an envelope with a ${member}`, editAt('envelope', 2, set([member], 'x')), 'tampered', { at: 2 }),
    edited(`an envelope with a ${member}, in a run without an end`, editAt('envelope', 2, set([member], 'x')), 'tampered', { at: 2, rest: { sealed: false, attested: false } }),
  ]),
  edited('an object in the place of a position', editAt('record', 2, set(['seq'], {})), 'tampered', { at: 2 }),
  edited('an object in the place of a count', editAt('event', 5, set(['data', 'count'], {})), 'tampered', { at: 5 }),
  edited('an object in the place of a run id', editAt('event', 2, set(['data', 'runId'], {})), 'tampered', { at: 2 }),
];

const OTHER_DIGESTS: readonly (readonly [string, { readonly [algorithm: string]: Plain }, 'complete' | 'tampered'])[] = [
  ['an empty text', { sha1: '' }, 'tampered'],
  ['an empty text, under an empty name', { '': '' }, 'tampered'],
  ['any text, under an empty name', { '': 'x' }, 'complete'],
  ['a number', { sha1: 1 }, 'tampered'],
  ['null', { gitCommit: null }, 'tampered'],
  ...Object.entries({ sha384: 96, sha512: 128, sha512_256: 64, sha3_256: 64, sha3_384: 96, sha3_512: 128 }).flatMap(([name, length]) => [
    [`${name} of its length`, { [name]: 'a'.repeat(length) }, 'complete'] as const,
    [`${name}, a letter less`, { [name]: 'a'.repeat(length - 1) }, 'tampered'] as const,
    [`${name}, a letter more`, { [name]: 'a'.repeat(length + 1) }, 'tampered'] as const,
    [`${name} in capitals`, { [name]: 'A'.repeat(length) }, 'tampered'] as const,
    [`${name} that is no hex`, { [name]: 'g'.repeat(length) }, 'tampered'] as const,
  ]),
  ['a name in capitals is another', { SHA512: 'x' }, 'complete'],
  ['sha224, md5 and others', { sha224: 'x', md5: 'x', 'sha3-512': 'x', sha512_224: 'x', blake2b: 'x', dirHash: 'h1:x', gitBlob: 'x' }, 'complete'],
];

const text0 = (file: Json): string => String(((file as ReadonlyMap<string, Json>).get('digest') as ReadonlyMap<string, Json>).get('sha256'));

export const ATTESTATIONS: Table = [
  edited('of another run', statement(['predicate', 'runId'], RUN_AFTER), 'tampered'),
  edited('of another count', statement(['predicate', 'count'], 7), 'tampered'),
  edited('of another head', statement(['predicate', 'head'], `sha256:${'0'.repeat(64)}`), 'tampered'),
  edited('of other gaps', statement(['predicate', 'gaps'], 1), 'tampered'),
  edited('of another outcome', statement(['predicate', 'outcome'], 'lost'), 'tampered'),
  edited('without an outcome', statement(['predicate', 'outcome'], undefined), 'tampered'),
  edited('of another type', statement(['_type'], 'https://in-toto.io/Statement/v0.1'), 'tampered'),
  edited('of another predicate', statement(['predicateType'], 'https://slsa.dev/provenance/v1'), 'tampered'),
  edited('with members that mean nothing here', statement(['predicate', 'more'], true), 'complete'),
  edited('a file less', subject((files) => files.slice(0, -1)), 'tampered'),
  edited('a file more', subject((files) => [...files, map({ name: 'more', digest: { sha256: hex('') } })]), 'tampered'),
  edited('a file twice', subject((files) => [...files, ...files.slice(0, 1)]), 'tampered'),
  edited('the files in another order', subject((files) => [...files].reverse()), 'complete'),
  edited('files that are no list', statement(['subject'], {}), 'tampered'),
  edited('a file that is no object', subject((files) => [...files, 'more']), 'tampered'),
  edited('a file without digests', subject((files) => files.map(set(['digest'], undefined))), 'tampered'),
  edited('digests that are a list', subject((files) => files.map(set(['digest'], []))), 'tampered'),
  edited('a predicate that is null', statement(['predicate'], null), 'tampered'),
  edited('no files', subject(() => []), 'tampered'),
  edited('itself among the files', subject((files) => [...files, map({ name: 'attestation.dsse.json', digest: { sha256: hex('') } })]), 'tampered'),
  edited('a digest in capitals', subject((files) => files.map((file) => set(['digest', 'sha256'], hex('out\n').toUpperCase())(file))), 'tampered'),
  edited('a second digest of a file', subject((files) => files.map(set(['digest', 'sha1'], 'x'))), 'complete'),
  ...OTHER_DIGESTS.map(([name, digests, verdict]) => edited(`a digest by another algorithm: ${name}`, subject((files) => files.map((file) => set(['digest'], { sha256: text0(file), ...digests })(file))), verdict)),
  made('an artifact under another name', { files: { [`artifacts/${hex('x')}`]: 'made\n' } }, 'tampered'),
  made('an artifact in a folder below', { files: { 'artifacts/below/HEX': 'made\n' } }, 'tampered'),
  { name: 'of another run under the same keys', files: () => withFiles(whole(), { 'attestation.dsse.json': other().get('attestation.dsse.json') }), verdict: 'tampered' },
  { name: 'an artifact of another run', files: () => withFiles(makeBundle(draft({ files: { 'artifacts/HEX': 'made\n' } })), { [`artifacts/${hex('made\n')}`]: 'other\n' }), verdict: 'tampered' },
  { name: 'an artifact of another run more', files: () => withFiles(whole(), { [`artifacts/${hex('other\n')}`]: 'other\n' }), verdict: 'tampered' },
  { name: 'a file missing', files: () => withFiles(whole(), { 'stdout.log': undefined }), verdict: 'tampered' },
  { name: 'a file more that is there', files: () => withFiles(whole(), { more: '' }), verdict: 'tampered' },
  { name: 'a file renamed', files: () => withFiles(whole(), { 'stdout.log': undefined, 'stdout.old': 'out\n' }), verdict: 'tampered' },
  { name: 'a file emptied', files: () => withFiles(whole(), { 'stdout.log': '' }), verdict: 'tampered' },
  { name: 'emptied', files: dsseText(() => ''), verdict: 'tampered' },
  { name: 'a newline at its end', files: dsseText((json0) => `${json0}\n`), verdict: 'tampered' },
  { name: 'a space', files: dsseText((json0) => json0.replace('":"', '": "')), verdict: 'tampered' },
  edited('two signatures', editAt('dsse', 0, (value) => withMember(value, 'signatures', [...list(value, 'signatures'), ...list(value, 'signatures')])), 'tampered'),
  edited('no signature', editAt('dsse', 0, (value) => withMember(value, 'signatures', [])), 'tampered'),
  edited('an unknown member of the envelope', editAt('dsse', 0, set(['x'], 1)), 'tampered'),
  edited('another type of payload', editAt('dsse', 0, set(['payloadType'], 'application/json')), 'tampered'),
  edited('an unknown key', editAt('dsse', 0, (value) => withMember(value, 'signatures', list(value, 'signatures').map(set(['keyid'], 'p256:none')))), 'tampered'),
  edited('the kid of the event key', editAt('dsse', 0, (value) => withMember(value, 'signatures', list(value, 'signatures').map(set(['keyid'], KEYS.event.kid)))), 'tampered'),
  made('signed by the event key', { bundleSigner: KEYS.event }, 'tampered'),
  made('signed by the event key under the kid of the key for bundles', { bundleSigner: { ...KEYS.event, kid: KEYS.bundle.kid } }, 'tampered'),
  made('signed by the next key of the same keyset under the kid of this one', { ...keysAnd(row(KEYS.bundleNext, 'bundle', 'next')), bundleSigner: { ...KEYS.bundleNext, kid: KEYS.bundle.kid } }, 'tampered'),
  made('signed by a key that is only announced', { ...keysAnd(row(KEYS.bundleNext, 'bundle', 'next')), bundleSigner: KEYS.bundleNext }, 'untrusted-key'),
  { name: 'a payload in another spelling', files: () => withFiles(whole(), { 'attestation.dsse.json': dsse(Buffer.from(`${Buffer.from(payloadOf()).toString()}\n`), KEYS.bundle) }), verdict: 'tampered' },
  edited('the larger s', editAt('dsse', 0, (value) => withMember(value, 'signatures', list(value, 'signatures').map((one) => set(['sig'], highS(String((one as ReadonlyMap<string, Json>).get('sig'))))(one)))), 'tampered'),
];

function payloadOf(): Buffer {
  return Buffer.from(String(JSON.parse(Buffer.from(whole().get('attestation.dsse.json') ?? []).toString()).payload), 'base64');
}

/** The other ECDSA signature that fits: (r, n − s). */
function highS(sig: string): string {
  const der = Buffer.from(sig, 'base64');
  const r = der.subarray(2, 4 + (der[3] ?? 0));
  const s = BigInt(`0x${der.subarray(r.byteLength + 4).toString('hex')}`);
  const high = Buffer.from(`00${(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n - s).toString(16).padStart(64, '0')}`, 'hex');
  const body = Buffer.concat([r, Buffer.of(2, high.byteLength), high]);
  return Buffer.concat([Buffer.of(0x30, body.byteLength), body]).toString('base64');
}
