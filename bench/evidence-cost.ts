/**
 * What the records cost a one-second job: time spent making, signing and syncing them while the job runs, of its wall time. The job writes 4 MiB
 * and computes; all of its output is hashed and kept.
 *
 * Not measured: that hashing and keeping.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Cell } from '../src/index.ts';
import { RunRecorder } from '../src/runtime/emitter/run-recorder.ts';
import { median } from './pairs.ts';

const JOB = ['sh', '-c', 'head -c 4194304 /dev/zero; end=$(( $(date +%s%N) + 1000000000 )); while [ $(date +%s%N) -lt $end ]; do :; done'];

export async function measure(options: { runs: number; print: (text: string) => void }): Promise<void> {
  const state = mkdtempSync(`${tmpdir()}/cellos-bench-`);
  let spentMs = 0;
  const { prototype } = RunRecorder;
  const timed = <A extends unknown[], R>(method: (this: RunRecorder, ...args: A) => R) =>
    function (this: RunRecorder, ...args: A): R {
      const from = performance.now();
      try {
        return method.apply(this, args);
      } finally {
        spentMs += performance.now() - from;
      }
    };
  const { record, barrier } = prototype;
  prototype.record = timed(record);
  prototype.barrier = timed(barrier);
  const shares: number[] = [];
  try {
    for (let i = 0; i < options.runs; i += 1) {
      await using cell = await Cell.create({ stateDir: `${state}/state` });
      spentMs = 0;
      const from = performance.now();
      await cell.exec(JOB);
      shares.push(spentMs / (performance.now() - from));
    }
  } finally {
    Object.assign(prototype, { record, barrier });
    rmSync(state, { recursive: true, force: true });
  }
  options.print(`evidence of a one-second job                                 ${(median(shares) * 100).toFixed(2)} % of its wall time, ${options.runs} runs; aim at most 3 %`);
}
