/** Bundles nothing is wrong with, or that are unfinished, stale, or have gaps: what the verdict of each has to be. */
import { trustFile } from './builder.ts';
import { type Case, edited, editAt, linesOf, made, set, type Table, withFiles, withLines } from './cases.ts';
import { draft, eventKeyIs, EVENTS, KEYS, keyset, keysetsOf, makeBundle, ROTATION, row, RUN, RUN_AFTER, RUN_BEFORE } from './drafts.ts';
import { decided, GOOD_DECISION, REFUSED_DECISION } from './decisions.ts';

const end = (data: object) => [...EVENTS.slice(0, 3), { type: 'process.v1.exited', data: { ...data } as { [key: string]: string | number } }];

export const KINDS: Table = [
  made('a command that ended well', {}, 'complete'),
  made('a command that failed', { events: end({ exitCode: 3 }) }, 'complete'),
  made('a command that a signal ended', { events: end({ signal: 'SIGKILL' }), outcome: 'signalled' }, 'complete'),
  made('a command that ran out of time', { events: end({ ending: 'timed-out' }), outcome: 'timed-out' }, 'complete'),
  made('secrets', { events: [...EVENTS, { type: 'secret.v1.delivered', data: { name: 'TOKEN' } }] }, 'complete'),
  made('artifacts', { files: { 'stdout.log': '', 'stderr.log': '', 'artifacts/HEX': 'made\n' } }, 'complete'),
  made('a workspace', { files: { 'stdout.log': '', 'stderr.log': '', 'workspace.json': '{"changes":[],"source":"/src","v":1}' } }, 'complete'),
  made('several commands', { files: { 'stdout.log': '', 'stderr.log': '', 'stdout.2.log': 'two', 'below/a/folder': 'x' } }, 'complete'),
  made('no files but its own', { files: {} }, 'complete'),
  made('a refusal of the plan', { events: [{ type: 'plan.v1.refused', data: {} }], outcome: 'refused' }, 'complete'),
  made('permitted by policy', { events: [decided(GOOD_DECISION), ...EVENTS] }, 'complete'),
  made('refused by policy', { events: [decided(REFUSED_DECISION), { type: 'admission.v1.refused', data: {} }], outcome: 'refused' }, 'complete'),
  made('blanked before it was signed', { events: [...EVENTS, { type: 'command.v1.completed', data: { argv: ['[redacted]'], reason: '[redacted]' } }] }, 'complete'),
  made('events of other vocabularies, with any data', { events: [...EVENTS, { type: 'com.events.other', data: null }, { type: 'x.events.y', data: [1, 0.5, 'é'] }] }, 'complete'),
  made('no outcome', { outcome: '' }, 'complete'),
  edited('a seal without a word', editAt('event', 5, set(['data', 'outcome'], undefined)), 'complete', { rest: { outcome: '' } }),
  made('a run whose id is no ULID', { stream: 'not a ulid' }, 'complete'),
  made('nothing between genesis and seal', { events: [] }, 'complete'),
  made('an event without a time', { events: [{ ...EVENTS[0], type: 'x', data: {}, time: null }] }, 'complete'),
];

export const GAPS: Table = [
  made('gaps that the seal declares', { gaps: 2 }, 'complete-with-declared-gaps'),
  made('an event withheld', { events: EVENTS.map((event, i) => ({ ...event, withheld: i === 2 })) }, 'complete-with-declared-gaps'),
  made('all events withheld that may be', { events: EVENTS.map((event) => ({ ...event, withheld: true })) }, 'complete-with-declared-gaps'),
  { name: 'an event withheld after the attestation was made', files: () => withLines(makeBundle(draft()), linesOf(makeBundle(draft({ events: EVENTS.map((event, i) => ({ ...event, withheld: i === 1 })) })))), verdict: 'complete-with-declared-gaps' },
  made('what an event that is withheld says is not known', { events: EVENTS.map((event, i) => (i === 2 ? { ...event, withheld: true, id: `event-${RUN}-1` } : event)) }, 'complete-with-declared-gaps'),
];

const whole = (): Map<string, Uint8Array> => makeBundle(draft());

export const UNFINISHED: Table = [
  made('no seal, no attestation', { sealed: false, attested: false }, 'incomplete-tail'),
  made('a seal, no attestation', { attested: false }, 'incomplete-tail'),
  { name: 'a torn line', files: () => withLines(makeBundle(draft({ sealed: false, attested: false })), [...linesOf(makeBundle(draft({ sealed: false, attested: false }))), Buffer.from('{"digest":"sha')]), verdict: 'incomplete-tail' },
  { name: 'only a torn genesis', files: () => withFiles(makeBundle(draft({ attested: false })), { 'records.jsonl': '{"di' }), verdict: 'incomplete-tail' },
  { name: 'never began: no records', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': '' }), verdict: 'incomplete-tail' },
  { name: 'never began: no file of records', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': undefined }), verdict: 'incomplete-tail' },
  { name: 'never began: an empty folder', files: () => new Map(), verdict: 'incomplete-tail' },
  { name: 'never began: no keyset', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': '', 'keyset.json': undefined }), verdict: 'incomplete-tail' },
  { name: 'never began: a keyset that is none, and no file of records', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': undefined, 'keyset.json': '' }), verdict: 'incomplete-tail' },
  { name: 'never began: a keyset that is none, beside an empty file of records', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': '', 'keyset.json': '' }), verdict: 'tampered' },
  { name: 'unfinished: other files are proved by nothing', files: () => withFiles(makeBundle(draft({ attested: false })), { 'stdout.log': 'other', more: 'x' }), verdict: 'incomplete-tail' },
  { name: 'unfinished: an event withheld', files: () => makeBundle(draft({ events: EVENTS.map((event, i) => ({ ...event, withheld: i === 3 })), sealed: false, attested: false })), verdict: 'incomplete-tail' },
];

const three = [KEYS.root, KEYS.rootB, KEYS.rootC];
const ofThree = (signers: readonly (typeof KEYS.root)[], threshold: number) => ({ keysets: [keyset([...three.map((root) => row(root, 'root')), row(KEYS.event, 'event'), row(KEYS.bundle, 'bundle')], { signers, threshold })] });
const rotated = keysetsOf(ROTATION);
const asked = (name: string, keysets: number, known: number, verdict: Case['verdict'], more: Partial<Case> & { rest?: object } = {}): Case => {
  const { rest = {}, ...others } = more;
  return made(name, { keysets: ROTATION.slice(0, keysets), eventSigner: keysets < 4 ? KEYS.event : KEYS.eventNext, ...rest }, verdict, { trust: trustFile([KEYS.root], 1, rotated.slice(0, known)), ...others });
};
const chainEnding = (until: { run: string; seq: number } | { time: string }, state: 'retired' | 'compromised' = 'compromised') => trustFile([KEYS.root], 1, keysetsOf([keyset(), eventKeyIs(state, until)]));
const bundleKeyEnding = (until: { run: string; seq: number } | { time: string }) => trustFile([KEYS.root], 1, keysetsOf([keyset(), keyset([row(KEYS.root, 'root'), row(KEYS.event, 'event'), row(KEYS.checkpoint, 'checkpoint'), row(KEYS.bundle, 'bundle', 'retired', until)])]));

export const LIVES_OF_KEYS: Table = [
  ...[1, 2, 3, 4, 5].map((epoch) => asked(`a rotation: a run under epoch ${epoch}`, epoch, 1, 'complete')),
  ...[1, 2, 3, 4].map((epoch) => asked(`a rotation: a run under epoch ${epoch}, judged by who knows epoch 5`, epoch, 5, 'complete')),
  asked('the key that is accepted signs', 3, 1, 'complete', { rest: { eventSigner: KEYS.eventNext } }),
  asked('the key that is retiring signs', 4, 1, 'complete', { rest: { eventSigner: KEYS.event } }),
  asked('the key that is only announced signs', 2, 1, 'untrusted-key', { at: 0, rest: { eventSigner: KEYS.eventNext } }),
  asked('the key that is retired signs', 5, 1, 'untrusted-key', { at: 0, rest: { eventSigner: KEYS.event } }),
  asked('an event in the middle by a key that is only announced', 2, 1, 'untrusted-key', { at: 2, rest: { events: EVENTS.map((event, i) => (i === 1 ? { ...event, signer: KEYS.eventNext } : event)) } }),
  made('a key that is over, and left out in the keyset of the run', { keysets: [...ROTATION, keyset([...keyset().keys.filter(({ purpose }) => purpose !== 'event'), row(KEYS.eventNext, 'event')])] }, 'untrusted-key', { at: 0 }),
  made('retired by a later run', {}, 'complete', { trust: chainEnding({ run: RUN_AFTER, seq: 0 }, 'retired') }),
  made('retired by an earlier run', {}, 'untrusted-key', { at: 0, trust: chainEnding({ run: RUN_BEFORE, seq: 9 }, 'retired') }),
  made('compromised in the middle of the run', {}, 'untrusted-key', { at: 3, trust: chainEnding({ run: RUN, seq: 3 }) }),
  made('compromised after its seal', {}, 'complete', { trust: chainEnding({ run: RUN, seq: 6 }) }),
  made('compromised from its genesis on', {}, 'untrusted-key', { at: 0, trust: chainEnding({ run: RUN, seq: 0 }) }),
  made('compromised from a time before the run', {}, 'untrusted-key', { at: 0, trust: chainEnding({ time: '2026-02-20T00:00:00Z' }) }),
  made('compromised from a time after the run', {}, 'complete', { trust: chainEnding({ time: '2027-02-20T00:00:00Z' }) }),
  made('compromised from a time in the run: the record of that second does not count', {}, 'untrusted-key', { at: 3, trust: chainEnding({ time: '2026-03-01T10:00:03Z' }) }),
  made('compromised from a time, and a run id that names no time', { stream: 'x' }, 'untrusted-key', { at: 0, trust: chainEnding({ time: '2027-02-20T00:00:00Z' }) }),
  made('compromised from a position, and a run id that names none', { stream: 'x' }, 'untrusted-key', { at: 0, trust: chainEnding({ run: RUN_AFTER, seq: 0 }) }),
  made('compromised from a time, and an event without one', { events: [{ type: 'x', data: {}, time: null }] }, 'untrusted-key', { at: 1, trust: chainEnding({ time: '2027-02-20T00:00:00Z' }) }),
  made('compromised from a time, and a run id of a later one', { stream: '01zzzzzzzz0000000000000000' }, 'untrusted-key', { at: 0, trust: chainEnding({ time: '2027-02-20T00:00:00Z' }) }),
  made('the key of attestations is over after its seal', {}, 'complete', { trust: bundleKeyEnding({ run: RUN, seq: 7 }) }),
  made('the key of attestations is over at its seal', {}, 'untrusted-key', { trust: bundleKeyEnding({ run: RUN, seq: 6 }) }),
  made('the key of attestations is over by a time before the run', {}, 'untrusted-key', { trust: bundleKeyEnding({ time: '2026-03-01T10:00:05Z' }) }),
  made('the key of attestations is over by a time after the run', {}, 'complete', { trust: bundleKeyEnding({ time: '2026-03-01T10:00:06Z' }) }),
  made('two of three roots, two asked for', ofThree([KEYS.root, KEYS.rootC], 2), 'complete', { trust: trustFile(three, 2) }),
  made('three of three roots, two asked for', ofThree(three, 2), 'complete', { trust: trustFile(three, 2) }),
  made('the verifier asks for more than have signed', ofThree([KEYS.root, KEYS.rootC], 2), 'untrusted-key', { trust: trustFile(three, 3) }),
  made('the keyset asks for more than have signed', ofThree([KEYS.root], 2), 'untrusted-key', { trust: trustFile(three, 1) }),
  made('the keyset asks for more than the verifier pins', ofThree(three, 2), 'untrusted-key', { trust: trustFile([KEYS.root], 1) }),
  made('one more than pinned has signed', ofThree(three, 1), 'complete', { trust: trustFile([KEYS.rootB], 1) }),
  made('under a map of roots, as the reference has it', {}, 'complete', { trust: Buffer.from(JSON.stringify({ any: KEYS.root.bytes.toString('base64url'), other: KEYS.stranger.bytes.toString('base64url') })) }),
];

const runsOut = (notAfter: string) => ({ keysets: [keyset(undefined, { notAfter })] });

export const STALE: Table = [
  made('a keyset that runs out after the run', runsOut('2026-03-01T10:00:05Z'), 'complete'),
  made('a keyset that had run out', runsOut('2026-03-01T10:00:04Z'), 'stale-trust'),
  made('a keyset that runs out, and a seal without a time in UTC', runsOut('2027-01-01T00:00:00Z'), 'complete'),
  edited('a keyset that runs out, and a seal without a time', editAt('event', 5, set(['time'], null)), 'stale-trust', { rest: runsOut('2027-01-01T00:00:00Z') }),
  edited('a keyset that runs out, and a seal whose time is of another zone', editAt('event', 5, set(['time'], '2026-03-01T10:00:00+01:00')), 'stale-trust', { rest: runsOut('2027-01-01T00:00:00Z') }),
  made('a keyset that runs out in a leap second', runsOut('2026-03-01T10:00:60Z'), 'complete'),
  made('has run out by the time of the audit', runsOut('2027-01-01T00:00:00Z'), 'stale-trust', { options: { at: '2027-01-01T00:00:01Z' } }),
  made('runs out in the second of the audit', runsOut('2027-01-01T00:00:00Z'), 'complete', { options: { at: '2027-01-01T00:00:00.9Z' } }),
  made('below the lowest epoch that is accepted', {}, 'stale-trust', { options: { minEpoch: 2 } }),
  asked('the lowest epoch that is accepted', 2, 1, 'complete', { options: { minEpoch: 2 } }),
  asked('an old bundle, and a chain that reaches the lowest epoch', 1, 5, 'complete', { options: { minEpoch: 5 } }),
  made('a later epoch was seen', {}, 'stale-trust', { options: { epochSeen: 2 } }),
  asked('a later epoch was seen, and the bundle brings it', 5, 1, 'complete', { options: { epochSeen: 5 } }),
  made('unfinished and stale', { sealed: false, attested: false }, 'stale-trust', { options: { minEpoch: 2 } }),
  made('with gaps and stale', { gaps: 1 }, 'stale-trust', { options: { minEpoch: 2 } }),
  edited('tampered stands, stale or not', editAt('event', 2, set(['data', 'runId'], RUN_AFTER)), 'tampered', { at: 2, options: { minEpoch: 2 } }),
  { name: 'never began, and a lowest epoch', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': '' }), verdict: 'stale-trust', options: { minEpoch: 2 } },
  { name: 'never began, without a file of records, and a lowest epoch', files: () => withFiles(whole(), { 'attestation.dsse.json': undefined, 'records.jsonl': undefined }), verdict: 'incomplete-tail', options: { minEpoch: 2 } },
];
