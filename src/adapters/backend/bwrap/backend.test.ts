import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, it } from 'vitest';
import { CellError } from '../../../base/errors.ts';
import { hostFacts, planRun } from '../../../compose/local.ts';
import { currentSettings } from '../../../config/env.ts';
import { NO_ASKS } from '../../../core/plan/asks.ts';
import { cellBackendContract } from '../../../testing/contracts/cell-backend.ts';
import { fakeDocument } from '../../../testing/index.ts';
import { createBwrapBackend } from './backend.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-backend-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const shell = (script: string): readonly string[] => ['sh', '-c', script];

describe('the bubblewrap backend keeps the contract of a cell backend', () => {
  const make = () => ({
    backend: createBwrapBackend(),
    prepare: () => {
      const planned = planRun({ document: fakeDocument(), asks: NO_ASKS, commands: 'caller' }, hostFacts(currentSettings()));
      if (planned.kind === 'unsatisfiable') throw new CellError('plan.unsatisfiable', `Cannot test on this host: ${planned.missing.map((item) => item.reason).join('; ')}`);
      const scratchDirectory = `${root}/${planned.plan.runId}`;
      mkdirSync(scratchDirectory, { mode: 0o700 });
      return { plan: planned.plan, options: { scratchDirectory } };
    },
    argv: {
      exit: (code: number) => shell(`exit ${code}`),
      crash: (signal: number) => shell(`kill -${signal} $$`),
      say: (text: string) => ['printf', '%s', text],
      complain: (text: string) => shell(`printf %s ${text} >&2`),
      zeros: (bytes: number) => ['head', '-c', String(bytes), '/dev/zero'],
      env: (name: string) => ['printenv', name],
      cat: ['cat'],
      sleep: ['sleep', '600'],
      stubborn: shell('trap "" TERM PIPE; echo up; while :; do sleep 600; done'),
    },
  });
  for (const { name, run } of cellBackendContract(make)) it(name, run);
});
