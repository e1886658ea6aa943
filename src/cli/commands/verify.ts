/** `cellos verify`: one verdict, the first bad record, and the exit code that says it. */
import { existsSync, readFileSync } from 'node:fs';
import { openKeys, StateFolder, systemClock } from '../../compose/local.ts';
import { CellError } from '../../base/errors.ts';
import { currentSettings } from '../../config/env.ts';
import { parseTrustFile } from '../../core/signing/keyset.ts';
import type { ParsedArgs } from '../command.ts';
import { parsePositive } from '../../base/quantity.ts';
import { auditPath, reportText } from '../verify-report.ts';

/** RFC 3339 in UTC, as the audit compares it. */
function timeOption(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new CellError('usage.invalid', `Cannot use --at ${JSON.stringify(text)}: write a time like 2027-01-31T12:00:00Z, or now`);
  return time.toISOString();
}

async function execute(args: ParsedArgs): Promise<number> {
  const [operand, ...more] = args.positionals;
  if (operand === undefined || more.length > 0) throw new CellError('usage.invalid', 'Cannot verify: give one bundle, or the id of one run');
  const files = args.texts('trust');
  const state = files.length === 0 || !existsSync(operand) ? new StateFolder(currentSettings().stateDir) : undefined;
  const roots = new Map(files.flatMap((file) => [...parseTrustFile(readFileSync(file))]));
  // Bare events carry no keyset: what signs them is trusted by name, or is the key of this host.
  const signers = new Map(roots);
  if (files.length === 0 && state !== undefined) {
    const { root, event } = openKeys(state);
    roots.set(root.kid, root.publicKey);
    signers.set(event.kid, event.publicKey);
  }
  const [at, epoch] = [args.text('at'), args.text('min-epoch')];
  const trust = {
    roots,
    ...(at === undefined ? {} : { at: at === 'now' ? timeOption(systemClock.nowRfc3339()) : timeOption(at) }),
    ...(epoch === undefined ? {} : { epochMin: parsePositive('--min-epoch', epoch, true) }),
  };
  const path = existsSync(operand) ? operand : (state?.resolve(operand).bundle ?? operand);
  const report = await auditPath(path, trust, signers);
  process.stdout.write(reportText(report, args.flag('json')));
  return report.exitCode;
}

export const verifyCommandLine = { execute };
