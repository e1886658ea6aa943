/**
 * Two verifiers, written apart, asked the same: each case has the verdict it must give, and both have to give it. The campaigns have no
 * expectation but that both agree and that no edit is called whole. Longer: `npm run soak -- tamper`, `npm run soak -- verifiers --seconds N`.
 */
import { describe, expect, it } from 'vitest';
import * as broken from './broken.ts';
import { type Campaign, changedBytes, chooser, cutFiles, exchangedFiles, movedLines } from './campaigns.ts';
import { type Case, type Table, trustOf } from './cases.ts';
import { askBoth, textOf } from './differ.ts';
import { draft, EVENTS, log, makeBundle, RUN_AFTER, TRUST } from './drafts.ts';
import { differentialFuzz } from './fuzz.ts';
import * as good from './good.ts';
import * as logged from './logged.ts';
import { ORDER, PINS } from './pins.ts';
import { DECISIONS, FALSE_DECISIONS } from './policies.ts';
import { variedDecisions, variedTrustFiles } from './variations.ts';

const EXIT: Readonly<Record<string, number>> = { tampered: 11, 'untrusted-key': 12, 'stale-trust': 13, unsupported: 14, 'incomplete-tail': 10 };

async function judge(one: Case): Promise<void> {
  const { first, second } = await askBoth({ files: one.files(), trust: trustOf(one), ...(one.options === undefined ? {} : { options: one.options }) });
  const expected = textOf({ verdict: one.verdict, ...(one.at === undefined ? {} : { firstBad: { seq: one.at, line: one.at + 1 } }) });
  expect({ first: textOf(first), second: textOf(second) }).toEqual({ first: expected, second: expected });
}

function table(name: string, cases: Table): void {
  describe(name, () => {
    it.each(cases.map((one) => [`${one.name}: ${one.verdict}`, one] as const))('%s', (_, one) => judge(one));
  });
}

describe('both verifiers give the verdict of the format document', () => {
  table('runs of every kind', good.KINDS);
  table('gaps', good.GAPS);
  table('unfinished', good.UNFINISHED);
  table('the life of keys', good.LIVES_OF_KEYS);
  table('what is known of the keys is old', good.STALE);
  table('the tamper matrix', broken.MATRIX);
  table('keysets', broken.KEYSETS);
  table('records', broken.RECORDS);
  table('what no signature covers', broken.UNSIGNED);
  table('ends', broken.ENDS);
  table('attestations', broken.ATTESTATIONS);
  table('runs in the log of their host', logged.IN_LOG);
  table('the log of the host: checkpoints', logged.NOTES);
  table('the log of the host: who signed', logged.SIGNERS);
  table('the log of the host: proofs', logged.PROOFS);
  table('the log of the host: trees', logged.TREES);
  table('the log of the host: geneses', logged.GENESES);
  table('pins', PINS);
  table('which check is first', ORDER);
  table('policy decisions', DECISIONS);
  table('policy decisions that are false', FALSE_DECISIONS);

  it('no row of the tamper matrix ends with 0, and no case stands twice', () => {
    for (const { verdict } of broken.MATRIX) expect(EXIT[verdict]).toBeGreaterThan(9);
    for (const cases of [good.KINDS, broken.MATRIX, broken.KEYSETS, broken.RECORDS, broken.ENDS, broken.ATTESTATIONS, ...Object.values(logged)]) expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    expect(broken.MATRIX_TO_COME.filter(([row]) => broken.MATRIX.some(({ name }) => name === row))).toEqual([]);
  });
});

describe('both verifiers agree', () => {
  const small = { events: EVENTS.slice(0, 2), files: { 'stdout.log': 'o', 'artifacts/HEX': 'made\n' }, log: log() };
  const files = makeBundle(draft(small));
  const other = makeBundle(draft({ ...small, stream: RUN_AFTER, files: { 'stdout.log': 'p', 'artifacts/HEX': 'other\n' } }));
  const seed = Date.now() % 2 ** 31;
  const agree = (campaign: Campaign, variantsMin: number): void => {
    expect(campaign.wrong).toEqual([]);
    expect(campaign.variants).toBeGreaterThan(variantsMin);
  };

  it(`on a part of all changed bytes (seed ${seed})`, async () => agree(await changedBytes(files, TRUST, { seed, of: 24 }), 300), 120_000);
  it(`on a part of all cut files (seed ${seed})`, async () => agree(await cutFiles(files, TRUST, { seed, of: 40 }), 100), 120_000);
  it('on every record removed, repeated, swapped, or taken from another run', async () => agree(await movedLines(files, other, TRUST), 100), 120_000);
  it('on files missing, emptied, added, renamed, or taken from another run', async () => agree(await exchangedFiles(files, other, TRUST), 40), 120_000);
  it(`on variations of packs, inputs and their decisions (seed ${seed})`, async () => agree(await variedDecisions(chooser({ seed, of: 4 })), 100), 120_000);
  it(`on what is a trust file (seed ${seed})`, () => agree(variedTrustFiles(seed), 200));
  it(`on random edits, chained and signed anew (seed ${seed})`, async () => agree(await differentialFuzz({ seed, until: (cases) => cases >= 500 }), 499), 120_000);
});
