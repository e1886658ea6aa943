/** `cellos stop`: ends runs in order, and waits for their seals. */
import { CellError, EXIT } from '../../base/errors.ts';
import { stopRun } from '../../compose/run-control.ts';
import { StateFolder } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { parseDuration } from '../../base/quantity.ts';
import { standardOutput } from '../output.ts';

async function execute(args: ParsedArgs): Promise<number> {
  if (args.positionals.length === 0) throw new CellError('usage.invalid', 'Cannot stop nothing: give the id of a run; cellos ps --state running lists them');
  const settings = currentSettings();
  const out = standardOutput(settings);
  const state = new StateFolder(settings.stateDir);
  const grace = args.text('grace');
  const graceMs = grace === undefined ? undefined : parseDuration('--grace', grace);
  const giveUp = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => giveUp.abort(name));
  const runs = args.positionals.map((id) => state.resolve(id));
  let code: number = EXIT.ok;
  await Promise.all(
    runs.map(async (run) => {
      const now = await stopRun(state, run, { signal: giveUp.signal, ...(graceMs === undefined ? {} : { graceMs }) });
      const wasRunning = run.state === 'running';
      if (wasRunning && now.state !== 'sealed') code = EXIT.failure;
      if (args.flag('json')) await out.json({ runId: run.runId, wasRunning, state: now.state });
      else await out.lines([wasRunning ? (now.state === 'sealed' ? `${run.runId} is over, and sealed` : `${run.runId} is over, without a seal: its supervisor was killed`) : `${run.runId} is not running: it is ${now.state}`]);
    }),
  );
  return code;
}

export const stopCommandLine = { execute };
