/** `cellos bundle`: the evidence of a run as one file to give away, perhaps without some of its events. */
import { CellError, EXIT } from '../../base/errors.ts';
import { trustOf } from '../../compose/audit.ts';
import { giveBundle } from '../../compose/give-bundle.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { oneBundle } from '../one-bundle.ts';
import { stateOnDemand } from '../one-run.ts';
import { standardOutput } from '../output.ts';
import { bytesText, plural, visible, wrap } from '../render.ts';
import { verdictText } from '../render-verify.ts';

const SHOWN_MAX = 16;

function withheldText(withheld: readonly number[]): string {
  if (withheld.length === 0) return 'every event is in it';
  return `${plural(withheld.length, 'event')} withheld: record ${withheld.slice(0, SHOWN_MAX).join(', ')}${withheld.length > SHOWN_MAX ? ' …' : ''}`;
}

async function execute(args: ParsedArgs): Promise<number> {
  const out = args.text('out');
  if (out === undefined) throw new CellError('usage.invalid', 'Cannot write the bundle: say where it goes, as in cellos bundle 01m88a7p -o bundle.tar');
  const settings = currentSettings();
  const state = stateOnDemand(settings.stateDir);
  const bundle = oneBundle(args, state);
  if (bundle.run?.state === 'running') throw new CellError('run.busy', `Cannot give run ${bundle.run.runId} away: it is going on, and its evidence has no end yet`, { facts: { runId: bundle.run.runId } });
  const { audited, bytes, withheld } = await giveBundle(bundle.path, { out, withhold: args.texts('withhold'), trust: trustOf(args.texts('trust'), state, settings.stateDir), where: bundle.where });
  const { report } = audited;
  const page = standardOutput(settings);
  if (args.flag('json')) await page.json({ path: out, bytes, verdict: report.verdict, ...(report.runId === undefined ? {} : { runId: report.runId }), count: report.count, withheld });
  else await page.lines([verdictText(report.verdict, page.style), ...wrap(`${visible(out)}: ${bytesText(bytes)}, ${plural(report.count, 'record')}; ${withheldText(withheld)}`, page.width, '  ')]);
  return EXIT.ok;
}

export const bundleCommandLine = { execute };
