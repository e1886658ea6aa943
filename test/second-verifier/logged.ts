/** Runs in the log of their host: where a run may stand in it, and each rule of it broken alone, with everything after that made anew. */
import { type BundleDraft, ed25519, type Plain, trustFile } from './builder.ts';
import { type Case, editAt, edited, linesOf, made, set, type Table, withFiles, withLines } from './cases.ts';
import { draft, EVENTS, KEYS, keyset, keysetsOf, log, makeBundle, ORIGIN, row, RUN, RUN_AFTER, RUN_BEFORE } from './drafts.ts';
import type { Json } from './json.ts';
import type { LogDraft, NoteSigner } from './logs.ts';
import { EMPTY_ROOT, Tree } from './merkle.ts';

type Rest = Partial<BundleDraft>;
type More = Partial<Case> & { readonly rest?: Rest };

const { checkpoint, checkpointNext, root, event, bundle, stranger } = KEYS;
const inLog = (name: string, rest: Partial<LogDraft>, verdict: Case['verdict'] = 'complete', { rest: others = {}, ...more }: More = {}): Case => made(name, { log: log(rest), ...others }, verdict, more);
const changed = (name: string, edit: Parameters<typeof edited>[1], verdict: Case['verdict'] = 'tampered', { rest = {}, ...more }: More = {}): Case => edited(name, edit, verdict, { rest: { log: log(), ...rest }, ...more });

const note = (change: (text: string) => string) => editAt('note', 0, (text) => change(String(text)));
const text = (change: (text: string) => string) => editAt('checkpoint', 0, (value) => change(String(value)));
const line = (at: number, change: (line: string) => string) => text((whole) => whole.split('\n').map((one, i) => (i === at ? change(one) : one)).join('\n'));
const proofs = (path: readonly string[], member: Plain | undefined) => editAt('proofs', 0, set(path, member));
const nodes = (path: readonly string[], change: (nodes: readonly string[]) => readonly Plain[]) => editAt('proofs', 0, (value) => set(path, change(path.reduce((inner: Json, key) => (inner instanceof Map ? (inner.get(key) ?? null) : null), value) as readonly string[]))(value));
const genesis = (path: readonly string[], member: Plain | undefined) => editAt('event', 0, set(['data', ...path], member));
const files = (changes: { readonly [path: string]: string | Uint8Array | undefined }): Rest => ({ refile: (all) => withFiles(all, changes) as ReadonlyMap<string, Buffer> });
const bytes = (path: string, change: (bytes: Buffer) => Buffer): Rest => ({ refile: (all) => withFiles(all, { [path]: change(all.get(path) ?? Buffer.alloc(0)) }) as ReadonlyMap<string, Buffer> });
const signers = (...all: NoteSigner[]): Partial<LogDraft> => ({ signers: all });
const own: NoteSigner = { signer: checkpoint };
const nothing = (): Buffer => Buffer.alloc(64, 7);

const keysAre = (...rows: ReturnType<typeof row>[]) => keyset([row(root, 'root'), row(event, 'event'), row(bundle, 'bundle'), ...rows]);
const TWO = { keysets: [keysAre(row(checkpoint, 'checkpoint')), keysAre(row(checkpoint, 'checkpoint'), row(checkpointNext, 'checkpoint', 'next')), keysAre(row(checkpoint, 'checkpoint', 'retiring'), row(checkpointNext, 'checkpoint'))] };
const ended = (signer: typeof checkpoint) => row(signer, 'checkpoint', 'compromised', { run: RUN_BEFORE, seq: 0 });
const known = (sets: readonly ReturnType<typeof keyset>[]): Uint8Array => trustFile([root], 1, keysetsOf(sets));
const ending = (state: 'retired' | 'compromised', until: Plain): Uint8Array => trustFile([root], 1, keysetsOf([keyset(), keysAre(row(checkpoint, 'checkpoint', state, until))]));

/** Sizes of the log at the genesis, others before it, between the records, and after them; around powers of two. */
const PLACES: readonly (readonly [bigint, bigint, bigint, bigint])[] = [
  [0n, 0n, 0n, 0n], [0n, 0n, 0n, 2n], [0n, 1n, 0n, 0n], [0n, 3n, 2n, 1n], [1n, 0n, 0n, 0n], [1n, 0n, 0n, 1n], [2n, 0n, 0n, 0n], [2n, 0n, 1n, 0n], [3n, 0n, 0n, 7n], [3n, 1n, 0n, 0n], [4n, 0n, 0n, 6n], [7n, 0n, 0n, 3n],
  [7n, 1n, 0n, 0n], [8n, 0n, 0n, 0n], [8n, 0n, 0n, 2n], [8n, 0n, 1n, 0n], [9n, 0n, 0n, 0n], [15n, 1n, 9n, 3n], [16n, 0n, 0n, 10n], [255n, 0n, 0n, 0n], [256n, 250n, 0n, 0n], [256n, 0n, 50n, 0n], [257n, 1000n, 300n, 5n], [5n, 2n ** 40n, 7n, 1n],
  [2n ** 53n - 1n, 0n, 0n, 0n], [2n ** 53n, 1n, 0n, 3n], [2n ** 63n - 1n, 0n, 0n, 1n], [2n ** 63n, 0n, 0n, 0n], [1n, 2n ** 63n, 0n, 2n ** 63n - 8n], [2n ** 64n - 7n, 0n, 0n, 0n],
];

export const IN_LOG: Table = [
  ...PLACES.map(([size, before, between, after]) => inLog(`${size} leaves at the genesis, ${before} of others before it, ${between} between records, ${after} after`, { size, before, between, after })),
  inLog('another name', { origin: 'example.com/log' }),
  ...['\ufeffa', 'a\u200bb', 'a\u007f\u0084b', 'é—', 'x'.repeat(5000)].map((origin, i) => inLog(`another name: ${['a byte order mark', 'a zero-width space', 'control characters above those of ASCII', 'no ASCII', '5000 letters'][i]}`, { origin })),
  inLog('extension lines', { extensions: ['more', '— x y', ' '] }),
  inLog('signatures by others before and after', signers({ signer: stranger, name: 'a.example/witness', sign: nothing }, own, { signer: checkpoint, name: 'another' }, { signer: stranger, sign: nothing })),
  inLog('a cosignature', signers(own, { signer: stranger, name: 'witness.example', sign: (of) => Buffer.concat([Buffer.alloc(8), stranger.sign(of)]) })),
  inLog('the same unknown key twice', signers(own, { signer: stranger }, { signer: stranger })),
  inLog('100 signatures', signers(own, ...Array.from({ length: 99 }, (_, i) => ({ signer: stranger, name: `w${i}`, sign: nothing })))),
  changed('an unknown key whose signature is of another length', note((all) => `${all}— x ${Buffer.alloc(5).toString('base64')}\n`), 'complete'),
  changed('the name of the key under another key id', note((all) => `${all}— ${ORIGIN} ${Buffer.alloc(68).toString('base64')}\n`), 'complete'),
  inLog('the key retiring', signers(own), 'complete', { rest: TWO }),
  inLog('the key that follows it', signers({ signer: checkpointNext }), 'complete', { rest: TWO }),
  inLog('both keys', signers(own, { signer: checkpointNext }), 'complete', { rest: TWO }),
  inLog('events withheld', {}, 'complete-with-declared-gaps', { rest: { events: EVENTS.map((one, i) => ({ ...one, withheld: i > 1 })) } }),
  { name: 'events withheld after it was made', files: () => withLines(makeBundle(draft({ log: log() })), linesOf(makeBundle(draft({ log: log(), events: EVENTS.map((one) => ({ ...one, withheld: true })) })))), verdict: 'complete-with-declared-gaps' },
  inLog('nothing but genesis and seal', {}, 'complete', { rest: { events: [] } }),
  inLog('nothing but genesis and seal, in an empty log', { size: 0n, before: 0n, after: 0n }, 'complete', { rest: { events: [] } }),
  inLog('unfinished, with neither file', {}, 'incomplete-tail', { rest: { sealed: false, attested: false } }),
  { name: 'unfinished: nothing is looked at', files: () => withFiles(makeBundle(draft({ log: log() })), { 'attestation.dsse.json': undefined, 'checkpoint.txt': 'x' }), verdict: 'incomplete-tail' },
  inLog('the key retired by a later run', {}, 'complete', { trust: ending('retired', { run: RUN_AFTER, seq: 0 }) }),
  inLog('the key compromised after the attestation', {}, 'complete', { trust: ending('compromised', { run: RUN, seq: 7 }) }),
  inLog('the key compromised from a time after the run', {}, 'complete', { trust: ending('compromised', { time: '2026-03-01T10:00:06Z' }) }),
];

const X = Buffer.alloc(32, 1).toString('base64');
/** Loose bits: the same bytes, another letter at the end. */
const loosely = (base64: string): string => base64.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`);
const lines = (all: string): string[] => all.split('\n').slice(0, -1);
const signature = (all: string): string => lines(all).at(-1) ?? '';

export const NOTES: Table = [
  changed('no text', note((all) => `\n${signature(all)}\n`)),
  changed('empty', note(() => '')),
  changed('no signature', note((all) => all.slice(0, all.indexOf('\n\n') + 2))),
  changed('no signature, and no empty line', note((all) => all.slice(0, all.indexOf('\n\n') + 1))),
  changed('no newline at its end', note((all) => all.slice(0, -1))),
  changed('an empty line at its end', note((all) => `${all}\n`)),
  changed('two empty lines before the signature', note((all) => all.replace('\n\n', '\n\n\n'))),
  changed('an empty line in the text', text((all) => `${all}\nmore\n`)),
  changed('an empty extension line', text((all) => `${all}\n`)),
  changed('something behind the signatures', note((all) => `${all}more\n`)),
  changed('a carriage return', note((all) => all.replace('\n\n', '\r\n\n'))),
  changed('a carriage return that is signed', text((all) => all.replaceAll('\n', '\r\n'))),
  changed('a tab that is signed', text((all) => `${all}a\tb\n`)),
  changed('a NUL that is signed', text((all) => `${all}a\u0000b\n`)),
  changed('a delete that is signed', text((all) => `${all}a\u007fb\n`), 'complete'),
  changed('a C1 control that is signed', text((all) => `${all}a\u0085b\n`), 'complete'),
  changed('a byte order mark', note((all) => `\ufeff${all}`)),
  changed('a byte order mark that is signed', text((all) => `${all}\ufeff\n`), 'complete'),
  changed('bytes that are no UTF-8', (_, value) => value, 'tampered', { rest: bytes('checkpoint.txt', (all) => Buffer.from(all.toString('latin1').replace('\n\n', '\n\xff\n\n'), 'latin1')) }),
  changed('bytes that are no UTF-8 in a signature of others', note((all) => `${all}— a?b ${X}\n`), 'tampered', { rest: bytes('checkpoint.txt', (all) => Buffer.from(all.toString('latin1').replace('a?b', 'a\xffb'), 'latin1')) }),
  changed('a signature of others without its newline', note((all) => `${all}— a ${X}`)),
  changed('a line of others without its newline', note((all) => `${all}x`)),
  changed('a note of more than 1 MiB', text((all) => `${all}${'x'.repeat(1024 * 1024)}\n`)),
  inLog('101 signatures', signers(own, ...Array.from({ length: 100 }, (_, i) => ({ signer: stranger, name: `w${i}`, sign: nothing }))), 'tampered'),
  changed('a hyphen in the place of the dash', note((all) => all.replace('—', '-'))),
  changed('two spaces in a signature', note((all) => all.replace(/ (\S+)\n$/, '  $1\n'))),
  changed('a space behind a signature', note((all) => all.replace(/\n$/, ' \n'))),
  changed('a signature of others without a name', note((all) => `${all}—  ${X}\n`)),
  changed('a signature of others with a plus in its name', note((all) => `${all}— a+b ${X}\n`)),
  changed('a signature of others with a no-break space in its name', note((all) => `${all}— a\u00a0b ${X}\n`)),
  changed('a signature of others with a next line in its name', note((all) => `${all}— a\u0085b ${X}\n`)),
  changed('a signature of others with an ideographic space in its name', note((all) => `${all}— a\u3000b ${X}\n`)),
  changed('a signature of others with a zero-width no-break space in its name', note((all) => `${all}— a\ufeffb ${X}\n`), 'complete'),
  changed('a signature of others that is no base64', note((all) => `${all}— a ???\n`)),
  changed('a signature of others with loose bits', note((all) => `${all}— a ${loosely(X)}\n`)),
  changed('a signature of others without padding', note((all) => `${all}— a ${X.replace('=', '')}\n`)),
  changed('a signature of others that is a key id alone', note((all) => `${all}— a ${Buffer.alloc(4).toString('base64')}\n`)),
  changed('a signature of others that is no key id', note((all) => `${all}— a ${Buffer.alloc(3).toString('base64')}\n`)),
  changed('a size with a zero before it', line(1, (size) => `0${size}`)),
  changed('a size with a plus', line(1, (size) => `+${size}`)),
  changed('a size with a space', line(1, (size) => `${size} `)),
  changed('a size that is hexadecimal', line(1, (size) => `0x${BigInt(size).toString(16)}`)),
  changed('a size of 2^64', line(1, () => String(2n ** 64n))),
  changed('a root with loose bits', line(2, loosely)),
  changed('a root without padding', line(2, (base64) => base64.replace('=', ''))),
  changed('a root in the other alphabet', line(2, (base64) => base64.replaceAll('+', '-').replaceAll('/', '_').replace(/^./, '-'))),
  changed('a root of 31 bytes', line(2, () => Buffer.alloc(31).toString('base64'))),
  changed('no root', text((all) => all.split('\n').slice(0, 2).join('\n').concat('\n'))),
  changed('an empty origin', line(0, () => '')),
];

/** Two keys with the same key id under the name of the log. */
const [twin, otherTwin] = [ed25519('k4136'), ed25519('k143874')];
const twins = (first: string, second: string, ...rows: ReturnType<typeof row>[]): Rest => ({ keysets: [keysAre(row(twin, 'checkpoint', first), row(otherTwin, 'checkpoint', second), ...rows)] });

export const SIGNERS: Table = [
  inLog('two keys of one key id, one of which signed', signers({ signer: twin }), 'tampered', { rest: twins('active', 'next') }),
  inLog('two keys of one key id, the other of which signed', signers({ signer: otherTwin }), 'tampered', { rest: twins('next', 'active') }),
  inLog('two keys of one key id, and a third that signed', signers(own), 'tampered', { rest: twins('next', 'next', row(checkpoint, 'checkpoint')) }),
  inLog('two keys, of which one has signed: the same without another of its key id', signers({ signer: twin }), 'complete', { rest: { keysets: [keysAre(row(twin, 'checkpoint'), row(checkpoint, 'checkpoint', 'next'))] } }),
  changed('another origin', line(0, (origin) => `${origin}1`)),
  changed('another origin, in the note alone', note((all) => all.replace(ORIGIN, `${ORIGIN}1`))),
  changed('a genesis of another origin', genesis(['log', 'origin'], `${ORIGIN}1`)),
  inLog('an unknown key', signers({ signer: stranger }), 'tampered'),
  inLog('the key under another name', signers({ signer: checkpoint, name: 'other' }), 'tampered'),
  inLog('an unknown key under the key id of the key', signers({ signer: { ...stranger, bytes: checkpoint.bytes } }), 'tampered'),
  inLog('a signature of the key that does not fit', signers({ ...own, sign: nothing }), 'tampered'),
  inLog('a signature of the key that is cut off', signers({ ...own, sign: (of) => checkpoint.sign(of).subarray(0, 63) }), 'tampered'),
  inLog('a signature of the key over something else', signers({ ...own, sign: (of) => checkpoint.sign(Buffer.concat([of, Buffer.from('\n')])) }), 'tampered'),
  inLog('a signature of the key over the text without its last newline', signers({ ...own, sign: (of) => checkpoint.sign(of.subarray(0, -1)) }), 'tampered'),
  inLog('the key twice', signers(own, own), 'tampered'),
  inLog('the key, and a signature of it that does not fit', signers(own, { ...own, sign: nothing }), 'tampered'),
  inLog('the key, and a signature of its follower that does not fit', signers(own, { signer: checkpointNext, sign: nothing }), 'tampered', { rest: TWO }),
  changed('the text changed after it was signed', note((all) => all.replace('\n\n', '\nmore\n\n'))),
  inLog('the event key', signers({ signer: event }), 'tampered'),
  inLog('the root', signers({ signer: root }), 'tampered'),
  inLog('the event key, beside the key', signers(own, { signer: event, sign: nothing })),
  inLog('a key that only the verifier knows', signers({ signer: checkpointNext }), 'tampered', { trust: trustFile([root], 1, keysetsOf([keyset(), ...TWO.keysets.slice(1)])) }),
  inLog('a key that is only announced', signers({ signer: checkpointNext }), 'untrusted-key', { rest: { keysets: TWO.keysets.slice(0, 2) } }),
  inLog('the key, and one that is only announced', signers(own, { signer: checkpointNext }), 'complete', { rest: { keysets: TWO.keysets.slice(0, 2) } }),
  inLog('one that is only announced, and the key', signers({ signer: checkpointNext }, own), 'complete', { rest: { keysets: TWO.keysets.slice(0, 2) } }),
  inLog('the key, and one that is announced and does not fit', signers(own, { signer: checkpointNext, sign: nothing }), 'tampered', { rest: { keysets: TWO.keysets.slice(0, 2) } }),
  inLog('a key that is retired in the keyset of the run', {}, 'untrusted-key', { rest: { keysets: [keyset(), keysAre(row(checkpoint, 'checkpoint', 'retired', { run: RUN_AFTER, seq: 0 }))] } }),
  inLog('a key that is over, and left out in the keyset of the run', {}, 'untrusted-key', { rest: { keysets: [keyset(), keysAre(row(checkpoint, 'checkpoint', 'retired', { run: RUN_AFTER, seq: 0 })), keysAre()] } }),
  inLog('a keyset without a key for checkpoints', {}, 'tampered', { rest: { keysets: [keysAre()] } }),
  inLog('the key retired by an earlier run', {}, 'untrusted-key', { trust: ending('retired', { run: RUN_BEFORE, seq: 9 }) }),
  inLog('the key compromised by an earlier run', {}, 'untrusted-key', { trust: ending('compromised', { run: RUN_BEFORE, seq: 9 }) }),
  inLog('the key compromised in the middle of the run', {}, 'untrusted-key', { trust: ending('compromised', { run: RUN, seq: 3 }) }),
  inLog('the key compromised at its seal', {}, 'untrusted-key', { trust: ending('compromised', { run: RUN, seq: 6 }) }),
  inLog('the key compromised from a time in the run', {}, 'untrusted-key', { trust: ending('compromised', { time: '2026-03-01T10:00:03Z' }) }),
  inLog('the key compromised from the time of its seal', {}, 'untrusted-key', { trust: ending('compromised', { time: '2026-03-01T10:00:05Z' }) }),
  inLog('the key compromised, and no log', {}, 'complete', { trust: ending('compromised', { run: RUN_BEFORE, seq: 0 }), rest: { log: undefined } as unknown as Rest }),
  inLog('a key of attestations that does not count, and proofs of something else', { history: 'another' }, 'tampered', { trust: known([keyset(), keyset([row(root, 'root'), row(event, 'event'), row(checkpoint, 'checkpoint'), row(bundle, 'bundle', 'compromised', { run: RUN, seq: 3 })])]) }),
  inLog('a key that does not count, and proofs of something else', { history: 'another' }, 'tampered', { trust: ending('compromised', { run: RUN, seq: 3 }) }),
  inLog('both keys, of which the newer was compromised', signers(own, { signer: checkpointNext }), 'complete', { rest: TWO, trust: known([...TWO.keysets, keysAre(row(checkpoint, 'checkpoint', 'retiring'), ended(checkpointNext))]) }),
  inLog('both keys, and both were compromised', signers(own, { signer: checkpointNext }), 'untrusted-key', { rest: TWO, trust: known([...TWO.keysets, keysAre(ended(checkpoint), ended(checkpointNext))]) }),
  inLog('both keys, of which the older is retired', signers(own, { signer: checkpointNext }), 'complete', { rest: { keysets: [...TWO.keysets, keysAre(row(checkpoint, 'checkpoint', 'retired', { run: RUN_AFTER, seq: 0 }), row(checkpointNext, 'checkpoint'))] } }),
  inLog('both keys, of which the older was compromised', signers(own, { signer: checkpointNext }), 'complete', { rest: TWO, trust: known([...TWO.keysets, keysAre(ended(checkpoint), row(checkpointNext, 'checkpoint'))]) }),
];

const flipped = (base64: string): string => { const node = Buffer.from(base64, 'base64'); node[0] = (node[0] ?? 0) ^ 1; return node.toString('base64'); };
const PATHS: readonly (readonly string[])[] = [['first', 'proof'], ['last', 'proof'], ['since']];
const plainRoot = (size: bigint): string => new Tree(new Map()).root(size).toString('base64');

export  const PROOFS: Table = [
  ...PATHS.flatMap((path) => [
    changed(`${path[0]}: a node more at its end`, nodes(path, (all) => [...all, X])),
    changed(`${path[0]}: a node more at its beginning`, nodes(path, (all) => [X, ...all])),
    changed(`${path[0]}: a node less at its end`, nodes(path, (all) => all.slice(0, -1))),
    changed(`${path[0]}: a node less at its beginning`, nodes(path, (all) => all.slice(1))),
    changed(`${path[0]}: no nodes`, nodes(path, () => [])),
    changed(`${path[0]}: a node changed`, nodes(path, ([first = '', ...all]) => [flipped(first), ...all])),
    changed(`${path[0]}: the last node changed`, nodes(path, (all) => [...all.slice(0, -1), flipped(all.at(-1) ?? '')])),
    changed(`${path[0]}: nodes in another order`, nodes(path, (all) => [...all].reverse())),
    changed(`${path[0]}: a node of 31 bytes`, nodes(path, ([, ...all]) => [Buffer.alloc(31).toString('base64'), ...all])),
    changed(`${path[0]}: a node with loose bits`, nodes(path, ([first = '', ...all]) => [loosely(first), ...all])),
    changed(`${path[0]}: a node without padding`, nodes(path, ([first = '', ...all]) => [first.replace('=', ''), ...all])),
    changed(`${path[0]}: a node in hex`, nodes(path, ([first = '', ...all]) => [Buffer.from(first, 'base64').toString('hex'), ...all])),
    changed(`${path[0]}: a node that is a number`, nodes(path, ([, ...all]) => [1, ...all])),
    changed(`${path[0]}: 66 nodes`, nodes(path, () => Array.from({ length: 66 }, () => X))),
    changed(`${path[0]}: no list`, proofs(path, null)),
    changed(`${path[0]}: missing`, proofs(path, undefined)),
  ]),
  ...(['first', 'last'] as const).flatMap((one) => [
    changed(`${one}: an index that is a number`, proofs([one, 'index'], one === 'first' ? 6 : 11)),
    changed(`${one}: an index with a zero before it`, proofs([one, 'index'], one === 'first' ? '06' : '011')),
    changed(`${one}: an index with a plus`, proofs([one, 'index'], one === 'first' ? '+6' : '+11')),
    changed(`${one}: an index with a fraction`, proofs([one, 'index'], one === 'first' ? '6.0' : '11.0')),
    changed(`${one}: an empty index`, proofs([one, 'index'], '')),
    changed(`${one}: an index below zero`, proofs([one, 'index'], '-1')),
    changed(`${one}: an index of 2^64`, proofs([one, 'index'], String(2n ** 64n))),
    changed(`${one}: an index of 2^64 and that of the record`, proofs([one, 'index'], String(2n ** 64n + (one === 'first' ? 6n : 11n)))),
    changed(`${one}: an index that is the size`, proofs([one, 'index'], '14')),
    changed(`${one}: the index of another`, proofs([one, 'index'], one === 'first' ? '5' : '12')),
    changed(`${one}: no index`, proofs([one, 'index'], undefined)),
    changed(`${one}: a member more`, proofs([one, 'x'], null)),
    changed(`${one}: null`, proofs([one], null)),
  ]),
  changed('a member more', proofs(['x'], null)),
  changed('another version', proofs(['v'], 2)),
  changed('a version that is a text', proofs(['v'], '1')),
  changed('no version', proofs(['v'], undefined)),
  changed('a list', editAt('proofs', 0, () => [])),
  changed('first and last exchanged', editAt('proofs', 0, (value) => (value instanceof Map ? new Map([...value, ['first', value.get('last')], ['last', value.get('first')]]) : value))),
  inLog('a newline at its end', {}, 'tampered', { rest: bytes('proofs.json', (all) => Buffer.from(`${all.toString()}\n`)) }),
  inLog('a space', {}, 'tampered', { rest: bytes('proofs.json', (all) => Buffer.from(all.toString().replace(',', ', '))) }),
  inLog('its members in another order', {}, 'tampered', { rest: bytes('proofs.json', (all) => Buffer.from(`{"v":1,${all.toString().slice(1).replace(',"v":1', '')}`)) }),
  inLog('a member twice', {}, 'tampered', { rest: bytes('proofs.json', (all) => Buffer.from(all.toString().replace('"v":1', '"v":1,"v":1'))) }),
  inLog('a version that is a float', {}, 'tampered', { rest: bytes('proofs.json', (all) => Buffer.from(all.toString().replace('"v":1', '"v":1.0'))) }),
  inLog('empty', {}, 'tampered', { rest: files({ 'proofs.json': '' }) }),
];

export const TREES: Table = [
  changed('the size of the checkpoint, of a tree of another form', line(1, (size) => String(BigInt(size) + 3n))),
  changed('the size of the checkpoint, of a tree of the same form: what the log signed is not for proofs to doubt', line(1, (size) => String(BigInt(size) + 1n)), 'complete'),
  changed('the root of the checkpoint', line(2, flipped)),
  changed('a checkpoint of an empty log', text((all) => all.replace(/\n\d+\n.*\n/, `\n0\n${EMPTY_ROOT.toString('base64')}\n`))),
  changed('a checkpoint of size 0 with another root', line(1, () => '0')),
  inLog('a log that was forked after the genesis was made', { history: 'another' }, 'tampered'),
  inLog('a log of one leaf that was forked', { size: 1n, history: 'another' }, 'tampered'),
  changed('the size of the genesis, one less', genesis(['log', 'size'], '4')),
  changed('a genesis that names a larger log, and its root', (stage, value, at) => (stage === 'event' && at === 0 ? set(['data', 'log'], { origin: ORIGIN, size: '7', root: plainRoot(7n) })(value) : value)),
  changed('a genesis that names a log larger than the checkpoint', (stage, value, at) => (stage === 'event' && at === 0 ? set(['data', 'log'], { origin: ORIGIN, size: '15', root: plainRoot(15n) })(value) : stage === 'proofs' ? set(['since'], [])(value) : value)),
  changed('a genesis that names an empty log, with nodes', (stage, value, at) => (stage === 'event' && at === 0 ? set(['data', 'log'], { origin: ORIGIN, size: '0', root: EMPTY_ROOT.toString('base64') })(value) : value)),
  changed('a genesis that names an empty log, without nodes', (stage, value, at) => (stage === 'event' && at === 0 ? set(['data', 'log'], { origin: ORIGIN, size: '0', root: EMPTY_ROOT.toString('base64') })(value) : stage === 'proofs' ? set(['since'], [])(value) : value), 'complete'),
  changed('an empty log, with a node', nodes(['since'], () => [X]), 'tampered', { rest: { log: log({ size: 0n }) } }),
  changed('a last record behind the checkpoint, by the proof of its last leaf', proofs(['last', 'index'], '12'), 'tampered', { rest: { log: log({ after: 0n }) } }),
  changed('a last record far behind the checkpoint, by the proof of its last leaf', proofs(['last', 'index'], String(2n ** 64n - 1n)), 'tampered', { rest: { log: log({ after: 0n }) } }),
  inLog('a leaf less than records between first and last', { places: [6n, 7n, 8n, 9n, 10n, 10n] }, 'tampered'),
  inLog('first and last side by side', { places: [6n, 20n, 20n, 20n, 20n, 7n] }, 'tampered'),
  inLog('the last before the first', { places: [20n, 7n, 8n, 9n, 10n, 6n] }, 'tampered'),
  inLog('first and last at the same place', { places: [6n, 6n, 6n, 6n, 6n, 6n] }, 'tampered'),
  inLog('others in the places of those between: the chain binds them, the log has room for them', { places: [6n, 20n, 20n, 20n, 20n, 11n] }),
];

export const GENESES: Table = [
  changed('another root', genesis(['log', 'root'], X)),
  changed('a root of 31 bytes', genesis(['log', 'root'], Buffer.alloc(31).toString('base64')), 'tampered', { at: 0 }),
  changed('a root with loose bits', genesis(['log', 'root'], loosely(plainRoot(5n))), 'tampered', { at: 0 }),
  changed('a size that is a number', genesis(['log', 'size'], 5), 'tampered', { at: 0 }),
  changed('a size with a zero before it', genesis(['log', 'size'], '05'), 'tampered', { at: 0 }),
  changed('a size of 2^64', genesis(['log', 'size'], String(2n ** 64n)), 'tampered', { at: 0 }),
  changed('an empty size', genesis(['log', 'size'], ''), 'tampered', { at: 0 }),
  changed('no size', genesis(['log', 'size'], undefined), 'tampered', { at: 0 }),
  changed('no root', genesis(['log', 'root'], undefined), 'tampered', { at: 0 }),
  changed('no origin', genesis(['log', 'origin'], undefined), 'tampered', { at: 0 }),
  changed('an empty origin', genesis(['log', 'origin'], ''), 'tampered', { at: 0 }),
  changed('an origin with a space', genesis(['log', 'origin'], 'a b'), 'tampered', { at: 0 }),
  changed('an origin with a plus', genesis(['log', 'origin'], 'a+b'), 'tampered', { at: 0 }),
  changed('an origin with a NUL', genesis(['log', 'origin'], 'a\u0000b'), 'tampered', { at: 0 }),
  changed('an origin with a line separator', genesis(['log', 'origin'], 'a\u2028b'), 'tampered', { at: 0 }),
  changed('an origin with a newline', genesis(['log', 'origin'], 'a\nb'), 'tampered', { at: 0 }),
  changed('a member more', genesis(['log', 'x'], 1), 'tampered', { at: 0 }),
  changed('null', genesis(['log'], null), 'tampered', { at: 0 }),
  changed('a text', genesis(['log'], ORIGIN), 'tampered', { at: 0 }),
  changed('a list', genesis(['log'], []), 'tampered', { at: 0 }),
  changed('no log, and both files', genesis(['log'], undefined)),
  changed('a genesis of another run, and of a log that is none', (stage, value, at) => (stage === 'record' && at === 1 ? set(['v'], 2)(value) : genesis(['log'], null)(stage, value, at)), 'tampered', { at: 0 }),
  changed('a text, unfinished', genesis(['log'], ORIGIN), 'tampered', { at: 0, rest: { sealed: false, attested: false } }),
  inLog('no checkpoint', {}, 'tampered', { rest: files({ 'checkpoint.txt': undefined }) }),
  inLog('no proofs', {}, 'tampered', { rest: files({ 'proofs.json': undefined }) }),
  inLog('neither file', {}, 'tampered', { rest: files({ 'checkpoint.txt': undefined, 'proofs.json': undefined }) }),
  made('a checkpoint, and no log', { files: { 'checkpoint.txt': '' } }, 'tampered'),
  made('proofs, and no log', { files: { 'proofs.json': '' } }, 'tampered'),
  changed('an empty log of another root', genesis(['log', 'root'], X), 'tampered', { at: 0, rest: { log: log({ size: 0n }) } }),
];
