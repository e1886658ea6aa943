import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfIdentity } from '../adapters/os/procfs.ts';
import { EVENTS } from '../core/events/catalogue.ts';
import { removeRun, stopRun } from './run-control.ts';
import { StateFolder } from './runs.ts';

const RUN = '01m88b7s4d7yzve0zf2b8pa5fx';
let folder = '';
let state: StateFolder;

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/cellos-control-`);
  state = new StateFolder(folder);
  mkdirSync(`${folder}/runs/${RUN}`);
  writeFileSync(`${folder}/runs/${RUN}/records.jsonl`, '{}\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = new AbortController().signal;

function seal(): void {
  writeFileSync(`${folder}/runs/${RUN}/records.jsonl`, `{"type":"${EVENTS.sealed.type}"}\n`);
  writeFileSync(`${folder}/runs/${RUN}/attestation.dsse.json`, '{}');
}

describe('stopRun()', () => {
  it('sends no signal to a program that did not say it ends a run on one [RC1]', async () => {
    state.markLive({ runId: RUN, owner: selfIdentity(), scratch: '', bundle: '/nowhere', cgroups: [] });
    // Were one sent, it would be to this very process.
    await expect(stopRun(state, state.entry(RUN), { signal: never })).rejects.toMatchObject({ code: 'run.busy', facts: { pid: process.pid } });
  });

  it('sends none to a process that only has the pid of the supervisor [RC1]', async () => {
    state.markLive({ runId: RUN, owner: { ...selfIdentity(), bootId: 'another boot' }, scratch: '', bundle: '/nowhere', cgroups: [], endsOnSignal: true });
    await expect(stopRun(state, state.entry(RUN), { signal: never })).resolves.toMatchObject({ state: 'unsealed' });
  });

  it('asks its supervisor, and waits until the marks are gone', async () => {
    state.markLive({ runId: RUN, owner: selfIdentity(), scratch: '', bundle: '/nowhere', cgroups: [], endsOnSignal: true });
    const asked = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));
    const stopping = stopRun(state, state.entry(RUN), { signal: never });
    await asked;
    seal();
    state.unmarkLive(RUN);
    await expect(stopping).resolves.toMatchObject({ state: 'sealed' });
  });
});

describe('removeRun()', () => {
  it('refuses a run that is going on, and one that is being taken down [RC2]', async () => {
    state.markLive({ runId: RUN, owner: selfIdentity(), scratch: '', bundle: '/nowhere', cgroups: [] });
    await expect(removeRun(state, state.entry(RUN))).rejects.toMatchObject({ code: 'run.busy' });
    seal();
    await expect(removeRun(state, state.entry(RUN))).rejects.toMatchObject({ code: 'run.busy', message: expect.stringContaining('still taking it down') });
  });

  it('keeps a run of whose cell something is left, and its mark [RC2]', async () => {
    // Stands for a group that cannot be removed.
    mkdirSync(`${folder}/group/in-use`, { recursive: true });
    state.markLive({ runId: RUN, owner: { ...selfIdentity(), startTime: '1' }, scratch: state.scratchOf(RUN), bundle: '/nowhere', cgroups: [{ controller: 'pids', version: 1, path: `${folder}/group` }] });
    await expect(removeRun(state, state.entry(RUN))).rejects.toMatchObject({ code: 'teardown.residue', message: expect.stringContaining(`${folder}/group is still there`) });
    expect(state.ids()).toEqual([RUN]);
    expect(state.live()).toHaveLength(1);
  });

  it('sweeps what a killed supervisor left, then removes bundle and marks [RC2]', async () => {
    const scratch = state.scratchOf(RUN);
    mkdirSync(`${scratch}/upper`, { recursive: true });
    state.markLive({ runId: RUN, owner: { ...selfIdentity(), startTime: '1' }, scratch, bundle: '/nowhere', cgroups: [] });
    expect(await removeRun(state, state.entry(RUN))).toMatchObject({ runId: RUN, bytes: 3 });
    expect(state.ids()).toEqual([]);
    expect(state.live()).toEqual([]);
  });
});
