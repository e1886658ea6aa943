/** `cellos verify`: one verdict, the first bad record, and the exit code that says it. */
import { existsSync, readFileSync } from 'node:fs';
import { bundleAt } from '../../compose/evidence.ts';
import { openKeys, StateFolder } from '../../compose/local.ts';
import { CellError } from '../../base/errors.ts';
import { currentSettings } from '../../config/env.ts';
import { auditBundle, auditEnvelopes } from '../../core/evidence/audit.ts';
import { parseTrustFile } from '../../core/signing/keyset.ts';
import type { ParsedArgs } from '../command.ts';

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
  const found = bundleAt(path);
  const report = found.kind === 'bundle' ? await auditBundle(found.source, { roots }) : await auditEnvelopes(found.chunks, roots);
  if (args.flag('json')) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${[report.verdict, ...report.findings.map((finding) => `  ${finding}`), `  ${report.count} records${report.runId === undefined ? '' : ` of run ${report.runId}`}`].join('\n')}\n`);
  return report.exitCode;
}

export const verifyCommandLine = { execute };
