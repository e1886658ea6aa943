/**
 * Seeded random edits of what bundles are made of, chained and signed anew, and both verifiers asked. One seed is one case: a disagreement is
 * looked into by its seed alone.
 */
import { type BundleDraft, type Edit, type EventDraft, json, type KeysetDraft, type Plain, type Stage, trustFile } from './builder.ts';
import { linesOf, withLines } from './cases.ts';
import { type Campaign, Tally } from './campaigns.ts';
import { decided, decision } from './decisions.ts';
import type { Question } from './differ.ts';
import { checkpointIs, draft, eventKeyIs, EVENTS, INPUT, KEYS, keyset, keysetsOf, log, makeBundle, PACK, ROTATION, row, RUN, RUN_AFTER, RUN_BEFORE, TRUST } from './drafts.ts';
import { isMap, type Json, Refusal } from './json.ts';
import type { LogDraft } from './logs.ts';
import { mutateJson, mutateText, Random } from './mutate.ts';
import { decideAnew } from './policy.ts';

const STAGES: readonly Stage[] = ['keyset-payload', 'keyset', 'keyset-file', 'event', 'envelope', 'record', 'statement', 'dsse'];
const LOG_STAGES: readonly Stage[] = ['checkpoint', 'note', 'proofs'];
const ENDED = [{ run: RUN, seq: 2 }, { run: RUN_AFTER, seq: 0 }, { run: RUN_BEFORE, seq: 7 }, { time: '2026-03-01T10:00:02Z' }, { time: '2027-01-01T00:00:00+00:00' }];
const PLACEMENTS = [{ poolId: 'p' }, { poolId: 'q' }, { poolId: 'p', queueName: 'q' }, { queueName: 'q' }, { kubernetesNamespace: 'n' }];
const VERSIONS = [null, '1.2.3', '0.1.0', '1.0.0-rc.1', '01.0.0', '1.0.0-', '1.0.0+x', '1.0', '99.0.0', '18446744073709551616.0.0'];

const CHECKPOINT_ROTATION: readonly KeysetDraft[] = [
  keyset(), checkpointIs('active', undefined, row(KEYS.checkpointNext, 'checkpoint', 'next')), checkpointIs('retiring', undefined, row(KEYS.checkpointNext, 'checkpoint')),
  checkpointIs('retired', { run: RUN_AFTER, seq: 0 }, row(KEYS.checkpointNext, 'checkpoint')),
];

interface Made {
  readonly question: Question;
  readonly what: string;
}

function keysetsFor(random: Random): Partial<BundleDraft> {
  const kind = random.below(6);
  if (kind > 3) return { keysets: CHECKPOINT_ROTATION.slice(0, kind - 1 + random.below(2)) };
  if (kind === 0) return { keysets: ROTATION.slice(0, 3) };
  if (kind === 1) return { keysets: ROTATION, eventSigner: KEYS.eventNext };
  if (kind === 2) return { keysets: [keyset(), eventKeyIs('retired', random.pick(ENDED), row(KEYS.eventNext, 'event'))], eventSigner: KEYS.eventNext };
  return { keysets: [keyset(undefined, { notAfter: random.pick(['2026-03-01T10:00:03Z', '2027-01-01T00:00:00Z']) })] };
}

function trustFor(random: Random): Uint8Array {
  const kind = random.below(8);
  if (kind === 0) return trustFile([KEYS.root], 1, keysetsOf(ROTATION.slice(0, 1 + random.below(5))));
  if (kind === 1) return trustFile([KEYS.root], 1, keysetsOf([keyset(), eventKeyIs('compromised', random.pick(ENDED))]));
  if (kind === 2) return trustFile([KEYS.root, KEYS.rootB], 1 + random.below(2));
  if (kind === 3) return trustFile([KEYS.root], 1, keysetsOf([keyset(), checkpointIs('compromised', random.pick(ENDED))]));
  return TRUST;
}

/** A decision with a few edits, mostly with what then has to come out. */
function decisionFor(random: Random): { event: EventDraft; what: string } {
  const pack = { ...PACK, spec: { ...PACK.spec, version: random.pick(VERSIONS), ...(random.below(2) === 0 ? {} : { placement: random.pick(PLACEMENTS) }) } };
  const input = { ...INPUT, ...(random.below(2) === 0 ? {} : { placement: random.pick(PLACEMENTS) }) };
  let made = json(decision({ pack, input, allowDowngrade: random.below(4) === 0 }));
  const edits: string[] = [];
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    const key = random.pick(['pack', 'input', 'input']);
    const value = isMap(made) ? made.get(key) : undefined;
    if (!isMap(made) || value === undefined) continue;
    made = random.below(8) === 0 ? mutateJson(random, made) : new Map([...made, [key, mutateJson(random, value)]]);
    edits.push(key);
  }
  if (random.below(5) > 0 && isMap(made)) made = redecided(made);
  return { event: decided(made as Plain), what: `a decision, edited at ${edits.join(', ')}` };
}

function redecided(decision: ReadonlyMap<string, Json>): Json {
  try {
    return decideAnew(decision);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return decision;
  }
}

interface Place {
  readonly stage: Stage;
  readonly at: number;
}

function placeFor(random: Random, plan: BundleDraft): Place {
  const stage = random.pick(plan.log === undefined ? STAGES : [...STAGES, ...LOG_STAGES]);
  const records = plan.events.length + 2;
  return { stage, at: random.below(stage === 'keyset' || stage === 'keyset-payload' ? plan.keysets.length : stage === 'event' || stage === 'envelope' || stage === 'record' ? records : 1) };
}

/** One edit at each place: with two of them, which check is first shows too. */
function editsAt(random: Random, places: readonly Place[]): Edit {
  return (stage, value, at) => (places.some((place) => place.stage === stage && place.at === at) ? (typeof value === 'string' ? mutateText(random, value) : mutateJson(random, value)) : value);
}

/** Where a run may stand in the log of its host, and who signs it. */
function logFor(random: Random): LogDraft {
  const some = (): bigint => random.pick([0n, 0n, 1n, 2n, 3n, BigInt(random.below(20)), 2n ** BigInt(random.below(63))]);
  const signers = random.pick<LogDraft['signers']>([
    [{ signer: KEYS.checkpoint }], [{ signer: KEYS.checkpoint }], [{ signer: KEYS.checkpointNext }], [{ signer: KEYS.checkpoint }, { signer: KEYS.checkpointNext }],
    [{ signer: KEYS.stranger }, { signer: KEYS.checkpoint }], [{ signer: KEYS.checkpoint, name: 'another' }], [{ signer: KEYS.event }, { signer: KEYS.checkpoint }],
  ]);
  return log({ size: some(), before: some(), between: random.pick([0n, 0n, 1n, 5n]), after: some(), signers, extensions: random.below(6) === 0 ? ['more'] : [], ...(random.below(12) === 0 ? { history: 'another' } : {}) });
}

/** @returns undefined when the edits made something that cannot be written */
export function fuzzCase(seed: number): Made | undefined {
  const random = new Random(seed);
  const policy = random.below(4) === 0 ? decisionFor(random) : undefined;
  const events = policy === undefined ? EVENTS : [policy.event, ...EVENTS.slice(0, 1 + random.below(2))];
  const withheld = random.below(6) === 0 ? random.below(events.length) : -1;
  const plan = draft({ ...(random.below(2) === 0 ? {} : keysetsFor(random)), events: events.map((event, i) => (i === withheld ? { ...event, withheld: true } : event)), attested: random.below(8) > 0, sealed: random.below(8) > 0, gaps: random.below(8) === 0 ? 1 : 0, ...(random.below(2) === 0 ? {} : { log: logFor(random) }) });
  const places = Array.from({ length: random.below(3) === 0 ? 2 : 1 }, () => placeFor(random, plan));
  const options = { ...(random.below(10) === 0 ? { minEpoch: 1 + random.below(3) } : {}), ...(random.below(10) === 0 ? { at: '2027-06-01T00:00:00Z' } : {}), ...(random.below(10) === 0 ? { epochSeen: 1 + random.below(5) } : {}) };
  try {
    const whole = policy !== undefined && random.below(3) > 0 ? makeBundle(plan) : makeBundle(plan, editsAt(random, places));
    const files = random.below(10) === 0 ? withLines(whole, moved(random, linesOf(whole))) : whole;
    return { question: { files, trust: trustFor(random), options }, what: `${policy?.what ?? places.map(({ stage, at }) => `${stage} ${at}`).join(', ')} (seed ${seed})` };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function moved(random: Random, lines: readonly Buffer[]): readonly Buffer[] {
  const [from, to] = [random.below(lines.length), random.below(lines.length)];
  return lines.toSpliced(to, random.below(2), lines[from] ?? Buffer.alloc(0));
}

/** @param options.until asked before each case with their number so far */
export async function differentialFuzz({ seed, until }: { readonly seed: number; readonly until: (cases: number) => boolean }): Promise<Campaign> {
  const tally = new Tally();
  for (let i = 0; !until(tally.variants); i += 1) {
    const one = fuzzCase(seed + i);
    if (one !== undefined) await tally.ask(one.question, () => one.what, 'any');
  }
  return tally;
}
