import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { StateFolder } from '../../src/compose/local.ts';
import { KillBench, killCampaign, type Moment, seededRandom } from './kill-campaign.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-kill-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a supervisor killed with SIGKILL', () => {
  it('leaves nothing after the next start, and is listed as unsealed: at each step that shows on disk', async () => {
    await using bench = new KillBench(`${folder}/steps`);
    const random = seededRandom(1);
    const moments: Moment[] = [{ kind: 'time', ms: 0 }, { kind: 'mark', ms: 0 }, ...Array.from({ length: 12 }, (_, i) => ({ kind: 'record' as const, count: 2 * i + 1 }))];
    for (const moment of moments) {
      await bench.kill(moment, random);
      await bench.sweepAndLook();
    }
    expect(bench.wrong).toEqual([]);
    expect(bench.unsealed).toBeGreaterThan(8);
  }, 180_000);

  it('leaves nothing after the next start at random moments, also when two starts sweep at once', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`kill campaign: seed ${seed}`);
    const report = await killCampaign({ folder: `${folder}/random`, seed, count: 200, parallel: 2, batch: 10 });
    expect(report.wrong, `seed ${seed}`).toEqual([]);
    expect(report.killed).toBeGreaterThan(120);
  }, 300_000);

  it('is swept from what it had written last: half of a record, of an artifact, of the attestation', async () => {
    await using bench = new KillBench(`${folder}/half`);
    await bench.kill({ kind: 'record', count: 4 }, () => 0.9);
    const [run] = bench.state.live();
    const records = readFileSync(`${run?.bundle}/records.jsonl`);
    writeFileSync(`${run?.bundle}/records.jsonl`, records.subarray(0, -20));
    for (const name of [`keyset.json.${run?.owner.pid}.1.part`, `attestation.dsse.json.${run?.owner.pid}.9.part`]) writeFileSync(`${run?.bundle}/${name}`, 'half');
    writeFileSync(`${bench.state.path}/live/x.json.4194305.1.part`, 'half');
    await bench.sweepAndLook(2, { torn: true });
    expect(bench.wrong).toEqual([]);
    expect(bench.unsealed).toBe(1);
  }, 60_000);
});

describe('StateFolder', () => {
  it('lists a run whose supervisor died before there was a bundle [Z3]', () => {
    const state = new StateFolder(`${folder}/early`);
    const run = { runId: '0'.repeat(26), owner: { pid: 4194305, startTime: '1', bootId: 'x' }, scratch: state.scratchOf('0'.repeat(26)), bundle: `${folder}/nowhere`, cgroups: [] };
    state.markLive(run);
    expect(state.list()).toEqual([]);
    expect(state.abandoned()).toHaveLength(1);
    expect(state.tidyAbandoned(run)).toEqual([]);
    expect(state.tidyAbandoned(run)).toEqual([]);
    state.unmarkLive(run.runId);
    expect(state.list()).toMatchObject([{ state: 'unsealed' }]);
  });

  it('lists one whose link was made and whose bundle was not [Z3]', () => {
    const state = new StateFolder(`${folder}/dangling`);
    const run = { runId: '1'.repeat(26), owner: { pid: 4194305, startTime: '1', bootId: 'x' }, scratch: state.scratchOf('1'.repeat(26)), bundle: `${folder}/nowhere`, cgroups: [] };
    state.markLive(run);
    symlinkSync(run.bundle, `${state.path}/runs/${run.runId}`);
    state.tidyAbandoned(run);
    state.tidyAbandoned(run);
    expect(readdirSync(`${state.path}/runs/${run.runId}`)).toEqual([]);
  });
});
