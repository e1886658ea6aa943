/** `cellos verify`: one verdict, the first bad record, and the exit code that says it. */
import { auditAt, bareKeys, isThere, trustOf } from '../../compose/audit.ts';
import { systemClock } from '../../compose/runs.ts';
import { CellError } from '../../base/errors.ts';
import { parsePositive } from '../../base/quantity.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { oneRun, stateOnDemand } from '../one-run.ts';
import { standardOutput } from '../output.ts';
import { verifyLines } from '../render-verify.ts';
import { timeOption } from '../verify-report.ts';

async function execute(args: ParsedArgs): Promise<number> {
  const [operand, ...more] = args.positionals;
  if (operand === undefined || more.length > 0) throw new CellError('usage.invalid', 'Cannot verify: give one bundle, or the id of one run');
  const settings = currentSettings();
  const state = stateOnDemand(settings.stateDir);
  const path = isThere(operand) ? operand : /^[0-9a-z]+$/i.test(operand) ? oneRun(args, state()).run.bundle : operand;
  const [at, epoch] = [args.text('at'), args.text('min-epoch')];
  const freshness = { ...(at === undefined ? {} : { at: timeOption(at === 'now' ? systemClock.nowRfc3339() : at) }), ...(epoch === undefined ? {} : { epochMin: parsePositive('--min-epoch', epoch, true) }) };
  const [keys, hmac] = [args.texts('keys'), args.texts('hmac-keys')];
  // Bare events under keys that are named need no trusted root, and no state folder.
  const trust = keys.length > 0 && args.texts('trust').length === 0 ? { pins: [], from: new Map<string, string>() } : trustOf(args.texts('trust'), state, settings.stateDir);
  const bare = bareKeys({ keys, hmac }, trust.pins);
  const audited = await auditAt(path, trust, { ...freshness, ...(bare === undefined ? {} : { bare }) });
  const out = standardOutput(settings);
  if (args.flag('json')) await out.json({ ...audited.report, ...(audited.root === undefined ? {} : { root: audited.root }), ...(audited.epoch === undefined ? {} : { epoch: audited.epoch }) });
  else await out.lines(verifyLines(audited, { width: out.width, style: out.style }));
  return audited.report.exitCode;
}

export const verifyCommandLine = { execute };
