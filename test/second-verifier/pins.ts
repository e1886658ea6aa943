/** Several pins, of which one judges; and what is looked at first where more than one thing is wrong. */
import { canonical, type Json } from './json.ts';
import { type KeysetDraft, map, type Plain, trustFile } from './builder.ts';
import { type Case, edited, editAt, linesOf, made, set, type Table, withFiles, withLines } from './cases.ts';
import { draft, KEYS, keyset, keysetsOf, makeBundle, ROTATION, row } from './drafts.ts';

const { root, rootB, rootC, stranger } = KEYS;
type Roots = readonly (typeof root)[];
const base = keyset().keys;
const withB = [...base, row(rootB, 'root')];
const ofBoth = keyset(withB, { signers: [root, rootB] });
const foreign = keyset([row(stranger, 'root'), ...base.slice(1)], { signers: [stranger] });
const FORK: readonly Json[] = keysetsOf([keyset(undefined, { producedAt: '2026-01-01T00:00:00Z' })]);

interface PinDraft {
  readonly roots: Roots;
  readonly threshold: number;
  readonly chain?: readonly Json[];
}

const pin = (roots: Roots, threshold = 1, chain?: readonly Json[]): PinDraft => ({ roots, threshold, ...(chain === undefined ? {} : { chain }) });

function trustOf(pins: readonly PinDraft[]): Buffer {
  const members = pins.map(({ roots, threshold, chain }) => ({ roots: new Map(roots.map((one): [string, Json] => [one.kid, one.bytes.toString('base64url')])), threshold, ...(chain === undefined ? {} : { chain: chain as Plain }) }));
  return canonical(map({ v: 1, pins: members }));
}

function underPins(name: string, pins: readonly PinDraft[], verdict: Case['verdict'], keysets: readonly KeysetDraft[] = [keyset()]): Case[] {
  return [made(name, { keysets }, verdict, { trust: trustOf(pins) }), made(`${name}, the other way round`, { keysets }, verdict, { trust: trustOf([...pins].reverse()) })];
}

export const PINS: Table = [
  made('none', {}, 'untrusted-key', { trust: trustOf([]) }),
  ...underPins('one that has nothing to do with it', [pin([stranger]), pin([root])], 'complete'),
  ...underPins('the one that asks for most judges', [pin([root]), pin([root, rootB], 2)], 'untrusted-key'),
  ...underPins('the one that asks for most judges, though it knows least', [pin([root], 1, FORK), pin([root, rootB], 2)], 'complete', [ofBoth]),
  ...underPins('of two that ask for the same the one that knows most judges: another history', [pin([root]), pin([root], 1, FORK)], 'untrusted-key'),
  ...underPins('of two that ask for the same the one that knows most judges: a longer one', [pin([root], 1, FORK), pin([root], 1, keysetsOf(ROTATION))], 'complete'),
  made('of two that ask for and know the same the first judges', { keysets: [keyset(withB, { signers: [root] })] }, 'complete', { trust: trustOf([pin([root]), pin([rootB])]) }),
  made('of two that ask for and know the same the first judges, and its root has not signed', { keysets: [keyset(withB, { signers: [root] })] }, 'untrusted-key', { trust: trustOf([pin([rootB]), pin([root])]) }),
  ...underPins('a root of another pin may sign events', [pin([root]), pin([rootB])], 'complete', [keyset([...base.slice(0, 1), row(KEYS.event, 'event'), row(rootB, 'checkpoint'), row(KEYS.bundle, 'bundle')])]),
  made('a root that was pinned and has not signed', { keysets: [ofBoth] }, 'complete', { trust: trustFile([root, rootC], 1) }),
];

const whole = (): Map<string, Uint8Array> => makeBundle(draft());
const BAD_RECORD = { events: [{ type: 'evidence.v1.genesis', data: {} }] };

export const ORDER: Table = [
  edited('an untrusted keyset, and one after it without its form', editAt('keyset', 1, set(['x'], 1)), 'untrusted-key', { rest: { keysets: [foreign, foreign] } }),
  edited('an untrusted keyset without its form', editAt('keyset', 0, set(['x'], 1)), 'tampered', { rest: { keysets: [foreign] } }),
  made('an untrusted keyset whose signature does not fit', { keysets: [keyset([row(stranger, 'root'), ...base.slice(1)], { signers: [{ ...root, kid: stranger.kid }] })] }, 'tampered'),
  edited('an untrusted keyset that does not follow', editAt('keyset-payload', 1, set(['epoch'], 5)), 'untrusted-key', { rest: { keysets: [ofBoth, keyset(withB, { signers: [rootB] })] } }),
  edited('an untrusted keyset of epoch 2 that names none before it', editAt('keyset-payload', 0, set(['epoch'], 2)), 'tampered', { rest: { keysets: [foreign] } }),
  edited('an untrusted keyset of epoch 0', editAt('keyset-payload', 0, set(['epoch'], 0)), 'tampered', { rest: { keysets: [foreign] } }),
  made('an untrusted keyset, and a bad record', { keysets: [foreign], ...BAD_RECORD }, 'untrusted-key'),
  made('another history, and a bad record', BAD_RECORD, 'untrusted-key', { trust: trustFile([root], 1, FORK) }),
  { name: 'a bad record, and one after it of a later version', files: () => withLines(whole(), linesOf(whole()).map((line, i) => (i === 2 ? Buffer.from('{}\n') : i === 3 ? Buffer.from('{"v":2}\n') : line))), verdict: 'tampered', at: 2 },
  made('a key that does not count, and a signature that does not fit', { keysets: ROTATION.slice(0, 2), events: [{ type: 'x', data: {}, signer: { ...KEYS.event, kid: KEYS.eventNext.kid } }] }, 'tampered', { at: 1 }),
  made('a key that does not count, and bad content', { keysets: ROTATION.slice(0, 2), events: [{ type: 'evidence.v1.genesis', data: {}, signer: KEYS.eventNext }] }, 'untrusted-key', { at: 1 }),
  edited('a bad record, and another keyset than named', (stage, value, at) => (stage === 'event' && at === 0 ? set(['data', 'keysetDigest'], 'x')(value) : stage === 'record' && at === 2 ? set(['tier'], 'x')(value) : value), 'tampered', { at: 2 }),
  edited('another keyset than named, and no seal', editAt('event', 0, set(['data', 'keysetDigest'], 'x')), 'tampered', { rest: { sealed: false } }),
  { name: 'another keyset than named, and a record after the seal', files: () => { const files = makeBundle(draft(), editAt('event', 0, set(['data', 'keysetDigest'], 'x'))); return withLines(files, [...linesOf(files), Buffer.from('{}\n')]); }, verdict: 'tampered', at: 6 },
  { name: 'a record of a later version after the seal', files: () => withLines(whole(), [...linesOf(whole()), Buffer.from('{"v":2}\n')]), verdict: 'unsupported', at: 6 },
  { name: 'another keyset than named, and a torn line after the seal', files: () => { const files = makeBundle(draft(), editAt('event', 0, set(['data', 'keysetDigest'], 'x'))); return withLines(files, [...linesOf(files), Buffer.from('{')]); }, verdict: 'tampered' },
  edited('an attestation of something else by a key that does not count', editAt('statement', 0, set(['predicate', 'count'], 1)), 'tampered', { rest: { keysets: [keyset([...base, row(KEYS.bundleNext, 'bundle', 'next')])], bundleSigner: KEYS.bundleNext } }),
  { name: 'an untrusted keyset, and a file that is none', files: () => withFiles(makeBundle(draft({ keysets: [foreign] })), { 'pipe/': '' }), verdict: 'untrusted-key' },
];
