/** `cellos verify`: one verdict, the first bad record, and the exit code that says it. */
import { existsSync, readFileSync } from 'node:fs';
import { openKeys, StateFolder } from '../../compose/local.ts';
import { CellError } from '../../base/errors.ts';
import { currentSettings } from '../../config/env.ts';
import { parseTrustFile } from '../../core/signing/keyset.ts';
import type { ParsedArgs } from '../command.ts';
import { auditPath, reportText } from '../verify-report.ts';

async function execute(args: ParsedArgs): Promise<number> {
  const [operand, ...more] = args.positionals;
  if (operand === undefined || more.length > 0) throw new CellError('usage.invalid', 'Cannot verify: give one bundle, or the id of one run');
  const files = args.texts('trust');
  const state = files.length === 0 || !existsSync(operand) ? new StateFolder(currentSettings().stateDir) : undefined;
  const roots = new Map(files.flatMap((file) => [...parseTrustFile(readFileSync(file))]));
  if (files.length === 0 && state !== undefined) {
    const { root } = openKeys(state);
    roots.set(root.kid, root.publicKey);
  }
  const path = existsSync(operand) ? operand : (state?.resolve(operand).bundle ?? operand);
  const report = await auditPath(path, roots);
  process.stdout.write(reportText(report, args.flag('json')));
  return report.exitCode;
}

export const verifyCommandLine = { execute };
