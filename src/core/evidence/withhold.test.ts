import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, tryDecodeUtf8 } from '../../base/bytes.ts';
import { digestOf } from '../../base/crypto.ts';
import { jsonObject } from '../../base/json.ts';
import { rootMap, sampleFile, sampleKey } from '../../testing/sample-keys.ts';
import { EVENTS } from '../events/catalogue.ts';
import { auditBundle } from './audit.ts';
import { BUNDLE, makeAttestation } from './bundle.ts';
import { ChainWriter } from './chain.ts';
import { Withholder } from './withhold.ts';

const event = sampleKey('event', 1);
const bundleKey = sampleKey('bundle', 3);
const TYPES = [EVENTS.started.type, EVENTS.processSpawned.type, EVENTS.processExited.type, EVENTS.processExited.type];
const keyset = sampleFile([[event, bundleKey]]);

/** A genesis, the four events above, a seal. */
function sampleRun(): { lines: Bytes[]; attestation: Bytes } {
  let salts = 0;
  let ids = 0;
  const chain = new ChainWriter({ stream: 'run', signer: event, source: 'test', salt: () => new Uint8Array(16).fill(salts++), eventId: () => `id-${ids++}`, time: () => '2026-02-01T10:00:00.000+00:00' });
  const made = [
    chain.append({ type: EVENTS.genesis.type, tier: 'host', data: jsonObject({ runId: 'run', keysetDigest: digestOf(keyset) }) }),
    ...TYPES.map((type, at) => chain.append({ type, tier: 'host', data: jsonObject({ runId: 'run', note: `tells-${at + 1}` }) })),
    chain.seal(jsonObject({ runId: 'run', outcome: 'exited', gaps: 0 })),
  ];
  const files = new Map([[BUNDLE.records as string, digestOf(Buffer.concat(made.map(({ line }) => line)))], [BUNDLE.keyset as string, digestOf(keyset)]]);
  return { lines: made.map(({ line }) => line.subarray(0, -1)), attestation: makeAttestation({ files, predicate: { runId: 'run', count: chain.count, head: chain.head, gaps: 0, outcome: 'exited' }, signer: bundleKey }) };
}

const { lines, attestation } = sampleRun();

function withhold(...texts: string[]): { lines: Bytes[]; withheld: readonly number[] } {
  const withholder = new Withholder(texts, lines.length);
  const given = lines.map((line, seq) => withholder.line(line, seq));
  withholder.end();
  return { lines: given, withheld: withholder.withheld };
}

const refused = (message: RegExp) => expect.objectContaining({ code: 'usage.invalid', message: expect.stringMatching(message) });

function audited(given: readonly Bytes[]) {
  const files = new Map<string, Bytes>([[BUNDLE.records, Buffer.concat(given.map((line) => Buffer.concat([line, Buffer.from('\n')])))], [BUNDLE.keyset, keyset], [BUNDLE.attestation, attestation]]);
  return auditBundle({ list: async () => [...files.keys()], open: async function* open(path: string) { yield files.get(path) as Bytes; } }, { roots: rootMap() });
}

describe('Withholder', () => {
  it('keeps back any choice of events between the first and the last; the rest verifies, and nothing of them is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: TYPES.length }), { maxLength: TYPES.length }), async (numbers) => {
        const given = withhold(...numbers.map(String));
        expect(given.withheld).toEqual(numbers.toSorted((a, b) => a - b));
        expect(await audited(given.lines)).toMatchObject({ verdict: numbers.length === 0 ? 'complete' : 'complete-with-declared-gaps', count: lines.length });
        for (const [seq, line] of given.lines.entries()) expect((tryDecodeUtf8(line) ?? '').includes(`tells-${seq}`)).toBe(seq >= 1 && seq <= TYPES.length && !numbers.includes(seq));
      }),
      { numRuns: 40 },
    );
  });

  it.each<[string[], number[]]>([
    [['process.exited'], [3, 4]],
    [['exited'], [3, 4]],
    [[EVENTS.processExited.type], [3, 4]],
    [['1,2', '4'], [1, 2, 4]],
    [['2-4'], [2, 3, 4]],
    [['started', '2-2'], [1, 2]],
    [[], []],
  ])('%j withholds %j', (texts, numbers) => {
    expect(withhold(...texts).withheld).toEqual(numbers);
  });

  it('takes what is withheld already as withheld, and asks for nothing twice', () => {
    const once = withhold('2').lines;
    const again = new Withholder(['2-3'], once.length);
    const given = once.map((line, seq) => again.line(line, seq));
    again.end();
    expect(again.withheld).toEqual([2, 3]);
    expect(given).toEqual(withhold('2', '3').lines);
  });

  it.each([['0'], ['5'], ['0-3'], ['4-9'], ['evidence.genesis'], ['sealed'], ['1', '5']])('never the first or the last record: %s [WH1]', (...texts) => {
    expect(() => withhold(...texts)).toThrow(refused(/what a run is proved by/));
  });

  it.each([['6'], ['7-9'], ['secret.lease'], ['1', 'secret.lease']])('refuses what is not there: %s [WH2]', (...texts) => {
    expect(() => withhold(...texts)).toThrow(refused(/no such record/));
  });

  it('never the last record of a run without an end either, by whatever name, and nothing beside a torn line [WH2]', () => {
    const unfinished = lines.slice(0, 5); // ends with a process.exited
    const withholder = new Withholder(['process.exited'], unfinished.length);
    expect(() => unfinished.map((line, seq) => withholder.line(line, seq))).toThrow(refused(/record 4 is one, and the last/));
    const other = new Withholder(['started'], unfinished.length);
    const given = unfinished.map((line, seq) => other.line(line, seq));
    expect(() => other.end(true)).toThrow(refused(/torn/));
    expect([other.end(), other.withheld, given.at(-1)]).toEqual([undefined, [1], unfinished.at(-1)]);
    const nothing = new Withholder([], 1);
    nothing.line(lines[0] as Bytes, 0);
    expect(nothing.end(true)).toBeUndefined();
  });

  it.each(['no.such.event', '-1', '3-', 'a b', '1.5', '*'])('refuses %s', (text) => {
    expect(() => withhold(text)).toThrow(refused(/number of a record/));
  });

  it('refuses a range that goes down', () => {
    expect(() => withhold('3-2')).toThrow(refused(/upwards/));
  });
});
