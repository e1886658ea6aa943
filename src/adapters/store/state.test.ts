import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from '../../core/evidence/bundle.ts';
import { EVENTS } from '../../core/events/catalogue.ts';
import { selfIdentity } from '../os/procfs.ts';
import { StateFolder } from './state.ts';

const A = '01m88b7s4d7yzve0zf2b8pa5fx';
const B = '01m88b7t4d7yzve0zf2b8pa5fy';
let folder = '';
let state: StateFolder;

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/cellos-state-`);
  state = new StateFolder(`${folder}/state`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function bundle(runId: string, records: string): string {
  const path = `${state.path}/runs/${runId}`;
  mkdirSync(path);
  writeFileSync(`${path}/records.jsonl`, records);
  return path;
}

const SEAL = `{"type":"${EVENTS.sealed.type}"}\n`;

describe('StateFolder', () => {
  it('tells running, sealed, unsealed and missing apart [Z2]', () => {
    bundle(A, 'x\n');
    expect(state.entry(A).state).toBe('unsealed');
    state.markLive({ runId: A, owner: selfIdentity(), scratch: '', bundle: '/nowhere', cgroups: [] });
    expect(state.entry(A).state).toBe('running');
    // Another process may have our pid by now: the start time tells.
    state.markLive({ runId: A, owner: { ...selfIdentity(), startTime: '1' }, scratch: '', bundle: '/nowhere', cgroups: [] });
    expect(state.entry(A).state).toBe('unsealed');
    writeFileSync(`${state.path}/runs/${A}/records.jsonl`, `x\n${SEAL}`);
    expect(state.entry(A).state).toBe('unsealed'); // killed before the attestation
    writeFileSync(`${state.path}/runs/${A}/${BUNDLE.attestation}`, '{}');
    expect(state.entry(A).state).toBe('sealed');
    symlinkSync(`${folder}/gone`, `${state.path}/runs/${B}`);
    expect(state.entry(B).state).toBe('missing');
    expect(state.list().map((run) => run.runId)).toEqual([B, A]);
  });

  it('finds a run by a whole id, a beginning or an end, and lists the candidates when several fit', () => {
    bundle(A, SEAL);
    bundle(B, SEAL);
    expect(state.resolve(A).runId).toBe(A);
    expect(state.resolve('01M88B7T').runId).toBe(B);
    expect(state.resolve('5fx').runId).toBe(A);
    expect(() => state.resolve('01m88')).toThrow(expect.objectContaining({ code: 'run.unknown', facts: { prefix: '01m88', candidates: [B, A] } }));
    for (const nothing of ['', '..', 'zzz', '../runs']) expect(() => state.resolve(nothing)).toThrow(expect.objectContaining({ code: 'run.unknown' }));
  });

  it('removes a bundle, and never what --evidence put elsewhere [Z3]', () => {
    const kept = `${folder}/evidence`;
    mkdirSync(kept);
    writeFileSync(`${kept}/records.jsonl`, SEAL);
    symlinkSync(kept, `${state.path}/runs/${B}`);
    const path = bundle(A, SEAL);
    expect(state.elsewhere(state.entry(B))).toBe(kept);
    state.remove(state.entry(B));
    state.remove(state.entry(A));
    expect(existsSync(`${kept}/records.jsonl`)).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(state.ids()).toEqual([]);
    state.remove({ runId: A, state: 'missing', bundle: path });
  });

  it('takes away what a removal that was cut short left', () => {
    mkdirSync(`${state.path}/runs/${B}.removed`);
    bundle(A, SEAL);
    expect(state.ids()).toEqual([A]);
    state.remove(state.entry(A));
    expect(existsSync(`${state.path}/runs/${B}.removed`)).toBe(false);
  });

  it('finds what a power cut left of a run whose mark was not on the disk yet, and no run that has ended by then [Z1]', () => {
    mkdirSync(state.scratchOf(A), { recursive: true });
    state.markLive({ runId: B, owner: selfIdentity(), scratch: state.scratchOf(B), bundle: state.bundleOf(B), cgroups: [] });
    mkdirSync(state.scratchOf(B), { recursive: true });
    const [found, ...others] = state.abandoned();
    expect(found).toMatchObject({ runId: A, scratch: state.scratchOf(A), cgroups: [] });
    expect(others).toEqual([]);
    rmSync(state.scratchOf(A), { recursive: true });
    expect(state.abandoned()).toEqual([]);
  });
});
